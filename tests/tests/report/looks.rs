//! How the page looks: at two widths, in light and dark, and that it loads nothing.

use std::fs;
use std::path::{Path, PathBuf};

use advisor_tests::cluster::SUPERUSER;
use anyhow::{Context, Result, ensure};

use crate::Case;
use crate::browser::Browser;
use crate::fixture::{Fixture, STORE};

pub(crate) const CASES: &[Case] = &[
    ("page_looks_right_wide_and_light", wide_light),
    ("page_looks_right_wide_and_dark", wide_dark),
    ("page_looks_right_narrow_and_light", narrow_light),
    ("page_looks_right_narrow_and_dark", narrow_dark),
    ("page_is_complete_without_scripts", without_scripts),
    ("page_prints_what_is_closed", prints),
];

/// A way to look at the page, and the part of it that is taken as a picture.
struct View {
    name: &'static str,
    size: (u32, u32),
    scheme: &'static str,
    part: &'static str,
}

fn wide_light(fixture: &Fixture) -> Result<()> {
    let part = "header";
    look(fixture, &View { name: "report-light", size: (1280, 1000), scheme: "light", part })
}

fn wide_dark(fixture: &Fixture) -> Result<()> {
    let part = "#advice";
    look(fixture, &View { name: "report-dark", size: (1280, 1000), scheme: "dark", part })
}

fn narrow_light(fixture: &Fixture) -> Result<()> {
    let part = "header";
    look(fixture, &View { name: "report-narrow-light", size: (390, 1000), scheme: "light", part })
}

fn narrow_dark(fixture: &Fixture) -> Result<()> {
    let part = ".pair .plans";
    look(fixture, &View { name: "report-narrow-dark", size: (390, 1000), scheme: "dark", part })
}

/// The sections that a page must have.
pub(crate) const SECTIONS: [&str; 5] = ["first", "health", "queries", "advice", "plans"];

fn look(fixture: &Fixture, view: &View) -> Result<()> {
    let page = fixture.report(STORE, SUPERUSER, &[])?;
    let browser = Browser::start()?;
    browser.show(view.size.0, view.size.1, view.scheme)?;
    browser.open(&page)?;
    sound(&browser, &page)?;
    for part in [
        "#health .findings tbody tr",
        "#queries tbody tr",
        "#advice .indexes tbody tr",
        "#advice svg.pareto .point",
        "#plans .tree .node",
    ] {
        let count = browser.all(part)?.len();
        ensure!(count >= 2, "{count} of {part}");
    }
    picture(&browser, view)
}

/// What holds of every page: its sections are there, nothing was said on the console, nothing was
/// loaded, nothing sticks out, and every text can be read.
pub(crate) fn sound(browser: &Browser, page: &Path) -> Result<()> {
    for section in SECTIONS {
        let script = "const part = document.getElementById(arguments[0]);
            return part !== null && part.querySelector('h2').textContent.length > 3 && part.innerText.trim().length > 20";
        let shown = browser.run(script, &[section.into()])?;
        ensure!(shown == true, "no section {section}");
    }
    let overflow = browser.run(OVERFLOW, &[])?;
    ensure!(overflow.as_array().is_some_and(Vec::is_empty), "sticks out: {overflow}");
    let faint = browser.run(FAINT, &[])?;
    ensure!(faint.as_array().is_some_and(Vec::is_empty), "too faint: {faint}");
    let said = browser.console()?;
    ensure!(said.is_empty(), "the console says {said:?}");
    let own = format!("file://{}", page.display());
    let requests = browser.requests()?;
    ensure!(requests.contains(&own), "the page itself was not seen: {requests:?}");
    let others: Vec<&String> = requests
        .iter()
        .filter(|address| **address != own && !address.starts_with("data:image/"))
        .collect();
    ensure!(others.is_empty(), "asked for {others:?}");
    Ok(())
}

/// The page is no wider than the window; what is, if it is not.
const OVERFLOW: &str = "
    const root = document.documentElement;
    if (root.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth) return [];
    return Array.from(document.querySelectorAll('body *'))
        .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
        .map((node) => `${node.tagName}.${node.className}: ${node.getBoundingClientRect().right}`)
        .slice(0, 5).concat(`${root.scrollWidth} > ${innerWidth}`)";

/// Texts with less contrast to what is behind them than WCAG AA asks: 4.5, or 3 when they are large.
const FAINT: &str = "
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return Array.from(canvas.getImageData(0, 0, 1, 1).data);
    };
    const light = (color) => {
        const [r, g, b] = rgba(color).map((part) => {
            const value = part / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (node) => {
        for (let at = node; at !== null; at = at.parentElement) {
            const color = getComputedStyle(at).backgroundColor;
            if (rgba(color)[3] > 0) return color;
        }
        return 'white';
    };
    const seen = new Map();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const node = texts.currentNode.parentElement;
        if (texts.currentNode.data.trim() === '' || !node.checkVisibility() || ['SCRIPT', 'TITLE', 'DESC'].includes(node.tagName.toUpperCase())) continue;
        const style = getComputedStyle(node);
        const color = node instanceof SVGElement ? style.fill : style.color;
        const pair = [light(color), light(ground(node))].sort((a, b) => b - a);
        const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        if (ratio < (large ? 3 : 4.5)) seen.set(`${node.tagName}.${node.className.baseVal ?? node.className} ${color} on ${ground(node)}`, ratio);
    }
    return Array.from(seen, ([what, ratio]) => `${what}: ${ratio.toFixed(2)}`)";

/// Takes the picture into the folder of what is built, or with `ADVISOR_UPDATE_SCREENSHOTS` to where
/// the README shows it.
fn picture(browser: &Browser, view: &View) -> Result<()> {
    let script = "document.querySelector(arguments[0]).scrollIntoView({behavior: 'instant'});
        if (arguments[0] === 'header') scrollTo({top: 0, behavior: 'instant'})";
    browser.run(script, &[view.part.into()])?;
    let picture = browser.picture()?;
    ensure!(picture.len() < 300_000, "{} has {} bytes", view.name, picture.len());
    let width: [u8; 4] =
        picture.get(16..20).and_then(|bytes| bytes.try_into().ok()).context("no PNG")?;
    ensure!(u32::from_be_bytes(width) == view.size.0, "the picture is not as wide as the window");
    let path = folder()?.join(format!("{}.png", view.name));
    fs::write(&path, picture).with_context(|| format!("write {}", path.display()))
}

fn folder() -> Result<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = if std::env::var_os("ADVISOR_UPDATE_SCREENSHOTS").is_some() {
        repository.join("mcp-bridge/docs")
    } else {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        target.unwrap_or_else(|| repository.join("target")).join("screenshots")
    };
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn without_scripts(fixture: &Fixture) -> Result<()> {
    let page = fixture.store()?;
    let browser = Browser::start()?;
    browser.cdp("Emulation.setScriptExecutionDisabled", &serde_json::json!({"value": true}))?;
    browser.show(1280, 1000, "light")?;
    browser.open(&page)?;
    sound(&browser, &page)?;
    let script = "const shown = (selector) => Array.from(document.querySelectorAll(selector)).filter((node) => node.checkVisibility()).length;
        return [document.documentElement.className, shown('.copy, .all, .sort'), shown('.tree .node') > 4, shown('.sql pre') > 4]";
    let found = browser.run(script, &[])?;
    ensure!(found == serde_json::json!(["", 0, true, true]), "without scripts: {found}");
    Ok(())
}

fn prints(fixture: &Fixture) -> Result<()> {
    let page = fixture.store()?;
    let browser = Browser::start()?;
    browser.show(1280, 1000, "light")?;
    browser.open(&page)?;
    let closed = "return document.querySelectorAll('details:not([open])').length";
    let before = browser.run(closed, &[])?;
    ensure!(before.as_i64() > Some(5), "{before} are closed");
    browser.run("dispatchEvent(new Event('beforeprint'))", &[])?;
    ensure!(browser.run(closed, &[])? == 0, "some stay closed on paper");
    let printed = browser.cdp("Page.printToPDF", &serde_json::json!({}))?;
    ensure!(printed["data"].as_str().map_or(0, str::len) > 20_000, "nothing was printed");
    browser.run("dispatchEvent(new Event('afterprint'))", &[])?;
    ensure!(browser.run(closed, &[])? == before, "not as it was before");
    Ok(())
}
