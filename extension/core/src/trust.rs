//! How well the gain of an index stands up to other values and to wrong statistics.
//!
//! The advisor plans the improved statements again, with and without the index: with other values
//! for their parameters, common and rare ones, and under assumptions that differ from the statistics
//! as real tables come to differ from them. Here is what follows from the costs; who plans is not
//! here, and neither is what follows from the statistics alone ([`crate::findings`]).

use serde::Serialize;

use crate::findings::Confidence;

/// A gain below this is none: the noise between two runs of ANALYZE amounts to as much at the
/// default statistics target.
pub const NO_GAIN: f64 = 0.01;
/// A gain that is worth speaking of when another value has none.
const CLEAR_GAIN: f64 = 0.10;
/// Of the values tried, the share that must gain for the index to be more than a lucky find.
const LUCKY_SHARE: f64 = 0.25;
/// Fewer values say nothing of luck.
const FEW_VALUES: usize = 4;

/// What is assumed in place of what the statistics say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumption {
    /// Tables and their indexes are four times as large.
    TablesLarger,
    /// Tables and their indexes are a quarter as large.
    TablesSmaller,
    /// Each value has four times as many rows.
    ValuesMoreFrequent,
    /// Each value has a quarter as many rows.
    ValuesRarer,
    /// The order of rows has nothing to do with that of values.
    RowsScattered,
    /// No page is known to be visible to all.
    NothingVisible,
}

/// How far sizes and frequencies are off in an assumption. Row counts of real tables are that far
/// off after a few days without ANALYZE, estimates of conditions usually.
pub const FACTOR: f64 = 4.0;

impl Assumption {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 6] = [
        Self::TablesLarger,
        Self::TablesSmaller,
        Self::ValuesMoreFrequent,
        Self::ValuesRarer,
        Self::RowsScattered,
        Self::NothingVisible,
    ];

    /// What the gain is lost under, in words that follow "if".
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::TablesLarger => "the tables are 4 times as large",
            Self::TablesSmaller => "the tables are a quarter as large",
            Self::ValuesMoreFrequent => "each value has 4 times as many rows",
            Self::ValuesRarer => "each value has a quarter as many rows",
            Self::RowsScattered => "the rows lie in no order",
            Self::NothingVisible => "no page is all-visible, as before a vacuum",
        }
    }
}

/// What statements cost without an index and with it, all else being equal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Costs {
    /// Without it, in planner units times weight.
    pub without: f64,
    /// With it.
    pub with: f64,
}

impl Costs {
    /// The share that the index saves; negative where it costs.
    #[must_use]
    pub fn gain(self) -> f64 {
        if self.without > 0.0 { 1.0 - self.with / self.without } else { 0.0 }
    }

    fn add(&mut self, other: Self) {
        self.without += other.without;
        self.with += other.with;
    }
}

/// What the trials of one index came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Robustness {
    /// Gains with other parameter values, one for each statement and set of values.
    values: Vec<f64>,
    /// By assumption, the costs of all statements.
    assumed: Vec<(Assumption, Costs)>,
    /// Statements that use the index, and those of them that were planned again.
    used_by: usize,
    tested: usize,
}

impl Robustness {
    /// Nothing tried yet of an index that so many statements use.
    #[must_use]
    pub fn new(used_by: usize) -> Self {
        Self { used_by, ..Self::default() }
    }

    /// Takes note that a statement was planned again.
    pub fn tested(&mut self) {
        self.tested += 1;
    }

    /// Takes note of a statement with one set of values for its parameters, drawn so many times.
    pub fn note_values(&mut self, costs: Costs, times: usize) {
        self.values.extend(std::iter::repeat_n(costs.gain(), times));
    }

    /// Takes note of a statement under an assumption.
    pub fn note_assumed(&mut self, assumption: Assumption, costs: Costs) {
        match self.assumed.iter_mut().find(|(known, _)| *known == assumption) {
            Some((_, sum)) => sum.add(costs),
            None => self.assumed.push((assumption, costs)),
        }
    }

    fn gaining(&self) -> usize {
        self.values.iter().filter(|&&gain| gain >= NO_GAIN).count()
    }

    fn worst(&self) -> Option<f64> {
        self.values.iter().copied().min_by(f64::total_cmp)
    }

    fn best(&self) -> Option<f64> {
        self.values.iter().copied().max_by(f64::total_cmp)
    }

    /// Whether some values gain clearly and others not at all.
    #[must_use]
    pub fn values_disagree(&self) -> bool {
        let worst = self.worst().is_some_and(|gain| gain < NO_GAIN);
        worst && self.best().is_some_and(|gain| gain > CLEAR_GAIN)
    }

    /// Whether hardly any of the values gain.
    #[must_use]
    pub fn is_lucky(&self) -> bool {
        let tried = self.values.len();
        tried >= FEW_VALUES
            && self.values_disagree()
            && self.gaining() as f64 <= tried as f64 * LUCKY_SHARE
    }

    /// The assumptions under which nothing is gained.
    fn lost(&self) -> impl Iterator<Item = Assumption> + '_ {
        self.assumed
            .iter()
            .filter(|(_, costs)| costs.gain() < NO_GAIN)
            .map(|&(assumption, _)| assumption)
    }

    /// The highest grade that the trials allow.
    #[must_use]
    pub fn allows(&self) -> Confidence {
        let lost = self.lost().count();
        if self.is_lucky() || lost > 0 && lost * 2 >= self.assumed.len() {
            Confidence::Low
        } else if self.values_disagree() || lost > 0 {
            Confidence::Medium
        } else {
            Confidence::High
        }
    }

    /// Why it is no higher, a sentence each.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.values_disagree() {
            let only = if self.is_lucky() { "only " } else { "" };
            reasons.push(format!(
                "It pays for {only}{} of {} sets of parameter values; with the worst of them {}.",
                self.gaining(),
                self.values.len(),
                saved(self.worst().unwrap_or(0.0)),
            ));
        }
        reasons.extend(
            self.lost().map(|assumption| format!("Nothing is gained if {}.", assumption.phrase())),
        );
        reasons
    }

    /// What was tried and came out, for the report.
    #[must_use]
    pub fn detail(&self) -> Detail {
        let share = |gain: f64| (gain * 1e4).round() / 1e4;
        Detail {
            statements: self.used_by,
            statements_tested: self.tested,
            values_tested: self.values.len(),
            values_gaining: self.gaining(),
            worst_gain: self.worst().map(share),
            best_gain: self.best().map(share),
            assumed: self
                .assumed
                .iter()
                .map(|&(assumption, costs)| Assumed { assumption, gain: share(costs.gain()) })
                .collect(),
            reasons: self.reasons(),
        }
    }
}

fn saved(gain: f64) -> String {
    let percent = (gain * 100.0).round();
    if percent < 0.0 {
        format!("the statement costs {} % more", -percent)
    } else {
        format!("{} % is saved", percent.abs())
    }
}

/// What the trials of an index came to, in the form of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// Statements that use the index.
    pub statements: usize,
    /// Those of them that were planned again.
    pub statements_tested: usize,
    /// Sets of parameter values that were tried, over all statements.
    pub values_tested: usize,
    /// Those that gain.
    pub values_gaining: usize,
    /// The smallest gain of a set of values, as a share of the statement's cost without the index.
    pub worst_gain: Option<f64>,
    /// The largest.
    pub best_gain: Option<f64>,
    /// The gain over all statements under each assumption.
    pub assumed: Vec<Assumed>,
    /// Why the confidence is no higher.
    pub reasons: Vec<String>,
}

/// The gain under an assumption.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Assumed {
    /// What was assumed.
    pub assumption: Assumption,
    /// The share that the index then saves.
    pub gain: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(gain: f64) -> Costs {
        Costs { without: 100.0, with: 100.0 * (1.0 - gain) }
    }

    fn of_values(gains: &[f64]) -> Robustness {
        let mut robustness = Robustness::new(1);
        gains.iter().for_each(|&gain| robustness.note_values(costs(gain), 1));
        robustness
    }

    fn of_assumptions(gains: &[f64]) -> Robustness {
        let mut robustness = of_values(&[0.5]);
        for (&assumption, &gain) in Assumption::ALL.iter().zip(gains) {
            robustness.note_assumed(assumption, costs(gain));
        }
        robustness
    }

    #[test]
    fn nothing_tried_lowers_nothing() {
        let none = Robustness::new(3);
        assert_eq!(none.allows(), Confidence::High);
        assert!(none.reasons().is_empty());
        assert_eq!(none.detail().worst_gain, None);
    }

    #[test]
    fn a_gain_for_every_value_is_trusted() {
        let all = of_values(&[0.9, 0.5, 0.02, 0.3]);
        assert_eq!(all.allows(), Confidence::High);
        assert!(all.reasons().is_empty());
    }

    #[test]
    fn a_gain_for_most_values_depends_on_them() {
        let most = of_values(&[0.9, 0.5, 0.0, 0.3]);
        assert_eq!(most.allows(), Confidence::Medium);
        let told =
            ["It pays for 3 of 4 sets of parameter values; with the worst of them 0 % is saved."];
        assert_eq!(most.reasons(), told);
    }

    #[test]
    fn a_gain_for_one_value_is_luck() {
        let one = of_values(&[0.9, 0.0, -0.2, 0.0]);
        assert_eq!(one.allows(), Confidence::Low);
        assert!(one.reasons()[0].contains("only 1 of 4"), "{:?}", one.reasons());
        assert!(one.reasons()[0].contains("costs 20 % more"), "{:?}", one.reasons());
        // Two of four, and one of three, are not.
        assert_eq!(of_values(&[0.9, 0.9, 0.0, 0.0]).allows(), Confidence::Medium);
        assert_eq!(of_values(&[0.9, 0.0, 0.0]).allows(), Confidence::Medium);
    }

    #[test]
    fn small_gains_do_not_disagree() {
        assert_eq!(of_values(&[0.09, 0.0, 0.0, 0.0]).allows(), Confidence::High);
    }

    #[test]
    fn what_a_wrong_statistic_undoes_is_said() {
        assert_eq!(of_assumptions(&[0.4; 6]).allows(), Confidence::High);
        let visible = of_assumptions(&[0.4, 0.4, 0.4, 0.4, 0.4, -0.1]);
        assert_eq!(visible.allows(), Confidence::Medium);
        assert_eq!(
            visible.reasons(),
            ["Nothing is gained if no page is all-visible, as before a vacuum."]
        );
        assert_eq!(of_assumptions(&[0.4, 0.0, 0.4, 0.0, 0.4, 0.0]).allows(), Confidence::Low);
        assert_eq!(of_assumptions(&[0.4, 0.0, 0.4, 0.0, 0.4, 0.4]).allows(), Confidence::Medium);
    }

    #[test]
    fn statements_add_up_under_an_assumption() {
        let mut robustness = Robustness::new(2);
        let assumption = Assumption::TablesLarger;
        robustness.note_assumed(assumption, Costs { without: 100.0, with: 10.0 });
        robustness.note_assumed(assumption, Costs { without: 900.0, with: 990.0 });
        let detail = robustness.detail();
        assert_eq!(detail.assumed, [Assumed { assumption, gain: 0.0 }]);
        assert_eq!(robustness.allows(), Confidence::Low);
    }

    #[test]
    fn the_report_has_words() {
        let json = serde_json::to_value(of_assumptions(&[0.25]).detail()).unwrap_or_default();
        assert_eq!(json["assumed"][0]["assumption"], "tables_larger");
        assert_eq!(json["assumed"][0]["gain"], 0.25);
        assert_eq!(json["values_tested"], 1);
    }
}
