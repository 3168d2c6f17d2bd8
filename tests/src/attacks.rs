//! The attacks in `tests/guard/attacks`; its README says the format.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use crate::guard_corpus;

/// The file with the setup that all classes have in common.
const COMMON: &str = "common.sql";

/// A class of attacks.
#[derive(Debug, Clone, Default)]
pub struct Class {
    /// The name of its file without `.sql`.
    pub file: String,
    /// What the attacks have in common.
    pub name: String,
    /// SQL that is run once before its attacks.
    pub setup: String,
    /// The attacks.
    pub attacks: Vec<Attack>,
}

/// An attack.
#[derive(Debug, Clone, Default)]
pub struct Attack {
    /// What it tries; unique in its class.
    pub name: String,
    /// SQL that is run before it.
    pub setup: Option<String>,
    /// What another session does meanwhile, in a transaction that it rolls back afterwards.
    pub meanwhile: Option<String>,
    /// The statement.
    pub sql: String,
    /// The tool, and arguments besides the statement.
    pub call: Option<(String, Map<String, Value>)>,
    /// What has the same effect in a session without a guard, when it is not the statement itself.
    pub control: Option<String>,
    /// A query of a second session that must give true afterwards.
    pub holds: Option<String>,
    /// A query that the next call sends and that must give true.
    pub next: Option<String>,
    /// What the answer must not contain, besides the canaries.
    pub secret: Option<String>,
    /// Whether it wants time, memory or disk.
    pub resource: bool,
    /// Why no session without a guard can show the effect: it is aimed at the bridge.
    pub at_bridge: Option<String>,
    /// The last major version that has what it uses.
    pub until: Option<u32>,
}

/// All classes, and the setup that they have in common, with the attacks that a server of this major
/// version knows. With the environment variable `ATTACKS`, only the class of that file.
///
/// # Errors
/// When a file cannot be read, or is not in the format.
pub fn read(major: u32) -> Result<(String, Vec<Class>)> {
    let only = std::env::var("ATTACKS").ok();
    let mut common = String::new();
    let mut classes = Vec::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name == COMMON {
            common = fs::read_to_string(&path)?;
        } else if let Some(file) = name.strip_suffix(".sql")
            && only.as_ref().is_none_or(|only| only == file)
        {
            let mut class = class(file, &fs::read_to_string(&path)?)
                .with_context(|| format!("attacks/{name}"))?;
            class.attacks.retain(|attack| attack.until.is_none_or(|last| major <= last));
            classes.push(class);
        }
    }
    ensure!(!common.is_empty(), "no {COMMON}");
    classes.sort_by(|a, b| a.file.cmp(&b.file));
    Ok((common, classes))
}

fn folder() -> PathBuf {
    guard_corpus::folder().join("attacks")
}

fn class(file: &str, text: &str) -> Result<Class> {
    let mut class = Class { file: file.to_owned(), ..Class::default() };
    let mut blocks = blocks(text).into_iter().peekable();
    while let Some((word, line, body)) = blocks.next() {
        match word {
            "class" => class.name = line.to_owned(),
            "setup" => class.setup = body,
            "attack" => {
                let mut attack = Attack { name: line.to_owned(), sql: body, ..Attack::default() };
                while let Some((word, line, body)) = blocks.next_if(|(word, ..)| *word != "attack")
                {
                    set(&mut attack, word, line, body)
                        .with_context(|| format!("attack {}", attack.name))?;
                }
                ensure!(!attack.name.is_empty(), "an attack without a name");
                class.attacks.push(attack);
            }
            other => bail!("{other:?} before the first attack"),
        }
    }
    let mut names: Vec<_> = class.attacks.iter().map(|attack| &attack.name).collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("two attacks are named {:?}", twice[0]);
    }
    ensure!(!class.name.is_empty() && !class.attacks.is_empty(), "no class or no attack");
    Ok(class)
}

fn set(attack: &mut Attack, word: &str, line: &str, body: String) -> Result<()> {
    let text = if line.is_empty() { body } else { format!("{line}\n{body}").trim().to_owned() };
    match word {
        "setup" => attack.setup = Some(text),
        "meanwhile" => attack.meanwhile = Some(text),
        "sql" => attack.sql = text,
        "control" => attack.control = Some(text),
        "holds" => attack.holds = Some(text),
        "next" => attack.next = Some(text),
        "secret" => attack.secret = Some(text),
        "resource" => attack.resource = true,
        "at bridge" => attack.at_bridge = Some(text),
        "until" => attack.until = Some(text.parse().context("until")?),
        "call" => {
            let (tool, arguments) = text.split_once(char::is_whitespace).unwrap_or((&text, "{}"));
            let arguments = serde_json::from_str(arguments).context("arguments")?;
            attack.call = Some((tool.to_owned(), arguments));
        }
        other => bail!("{other:?} is no part of an attack"),
    }
    Ok(())
}

/// The word, the rest of the line, and the lines below it, of each `--- word: …`. A line `--- …`
/// without a colon is a remark.
fn blocks(text: &str) -> Vec<(&str, &str, String)> {
    let mut blocks: Vec<(&str, &str, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("--- ") {
            Some(head) => {
                if let Some((word, rest)) = head.split_once(':') {
                    blocks.push((word, rest.trim(), String::new()));
                }
            }
            None => {
                if let Some((_, _, body)) = blocks.last_mut() {
                    body.push_str(line);
                    body.push('\n');
                }
            }
        }
    }
    for (_, _, body) in &mut blocks {
        // The statement's own spaces stay; only the lines around it go.
        *body = body.trim_matches('\n').to_owned();
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read() {
        let text = "--- class: some\n--- a remark\n--- setup:\ncreate table t ();\n\n\
            --- attack: one\nselect 1\n\n--- attack: two\n--- setup: a\n--- call: explain_query \
            {\"analyze\": true}\n--- sql:\nselect 2\n\nfrom t\n--- holds: select true\n\
            --- resource:\n";
        let class = class("f", text).unwrap();
        assert_eq!((class.name.as_str(), class.setup.as_str()), ("some", "create table t ();"));
        let [one, two] = &class.attacks[..] else { panic!("{class:?}") };
        assert_eq!((one.name.as_str(), one.sql.as_str()), ("one", "select 1"));
        assert_eq!(two.sql, "select 2\n\nfrom t");
        assert_eq!(two.setup.as_deref(), Some("a"));
        assert_eq!(two.call.as_ref().unwrap().0, "explain_query");
        assert_eq!(two.holds.as_deref(), Some("select true"));
        assert!(two.resource && !one.resource);
    }

    #[test]
    fn what_is_not_in_the_format_is_an_error() {
        for text in [
            "--- class: x\n",
            "--- attack: a\nselect 1\n",
            "--- class: x\n--- attack: a\n--- hold: b\n",
            "--- class: x\n--- attack: a\n--- attack: a\n",
            "--- class: x\n--- attack: a\n--- call: t nonsense\n",
        ] {
            assert!(class("f", text).is_err(), "{text}");
        }
    }
}
