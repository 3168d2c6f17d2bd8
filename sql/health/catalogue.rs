//! `sql/health/README.md`: every check with its limits, written from the code.

use std::fmt::Write;

use super::guide::{GUIDES, MEASURED_INSIDE, guide};
use super::{Check, RISKS, Threshold, categories, checks, thresholds};

/// What stands before the checks.
const HEAD: &str = include_str!("catalogue_head.txt");

/// The limits of a check: those that begin with its name, and with no longer one of another check.
fn limits(check: &Check) -> impl Iterator<Item = &'static Threshold> {
    let owns = |name: &str, limit: &str| {
        limit
            .strip_prefix("mcp_advisor.health_")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('_'))
    };
    thresholds().filter(move |limit| {
        let owners = checks().filter(|other| owns(other.name, limit.name()));
        owners.max_by_key(|other| other.name.len()).is_some_and(|owner| owner == check)
    })
}

/// The comment at the head of the newest text of a check, with its sources in a paragraph of their own.
fn measured(check: &Check) -> String {
    let Some((_, sql)) = check.texts.last() else {
        let inside = MEASURED_INSIDE.iter().find(|(name, _)| *name == check.name);
        return inside.unwrap_or_else(|| panic!("what does {} measure?", check.name)).1.to_owned();
    };
    let head = sql.lines().take_while(|line| line.starts_with("--"));
    let words: Vec<&str> = head.flat_map(|line| line[2..].split_whitespace()).collect();
    // Stars and angle brackets are Markdown's.
    let text = words.join(" ").replace('*', "\\*").replace('<', "&lt;");
    text.replacen(" Catalogs:", "\n\nCatalogs:", 1)
}

/// The risks that the check's remediations can have.
fn risks(check: &Check) -> Vec<String> {
    let inside: &[&str] = match check.name {
        "missing_index" => &["safe", "locks"],
        "gin_pending_list" => &["safe"],
        _ => &[],
    };
    let can = |risk: &&str| {
        let literal = format!("'{risk}'");
        inside.contains(risk) || check.texts.iter().any(|(_, sql)| sql.contains(&literal))
    };
    RISKS.iter().filter(|risk| can(risk)).map(|risk| format!("`{risk}`")).collect()
}

/// The versions that a check is for, where it is not for all.
fn versions(check: &Check) -> String {
    match check.texts.first() {
        None => " (*inside*)".to_owned(),
        Some((since, _)) if *since > 0 => format!(" (PostgreSQL {} and later)", since / 10_000),
        Some(_) => String::new(),
    }
}

fn section(page: &mut String, check: &Check) {
    let guide = guide(check.name).unwrap_or_else(|| panic!("{} has no guide", check.name));
    let name = check.name;
    writeln!(page, "\n### {name}\n\n{}\n", measured(check)).unwrap();
    writeln!(page, "- **Why it matters.** {}.", check.why).unwrap();
    let risks = risks(check);
    let risks = match risks.is_empty() {
        true => String::new(),
        false => format!(" Risk: {}.", risks.join(", ")),
    };
    writeln!(page, "- **Remedy.** {}{risks}", guide.remedy).unwrap();
    writeln!(page, "- **When to leave it.** {}", guide.leave).unwrap();
    if limits(check).next().is_some() {
        writeln!(page, "\n| Limit | Default | Meaning |\n|---|---|---|").unwrap();
    }
    for limit in limits(check) {
        let name = limit.name().trim_start_matches("mcp_advisor.health_");
        let about = limit.about.to_str().unwrap();
        writeln!(page, "| `{name}` | {} | {about} |", limit.default_text()).unwrap();
    }
}

/// The whole page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    writeln!(page, "\n## All checks\n\n| Category | Checks |\n|---|---|").unwrap();
    for category in categories() {
        let names: Vec<String> = checks()
            .filter(|check| check.category == category)
            .map(|check| format!("[{0}](#{0})", check.name))
            .collect();
        writeln!(page, "| [{category}](#{category}) | {} |", names.join(", ")).unwrap();
    }
    for category in categories() {
        writeln!(page, "\n## {category}\n\n| Check | Well when |\n|---|---|").unwrap();
        for check in checks().filter(|check| check.category == category) {
            let file = match check.texts.first() {
                None => check.name.to_owned(),
                Some(_) => format!("[{0}]({0}.sql)", check.name),
            };
            writeln!(page, "| {file}{} | {} |", versions(check), check.ok).unwrap();
        }
        for check in checks().filter(|check| check.category == category) {
            section(&mut page, check);
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

#[test]
fn every_check_says_what_mends_it_and_when_to_leave_it() {
    for check in checks() {
        let guide = guide(check.name).unwrap_or_else(|| panic!("{} has no guide", check.name));
        for text in [guide.remedy, guide.leave] {
            assert!(text.len() > 10 && text.ends_with('.'), "{}: {text}", check.name);
        }
        // What has SQL that mends has a risk, and the other way round.
        let none = guide.remedy.starts_with("None is printed");
        assert!(none || !risks(check).is_empty(), "{} has no risk", check.name);
    }
    for guide in GUIDES {
        assert!(checks().any(|check| check.name == guide.check), "no check {}", guide.check);
    }
    assert!(GUIDES.is_sorted_by_key(|guide| guide.check), "not in order");
}

#[test]
fn limits_belong_to_one_check() {
    for threshold in thresholds() {
        let owners: Vec<&str> = checks()
            .filter(|check| limits(check).any(|one| one == threshold))
            .map(|check| check.name)
            .collect();
        assert!(owners.len() == 1, "{}: {owners:?}", threshold.name());
    }
}
