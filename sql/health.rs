//! The checks of the database's health, and how their rows become a report.
//!
//! A check's SQL has no parameters and gives rows of severity, object, value, unit, threshold,
//! message, remediation and details (jsonb), worst first within a severity. No row means that there
//! is nothing to say, and becomes one `ok` row.

/// A check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Its name, as `check_name` has it.
    pub name: &'static str,
    /// The category it is selected by.
    pub category: &'static str,
    /// Its query.
    pub sql: &'static str,
    /// What is true when the query has no row.
    pub ok: &'static str,
}

macro_rules! check {
    ($category:literal, $name:literal, $ok:literal) => {
        Check {
            name: $name,
            category: $category,
            sql: include_str!(concat!("health/", $name, ".sql")),
            ok: $ok,
        }
    };
}

/// The checks in the order of the report.
pub const CHECKS: [Check; 15] = [
    check!("index", "invalid_index", "no index is invalid"),
    check!("index", "duplicate_index", "no index does the same as another"),
    check!("index", "redundant_index", "no index is the beginning of another"),
    check!("index", "unused_index", "no large index is unused"),
    check!("index", "index_bloat", "no large index is more than half empty"),
    check!("connection", "connection_usage", "connections are within limits"),
    check!("connection", "idle_in_transaction", "no session is idle in a transaction for long"),
    check!("vacuum", "database_age", "no database is near wraparound"),
    check!("vacuum", "table_age", "no table is long overdue for freezing"),
    check!("sequence", "sequence_exhaustion", "no sequence is near its end"),
    check!("replication", "replication_lag", "no standby is connected"),
    check!("replication", "replication_slot", "there is no replication slot"),
    check!("replication", "standby", "this server is not a standby"),
    check!("buffer", "cache_hit_rate", "nothing was read yet"),
    check!("constraint", "not_valid_constraint", "every constraint is validated"),
];

/// What stands for every check.
pub const ALL: &str = "all";

/// Severities, worst first.
pub const SEVERITIES: [&str; 4] = ["critical", "warning", "info", "ok"];

/// Most rows of one check; the rest is counted in one row more.
pub const MOST_ROWS: usize = 20;

/// The checks that `names` select: each is [`ALL`], a category or a check.
///
/// # Errors
/// The first name that is none of these.
pub fn select<S: AsRef<str>>(names: &[S]) -> Result<Vec<&'static Check>, &str> {
    let matches =
        |name: &str, check: &Check| name == ALL || name == check.category || name == check.name;
    for name in names.iter().map(AsRef::as_ref) {
        if !CHECKS.iter().any(|check| matches(name, check)) {
            return Err(name);
        }
    }
    Ok(CHECKS
        .iter()
        .filter(|check| names.iter().any(|name| matches(name.as_ref(), check)))
        .collect())
}

/// The names that [`select`] takes: all, the categories, the checks.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names = vec![ALL];
    for category in CHECKS.iter().map(|check| check.category) {
        if !names.contains(&category) {
            names.push(category);
        }
    }
    names.extend(CHECKS.iter().map(|check| check.name));
    names
}

/// What is said of a check that failed: never a pass, and never the end of the others.
#[must_use]
pub fn failed(message: &str) -> String {
    format!("could not be checked: {message}")
}

/// What is said of the rows beyond [`MOST_ROWS`].
#[must_use]
pub fn left_out(count: usize) -> String {
    format!("{count} more findings of this check are not shown")
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
        assert_eq!(selected(&["all"]).len(), CHECKS.len());
        assert_eq!(selected(&["sequence", "standby"]), ["sequence_exhaustion", "standby"]);
        assert_eq!(selected(&["index", "invalid_index"]).len(), 5);
        assert_eq!(select(&["index", "indexes"]), Err("indexes"));
        assert_eq!(selected(&[]).len(), 0);
    }

    #[test]
    fn every_category_of_the_reference_is_there() {
        let categories =
            ["index", "connection", "vacuum", "sequence", "replication", "buffer", "constraint"];
        assert_eq!(names()[0], ALL);
        assert_eq!(&names()[1..=7], &categories[..]);
    }

    #[test]
    fn each_file_says_what_it_measures_and_when_it_warns() {
        for check in CHECKS {
            let head: String =
                check.sql.lines().take_while(|line| line.starts_with("--")).collect();
            for word in ["Catalogs:", "Threshold"] {
                assert!(head.contains(word), "{}: {word}", check.name);
            }
        }
    }

    #[test]
    fn severities_have_an_order() {
        assert!(rank("critical") < rank("warning") && rank("info") < rank("ok"));
    }
}
