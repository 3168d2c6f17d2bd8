//! The statements in `tests/guard`: each refused one is refused for its reason, each allowed one
//! passes.
//!
//! A file is paragraphs of SQL. Lines that begin with `--- ` are about the file; a first line of a
//! paragraph that begins with `-- ` is a heading for it and those that follow.

use std::fs;
use std::path::Path;

use super::*;

/// A statement of the corpus.
pub(super) struct Case {
    pub(super) file: String,
    pub(super) heading: String,
    pub(super) sql: String,
}

impl Case {
    /// The class of refusal that the heading names.
    pub(super) fn class(&self) -> String {
        self.heading.split(':').next().unwrap_or_default().to_owned()
    }

    fn told(&self) -> String {
        format!("{}, {}:\n{}", self.file, self.heading, self.sql)
    }
}

/// All statements of the files whose names begin so.
pub(super) fn read(prefix: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guard");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.retain(|path| name(path).starts_with(prefix));
    files.iter().flat_map(|path| cases(&name(path), &fs::read_to_string(path).unwrap())).collect()
}

fn cases(file: &str, text: &str) -> Vec<Case> {
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("--- ")).collect();
    let mut heading = String::new();
    let mut cases = Vec::new();
    for paragraph in text.join("\n").split("\n\n") {
        let mut sql = paragraph.trim_matches('\n');
        if let Some(rest) = sql.strip_prefix("-- ") {
            let (line, rest) = rest.split_once('\n').unwrap_or((rest, ""));
            heading = line.to_owned();
            sql = rest;
        }
        if !sql.is_empty() {
            cases.push(Case {
                file: file.to_owned(),
                heading: heading.clone(),
                sql: sql.to_owned(),
            });
        }
    }
    cases
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn hostile_statements_are_refused_for_their_reason() {
    let cases = read("refused");
    assert!(cases.len() >= 300, "{}", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let found = match check(&case.sql) {
                Ok(statement) => format!("passed as {:?}", statement.form),
                Err(refusal) if format!("{:?}", refusal.class()) == case.class() => return None,
                Err(refusal) => format!("{:?}", refusal.error()),
            };
            Some(format!("{}\n=> {found}", case.told()))
        })
        .collect();
    assert_none(&wrong);
}

#[test]
fn refusals_can_be_acted_on() {
    for case in read("refused") {
        let refusal = refusal(&case.sql);
        let error = refusal.error();
        if case.class() != "Syntax" {
            assert!(error.hint.is_some(), "{}", case.told());
        }
        let placeless = ["Text", "Syntax"].contains(&case.class().as_str());
        assert!(error.line.is_some() || placeless, "{}\n{error:?}", case.told());
        assert!(!error.message.ends_with('.'), "{error:?}");
        let sentences = error.detail.iter().chain(&error.hint);
        sentences.for_each(|sentence| assert!(sentence.ends_with('.'), "{sentence}"));
    }
}

#[test]
fn everyday_statements_pass() {
    let cases = read("allowed");
    assert!(cases.len() >= 300, "{}", cases.len());
    let refused = |case: &Case| {
        let refusal = check(&case.sql).err()?;
        Some(format!("{}\n=> {:?}", case.told(), refusal.error()))
    };
    assert_none(&cases.iter().filter_map(refused).collect::<Vec<_>>());
}

#[test]
fn everyday_statements_pass_the_strict_policy_but_for_functions_of_users() {
    let refused = |case: &Case| {
        let refusal = check_with(&case.sql, Policy::Strict).err()?;
        let expected = case.heading == "functions of users"
            || ["time_bucket", "hll_", "PG_SLEEP"].iter().any(|name| case.sql.contains(name));
        (!expected).then(|| format!("{}\n=> {:?}", case.told(), refusal.error()))
    };
    let cases = read("allowed");
    assert_none(&cases.iter().filter_map(refused).collect::<Vec<_>>());
}

#[test]
fn what_only_the_server_can_see_is_not_claimed_to_be_refused() {
    let cases = read("server_side");
    assert!(cases.len() > 30);
    assert_none(
        &cases.iter().filter(|case| check(&case.sql).is_err()).map(Case::told).collect::<Vec<_>>(),
    );
}

/// What is refused in one place is refused in all.
#[test]
fn each_family_of_functions_is_refused_in_each_place() {
    let places = read("refused_places");
    let calls = [
        "dblink_exec",
        "lo_import",
        "query_to_xml",
        "pg_ls_dir",
        "set_config",
        "ts_stat",
        "pg_sleep",
    ];
    for case in &places {
        for call in calls {
            // The escaped spellings are of pg_read_file.
            let sql = case.sql.replace("pg_read_file", call).replace("PG_READ_FILE", call);
            assert_eq!(refusal(&sql).class(), Class::Function, "{sql}");
        }
    }
}
