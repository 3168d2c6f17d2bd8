//! Whether the planner's estimates of several conditions at once are right, and what would mend them.
//!
//! The planner multiplies the shares of rows that conditions on different columns leave, as if they
//! had nothing to do with each other. Where a sample of rows says otherwise, extended statistics
//! (`CREATE STATISTICS`) tell it. Here the sample is judged; who takes it and who asks the planner is
//! not here.

use std::collections::BTreeMap;

/// Estimate and sample that differ by less say nothing: single columns are off by as much.
pub const WRONG: f64 = 4.0;
/// Fewer rows than this are found quickly whatever they are estimated at.
pub const FEW_ROWS: f64 = 50.0;
/// The share of rows whose value of one column goes with one value of the others, from which it
/// is said to follow from them (the degree of a functional dependency).
const DEPENDENT: f64 = 0.9;
/// Combinations that a list of the most common ones holds at the default statistics target.
const LISTED: usize = 100;

/// A sample of rows: of each the values of some columns, or nothing where one is NULL.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// One per row, one value per column.
    pub rows: Vec<Vec<String>>,
    /// Rows of the table.
    pub of: f64,
}

impl Rows {
    /// For each row of the sample, how many rows of the table have the same values in `columns`
    /// (positions): itself, and the others as often as the sample has them.
    #[must_use]
    pub fn alike(&self, columns: &[usize]) -> Vec<f64> {
        let counts = self.counts(columns);
        let others = (self.rows.len().max(2) - 1) as f64;
        let factor = (self.of - 1.0).max(0.0) / others;
        self.rows
            .iter()
            .map(|row| {
                let count = counts.get(&key(row, columns)).copied().unwrap_or(1);
                factor.mul_add((count - 1) as f64, 1.0)
            })
            .collect()
    }

    /// How many combinations of values there are in the sample.
    #[must_use]
    pub fn combinations(&self, columns: &[usize]) -> usize {
        self.counts(columns).len()
    }

    /// How far one of the columns follows from the others, at best: the share of rows in which it
    /// has the value that goes with theirs most often. 0 where the others are nearly unique, as
    /// then nothing can be seen.
    #[must_use]
    pub fn dependency(&self, columns: &[usize]) -> f64 {
        let of = |dependent: usize| {
            let others: Vec<usize> =
                columns.iter().copied().filter(|&column| column != dependent).collect();
            let groups = self.counts(&others);
            let mut most: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
            for (values, count) in self.counts_with(&others, dependent) {
                let best = most.entry(values.0).or_default();
                *best = (*best).max(count);
            }
            if groups.len() * 2 > self.rows.len() {
                return 0.0;
            }
            most.values().sum::<usize>() as f64 / self.rows.len().max(1) as f64
        };
        columns.iter().map(|&column| of(column)).fold(0.0, f64::max)
    }

    fn counts(&self, columns: &[usize]) -> BTreeMap<Vec<&str>, usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            *counts.entry(key(row, columns)).or_default() += 1;
        }
        counts
    }

    fn counts_with(&self, columns: &[usize], more: usize) -> BTreeMap<(Vec<&str>, &str), usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            let last = row.get(more).map_or("", String::as_str);
            *counts.entry((key(row, columns), last)).or_default() += 1;
        }
        counts
    }
}

fn key<'r>(row: &'r [String], columns: &[usize]) -> Vec<&'r str> {
    columns.iter().map(|&column| row.get(column).map_or("", String::as_str)).collect()
}

/// Whether an estimate is so wrong that it matters.
#[must_use]
pub fn is_wrong(estimated: f64, sampled: f64) -> bool {
    let ratio = ratio(estimated, sampled);
    estimated.max(sampled) >= FEW_ROWS && (ratio >= WRONG || ratio <= 1.0 / WRONG)
}

/// How many times more rows there are than estimated.
#[must_use]
pub fn ratio(estimated: f64, sampled: f64) -> f64 {
    sampled.max(1.0) / estimated.max(1.0)
}

/// The kinds of extended statistics that mend the estimate of equality on all of `columns`.
#[must_use]
pub fn kinds(rows: &Rows, columns: &[usize]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    let follows = rows.dependency(columns) >= DEPENDENT;
    if follows {
        kinds.push("dependencies");
    }
    if !follows || rows.combinations(columns) <= LISTED {
        kinds.push("mcv");
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 600 rows: the second column follows from the first, the third has nothing to do with them.
    fn rows() -> Rows {
        let row = |at: usize| {
            let zip = at % 60;
            vec![zip.to_string(), (zip / 6).to_string(), (at / 60).to_string()]
        };
        Rows { rows: (0..600).map(row).collect(), of: 60_000.0 }
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn rows_alike_are_those_of_the_table() {
        // A zip code has 1000 rows in truth; the sample has 10.
        let alike = mean(&rows().alike(&[0]));
        assert!((alike / 900.0 - 1.0).abs() < 0.05, "{alike}");
        assert_eq!(mean(&rows().alike(&[0])), mean(&rows().alike(&[0, 1])));
        // Unique rows are alike to none, however small the sample.
        let unique = mean(&rows().alike(&[0, 2]));
        assert_eq!(unique, 1.0);
    }

    #[test]
    fn a_dependency_is_seen_either_way() {
        assert_eq!(rows().dependency(&[0, 1]), 1.0);
        assert_eq!(rows().dependency(&[1, 0]), 1.0);
        assert!(rows().dependency(&[1, 2]) < 0.2);
        // The near miss: combinations that hardly recur say nothing.
        assert!(rows().dependency(&[0, 2, 1]) < 0.2);
        let unique = Rows {
            rows: (0..100).map(|n: i32| vec![n.to_string(), "x".into()]).collect(),
            of: 1e6,
        };
        assert_eq!(unique.dependency(&[0, 1]), 0.01);
    }

    #[test]
    fn kinds_follow_from_what_is_seen() {
        assert_eq!(kinds(&rows(), &[0, 1]), ["dependencies", "mcv"]);
        assert_eq!(kinds(&rows(), &[1, 2]), ["mcv"]);
        let many = Rows {
            rows: (0..600)
                .map(|n: i32| vec![(n % 200).to_string(), (n % 200 / 2).to_string()])
                .collect(),
            of: 1e6,
        };
        assert_eq!(kinds(&many, &[0, 1]), ["dependencies"]);
    }

    #[test]
    fn small_errors_and_few_rows_do_not_matter() {
        assert!(is_wrong(10.0, 1000.0) && is_wrong(1000.0, 10.0));
        assert!(!is_wrong(1000.0, 3900.0));
        assert!(!is_wrong(1.0, 40.0));
        assert!(!is_wrong(0.0, f64::NAN));
    }
}
