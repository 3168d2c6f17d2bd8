//! What statistics say of a suggestion.

/// Share of the values known of a column that must lie where the key's values are: what was
/// sampled at two times may differ.
const LEAST_INSIDE: f64 = 0.95;

/// How far outside of the key's sampled range still counts as inside, as a share of its width: a
/// sample does not hold the very first and last value.
const SLACK: f64 = 0.05;

/// How many more distinct values than the key has rows are still explained by estimates.
const DISTINCT_SLACK: f64 = 1.2;

/// What `pg_stats` knows of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Distinct values: a count, or when negative a share of the rows, negated.
    pub distinct: f64,
    /// Rows of the column's table when it was counted.
    pub rows: Option<f64>,
    /// Whether it has values other than NULL.
    pub has_values: bool,
    /// Of integers the values that are known: the most common ones and the bounds of the histogram.
    pub values: Vec<i64>,
}

impl Statistics {
    fn distinct_values(&self) -> Option<f64> {
        if self.distinct > 0.0 {
            return Some(self.distinct);
        }
        self.rows.filter(|_| self.distinct < 0.0).map(|rows| -self.distinct * rows)
    }
}

/// What statistics say.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The column holds what the key does not.
    Against,
    /// Nothing.
    Unknown,
    /// The column's values may be the key's, in words.
    For(String),
}

/// Compares the values of a column with those of the key, whose table has `rows`.
#[must_use]
pub fn judge(
    source: Option<&Statistics>,
    target: Option<&Statistics>,
    rows: Option<f64>,
) -> Verdict {
    let (Some(source), Some(target)) = (source, target) else { return Verdict::Unknown };
    let distinct = source.distinct_values();
    if let (Some(distinct), Some(rows)) = (distinct, rows)
        && distinct > rows * DISTINCT_SLACK + 1.0
    {
        return Verdict::Against;
    }
    let (some, keys) = (&source.values, &target.values);
    if some.is_empty() || keys.is_empty() {
        return match (distinct, rows) {
            (Some(distinct), Some(rows)) if source.has_values => Verdict::For(format!(
                "its {distinct:.0} different values are not more than the {rows:.0} keys"
            )),
            _ => Verdict::Unknown,
        };
    }
    let range = |numbers: &[i64]| (numbers.iter().min().copied(), numbers.iter().max().copied());
    let (Some(low), Some(high)) = range(keys) else { return Verdict::Unknown };
    let slack = ((high as f64 - low as f64) * SLACK).ceil();
    let inside = |n: i64| (n as f64) >= low as f64 - slack && n as f64 <= high as f64 + slack;
    let share = some.iter().filter(|&&n| inside(n)).count() as f64 / some.len() as f64;
    if share < LEAST_INSIDE {
        return Verdict::Against;
    }
    let (Some(first), Some(last)) = range(some) else { return Verdict::Unknown };
    Verdict::For(format!("its values ({first} to {last}) are among the key's ({low} to {high})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[i64], distinct: f64) -> Statistics {
        let has_values = !values.is_empty();
        Statistics { distinct, rows: Some(1000.0), has_values, values: values.to_vec() }
    }

    #[test]
    fn values_outside_of_the_key_speak_against_it() {
        let keys = column(&[1, 500, 1000], -1.0);
        let verdict = |values: &[i64], distinct| {
            judge(Some(&column(values, distinct)), Some(&keys), Some(1000.0))
        };
        assert!(matches!(verdict(&[3, 700, 990], 50.0), Verdict::For(_)));
        // Sampled before the last keys came.
        assert!(matches!(verdict(&[3, 700, 1040], 50.0), Verdict::For(_)));
        assert_eq!(verdict(&[3, 700, 990_000], 50.0), Verdict::Against);
        assert_eq!(verdict(&[-70, -90], 50.0), Verdict::Against);
        assert_eq!(verdict(&[3, 700], 5000.0), Verdict::Against);
        assert_eq!(verdict(&[], 50.0), Verdict::Unknown);
    }

    #[test]
    fn without_statistics_nothing_is_said() {
        let keys = column(&[1, 1000], -1.0);
        assert_eq!(judge(None, Some(&keys), Some(1000.0)), Verdict::Unknown);
        assert_eq!(judge(Some(&keys), None, Some(1000.0)), Verdict::Unknown);
    }

    #[test]
    fn values_that_are_no_numbers_are_counted() {
        let texts = |distinct| Statistics {
            distinct,
            rows: Some(300.0),
            has_values: true,
            values: Vec::new(),
        };
        let verdict = judge(Some(&texts(-0.1)), Some(&texts(-1.0)), Some(300.0));
        assert_eq!(
            verdict,
            Verdict::For("its 30 different values are not more than the 300 keys".to_owned())
        );
        assert_eq!(judge(Some(&texts(700.0)), Some(&texts(-1.0)), Some(300.0)), Verdict::Against);
    }
}
