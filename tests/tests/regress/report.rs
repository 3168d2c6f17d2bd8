//! How many statements ran, and why the others did not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::send::Outcome;

/// Reasons printed; all are in a file.
const PRINTED: usize = 12;

/// How often each reason was given, with a statement that it was given for.
type Reasons<'a> = BTreeMap<String, (usize, &'a str)>;

/// Whether psql would show rows for it.
pub(crate) fn is_query(sql: &str) -> bool {
    let word = sql.trim_start_matches(|c: char| c == '(' || c.is_whitespace());
    let word = word.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["select", "with", "values", "table", "explain", "show"]
        .iter()
        .any(|one| word.eq_ignore_ascii_case(one))
}

/// Prints the counts, and of the queries that were refused the reasons.
///
/// # Errors
/// When the file with the reasons cannot be written.
pub(crate) fn print(title: &str, statements: &[&str], outcomes: &[Outcome]) -> Result<()> {
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
    let allowed = count(|o| matches!(o, Outcome::Allowed));
    println!(
        "{title}: {} statements: {allowed} allowed, refused {} by the parser, {} by the server's \
         judgement, {} where they ran; {} errors; {:.1} % allowed",
        outcomes.len(),
        count(|o| matches!(o, Outcome::Parser(_))),
        count(|o| matches!(o, Outcome::Server(_))),
        count(|o| matches!(o, Outcome::Latch(_))),
        count(|o| matches!(o, Outcome::Error(_))),
        share(allowed, outcomes.len()),
    );
    let pairs = || statements.iter().copied().zip(outcomes).filter(|(sql, _)| is_query(sql));
    let ran = pairs().filter(|(_, outcome)| **outcome == Outcome::Allowed).count();
    let mut refused = Reasons::new();
    let mut errors = Reasons::new();
    for (sql, outcome) in pairs() {
        let (kind, reason, reasons) = match outcome {
            Outcome::Allowed => continue,
            Outcome::Parser(reason) => ("parser", reason, &mut refused),
            Outcome::Server(reason) => ("server", reason, &mut refused),
            Outcome::Latch(reason) => ("latch", reason, &mut refused),
            Outcome::Error(reason) => ("error", reason, &mut errors),
        };
        reasons.entry(format!("{kind}: {reason}")).or_insert((0, sql)).0 += 1;
    }
    let total: usize = refused.values().map(|(count, _)| count).sum();
    println!(
        "{title}: of {} queries {ran} ran ({:.1} %) and {total} were refused, for {} reasons:",
        pairs().count(),
        share(ran, pairs().count()),
        refused.len()
    );
    let mut most: Vec<_> = refused.iter().collect();
    most.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (reason, (count, _)) in most.iter().take(PRINTED) {
        println!("{count:7} {reason}");
    }
    let text: String = refused
        .iter()
        .chain(&errors)
        .map(|(reason, (count, sql))| format!("== {count} {reason}\n{sql}\n"))
        .collect();
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.txt", title.replace(' ', "-")));
    fs::write(&file, text)?;
    println!("{title}: all reasons with an example are in {}", file.display());
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of statements")]
fn share(part: usize, of: usize) -> f64 {
    part as f64 * 100.0 / of.max(1) as f64
}
