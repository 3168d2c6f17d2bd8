//! What is minimised.

use crate::model::QueryId;

/// How the costs of the queries make one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Objective {
    /// Σ weight × cost: the load of the server.
    #[default]
    Total,
    /// exp(Σ weight × ln cost / Σ weight): every query counts by its ratio, however cheap it is.
    GeometricMean,
}

/// Costs below this count as this much in the geometric mean.
const LEAST_COST: f64 = 1e-6;

/// Share of the queries' cost that is left of the objective, at least.
const LEAST_SHARE: f64 = 0.01;

/// The objective with its weights, as sums that can be updated query by query.
#[derive(Debug)]
pub(crate) struct Goal {
    objective: Objective,
    /// By query; zero for a query that cannot be planned.
    weights: Vec<f64>,
    weight_sum: f64,
    pareto_ratio: f64,
    base_bytes: f64,
}

impl Goal {
    pub(crate) fn new(
        objective: Objective,
        weights: Vec<f64>,
        pareto_ratio: f64,
        base_bytes: f64,
    ) -> Self {
        let weight_sum = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let pareto_ratio = if pareto_ratio > 0.0 { pareto_ratio } else { 0.0 };
        Self { objective, weights, weight_sum, pareto_ratio, base_bytes: base_bytes.max(1.0) }
    }

    /// Whether space is weighed against speed.
    pub(crate) fn weighs_space(&self) -> bool {
        self.pareto_ratio > 0.0
    }

    pub(crate) fn weight(&self, query: QueryId) -> f64 {
        self.weights[query]
    }

    /// What a query with this cost adds to the sum.
    pub(crate) fn share(&self, query: QueryId, cost: f64) -> f64 {
        let weight = self.weights[query];
        if weight == 0.0 {
            return 0.0;
        }
        match self.objective {
            Objective::Total => weight * cost,
            Objective::GeometricMean => weight / self.weight_sum * cost.max(LEAST_COST).ln(),
        }
    }

    /// What turns upkeep, in units of the weighted sum of costs, into units of the objective: as much
    /// of the mean as it is of the sum.
    pub(crate) fn upkeep_factor(&self, base: &[f64]) -> f64 {
        match self.objective {
            Objective::Total => 1.0,
            Objective::GeometricMean => {
                let counted = base.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0);
                let sum: f64 = counted.map(|(cost, weight)| cost * weight).sum();
                if sum > 0.0 { self.total(base) / sum } else { 0.0 }
            }
        }
    }

    /// The objective: workload cost for a sum of shares, plus upkeep. Upkeep that is given back makes
    /// no workload free.
    pub(crate) fn value(&self, sum: f64, upkeep: f64) -> f64 {
        let cost = match self.objective {
            Objective::Total => sum.max(0.0),
            Objective::GeometricMean => sum.exp(),
        };
        (cost + upkeep).max(cost * LEAST_SHARE)
    }

    /// The objective at `costs`, upkeep left out.
    pub(crate) fn total(&self, costs: &[f64]) -> f64 {
        self.with_upkeep(costs, 0.0)
    }

    /// The objective at `costs`.
    pub(crate) fn with_upkeep(&self, costs: &[f64], upkeep: f64) -> f64 {
        let shares = costs.iter().enumerate().map(|(query, &cost)| self.share(query, cost));
        self.value(shares.sum(), upkeep)
    }

    /// The objective at `costs` relative to that at `base`, upkeep left out.
    pub(crate) fn relative(&self, costs: &[f64], base: &[f64]) -> f64 {
        self.total(costs) / self.total(base).max(f64::MIN_POSITIVE)
    }

    /// What the search minimises: ln(value), plus the price of space if it has one. A difference of
    /// 0.0001 is about 0.01 % of the value.
    pub(crate) fn score(&self, value: f64, bytes: f64) -> f64 {
        let speed = value.max(f64::MIN_POSITIVE).ln();
        if self.weighs_space() {
            speed + self.pareto_ratio * (self.base_bytes + bytes).ln()
        } else {
            speed
        }
    }
}
