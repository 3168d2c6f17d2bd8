//! What ANALYZE would keep of the values of an expression, from a sample of rows.
//!
//! Follows `compute_scalar_stats` and `analyze_mcv_list` of the server's `analyze.c`, so that an
//! index which does not exist is planned with the statistics that it would get. The values are the
//! caller's: here they are positions in their sorted order.

/// The values of a sample, as groups of equal ones in sorted order.
#[derive(Debug, Clone, Copy)]
pub struct Groups<'a> {
    /// How often each value was met.
    pub counts: &'a [u64],
    /// NULLs.
    pub nulls: u64,
    /// Values that are too wide to be compared; they are taken as different ones.
    pub wide: u64,
    /// Rows of the table.
    pub table_rows: f64,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Share of NULLs.
    pub null_frac: f64,
    /// `stadistinct`: a count, or minus the share of rows when it is expected to grow with them.
    pub distinct: f64,
    /// The most common values with their share of the sampled rows, most common first.
    pub common: Vec<(usize, f64)>,
    /// Histogram bounds over the other values; none, or at least two.
    pub bounds: Vec<usize>,
}

impl Summary {
    /// Distinct values in a table of `rows` rows, NULL not counted; at least 1.
    #[must_use]
    pub fn distinct_in(&self, rows: f64) -> f64 {
        let count = if self.distinct < 0.0 { -self.distinct * rows } else { self.distinct };
        count.clamp(1.0, rows.max(1.0))
    }
}

/// Sums a sample up; `None` for an empty one. `target` is the statistics target: the most values
/// that are kept, and the most intervals of the histogram.
#[must_use]
pub fn summarize(groups: Groups<'_>, target: usize) -> Option<Summary> {
    let narrow: u64 = groups.counts.iter().sum();
    let sampled = (narrow + groups.wide + groups.nulls) as f64;
    if sampled < 1.0 {
        return None;
    }
    let null_frac = groups.nulls as f64 / sampled;
    if narrow + groups.wide == 0 {
        return Some(Summary { null_frac: 1.0, ..Summary::default() });
    }
    let table_rows = groups.table_rows.max(sampled);
    let distinct = distinct(groups, null_frac, table_rows);
    let common = common(groups, target, distinct, null_frac, table_rows);
    let bounds = bounds(groups.counts, &common, target);
    let common = common.into_iter().map(|at| (at, groups.counts[at] as f64 / sampled)).collect();
    Some(Summary { null_frac, distinct, common, bounds })
}

/// Duj1 of Haas and Stokes, with the server's special cases; see [`crate::size::distinct_from_sample`].
fn distinct(groups: Groups<'_>, null_frac: f64, table_rows: f64) -> f64 {
    let seen = groups.counts.len() as f64;
    let repeated = groups.counts.iter().filter(|&&count| count > 1).count() as f64;
    if repeated == 0.0 {
        return -(1.0 - null_frac);
    }
    let estimate = if groups.wide == 0 && repeated == seen {
        seen
    } else {
        let once = seen - repeated + groups.wide as f64;
        let all = once + repeated;
        let sampled = (groups.counts.iter().sum::<u64>() + groups.wide) as f64;
        let total = (table_rows * (1.0 - null_frac)).max(sampled);
        let estimate = sampled * all / (sampled - once + once * sampled / total);
        estimate.clamp(all, total).round()
    };
    if estimate > 0.1 * table_rows { -(estimate / table_rows) } else { estimate }
}

/// The values that are common enough to be kept, most common first.
fn common(
    groups: Groups<'_>,
    target: usize,
    distinct: f64,
    null_frac: f64,
    table_rows: f64,
) -> Vec<usize> {
    let mut kept: Vec<usize> =
        (0..groups.counts.len()).filter(|&at| groups.counts[at] > 1).collect();
    // Stable: of equally common values the smallest come first.
    kept.sort_by_key(|&at| std::cmp::Reverse(groups.counts[at]));
    let complete = kept.len() == groups.counts.len()
        && groups.wide == 0
        && distinct > 0.0
        && kept.len() <= target;
    kept.truncate(target);
    let sampled = (groups.counts.iter().sum::<u64>() + groups.wide + groups.nulls) as f64;
    if complete || sampled >= table_rows {
        return kept;
    }
    let values = if distinct < 0.0 { -distinct * table_rows } else { distinct };
    let mut before: f64 = kept.iter().map(|&at| groups.counts[at] as f64).sum();
    while let Some(&last) = kept.last() {
        let count = groups.counts[last] as f64;
        before -= count;
        let rest = (1.0 - before / sampled - null_frac).clamp(0.0, 1.0);
        let others = values - (kept.len() as f64 - 1.0);
        let expected = if others > 1.0 { rest / others } else { rest };
        // Two standard deviations of a hypergeometric distribution above what it would be as one
        // of the others.
        let rows_with = table_rows * count / sampled;
        let variance = sampled * rows_with * (table_rows - rows_with) * (table_rows - sampled)
            / (table_rows * table_rows * (table_rows - 1.0));
        if count > expected * sampled + 2.0 * variance.max(0.0).sqrt() + 0.5 {
            break;
        }
        kept.pop();
    }
    kept
}

/// Bounds with about equally many rows between them, over the values that are not `common`.
fn bounds(counts: &[u64], common: &[usize], target: usize) -> Vec<usize> {
    let wanted = (counts.len() - common.len()).min(target + 1);
    if wanted < 2 {
        return Vec::new();
    }
    let mut skipped = common.to_vec();
    skipped.sort_unstable();
    let rest: Vec<usize> =
        (0..counts.len()).filter(|at| skipped.binary_search(at).is_err()).collect();
    let rows: u64 = rest.iter().map(|&at| counts[at]).sum();
    let mut found = Vec::with_capacity(wanted);
    let (mut at, mut end) = (0, counts[rest[0]]);
    for bound in 0..wanted as u64 {
        let row = bound * (rows - 1) / (wanted as u64 - 1);
        while row >= end {
            at += 1;
            end += counts[rest[at]];
        }
        found.push(rest[at]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn groups(counts: &[u64], nulls: u64, table_rows: f64) -> Groups<'_> {
        Groups { counts, nulls, wide: 0, table_rows }
    }

    #[test]
    fn unique_values_have_only_a_histogram() {
        let summary = summarize(groups(&[1; 1000], 0, 1e6), 100).unwrap();
        assert_eq!(summary.distinct, -1.0);
        assert!(summary.common.is_empty());
        assert_eq!(summary.bounds.len(), 101);
        assert_eq!((summary.bounds[0], summary.bounds[100]), (0, 999));
        assert_eq!(summary.distinct_in(1e6), 1e6);
    }

    #[test]
    fn few_values_are_all_kept() {
        let summary = summarize(groups(&[10, 70, 10], 10, 1e5), 100).unwrap();
        assert_eq!(summary.distinct, 3.0);
        assert_eq!(summary.common, [(1, 0.7), (0, 0.1), (2, 0.1)]);
        assert!(summary.bounds.is_empty());
        assert_eq!(summary.null_frac, 0.1);
    }

    #[test]
    fn values_as_common_as_the_others_are_not_kept() {
        // 5000 rows of 2000 equally frequent values: met two or three times each.
        let counts: Vec<u64> = (0..2000).map(|at| 2 + at % 2).collect();
        let summary = summarize(groups(&counts, 0, 1e6), 100).unwrap();
        assert!(summary.common.is_empty(), "{:?}", summary.common);
        assert_eq!(summary.distinct, 2000.0);
        let mut skewed = counts;
        skewed[7] = 500;
        let summary = summarize(groups(&skewed, 0, 1e6), 100).unwrap();
        assert_eq!(summary.common.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [7]);
        assert!(!summary.bounds.contains(&7));
    }

    #[test]
    fn empty_and_null_samples() {
        assert_eq!(summarize(groups(&[], 0, 10.0), 100), None);
        let summary = summarize(groups(&[], 5, 10.0), 100).unwrap();
        assert_eq!((summary.null_frac, summary.distinct), (1.0, 0.0));
    }

    proptest! {
        #[test]
        fn what_is_kept_is_within_bounds(
            counts in prop::collection::vec(1_u64..50, 0..300),
            nulls in 0_u64..100,
            wide in 0_u64..5,
            more in 0.0_f64..1e6,
            target in 1_usize..120,
        ) {
            let rows = (counts.iter().sum::<u64>() + nulls + wide) as f64 + more;
            let Some(summary) =
                summarize(Groups { counts: &counts, nulls, wide, table_rows: rows }, target)
            else {
                prop_assert!(counts.is_empty() && nulls + wide == 0);
                return Ok(());
            };
            prop_assert!((0.0..=1.0).contains(&summary.null_frac));
            prop_assert!(summary.distinct >= -1.0 && summary.distinct <= rows);
            prop_assert!(summary.common.len() <= target && summary.bounds.len() <= target + 1);
            prop_assert!(summary.bounds.is_sorted() && summary.bounds.len() != 1);
            let shares: f64 = summary.common.iter().map(|(_, share)| share).sum();
            prop_assert!(shares + summary.null_frac <= 1.0 + 1e-9);
            for (at, _) in &summary.common {
                prop_assert!(!summary.bounds.contains(at));
            }
        }
    }
}
