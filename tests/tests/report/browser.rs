//! Headless Chromium through ChromeDriver: the WebDriver protocol as far as the cases need it.
//!
//! Everything that both write goes into a folder of our own, which goes with the value.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use advisor_tests::bridge::{http, signal};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// No sandbox, because it needs rights that root in a container lacks: the pages are our own. The
/// others keep the browser from asking its maker's servers for anything.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// The key by which an element is referred to in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What the page's own texts would call if they were run: it notes each call.
const PROBE: &str = "window.probed = []; window.probe = (name) => { window.probed.push(name); };";

/// A browser with one page; gone when dropped.
pub(crate) struct Browser {
    driver: Driver,
    session: String,
    process: Option<u32>,
}

/// ChromeDriver and its folder.
struct Driver {
    process: Child,
    address: String,
    folder: PathBuf,
}

impl Browser {
    /// Starts a browser with an empty profile.
    pub(crate) fn start() -> Result<Self> {
        let driver = Driver::start()?;
        let profile = driver.folder.join("profile").display().to_string();
        let flags: Vec<String> = FLAGS
            .iter()
            .map(ToString::to_string)
            .chain([format!("--user-data-dir={profile}")])
            .collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": find("chromium")?, "args": flags},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let answer = driver.send("POST", "/session", &wanted)?;
        let session = answer["sessionId"].as_str().context("no session")?.to_owned();
        let process = answer["capabilities"]["goog:processID"].as_u64();
        let process = process.and_then(|id| u32::try_from(id).ok());
        let browser = Self { driver, session, process };
        browser.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({"source": PROBE}))?;
        Ok(browser)
    }

    fn send(&self, path: &str, body: &Value) -> Result<Value> {
        self.driver.send("POST", &format!("/session/{}{path}", self.session), body)
    }

    /// A command of the DevTools protocol.
    pub(crate) fn cdp(&self, command: &str, params: &Value) -> Result<Value> {
        self.send("/goog/cdp/execute", &json!({"cmd": command, "params": params}))
    }

    /// Opens a file.
    pub(crate) fn open(&self, path: &Path) -> Result<()> {
        self.send("/url", &json!({"url": format!("file://{}", path.display())})).map(drop)
    }

    /// The size of the window, and which colours the user prefers.
    pub(crate) fn show(&self, width: u32, height: u32, scheme: &str) -> Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.cdp("Emulation.setDeviceMetricsOverride", &size)?;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.cdp("Emulation.setEmulatedMedia", &features).map(drop)
    }

    /// What a function body returns in the page.
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.send("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Clicks on the first element of a selector as a person would, scrolling to it.
    pub(crate) fn click(&self, selector: &str) -> Result<()> {
        let found = self.send("/element", &json!({"using": "css selector", "value": selector}))?;
        self.click_on(&found).with_context(|| format!("click on {selector}"))
    }

    /// The elements of a selector.
    pub(crate) fn all(&self, selector: &str) -> Result<Vec<Value>> {
        let found = self.send("/elements", &json!({"using": "css selector", "value": selector}))?;
        Ok(found.as_array().cloned().unwrap_or_default())
    }

    /// Clicks on an element that was found.
    pub(crate) fn click_on(&self, element: &Value) -> Result<()> {
        // Below the bar that stays at the top.
        self.run(
            "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})",
            std::slice::from_ref(element),
        )?;
        let id = element[ELEMENT].as_str().context("no element")?;
        self.send(&format!("/element/{id}/click"), &json!({})).map(drop)
    }

    /// Presses and releases keys one after the other, the first ones held down.
    pub(crate) fn press(&self, held: &[char], key: char) -> Result<()> {
        let action = |kind: &str, key: &char| json!({"type": kind, "value": key.to_string()});
        let mut actions: Vec<Value> = held.iter().map(|key| action("keyDown", key)).collect();
        actions.extend([action("keyDown", &key), action("keyUp", &key)]);
        actions.extend(held.iter().rev().map(|key| action("keyUp", key)));
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.send("/actions", &json!({"actions": [keyboard]})).map(drop)
    }

    /// What the console has said since it was last asked.
    pub(crate) fn console(&self) -> Result<Vec<String>> {
        let entries = self.send("/se/log", &json!({"type": "browser"}))?;
        let said = |entry: &Value| format!("{}: {}", entry["level"], entry["message"]);
        Ok(entries.as_array().into_iter().flatten().map(said).collect())
    }

    /// The addresses of everything that pages from files asked for since it was last asked. What the
    /// browser does for itself is not theirs, such as its own first page.
    pub(crate) fn requests(&self) -> Result<Vec<String>> {
        let entries = self.send("/se/log", &json!({"type": "performance"}))?;
        let mut addresses = Vec::new();
        for entry in entries.as_array().into_iter().flatten() {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap_or("null"))?;
            let event = &event["message"];
            let page = event["params"]["documentURL"].as_str().unwrap_or_default();
            if event["method"] == "Network.requestWillBeSent" && page.starts_with("file:") {
                let address = event["params"]["request"]["url"].as_str().unwrap_or_default();
                addresses.push(address.to_owned());
            }
        }
        Ok(addresses)
    }

    /// A picture of what the window shows, as PNG.
    pub(crate) fn picture(&self) -> Result<Vec<u8>> {
        let taken = self.cdp("Page.captureScreenshot", &json!({"format": "png"}))?;
        Ok(STANDARD.decode(taken["data"].as_str().context("no picture")?)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, the driver after it.
        let end = self.driver.send("DELETE", &format!("/session/{}", self.session), &json!({}));
        if let (Err(_), Some(process)) = (end, self.process) {
            // Gone in the meantime is as good.
            let _ = signal(process, "KILL");
        }
    }
}

impl Driver {
    fn start() -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir()
            .join(format!("mcp-bridge-browser-{}-{number}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
        let mut process = Command::new(find("chromedriver")?)
            .arg("--port=0")
            .envs(
                ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(|name| (name, &folder)),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start chromedriver")?;
        let output = process.stdout.take().context("no standard output")?;
        let mut driver = Self { process, address: String::new(), folder };
        driver.address = address(BufReader::new(output))?;
        Ok(driver)
    }

    /// Sends a command and gives the value of the answer.
    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let headers = [("Content-Type", "application/json")];
        let body = body.to_string();
        let answer = http::request(&self.address, method, path, &headers, body.as_bytes())?;
        let mut value: Value = serde_json::from_str(&answer.body)
            .with_context(|| format!("{method} {path}: {}", answer.body))?;
        let value = value["value"].take();
        ensure!(answer.status == 200, "{method} {path}: {} {value}", answer.status);
        Ok(value)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may be gone already; and it is ours alone, as the folder is.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where the driver says that it listens. The rest of what it says is read and dropped, so that it
/// never waits for a reader.
fn address(mut output: impl BufRead + Send + 'static) -> Result<String> {
    let mut said = String::new();
    loop {
        let from = said.len();
        if output.read_line(&mut said)? == 0 {
            bail!("chromedriver ended:\n{said}");
        }
        let port = said[from..].trim_end().trim_end_matches('.').rsplit_once("on port ");
        if let Some((_, port)) = port.filter(|_| said[from..].contains("successfully")) {
            let address = format!("127.0.0.1:{port}");
            std::thread::spawn(move || {
                let mut rest = String::new();
                while output.read_line(&mut rest).is_ok_and(|bytes| bytes > 0) {
                    rest.clear();
                }
            });
            return Ok(address);
        }
    }
}

/// A program on the path.
fn find(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found
        .into_iter()
        .find(|program| program.is_file())
        .with_context(|| format!("no {name}: tests/bin/setup.sh installs it"))
}
