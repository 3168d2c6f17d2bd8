//! Relationships that no constraint declares, by names, types, keys and statistics.
//!
//! Rather too few than one too many: where a name could mean two tables, nothing is concluded, and
//! statistics that speak against a conclusion end it. What only a role before the name tells
//! (`billing_address_id`) needs statistics that speak for it.

mod names;
mod values;

pub use names::{Candidate, Rule, candidates};
pub use values::{Statistics, Verdict, judge};

use super::{Origin, Relationship, Table};

/// What follows from the candidates and what is known of the values: `None` for a column whose
/// statistics are not there or may not be read.
#[must_use]
pub fn conclude(
    tables: &[Table],
    candidates: &[Candidate],
    statistics: impl Fn(usize, i16) -> Option<Statistics>,
) -> Vec<Relationship> {
    let mut found = Vec::new();
    for candidate in candidates {
        let source = statistics(candidate.from, candidate.column);
        let target = statistics(candidate.to, candidate.key);
        let rows = tables.get(candidate.to).and_then(|table| table.rows);
        let verdict = judge(source.as_ref(), target.as_ref(), rows);
        let words = match verdict {
            Verdict::Against => continue,
            Verdict::Unknown if candidate.rule.needs_values() => continue,
            Verdict::Unknown => String::new(),
            Verdict::For(words) => format!("; {words}"),
        };
        let Some(evidence) = candidate.evidence(tables) else { continue };
        found.push(Relationship {
            from: candidate.from,
            from_columns: vec![candidate.column],
            to: candidate.to,
            to_columns: vec![candidate.key],
            origin: Origin::Inferred(format!("{evidence}{words}")),
        });
    }
    found
}

#[cfg(test)]
mod tests;
