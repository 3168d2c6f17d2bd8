//! How many different values a group of columns has.

use std::collections::BTreeMap;

use crate::model::{Table, TableId};

/// Measured or estimated distinct counts of column groups, a NULL counting as a value. The order
/// of the columns does not matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupDistinct {
    known: BTreeMap<(TableId, Vec<i16>), f64>,
}

impl GroupDistinct {
    /// Notes that `columns` of `table` have `distinct` different value combinations.
    pub fn insert(&mut self, table: TableId, columns: &[i16], distinct: f64) {
        self.known.insert((table, group_key(columns)), distinct.max(1.0));
    }

    /// The noted count of exactly this group.
    #[must_use]
    pub fn get(&self, table: TableId, columns: &[i16]) -> Option<f64> {
        self.known.get(&(table, group_key(columns))).copied()
    }

    /// The distinct count of a group: as noted, or else from the columns' own counts as if they
    /// were independent, kept between what is noted of its sub-groups and super-groups.
    #[must_use]
    pub fn estimate(&self, id: TableId, table: &Table, columns: &[i16]) -> f64 {
        let wanted = group_key(columns);
        if let Some(&known) = self.known.get(&(id, wanted.clone())) {
            return known.clamp(1.0, table.rows.max(1.0));
        }
        let singles: Vec<f64> = wanted.iter().map(|&column| column_values(table, column)).collect();
        let estimate = clamp_group(independent(&singles, table.rows), &singles, table.rows);
        let (mut low, mut high) = (1.0_f64, f64::INFINITY);
        for (group, &count) in self.of_table(id) {
            if group.iter().all(|column| wanted.contains(column)) {
                low = low.max(count);
            } else if wanted.iter().all(|column| group.contains(column)) {
                high = high.min(count);
            }
        }
        estimate.min(high).max(low).clamp(1.0, table.rows.max(1.0))
    }

    fn of_table(&self, id: TableId) -> impl Iterator<Item = (&Vec<i16>, &f64)> {
        let range = (id, Vec::new())..(id + 1, Vec::new());
        self.known.range(range).map(|((_, group), count)| (group, count))
    }
}

fn group_key(columns: &[i16]) -> Vec<i16> {
    let mut key = columns.to_vec();
    key.sort_unstable();
    key.dedup();
    key
}

/// Distinct values of one column, NULL included; 1 for an unknown column.
fn column_values(table: &Table, number: i16) -> f64 {
    table.column(number).map_or(1.0, |column| {
        column.n_distinct.max(1.0) + f64::from(u8::from(column.null_frac > 0.0))
    })
}

/// Expected number of combinations met in `rows` rows when columns are independent and uniform:
/// `P * (1 - (1 - 1/P)^rows)` for the product `P` of the counts (Cardenas 1975).
pub(super) fn independent(singles: &[f64], rows: f64) -> f64 {
    let product: f64 = singles.iter().product();
    let rows = rows.max(1.0);
    if product > rows * 1e9 { rows } else { -product * (-rows / product).exp_m1() }
}

/// Keeps a group's distinct count between the largest count of its columns and the smaller of
/// their product and the rows. `singles` count NULL as a value.
#[must_use]
pub fn clamp_group(estimate: f64, singles: &[f64], rows: f64) -> f64 {
    let rows = rows.max(1.0);
    let least = singles.iter().copied().fold(1.0, f64::max).min(rows);
    let most = singles.iter().product::<f64>().min(rows);
    estimate.min(most).max(least)
}

/// The number of distinct values in a table, from a row sample.
///
/// `hashes` has one hash for each sampled row that counts, `sample_rows` is how many rows those
/// are drawn from. The estimator is Duj1 of Haas and Stokes ("Estimating the number of classes in
/// a finite population", IBM RJ 10025, equation 4) as `compute_distinct_stats` in PostgreSQL's
/// `analyze.c` uses it: `n*d / (n - f1 + f1*n/N)`, kept within `[d, N]`, with its special cases: no
/// value seen twice means unique, every value seen twice means that all were seen.
#[must_use]
pub fn distinct_from_sample(sample_rows: usize, total_rows: f64, hashes: &[u64]) -> f64 {
    let mut sorted = hashes.to_vec();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| a == b);
    let (mut seen, mut once) = (0_u64, 0_u64);
    for run in runs {
        seen += 1;
        once += u64::from(run.len() == 1);
    }
    let (distinct, single, sample) = (seen as f64, once as f64, sample_rows as f64);
    let total = total_rows.max(sample).max(1.0);
    if seen == 0 {
        return 1.0;
    }
    if single >= distinct && sample > 0.0 {
        return total * (distinct / sample).min(1.0);
    }
    if once == 0 {
        return distinct;
    }
    let estimate = sample * distinct / (sample - single + single * sample / total);
    estimate.clamp(distinct, total)
}

/// Hashes of column groups from hashes of the columns, row by row; give the columns in ascending
/// order to get the same group hash everywhere. Rows beyond the shortest input are left out.
#[must_use]
pub fn combine_hashes(columns: &[&[u64]]) -> Vec<u64> {
    let rows = columns.iter().map(|column| column.len()).min().unwrap_or(0);
    (0..rows)
        .map(|row| {
            columns.iter().fold(0x9e37_79b9_7f4a_7c15, |hash, column| mix(hash, column[row]))
        })
        .collect()
}

/// One step of the finalizer of splitmix64 over the running hash and the next value.
fn mix(hash: u64, value: u64) -> u64 {
    let mut x = hash.rotate_left(23).wrapping_add(value).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 29;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Column;
    use proptest::prelude::*;

    fn table(rows: f64, counts: &[f64]) -> Table {
        let columns = counts
            .iter()
            .zip(1_i16..)
            .map(|(&n_distinct, number)| Column { number, n_distinct, ..Column::default() })
            .collect();
        Table { rows, columns, ..Table::default() }
    }

    #[test]
    fn noted_groups_win_over_the_product() {
        let mut groups = GroupDistinct::default();
        let table = table(1e6, &[200.0, 1000.0, 4.0]);
        assert!(groups.estimate(0, &table, &[1, 2]) > 190_000.0);
        groups.insert(0, &[2, 1], 1000.0);
        assert_eq!(groups.estimate(0, &table, &[1, 2]), 1000.0);
        assert_eq!(groups.get(0, &[1, 2]), Some(1000.0));
        groups.insert(0, &[1, 2, 3], 2500.0);
        assert_eq!(groups.estimate(0, &table, &[2, 3]), 2500.0);
        assert_eq!(groups.estimate(1, &table, &[3]), groups.estimate(0, &table, &[3]));
    }

    #[test]
    fn the_sample_estimator_has_the_servers_special_cases() {
        assert_eq!(distinct_from_sample(4, 1000.0, &[1, 2, 3, 4]), 1000.0);
        assert_eq!(distinct_from_sample(4, 1000.0, &[1, 1, 3, 3]), 2.0);
        assert_eq!(distinct_from_sample(0, 1000.0, &[]), 1.0);
        // n = 4, d = 3, f1 = 2, N = 100: 12 / (2 + 2 * 4 / 100)
        assert!((distinct_from_sample(4, 100.0, &[1, 1, 2, 3]) - 12.0 / 2.08).abs() < 1e-9);
    }

    #[test]
    fn group_hashes_tell_rows_apart() {
        let (a, b) = ([1, 1, 2, 2], [5, 6, 5, 6]);
        let hashes = combine_hashes(&[&a, &b]);
        assert_eq!(distinct_from_sample(4, 4.0, &hashes), 4.0);
        assert_ne!(combine_hashes(&[&a, &b]), combine_hashes(&[&b, &a]));
    }

    proptest! {
        #[test]
        fn estimates_stay_in_bounds(values in prop::collection::vec(0_u64..50, 1..200), more in 0.0_f64..1e6) {
            let total = values.len() as f64 + more;
            let distinct = values.iter().collect::<std::collections::BTreeSet<_>>().len() as f64;
            let estimate = distinct_from_sample(values.len(), total, &values);
            prop_assert!(estimate >= distinct && estimate <= total);
        }

        #[test]
        fn groups_stay_in_bounds(counts in prop::collection::vec(1.0_f64..1e6, 1..5), rows in 1.0_f64..1e7) {
            let counts: Vec<f64> = counts.iter().map(|count| count.min(rows)).collect();
            let columns: Vec<i16> = (1_i16..).take(counts.len()).collect();
            let estimate = GroupDistinct::default().estimate(0, &table(rows, &counts), &columns);
            let least = counts.iter().copied().fold(1.0, f64::max);
            prop_assert!(estimate >= least * 0.999_999 && estimate <= rows * 1.000_001);
        }
    }
}
