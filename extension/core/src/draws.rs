//! Which values stand in for the parameters of a normalized statement.
//!
//! A statement is planned several times, each time with another *draw* of its parameters, and the
//! mean of the costs is its cost. This module chooses values by their rank in the statistics of the
//! column and knows no types; who holds the statistics turns a rank into a value.
//!
//! There is no randomness: the draws of one parameter are spread evenly over the distribution of
//! its column (one in each of `total` equal shares), in an order that differs between parameters,
//! so that not all of them are at the frequent end at once.

/// What a parameter is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamRole {
    /// `column = $1`.
    Equal,
    /// An element of `column IN (…)`.
    In {
        /// Which element, from 0.
        position: usize,
        /// How many there are.
        of: usize,
    },
    /// `column <> $1`.
    NotEqual,
    /// `column > $1`, `column >= $1`.
    LowerBound,
    /// `column < $1`, `column <= $1`.
    UpperBound,
    /// The lower bound of a range whose upper bound is the parameter `partner`.
    BetweenLow {
        /// Number of the upper bound.
        partner: u32,
    },
    /// The upper bound of a range whose lower bound is the parameter `partner`.
    BetweenHigh {
        /// Number of the lower bound.
        partner: u32,
    },
    /// `column LIKE $1`.
    LikePattern,
    /// `LIMIT $1`, `FETCH FIRST $1 ROWS`.
    Limit,
    /// `OFFSET $1`.
    Offset,
    /// An interval that is added to or taken from a point in time.
    IntervalLike,
    /// Not compared with a column.
    Untied,
}

/// The distribution of a column, as `pg_statistic` has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ColumnProfile {
    /// Frequencies of the most common values, in the order of the statistics.
    pub mcv_freqs: Vec<f64>,
    /// Number of histogram bounds; fewer than two are no histogram.
    pub histogram_bounds: usize,
    /// Number of distinct values, absolute.
    pub n_distinct: f64,
    /// Share of NULLs.
    pub null_frac: f64,
    /// Rows of the table.
    pub rows: f64,
}

/// Which draw of which parameter.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Draw {
    /// The draw, from 0.
    pub index: usize,
    /// How many draws there are.
    pub total: usize,
    /// The number of the parameter.
    pub param: u32,
    /// Rows the statement returned per call, if known: the best guess at its LIMIT.
    pub rows_per_call: Option<f64>,
}

/// A value of a column by its rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rank {
    /// The most common value of this index.
    Mcv(usize),
    /// The value at this quantile of the histogram, 0 to 1.
    HistogramAt(f64),
}

/// How a pattern is made of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LikeForm {
    /// Its first characters, and `%`.
    Prefix(usize),
    /// A part of it between two `%`.
    Contains,
    /// `%`, and its last characters.
    Suffix,
}

/// The value of a parameter in one draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueChoice {
    /// A value of the column.
    Column(Rank),
    /// A pattern made of a value of the column.
    LikeOf(Rank, LikeForm),
    /// A number.
    Integer(i64),
    /// An interval.
    IntervalDays(u32),
    /// Whatever suits the type: nothing is known.
    Default,
}

/// The share of a column that a range covers; it rotates over the draws.
const RANGE_WIDTHS: [f64; 3] = [0.05, 0.10, 0.15];
/// A value with a larger share has most of the rows.
const MOST: f64 = 0.5;
/// LIMIT without a hint is a page.
const DEFAULT_LIMIT: f64 = 10.0;
const MAX_LIMIT: f64 = 1000.0;
const INTERVAL_DAYS: [u32; 5] = [1, 7, 30, 90, 365];
const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_9;

/// Chooses the value of a parameter; the same arguments give the same value.
///
/// `profile` is that of the column the role speaks of; `None` if it has no statistics.
#[must_use]
pub fn draw(role: ParamRole, profile: Option<&ColumnProfile>, draw: Draw) -> ValueChoice {
    match role {
        ParamRole::Limit => return limit(draw),
        ParamRole::Offset => return ValueChoice::Integer(if draw.index % 3 == 2 { 10 } else { 0 }),
        ParamRole::IntervalLike => return interval(draw),
        ParamRole::Untied => return ValueChoice::Default,
        _ => {}
    }
    let Some(shape) = profile.map(Shape::of).filter(Shape::is_known) else {
        return ValueChoice::Default;
    };
    let own = unit(draw.param, draw);
    match role {
        ParamRole::In { position, of } => ValueChoice::Column(shape.element(position, of, draw)),
        ParamRole::LowerBound | ParamRole::UpperBound => ValueChoice::Column(shape.bound(own)),
        ParamRole::BetweenLow { partner } => ValueChoice::Column(shape.range(draw, partner, false)),
        ParamRole::BetweenHigh { partner } => ValueChoice::Column(shape.range(draw, partner, true)),
        ParamRole::LikePattern => ValueChoice::LikeOf(shape.value(own, draw), like_form(draw)),
        _ => ValueChoice::Column(shape.value(own, draw)),
    }
}

/// A point between 0 and 1 in the draw's share for this parameter.
///
/// The shares are visited in steps that have no divisor in common with their number, so each is
/// visited once.
fn unit(param: u32, draw: Draw) -> f64 {
    let total = draw.total.max(1);
    if total == 1 {
        return 0.5;
    }
    let steps: Vec<usize> = (1..total).filter(|&step| gcd(step, total) == 1).collect();
    let param = param as usize;
    let step = steps.get(param % steps.len().max(1)).copied().unwrap_or(1);
    let share = ((draw.index % total) * step + param) % total;
    let within = (param as f64 * GOLDEN_RATIO).fract();
    (share as f64 + within) / total as f64
}

fn gcd(left: usize, right: usize) -> usize {
    if right == 0 { left } else { gcd(right, left % right) }
}

fn limit(draw: Draw) -> ValueChoice {
    let rows = draw.rows_per_call.filter(|rows| rows.is_finite()).unwrap_or(DEFAULT_LIMIT);
    ValueChoice::Integer(rows.round().clamp(1.0, MAX_LIMIT) as i64)
}

fn interval(draw: Draw) -> ValueChoice {
    let index = (unit(draw.param, draw) * INTERVAL_DAYS.len() as f64) as usize;
    ValueChoice::IntervalDays(INTERVAL_DAYS[index.min(INTERVAL_DAYS.len() - 1)])
}

fn like_form(draw: Draw) -> LikeForm {
    match draw.index % 4 {
        0 => LikeForm::Prefix(3),
        1 => LikeForm::Contains,
        2 => LikeForm::Prefix(5),
        _ => LikeForm::Suffix,
    }
}

/// A profile made ready: frequencies without nonsense, and the share of the common values.
struct Shape {
    freqs: Vec<f64>,
    /// Share of the common values among the values that are not NULL.
    common: f64,
    histogram: bool,
}

impl Shape {
    fn of(profile: &ColumnProfile) -> Self {
        let sane = |value: &f64| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
        let freqs: Vec<f64> = profile.mcv_freqs.iter().map(sane).collect();
        let sum: f64 = freqs.iter().sum();
        let rest = (1.0 - sane(&profile.null_frac) - sum).max(0.0);
        let histogram = profile.histogram_bounds >= 2;
        let common = match (sum > 0.0, histogram && rest > 0.0) {
            (true, true) => sum / (sum + rest),
            (true, false) => 1.0,
            (false, _) => 0.0,
        };
        Self { freqs, common, histogram }
    }

    fn is_known(&self) -> bool {
        self.histogram || self.common > 0.0
    }

    /// The common value at a point between 0 and 1 of their frequencies.
    fn common_at(&self, unit: f64) -> usize {
        let target = unit * self.freqs.iter().sum::<f64>();
        let mut sum = 0.0;
        for (index, freq) in self.freqs.iter().enumerate() {
            sum += freq;
            if target < sum {
                return index;
            }
        }
        self.freqs.len().saturating_sub(1)
    }

    /// A value as often as it occurs in the column. The last share is always outside of the common
    /// values if there is anything: a rare value is what an index is best for. Where all values are
    /// known and one has most of the rows, it is the rarest: open orders and failed jobs are asked for,
    /// all that was ever done hardly is.
    fn value(&self, unit: f64, draw: Draw) -> Rank {
        let last_share = draw.total > 2 && unit >= 1.0 - 1.0 / draw.total as f64;
        let skewed = !self.histogram && self.freqs.iter().any(|&freq| freq > MOST);
        if last_share && skewed {
            return Rank::Mcv(self.freqs.len() - 1);
        }
        if unit < self.common && !(last_share && self.histogram) {
            return Rank::Mcv(self.common_at(unit / self.common));
        }
        let start = if unit < self.common { 0.0 } else { self.common };
        let width = 1.0 - start;
        Rank::HistogramAt(if width > 0.0 { ((unit - start) / width).clamp(0.0, 1.0) } else { 0.5 })
    }

    /// A bound: all quantiles are as likely.
    fn bound(&self, unit: f64) -> Rank {
        if self.histogram { Rank::HistogramAt(unit) } else { Rank::Mcv(self.common_at(unit)) }
    }

    /// One end of a narrow range. Without a histogram the order is unknown: both ends are one value.
    fn range(&self, draw: Draw, partner: u32, high: bool) -> Rank {
        let unit = unit(draw.param.min(partner), draw);
        let width = RANGE_WIDTHS[draw.index % RANGE_WIDTHS.len()];
        let low = unit * (1.0 - width);
        self.bound(if !self.histogram {
            unit
        } else if high {
            low + width
        } else {
            low
        })
    }

    /// An element of a list: common values one after the other for their share of the list, the
    /// others spread over the histogram. Elements differ as long as there are values.
    fn element(&self, position: usize, of: usize, draw: Draw) -> Rank {
        let of = of.max(1);
        let position = position % of;
        // All elements start from the same point: that of the first parameter of the list.
        let first = draw.param.wrapping_sub(u32::try_from(position).unwrap_or(0));
        let start = unit(first, draw);
        if of == 1 {
            return self.value(start, draw);
        }
        let share = (of as f64 * self.common).round() as usize;
        let common = if self.histogram { share.min(self.freqs.len()) } else { of };
        if position < common {
            return Rank::Mcv((self.common_at(start) + position) % self.freqs.len().max(1));
        }
        let others = (of - common) as f64;
        let place = (position - common) as f64;
        Rank::HistogramAt(((place + start) / others).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn profile(mcv_freqs: &[f64], histogram_bounds: usize) -> ColumnProfile {
        ColumnProfile {
            mcv_freqs: mcv_freqs.to_vec(),
            histogram_bounds,
            n_distinct: 1000.0,
            null_frac: 0.0,
            rows: 1e6,
        }
    }

    fn all(role: ParamRole, profile: &ColumnProfile, total: usize, param: u32) -> Vec<ValueChoice> {
        let at = |index| Draw { index, total, param, rows_per_call: None };
        (0..total).map(|index| draw(role, Some(profile), at(index))).collect()
    }

    fn quantile(choice: ValueChoice) -> f64 {
        match choice {
            ValueChoice::Column(Rank::HistogramAt(quantile)) => quantile,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn equality_follows_the_frequencies() {
        let skewed = profile(&[0.5, 0.2], 101);
        for param in 1..20 {
            let drawn = all(ParamRole::Equal, &skewed, 10, param);
            let count = |rank| drawn.iter().filter(|&&c| c == ValueChoice::Column(rank)).count();
            assert!((4..=6).contains(&count(Rank::Mcv(0))), "{param} {drawn:?}");
            assert!((1..=3).contains(&count(Rank::Mcv(1))), "{param} {drawn:?}");
        }
    }

    #[test]
    fn one_draw_is_rare_even_if_common_values_are_nearly_all() {
        let drawn = all(ParamRole::Equal, &profile(&[0.99], 11), 5, 3);
        let rare = |c: &&ValueChoice| matches!(c, ValueChoice::Column(Rank::HistogramAt(_)));
        assert_eq!(drawn.iter().filter(rare).count(), 1, "{drawn:?}");
    }

    #[test]
    fn one_draw_of_a_skewed_status_is_the_rarest() {
        for param in 1..20 {
            let drawn = all(ParamRole::Equal, &profile(&[0.97, 0.02, 0.01], 0), 5, param);
            let rarest = |c: &&ValueChoice| **c == ValueChoice::Column(Rank::Mcv(2));
            assert_eq!(drawn.iter().filter(rarest).count(), 1, "{param} {drawn:?}");
            let even = all(ParamRole::Equal, &profile(&[0.4, 0.3, 0.3], 0), 5, param);
            assert!(even.iter().filter(rarest).count() <= 2, "{param} {even:?}");
        }
    }

    #[test]
    fn parameters_are_not_at_the_same_rank_together() {
        let unique = profile(&[], 101);
        let (one, two) =
            (all(ParamRole::Equal, &unique, 7, 1), all(ParamRole::Equal, &unique, 7, 2));
        let close = one
            .iter()
            .zip(&two)
            .filter(|(left, right)| (quantile(**left) - quantile(**right)).abs() < 0.1)
            .count();
        assert!(close <= 2, "{one:?} {two:?}");
    }

    #[test]
    fn bounds_are_spread_and_ranges_are_narrow() {
        let unique = profile(&[], 101);
        let mut bounds: Vec<f64> =
            all(ParamRole::LowerBound, &unique, 5, 4).into_iter().map(quantile).collect();
        bounds.sort_by(f64::total_cmp);
        for (index, bound) in bounds.iter().enumerate() {
            assert!((index as f64 / 5.0..=(index as f64 + 1.0) / 5.0).contains(bound));
        }
        let low = all(ParamRole::BetweenLow { partner: 8 }, &unique, 6, 7);
        let high = all(ParamRole::BetweenHigh { partner: 7 }, &unique, 6, 8);
        for (low, high) in low.into_iter().zip(high) {
            let width = quantile(high) - quantile(low);
            assert!((0.049..0.151).contains(&width), "{width}");
        }
    }

    #[test]
    fn lists_hold_distinct_values() {
        for column in [profile(&[0.5, 0.1, 0.1], 101), profile(&[], 101), profile(&[0.25; 4], 0)] {
            for index in 0..5 {
                let elements: Vec<ValueChoice> = (0..4)
                    .map(|position| {
                        let param = 3 + position as u32;
                        let role = ParamRole::In { position, of: 4 };
                        draw(
                            role,
                            Some(&column),
                            Draw { index, total: 5, param, rows_per_call: None },
                        )
                    })
                    .collect();
                for (at, element) in elements.iter().enumerate() {
                    assert!(!elements[..at].contains(element), "{elements:?}");
                }
            }
        }
    }

    #[test]
    fn roles_without_a_column() {
        let at = Draw { index: 0, total: 5, param: 1, rows_per_call: Some(25.4) };
        assert_eq!(draw(ParamRole::Limit, None, at), ValueChoice::Integer(25));
        let unknown = Draw { rows_per_call: None, ..at };
        assert_eq!(draw(ParamRole::Limit, None, unknown), ValueChoice::Integer(10));
        let many = Draw { rows_per_call: Some(1e9), ..at };
        assert_eq!(draw(ParamRole::Limit, None, many), ValueChoice::Integer(1000));
        assert_eq!(draw(ParamRole::Offset, None, at), ValueChoice::Integer(0));
        assert_eq!(draw(ParamRole::Equal, None, at), ValueChoice::Default);
        assert_eq!(draw(ParamRole::Equal, Some(&profile(&[], 0)), at), ValueChoice::Default);
        assert!(matches!(draw(ParamRole::IntervalLike, None, at), ValueChoice::IntervalDays(_)));
    }

    proptest! {
        #[test]
        fn ranks_exist_in_the_profile(
            freqs in proptest::collection::vec(-0.5_f64..1.5, 0..6),
            histogram_bounds in 0_usize..5,
            null_frac in -1.0_f64..2.0,
            (index, total, param) in (0_usize..20, 0_usize..12, any::<u32>()),
            (position, of) in (0_usize..9, 0_usize..6),
        ) {
            let column = ColumnProfile { null_frac, ..profile(&freqs, histogram_bounds) };
            let roles = [
                ParamRole::Equal,
                ParamRole::In { position, of },
                ParamRole::UpperBound,
                ParamRole::BetweenHigh { partner: param ^ 1 },
                ParamRole::LikePattern,
            ];
            for role in roles {
                let at = Draw { index, total, param, rows_per_call: Some(f64::NAN) };
                match draw(role, Some(&column), at) {
                    ValueChoice::Column(rank) | ValueChoice::LikeOf(rank, _) => match rank {
                        Rank::Mcv(mcv) => prop_assert!(mcv < freqs.len()),
                        Rank::HistogramAt(quantile) => {
                            prop_assert!(histogram_bounds >= 2 && (0.0..=1.0).contains(&quantile));
                        }
                    },
                    other => prop_assert_eq!(other, ValueChoice::Default),
                }
            }
        }
    }
}
