//! The checks of the database's health, and how their rows become a report.
//!
//! A check's SQL has no parameters and gives rows of severity, object, value, unit, threshold,
//! message, remediation and details (jsonb), worst first within a severity. No row means that there
//! is nothing to say, and becomes one `ok` row. Limits are settings, see [`thresholds`].

mod buffer;
#[cfg(test)]
mod catalogue;
mod connection;
mod constraint;
#[cfg(test)]
mod guide;
mod ignore;
mod index;
mod integrity;
mod replication;
mod security;
mod sequence;
mod settings;
mod table;
mod threshold;
mod transaction;
mod vacuum;
mod version;
mod workload;

pub use ignore::{IGNORE, Ignored, ignored};
pub use threshold::{Limit, Threshold, prepare};

/// A check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// The category it is selected by.
    pub category: &'static str,
    /// Its name, as `check_name` has it.
    pub name: &'static str,
    /// Its query for each server version from which on it has another, oldest first. Without any,
    /// only the extension can do it.
    pub texts: &'static [(u32, &'static str)],
    /// What is true when the query has no row.
    pub ok: &'static str,
    /// Why a finding matters, as one sentence without its full stop.
    pub why: &'static str,
}

impl Check {
    /// Its query for a server of this version (such as 150004).
    ///
    /// # Errors
    /// What the check needs and does not have.
    pub fn sql(&self, version: u32) -> Result<&'static str, String> {
        let Some((oldest, _)) = self.texts.first() else {
            return Err("it needs the extension mcp_advisor in this database".to_owned());
        };
        let text = self.texts.iter().rev().find(|(since, _)| version >= *since);
        text.map(|(_, sql)| *sql)
            .ok_or_else(|| format!("it needs PostgreSQL {} or later", oldest / 10_000))
    }
}

/// What is called in a check's SQL when the extension runs it: each function of the server, and the
/// one of the extension that does the same with a weaker lock and less work.
pub const INSIDE: &[(&str, &str)] =
    &[("pg_catalog.pg_sequence_last_value(", "mcp_sequence_last_value(")];

/// A check of `sql/health/NAME.sql`, `since NUMBER => FILE` for versions with another text, `inside`
/// for one that only the extension can do.
macro_rules! check {
    ($category:literal, $name:literal, inside, ok: $ok:literal, why: $why:literal) => {
        crate::health::Check { category: $category, name: $name, texts: &[], ok: $ok, why: $why }
    };
    ($category:literal, $name:literal, ok: $ok:literal, why: $why:literal) => {
        check!($category, $name, since 0 => $name, ok: $ok, why: $why)
    };
    ($category:literal, $name:literal, inside, ok: $ok:literal, why: $why:literal) => {
        crate::health::Check { category: $category, name: $name, texts: &[], ok: $ok, why: $why }
    };
    ($category:literal, $name:literal, $(since $version:literal => $file:literal),*, ok: $ok:literal, why: $why:literal) => {
        crate::health::Check {
            category: $category,
            name: $name,
            texts: &[$(($version, include_str!(concat!($file, ".sql")))),*],
            ok: $ok,
            why: $why,
        }
    };
}
pub(crate) use check;

/// The checks and thresholds of a module each, in the order of the report.
const GROUPS: [(&[Check], &[Threshold]); 14] = [
    (index::CHECKS, index::THRESHOLDS),
    (connection::CHECKS, connection::THRESHOLDS),
    (vacuum::CHECKS, vacuum::THRESHOLDS),
    (sequence::CHECKS, sequence::THRESHOLDS),
    (replication::CHECKS, replication::THRESHOLDS),
    (buffer::CHECKS, buffer::THRESHOLDS),
    (constraint::CHECKS, constraint::THRESHOLDS),
    (table::CHECKS, table::THRESHOLDS),
    (transaction::CHECKS, transaction::THRESHOLDS),
    (workload::CHECKS, workload::THRESHOLDS),
    (integrity::CHECKS, integrity::THRESHOLDS),
    (settings::CHECKS, settings::THRESHOLDS),
    (version::CHECKS, version::THRESHOLDS),
    (security::CHECKS, security::THRESHOLDS),
];

/// The checks in the order of the report.
pub fn checks() -> impl Iterator<Item = &'static Check> + Clone {
    GROUPS.iter().flat_map(|(checks, _)| *checks)
}

/// The settings that hold the limits of all checks.
pub fn thresholds() -> impl Iterator<Item = &'static Threshold> + Clone {
    GROUPS.iter().flat_map(|(_, thresholds)| *thresholds)
}

/// What stands for every check.
pub const ALL: &str = "all";

/// Severities, worst first.
pub const SEVERITIES: [&str; 4] = ["critical", "warning", "info", "ok"];

/// What `risk` in the details of a finding says of its remediation: it only reads or adds what
/// nobody waits for; takes a lock that others may wait for, briefly; rewrites a table; takes effect
/// at a restart only; ends somebody's session or transaction; loses data, or what cannot be had
/// back without work.
pub const RISKS: [&str; 6] = ["safe", "locks", "rewrites", "restart", "ends_session", "data_loss"];

/// Most rows of one check; the rest is counted in one row more.
pub const MOST_ROWS: usize = 20;

/// How long a check may wait for a lock. They are written to need none that a table's user could
/// hold, so this is for the incident in which even the catalog is locked.
pub const LOCK_TIMEOUT: &str = "100ms";

/// How long a check may take when nobody says otherwise, in ms.
pub const TIME_LIMIT: i32 = 10_000;

/// The checks that `names` select: each is [`ALL`], a category or a check.
///
/// # Errors
/// The first name that is none of these.
pub fn select<S: AsRef<str>>(names: &[S]) -> Result<Vec<&'static Check>, &str> {
    let matches =
        |name: &str, check: &Check| name == ALL || name == check.category || name == check.name;
    for name in names.iter().map(AsRef::as_ref) {
        if !checks().any(|check| matches(name, check)) {
            return Err(name);
        }
    }
    Ok(checks().filter(|check| names.iter().any(|name| matches(name.as_ref(), check))).collect())
}

/// The categories, those of the reference first.
#[must_use]
pub fn categories() -> Vec<&'static str> {
    let mut categories = Vec::new();
    for check in checks() {
        if !categories.contains(&check.category) {
            categories.push(check.category);
        }
    }
    categories
}

/// The names that [`select`] takes: all, the categories, the checks.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names = vec![ALL];
    names.extend(categories());
    names.extend(checks().map(|check| check.name));
    names
}

/// What is said of a check that failed: never a pass, and never the end of the others.
#[must_use]
pub fn failed(message: &str) -> String {
    format!("could not be checked: {message}")
}

/// What is said of a check that this server or this way of asking has not got.
#[must_use]
pub fn lacking(needs: &str) -> String {
    format!("is not checked here: {needs}")
}

/// What is said of the rows beyond [`MOST_ROWS`].
#[must_use]
pub fn left_out(count: usize) -> String {
    format!("{count} more findings of this check are not shown")
}

/// The message of a finding with why it matters, which is left away where nothing is wrong.
#[must_use]
pub fn message(check: &Check, severity: &str, message: &str) -> String {
    if rank(severity) < rank("info") {
        format!("{message}. {}", check.why)
    } else {
        message.to_owned()
    }
}

/// Where a severity stands in the report; what is no severity comes first.
#[must_use]
pub fn rank(severity: &str) -> usize {
    SEVERITIES.iter().position(|one| *one == severity).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_selected_by_name_category_or_all() {
        let selected = |names: &[&str]| -> Vec<&str> {
            select(names).unwrap().iter().map(|check| check.name).collect()
        };
        assert_eq!(selected(&["all"]).len(), checks().count());
        assert_eq!(selected(&["sequence", "standby"]), ["sequence_exhaustion", "standby"]);
        assert_eq!(selected(&["index", "invalid_index"]).len(), index::CHECKS.len());
        assert_eq!(select(&["index", "indexes"]), Err("indexes"));
        assert_eq!(selected(&[]).len(), 0);
    }

    #[test]
    fn every_category_of_the_reference_is_there() {
        let categories =
            ["index", "connection", "vacuum", "sequence", "replication", "buffer", "constraint"];
        assert_eq!(names()[0], ALL);
        assert_eq!(&names()[1..=7], &categories[..]);
        let mut names = names();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 1 + super::categories().len() + checks().count());
    }

    #[test]
    fn each_file_says_what_it_measures_and_when_it_warns() {
        for check in checks() {
            for (_, sql) in check.texts {
                let head: String = sql.lines().take_while(|line| line.starts_with("--")).collect();
                for word in ["Catalogs:", "Threshold"] {
                    assert!(head.contains(word), "{}: {word}", check.name);
                }
            }
            assert!(!check.why.is_empty() && !check.why.ends_with('.'), "{}", check.name);
            assert!(check.texts.is_sorted_by_key(|(since, _)| *since), "{}", check.name);
        }
    }

    #[test]
    fn every_file_belongs_to_a_check() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("health");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sql") {
                let text = std::fs::read_to_string(&path).unwrap();
                let known = checks().flat_map(|check| check.texts).any(|(_, sql)| *sql == text);
                assert!(known, "{}", path.display());
            }
        }
    }

    #[test]
    fn texts_use_the_thresholds_that_there_are() {
        let texts: String = checks().flat_map(|check| check.texts).map(|(_, sql)| *sql).collect();
        let mut used: Vec<&str> = texts
            .split("'mcp_advisor.")
            .skip(1)
            .filter_map(|rest| rest.split('\'').next())
            .collect();
        used.sort_unstable();
        used.dedup();
        let known: Vec<&str> = thresholds().map(|threshold| threshold.name()).collect();
        for name in &used {
            assert!(known.contains(&format!("mcp_advisor.{name}").as_str()), "{name}");
        }
    }

    #[test]
    fn a_check_has_the_text_of_its_version() {
        let check = Check {
            category: "c",
            name: "n",
            texts: &[(160_000, "old"), (170_000, "new")],
            ok: "",
            why: "",
        };
        assert_eq!(check.sql(169_999), Ok("old"));
        assert_eq!(check.sql(180_000), Ok("new"));
        assert_eq!(check.sql(150_004), Err("it needs PostgreSQL 16 or later".to_owned()));
        let inside = Check { texts: &[], ..check };
        assert!(inside.sql(150_000).unwrap_err().contains("extension"));
    }

    #[test]
    fn severities_have_an_order() {
        assert!(rank("critical") < rank("warning") && rank("info") < rank("ok"));
    }
}
