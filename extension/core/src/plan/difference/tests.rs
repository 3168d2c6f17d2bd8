use std::path::Path;

use super::*;
use crate::plan::facts::Relation;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/difference/golden")
}

fn read(name: &str) -> Plan {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    Plan::read(&text).unwrap()
}

/// What is known of the tables in the fixtures: their rows.
fn facts() -> Facts {
    let rows = [("orders", 100_000.0), ("customers", 5_000.0), ("lines", 300_000.0)];
    let relation = |(name, rows): (&str, f64)| Relation {
        schema: "public".to_owned(),
        name: name.to_owned(),
        rows,
        ..Relation::default()
    };
    Facts { relations: rows.into_iter().map(relation).collect(), ..Facts::default() }
}

/// Each pair of plans, which a server made, and what is said of it. Written anew with
/// `ADVISOR_UPDATE_GOLDEN=1 cargo test -p advisor-core golden`.
#[test]
fn differences_are_the_golden_ones() {
    let names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".before.json").map(str::to_owned))
        .collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let (before, after) =
            (read(&format!("{name}.before.json")), read(&format!("{name}.after.json")));
        let found = difference(&before, &after, &facts(), &["orders_pkey"]).text() + "\n";
        let path = folder().join(format!("{name}.txt"));
        if std::env::var_os("ADVISOR_UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "{name}:\n{found}\nand not\n{expected}");
    }
}

#[test]
fn a_plan_is_the_same_as_itself() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".json") {
            let plan = read(&name);
            let difference = difference(&plan, &plan, &Facts::default(), &[]);
            assert!(difference.same_plan && difference.changes.is_empty(), "{name}");
            assert!((difference.times_cheaper - 1.0).abs() < 1e-9, "{name}");
        }
    }
}

#[test]
fn odd_plans_are_compared() {
    for text in
        ["{\"Plan\": {}}", "{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"t\"}}"]
    {
        let odd = Plan::read(text).unwrap();
        for other in [&odd, &read("lookup.before.json")] {
            assert!(!difference(&odd, other, &facts(), &[]).text().is_empty());
            assert!(!difference(other, &odd, &facts(), &[]).text().is_empty());
        }
    }
}

#[test]
fn times_are_taken_from_every_format() {
    for printed in [
        "Seq Scan on t\n  Filter: (a = 'Execution Time: 9')\nPlanning Time: 0.250 ms\nExecution Time: 12.500 ms",
        "[{\"Plan\": {}, \"Planning Time\": 0.250, \"Triggers\": [], \"Execution Time\": 12.500}]",
        "<Planning-Time>0.250</Planning-Time>\n<Execution-Time>12.500</Execution-Time>",
        "- Plan:\n  Planning Time: 0.250\n  Triggers:\n  Execution Time: 12.500",
    ] {
        let mut plan = Plan::read("{\"Plan\": {\"Node Type\": \"Result\"}}").unwrap();
        plan.take_times(printed);
        assert_eq!(plan.time_ms("Planning Time"), Some(0.25), "{printed}");
        assert_eq!(plan.time_ms("Execution Time"), Some(12.5), "{printed}");
    }
    let mut plan = Plan::read("{\"Plan\": {\"Node Type\": \"Result\"}}").unwrap();
    plan.take_times("Result  (cost=0.00..0.01 rows=1 width=4)");
    assert_eq!(plan.time_ms("Execution Time"), None);
}
