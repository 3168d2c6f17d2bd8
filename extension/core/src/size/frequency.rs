//! How often things occur in a population of which a sample was seen.
//!
//! Entries of an inverted index are a mixture: keys that every row has beside ones that no two rows
//! share. Estimators that take all for equally frequent miss the rare ones by orders of magnitude.
//! So the mixture is fitted: each entry's count in the sample is a Poisson variable of one of a ladder
//! of rates, and the weights of the rates are those of maximum likelihood, found by expectation and
//! maximisation (Norris and Pollock, "Non-parametric MLE for Poisson species abundance models", 1998).

/// Counts up to which the mixture explains what was seen; beyond, the sample is as good as it.
pub(super) const FEW: usize = 12;
/// Ratio between neighbouring rates.
const STEP: f64 = 1.5;
/// Rates end here: hardly any entry of a higher one is seen so few times.
const HIGHEST: f64 = 24.0;
/// Weight that fitting begins with for each step away from the rate that fits best alone.
const ELSEWHERE: f64 = 0.5;
/// Most rounds of fitting, and the change of all weights that ends it.
const ROUNDS: usize = 2000;
const SETTLED: f64 = 1e-6;

/// Entries alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Group {
    /// How many there are.
    pub(super) count: f64,
    /// How often each occurs in the population.
    pub(super) occurrences: f64,
}

/// The population behind entries of which `seen[k - 1]` were seen `k` times in a sample of the share
/// `share`; `k` is at most [`FEW`].
pub(super) fn population(seen: &[f64; FEW], share: f64) -> Vec<Group> {
    let share = share.clamp(1e-9, 1.0);
    let total: f64 = seen.iter().sum();
    let items: f64 = (1..).zip(seen).map(|(times, count)| f64::from(times) * count).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    // Nothing occurs less than once.
    let rates: Vec<f64> = std::iter::successors(Some(share), |rate| Some(rate * STEP))
        .take_while(|&r| r < HIGHEST.max(share * 1.1))
        .collect();
    let likelihoods: Vec<[f64; FEW]> = rates.iter().map(|&rate| probabilities(rate)).collect();
    let weights = fit(seen, &likelihoods);
    let mut groups: Vec<Group> = rates
        .iter()
        .zip(&likelihoods)
        .zip(weights)
        .filter(|(_, weight)| *weight > 1e-6)
        .map(|((&rate, likelihood), weight)| {
            let met: f64 = likelihood.iter().sum();
            let unseen = (-rate).exp() / met.max(f64::MIN_POSITIVE);
            Group { count: total * weight * (1.0 + unseen), occurrences: rate / share }
        })
        .collect();
    // All occurrences together are known better than how they are shared out.
    let expected = items / share;
    let found: f64 = groups.iter().map(|group| group.count * group.occurrences).sum();
    for group in &mut groups {
        let whole = group.count * group.occurrences * expected / found.max(f64::MIN_POSITIVE);
        group.occurrences = (group.occurrences * expected / found).max(1.0);
        group.count = whole / group.occurrences;
    }
    groups
}

/// Probability that an entry of this rate is seen once, twice, …
fn probabilities(rate: f64) -> [f64; FEW] {
    let mut probability = (-rate).exp();
    let mut times = 0.0;
    [0.0; FEW].map(|_| {
        times += 1.0;
        probability *= rate / times;
        probability
    })
}

/// The share of the seen entries that each rate has.
fn fit(seen: &[f64; FEW], likelihoods: &[[f64; FEW]]) -> Vec<f64> {
    let total: f64 = seen.iter().sum();
    let given: Vec<[f64; FEW]> = likelihoods
        .iter()
        .map(|likelihood| {
            let met: f64 = likelihood.iter().sum();
            likelihood.map(|probability| probability / met.max(f64::MIN_POSITIVE))
        })
        .collect();
    // From the one rate that fits best: where the sample cannot tell, it stays the simplest answer.
    let fits = given.iter().map(|given| -> f64 {
        seen.iter().zip(given).map(|(count, g)| count * g.max(f64::MIN_POSITIVE).ln()).sum()
    });
    let best = fits.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at);
    let mut weights: Vec<f64> =
        (0..given.len()).map(|at| ELSEWHERE.powi(at.abs_diff(best) as i32)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; given.len()];
        for (at, &count) in seen.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            let all: f64 = weights.iter().zip(&given).map(|(w, g)| w * g[at]).sum();
            for ((next, weight), given) in next.iter_mut().zip(&weights).zip(&given) {
                *next += count * weight * given[at] / all.max(f64::MIN_POSITIVE);
            }
        }
        next.iter_mut().for_each(|weight| *weight /= total);
        let change: f64 = next.iter().zip(&weights).map(|(new, old)| (new - old).abs()).sum();
        weights = next;
        if change < SETTLED {
            break;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected counts in a sample of `share` of `count` entries that occur `occurrences` times.
    fn sampled(populations: &[(f64, f64)], share: f64) -> [f64; FEW] {
        let mut seen = [0.0; FEW];
        for &(count, occurrences) in populations {
            for (seen, probability) in seen.iter_mut().zip(probabilities(occurrences * share)) {
                *seen += count * probability;
            }
        }
        seen.map(f64::round)
    }

    fn entries(populations: &[(f64, f64)], share: f64) -> f64 {
        population(&sampled(populations, share), share).iter().map(|group| group.count).sum()
    }

    #[test]
    fn populations_are_found_again() {
        for (populations, share) in [
            (vec![(200_000.0, 1.0)], 0.01),
            (vec![(3_000.0, 67.0)], 0.01),
            (vec![(50_000.0, 4.0)], 0.01),
            // Unique ones beside frequent ones.
            (vec![(199_000.0, 1.0), (1_000.0, 200.0)], 0.01),
            (vec![(50_000.0, 4.0), (3_000.0, 67.0)], 0.01),
            (vec![(800_000.0, 1.4)], 0.01),
            (vec![(2_000.0, 15.0), (900.0, 33.0)], 0.07),
        ] {
            let real: f64 = populations.iter().map(|population| population.0).sum();
            let ratio = entries(&populations, share) / real;
            assert!((0.45..=1.6).contains(&ratio), "{populations:?}: {ratio}");
        }
    }

    #[test]
    fn occurrences_add_up() {
        let seen = sampled(&[(5_000.0, 30.0), (90_000.0, 2.0)], 0.02);
        let groups = population(&seen, 0.02);
        let found: f64 = groups.iter().map(|group| group.count * group.occurrences).sum();
        let items: f64 = (1..).zip(seen).map(|(times, count)| f64::from(times) * count).sum();
        assert!((found / (items / 0.02) - 1.0).abs() < 1e-6);
        assert!(groups.iter().all(|group| group.occurrences >= 1.0 && group.count > 0.0));
        assert!(population(&[0.0; FEW], 0.1).is_empty());
    }
}
