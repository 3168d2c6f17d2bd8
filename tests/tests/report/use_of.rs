//! What a person does with the page: sorting, copying, opening by keyboard. And what no text of the
//! database may do.

use std::time::Duration;

use advisor_tests::bridge::wait_until;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::browser::Browser;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("page_sorts_by_every_head", sorts),
    ("page_sorts_on_a_narrow_screen", sorts_narrow),
    ("page_copies_statements", copies),
    ("page_copies_by_selection_where_there_is_no_clipboard", copies_without_clipboard),
    ("page_opens_and_closes_plans_by_keyboard", keyboard),
    ("page_shows_hostile_names_and_runs_nothing", hostile),
    ("page_policy_stops_what_would_be_put_in", policy),
];

const ENTER: char = '\u{e007}';
const TAB: char = '\u{e004}';
const CONTROL: char = '\u{e009}';

/// Long enough for what the page does at once.
const SOON: Duration = Duration::from_secs(10);

fn open(fixture: &Fixture, width: u32) -> Result<Browser> {
    let page = fixture.store()?;
    let browser = Browser::start()?;
    browser.show(width, 1000, "light")?;
    browser.open(&page)?;
    Ok(browser)
}

/// The keys of one column of a table from top to bottom, as the reader sees them, and how the head
/// says that they are sorted.
const COLUMN: &str = "
    const table = document.querySelectorAll('table')[arguments[0]];
    const head = table.tHead.rows[0].cells[arguments[1]];
    return {
        name: head.textContent,
        order: head.firstElementChild.dataset.order,
        sorted: head.getAttribute('aria-sort'),
        marked: table.querySelectorAll('th[aria-sort]').length,
        keys: Array.from(table.tBodies[0].rows, (row) => row.cells[arguments[1]].dataset.key ?? null),
        texts: Array.from(table.tBodies[0].rows, (row) => row.cells[arguments[1]].textContent.trim()),
        rows: Array.from(table.tBodies[0].rows, (row) => row.textContent),
    }";

/// Whether the column is sorted as its head says; what is not known stands last.
fn is_sorted(column: &Value) -> Result<bool> {
    let descending = column["sorted"] == "descending";
    let list = |name: &str| column[name].as_array().cloned().unwrap_or_default();
    if column["order"] == "text" {
        // By the rules of the language, which the page's own engine has: here only the ends.
        let texts = list("keys").into_iter().zip(list("texts")).map(|(key, text)| {
            let text = key.as_str().or(text.as_str()).unwrap_or_default();
            text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
        });
        let texts: Vec<String> = texts.collect();
        let (first, last) = (texts.first().context("empty")?, texts.last().context("empty")?);
        return Ok(if descending { first >= last } else { first <= last });
    }
    let keys = list("keys");
    let known: Vec<f64> = keys.iter().filter_map(|key| key.as_str()?.parse().ok()).collect();
    let are_last = keys.iter().skip(known.len()).all(Value::is_null);
    let in_order = known
        .windows(2)
        .all(|pair| if descending { pair[0] >= pair[1] } else { pair[0] <= pair[1] });
    Ok(are_last && in_order)
}

/// Whether a column has rows that differ in what they are sorted by.
fn is_varied(column: &Value) -> bool {
    let from = if column["order"] == "text" { "texts" } else { "keys" };
    let values = column[from].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut known = values.iter().filter(|value| !value.is_null());
    let first = known.next();
    known.any(|value| Some(value) != first)
}

fn sorts(fixture: &Fixture) -> Result<()> {
    let browser = open(fixture, 1280)?;
    // The front's table is closed at first.
    browser
        .run("for (const node of document.querySelectorAll('.checks')) node.open = true", &[])?;
    let tables = browser.all("table")?.len();
    ensure!(tables >= 4, "{tables} tables");
    for table in 0..tables {
        let script =
            "return document.querySelectorAll('table')[arguments[0]].tHead.rows[0].cells.length";
        let columns = browser.run(script, &[json!(table)])?.as_u64().context("columns")?;
        for column in 0..columns {
            let at = [json!(table), json!(column)];
            let before = browser.run(COLUMN, &at)?;
            let script = "return document.querySelectorAll('table')[arguments[0]].tHead.rows[0].cells[arguments[1]].firstElementChild";
            let button = browser.run(script, &at)?;
            let mut seen = Vec::new();
            for _ in 0..2 {
                browser.click_on(&button)?;
                let now = browser.run(COLUMN, &at)?;
                ensure!(now["marked"] == 1 && !now["sorted"].is_null(), "no mark: {now}");
                ensure!(is_sorted(&now)?, "not sorted: {now}");
                seen.push(now);
            }
            ensure!(seen[0]["sorted"] != seen[1]["sorted"], "no turning round: {before}");
            if is_varied(&before) {
                ensure!(seen[0]["rows"] != seen[1]["rows"], "nothing moves: {before}");
            }
            let same = |rows: &Value| {
                let mut rows: Vec<String> =
                    rows.as_array().into_iter().flatten().map(Value::to_string).collect();
                rows.sort();
                rows
            };
            ensure!(same(&before["rows"]) == same(&seen[1]["rows"]), "rows were lost");
        }
    }
    let said = browser.run("return document.querySelector('.status').textContent", &[])?;
    ensure!(said.as_str().is_some_and(|said| said.starts_with("Sorted by ")), "not told: {said}");
    Ok(())
}

fn sorts_narrow(fixture: &Fixture) -> Result<()> {
    let browser = open(fixture, 390)?;
    let script = "const list = document.querySelector('#queries .sort select');
        if (!list.checkVisibility()) return 'hidden';
        const wanted = Array.from(list.options).find((option) => option.textContent === 'Calls ↓');
        list.value = wanted.value;
        list.dispatchEvent(new Event('change'));
        return Array.from(document.querySelectorAll('#queries tbody tr'), (row) => Number(row.querySelector('[data-label=Calls]').dataset.key))";
    let calls = browser.run(script, &[])?;
    let calls: Vec<f64> =
        serde_json::from_value(calls.clone()).with_context(|| calls.to_string())?;
    ensure!(calls.len() > 3 && calls.windows(2).all(|pair| pair[0] >= pair[1]), "{calls:?}");
    Ok(())
}

fn copies(fixture: &Fixture) -> Result<()> {
    let browser = open(fixture, 1280)?;
    let wanted = browser
        .run("return document.querySelector('#advice .indexes .sql code').textContent", &[])?;
    ensure!(wanted.as_str().is_some_and(|sql| sql.starts_with("CREATE INDEX")), "{wanted}");
    browser.click("#advice .indexes .copy")?;
    let button = "return document.querySelector('#advice .indexes .copy').textContent";
    wait_until("the button says so", SOON, || Ok(browser.run(button, &[])? == "Copied"))?;
    ensure!(pasted(&browser)? == wanted, "not what was copied");
    wait_until("the button is as before", SOON, || Ok(browser.run(button, &[])? == "Copy"))?;
    Ok(())
}

/// What the clipboard holds, by pasting it as a person does.
fn pasted(browser: &Browser) -> Result<Value> {
    let script = "const area = document.createElement('textarea'); area.id = 'pasted'; document.body.append(area); area.focus()";
    browser.run(script, &[])?;
    browser.press(&[CONTROL], 'v')?;
    browser.run("const area = document.getElementById('pasted'); const text = area.value; area.remove(); return text", &[])
}

fn copies_without_clipboard(fixture: &Fixture) -> Result<()> {
    let browser = open(fixture, 1280)?;
    browser.run(
        "navigator.clipboard.writeText = () => Promise.reject(new Error('no')); document.execCommand = () => false",
        &[],
    )?;
    browser.click("#advice .indexes .copy")?;
    let button = "return document.querySelector('#advice .indexes .copy').textContent";
    wait_until("the button says how", SOON, || Ok(browser.run(button, &[])? == "Press Ctrl+C"))?;
    let selected = browser.run(
        "return getSelection().toString() === document.querySelector('#advice .indexes .sql code').textContent",
        &[],
    )?;
    ensure!(selected == true, "the text is not selected");
    ensure!(browser.console()?.is_empty(), "{:?}", browser.console()?);
    Ok(())
}

fn keyboard(fixture: &Fixture) -> Result<()> {
    let browser = open(fixture, 1280)?;
    let focus = "const node = document.querySelector('.tree details > summary'); node.focus(); return document.activeElement === node";
    ensure!(browser.run(focus, &[])? == true, "the node takes no focus");
    let open = "return document.querySelector('.tree details').open";
    for is_open in [false, true] {
        browser.press(&[], ENTER)?;
        ensure!(browser.run(open, &[])? == is_open, "after the key it should be {is_open}");
    }
    browser.press(&[], ENTER)?;
    browser.press(&[], ' ')?;
    ensure!(browser.run(open, &[])? == true, "the space bar opens, too");
    browser.press(&[], TAB)?;
    let next = browser.run(
        "const node = document.activeElement; return [node.tagName, node.closest('.tree') !== null, getComputedStyle(node).outlineStyle]",
        &[],
    )?;
    ensure!(next == json!(["SUMMARY", true, "solid"]), "the next node has the focus: {next}");
    let count = "return document.querySelectorAll('.tree details[open]').length";
    browser.click("button.all[data-open=false]")?;
    ensure!(browser.run(count, &[])? == 0, "some are open");
    browser.click("button.all[data-open=true]")?;
    ensure!(browser.run(count, &[])?.as_i64() > Some(3), "all are open again");
    Ok(())
}

fn hostile(fixture: &Fixture) -> Result<()> {
    let browser = open(fixture, 1280)?;
    for text in [
        "</script><script>probe('schema')</script>",
        "<img src=x onerror=probe('table')>",
        "<b onclick=probe('index')>",
        "javascript:probe('copy')",
        "<img src=x onerror=probe('alias')>",
        "</script><script>probe('statement')</script>",
        "\"\"\" onmouseover=\"\"probe('column')\"",
    ] {
        let script = "return document.body.textContent.includes(arguments[0])";
        ensure!(browser.run(script, &[text.into()])? == true, "not shown: {text}");
    }
    let foreign = "return Array.from(document.querySelectorAll('script:not(:last-of-type), img, iframe, base, object, embed, form, b, [style]'), (node) => node.outerHTML)
        .concat(Array.from(document.querySelectorAll('*')).flatMap((node) => Array.from(node.attributes)).filter((at) => at.name.startsWith('on')).map((at) => at.name))
        .concat(Array.from(document.querySelectorAll('[href]'), (node) => node.getAttribute('href')).filter((to) => !to.startsWith('#') && !to.startsWith('data:image/svg')))";
    let found = browser.run(foreign, &[])?;
    ensure!(found == json!([]), "markup of the database's: {found}");
    ensure!(browser.run("return document.scripts.length", &[])? == 1, "more than one script");
    // Whatever can be touched is.
    browser.run("for (const node of document.querySelectorAll('summary, button')) { node.dispatchEvent(new MouseEvent('mouseover')); node.click(); }", &[])?;
    browser.run("for (const node of document.querySelectorAll('code')) { node.dispatchEvent(new MouseEvent('mouseover', {bubbles: true})); node.click(); }", &[])?;
    ensure!(browser.run("return window.probed", &[])? == json!([]), "something ran");
    ensure!(browser.console()?.is_empty(), "{:?}", browser.console()?);
    Ok(())
}

fn policy(fixture: &Fixture) -> Result<()> {
    let browser = open(fixture, 1280)?;
    // The probe works when it is called; what is put into the page cannot call it.
    browser.run("window.probe('called')", &[])?;
    browser.run(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:image/png;base64,x\" onerror=\"probe(1)\"><a href=\"javascript:probe(2)\" id=evil>x</a>');
         const script = document.createElement('script'); script.textContent = 'probe(3)'; document.body.append(script);
         document.getElementById('evil').click();
         const style = document.createElement('style'); style.textContent = 'body { color: red }'; document.body.append(style);",
        &[],
    )?;
    let mut said = Vec::new();
    wait_until("the policy is told of", SOON, || {
        said.extend(browser.console()?);
        Ok(said.iter().filter(|line| line.contains("Content Security Policy")).count() >= 4)
    })?;
    ensure!(browser.run("return window.probed", &[])? == json!(["called"]), "something ran");
    let color = browser.run("return getComputedStyle(document.body).color", &[])?;
    ensure!(color != "rgb(255, 0, 0)", "a foreign style was taken");
    Ok(())
}
