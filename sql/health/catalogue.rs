//! `sql/health/README.md`: every check with its limits, written from the code.

use std::fmt::Write;

use super::{Check, categories, checks, thresholds};

const HEAD: &str = "\
# The checks of `mcp_health`

Written by `UPDATE_CATALOGUE=1 cargo test -p advisor-sql catalogue`. Each check is a file here that says what it
measures, from which catalogs, and where its limits come from; those marked *inside* need the planner or the
pages and exist only in the extension. Limits are settings under `mcp_advisor.health_`: change them with SET, ALTER
DATABASE, ALTER ROLE or ALTER SYSTEM.
";

/// The settings of a check with their defaults.
fn limits(check: &Check) -> String {
    let prefix = format!("mcp_advisor.health_{}_", check.name);
    let limits: Vec<String> = thresholds()
        .filter(|threshold| threshold.name().starts_with(&prefix))
        .map(|one| {
            let name = one.name().trim_start_matches("mcp_advisor.health_");
            format!("`{name}` = {}", one.default_text())
        })
        .collect();
    limits.join("<br>")
}

/// The whole page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for category in categories() {
        let title = format!("\n## {category}\n\n| Check | Well when | Why it matters | Limits |");
        writeln!(page, "{title}\n|---|---|---|---|").unwrap();
        for check in checks().filter(|check| check.category == category) {
            let mut name = format!("[{0}]({0}.sql)", check.name);
            match check.texts.first() {
                None => name = format!("{} (*inside*)", check.name),
                Some((since, _)) if *since > 0 => {
                    write!(name, " (PostgreSQL {} and later)", since / 10_000).unwrap();
                }
                Some(_) => {}
            }
            writeln!(page, "| {name} | {} | {} | {} |", check.ok, check.why, limits(check))
                .unwrap();
        }
    }
    page
}

#[test]
fn the_catalogue_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("health/README.md");
    if std::env::var_os("UPDATE_CATALOGUE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "run UPDATE_CATALOGUE=1 cargo test -p advisor-sql catalogue");
}
