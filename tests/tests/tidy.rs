//! Invariants of the repository that no compiler checks. Each names what to do when it fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file longer than this holds more than one idea.
const LONGEST_FILE: usize = 500;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The output of a command that must succeed in the repository.
#[expect(clippy::unwrap_used, reason = "part of the tests: panicking is how they fail")]
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(repository()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Path and text of the files that are or will be under version control, links and binaries left
/// out.
fn files() -> Vec<(String, String)> {
    output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])
        .lines()
        .filter(|path| repository().join(path).symlink_metadata().is_ok_and(|m| m.is_file()))
        .filter_map(|path| {
            Some((path.to_owned(), fs::read_to_string(repository().join(path)).ok()?))
        })
        .collect()
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().is_some_and(|found| extensions.iter().any(|e| found == *e))
}

/// Fails with one line for each offence.
fn assert_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n{}", offences.join("\n"));
}

fn dependencies(package: &str) -> Vec<String> {
    output("cargo", &["tree", "--package", package, "--edges", "normal,build", "--prefix", "none"])
        .lines()
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect()
}

#[test]
fn unsafe_code_stays_in_sys() {
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "allow(unsafe_code"];
    let offences: Vec<String> = files()
        .into_iter()
        .filter(|(path, _)| has_extension(path, &["rs"]))
        .filter(|(path, _)| !path.starts_with("extension/src/sys/") && !path.ends_with("tidy.rs"))
        .filter(|(_, text)| words.iter().any(|word| text.contains(word)))
        .map(|(path, _)| path)
        .collect();
    assert_none("unsafe code belongs in extension/src/sys", &offences);
}

#[test]
fn pg_sys_stays_in_sys() {
    // Plain Rust types and constants that happen to live there; calls are unsafe, see above.
    let harmless =
        |item: &str| ["panic", "PgSqlErrorCode", "Oid"].contains(&item) || item.ends_with("OID");
    let mut offences = Vec::new();
    for (path, text) in files() {
        if path.starts_with("extension/src/sys/") || !path.starts_with("extension/src/") {
            continue;
        }
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let items = line.split("pg_sys::").skip(1);
            let mut names =
                items.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
            if names.any(|name| !harmless(name)) {
                offences.push(format!("{path}: {}", line.trim()));
            }
        }
    }
    assert_none("the server's own types belong in extension/src/sys", &offences);
}

#[test]
fn files_are_short() {
    let offences: Vec<String> = files()
        .into_iter()
        .filter(|(path, _)| has_extension(path, &["rs", "sql", "sh", "py"]))
        // What was released stays as it was.
        .filter(|(path, _)| !path.starts_with("tests/released/"))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines >= LONGEST_FILE)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert_none("split these files", &offences);
}

#[test]
fn no_path_of_one_machine() {
    // Put together here, so that this file does not offend itself.
    let own = fs::canonicalize(repository()).unwrap();
    let needles = [format!("{}/", own.display()), ["/ro", "ot/"].concat(), ["/ho", "me/"].concat()];
    let offences: Vec<String> = files()
        .into_iter()
        .filter(|(_, text)| needles.iter().any(|needle| text.contains(needle)))
        .map(|(path, _)| path)
        .collect();
    assert_none("these files name a folder that other machines do not have", &offences);
}

#[test]
fn core_depends_on_no_server_and_no_runtime() {
    let banned = |name: &str| {
        name.starts_with("pgrx")
            || name.contains("postgres")
            || ["tokio", "pg_query"].contains(&name)
    };
    let offences: Vec<String> =
        dependencies("advisor-core").into_iter().filter(|name| banned(name)).collect();
    assert_none("advisor-core must not depend on these", &offences);
}

#[test]
fn extension_is_free_of_pg_query() {
    let offences: Vec<String> =
        dependencies("mcp_advisor").into_iter().filter(|name| name == "pg_query").collect();
    assert_none("pg_query brings its own copy of the server's symbols", &offences);
}

#[test]
fn core_forbids_unsafe_code() {
    let text = fs::read_to_string(repository().join("extension/core/src/lib.rs")).unwrap();
    assert!(text.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn documented_make_targets_exist() {
    let makefile = fs::read_to_string(repository().join("Makefile")).unwrap();
    let exists = |target: &str| makefile.lines().any(|l| l.starts_with(&format!("{target}:")));
    let mut offences = Vec::new();
    for (path, text) in files().into_iter().filter(|(path, _)| has_extension(path, &["md"])) {
        for (at, _) in text.match_indices("make ") {
            // Only what is set as code: prose says "make sure".
            let quoted = text[..at].ends_with(['`', '\n']) || text[..at].ends_with("$ ");
            let target = text[at + 5..].split(|c: char| !c.is_ascii_lowercase()).next();
            if let Some(target) = target.filter(|t| quoted && !t.is_empty() && !exists(t)) {
                offences.push(format!("{path}: make {target}"));
            }
        }
    }
    assert_none("the documentation names targets that the Makefile lacks", &offences);
}

#[test]
fn scripts_are_executable_and_strict() {
    use std::os::unix::fs::PermissionsExt;
    for (path, text) in files() {
        if text.starts_with("#!") {
            let mode = fs::metadata(repository().join(&path)).unwrap().permissions().mode();
            assert!(mode & 0o111 != 0, "{path} is not executable");
        }
        if has_extension(&path, &["sh"]) {
            assert!(text.contains("set -euo pipefail") || text.contains("env.sh"), "{path}");
        }
    }
}
