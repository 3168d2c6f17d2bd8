//! What packages say of themselves: one version, keys that the registries ask for, files that exist.
//! That the packages work is judged by `tests/bin/packages.sh`.

use std::fs;
use std::path::{Path, PathBuf};

use mcp_bridge::tools::{self, AccessMode, Surface};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[expect(clippy::panic, reason = "part of the tests: panicking is how they fail")]
fn text(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[expect(clippy::panic, reason = "part of the tests: panicking is how they fail")]
fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[expect(clippy::panic, reason = "part of the tests: panicking is how they fail")]
fn string<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no string at {pointer}"))
}

/// The version of all packages of the workspace, and so of this one.
const VERSION: &str = env!("CARGO_PKG_VERSION");

const META: &str = "extension/packaging/META.json";
const SERVER: &str = "mcp-bridge/packaging/server.json";
const BUNDLE: &str = "mcp-bridge/packaging/manifest.json";

#[test]
fn every_version_is_that_of_the_workspace() {
    let meta = json(META);
    assert_eq!(string(&meta, "/version"), VERSION);
    assert_eq!(string(&meta, "/provides/mcp_advisor/version"), VERSION);
    let server = json(SERVER);
    assert_eq!(string(&server, "/version"), VERSION);
    for package in server["packages"].as_array().unwrap() {
        assert!(string(package, "/identifier").ends_with(&format!(":{VERSION}")), "{package}");
    }
    assert_eq!(string(&json(BUNDLE), "/version"), VERSION);
}

/// Three numbers, and perhaps a pre-release.
fn is_semantic(version: &str) -> bool {
    let (numbers, rest) = version.split_once('-').unwrap_or((version, "x"));
    let parts: Vec<_> = numbers.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok()) && !rest.is_empty()
}

#[test]
fn meta_json_has_what_version_1_0_0_of_pgxns_specification_asks_for() {
    let meta = json(META);
    for key in ["name", "abstract", "maintainer", "license"] {
        assert!(!string(&meta, &format!("/{key}")).is_empty(), "{key}");
    }
    assert!(is_semantic(string(&meta, "/version")));
    assert_eq!(string(&meta, "/meta-spec/version"), "1.0.0");
    let optional = [
        "description",
        "generated_by",
        "no_index",
        "prereqs",
        "release_status",
        "resources",
        "tags",
    ];
    let required =
        ["name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"];
    for key in meta.as_object().unwrap().keys() {
        let known = required.contains(&key.as_str()) || optional.contains(&key.as_str());
        assert!(
            known || key.to_lowercase().starts_with("x_"),
            "{key} is no key of the specification"
        );
    }
    assert!(["stable", "testing", "unstable"].contains(&string(&meta, "/release_status")));
    // A term: two characters or more, and none that would not do in a file name.
    for tag in meta["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()) {
        assert!((2..=255).contains(&tag.len()) && !tag.contains(['/', '\\']), "{tag}");
    }
    for extension in meta["provides"].as_object().unwrap().values() {
        assert!(is_semantic(string(extension, "/version")));
        for key in ["file", "docfile"] {
            let file = string(extension, &format!("/{key}"));
            assert!(repository().join(file).is_file(), "{file}");
        }
    }
    let phases = meta["prereqs"].as_object().unwrap();
    for (phase, relations) in phases {
        assert!(["configure", "runtime", "build", "test", "develop"].contains(&phase.as_str()));
        for (relation, of) in relations.as_object().unwrap() {
            assert!(
                ["requires", "recommends", "suggests", "conflicts"].contains(&relation.as_str())
            );
            for version in of.as_object().unwrap().values().map(|version| version.as_str().unwrap())
            {
                assert!(version == "0" || is_semantic(version), "{version}");
            }
        }
    }
}

#[test]
fn server_json_has_what_the_mcp_registry_asks_for() {
    let server = json(SERVER);
    let (namespace, name) = string(&server, "/name").split_once('/').unwrap();
    let plain = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    assert!(plain(namespace, ".-") && plain(name, "._-"));
    assert!((1..=100).contains(&string(&server, "/description").chars().count()));
    assert!(string(&server, "/title").chars().count() <= 100);
    // The registry takes an image for this server's by this label.
    let label = format!("LABEL io.modelcontextprotocol.server.name=\"{namespace}/{name}\"");
    assert!(text("mcp-bridge/packaging/Dockerfile").contains(&label));
    for package in server["packages"].as_array().unwrap() {
        assert_eq!(string(package, "/registryType"), "oci");
        assert_eq!(string(package, "/transport/type"), "stdio");
        for variable in package["environmentVariables"].as_array().unwrap() {
            assert!(!string(variable, "/name").is_empty());
        }
    }
}

#[test]
fn the_bundle_names_the_tools_that_there_are() {
    let surface = Surface { access: AccessMode::Restricted, databases: vec!["default".to_owned()] };
    let mut served: Vec<_> =
        tools::list(&surface).iter().map(|tool| tool.name.to_string()).collect();
    let bundle = json(BUNDLE);
    let mut named: Vec<_> = bundle["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| string(tool, "/name").to_owned())
        .collect();
    served.sort();
    named.sort();
    assert_eq!(named, served);
    // A connection URI has a password in it.
    assert_eq!(bundle.pointer("/user_config/database_uri/sensitive"), Some(&Value::Bool(true)));
}

/// The lines of a Dockerfile, those that go on put together.
fn instructions(path: &str) -> Vec<String> {
    let text = text(path).replace("\\\n", " ");
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn dockerfiles_copy_what_there_is() {
    for path in ["extension/packaging/Dockerfile", "mcp-bridge/packaging/Dockerfile"] {
        let mut stages = Vec::new();
        for line in instructions(path) {
            let words: Vec<_> = line.split_whitespace().collect();
            if let ["FROM", _, "AS", stage] = words[..] {
                stages.push(stage.to_owned());
            }
            let ["COPY", arguments @ ..] = &words[..] else { continue };
            let [sources @ .., _] = arguments else { panic!("{path}: {line}") };
            if let [first, ..] = sources
                && let Some(stage) = first.strip_prefix("--from=")
            {
                assert!(stages.iter().any(|known| known == stage), "{path}: {line}");
                continue;
            }
            for source in sources {
                assert!(repository().join(source).exists(), "{path}: {line}");
            }
        }
        assert!(stages.iter().any(|stage| stage == "build"), "{path}");
    }
}

#[test]
fn variables_in_packages_are_those_of_the_bridge() {
    let known = text("mcp-bridge/src/cli/mod.rs") + &text("mcp-bridge/src/main.rs");
    let files = [
        "extension/packaging/compose.yaml",
        "mcp-bridge/packaging/debian/mcp-bridge.default",
        "mcp-bridge/packaging/mcp-bridge.service",
        BUNDLE,
        SERVER,
    ];
    for path in files {
        let text = text(path);
        for (at, _) in text.match_indices("MCP_BRIDGE_") {
            let end = text[at..].find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap();
            let variable = &text[at..at + end];
            assert!(known.contains(&format!("\"{variable}\"")), "{path}: {variable}");
        }
    }
}

#[test]
fn the_unit_starts_the_bridge_with_flags_that_it_has() {
    let (unit, known) =
        (text("mcp-bridge/packaging/mcp-bridge.service"), text("mcp-bridge/src/cli/mod.rs"));
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let mut words = start.split_whitespace();
    // Without a folder, so that the unit fits the package and what was installed by hand.
    assert_eq!(words.next(), Some("mcp-bridge"));
    for word in words {
        let flag = word.strip_prefix("--").and_then(|word| word.split('=').next()).unwrap();
        assert!(known.contains(&format!("pub {}:", flag.replace('-', "_"))), "--{flag}");
    }
}
