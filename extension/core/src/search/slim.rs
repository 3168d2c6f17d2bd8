//! Shorter indexes where the last columns earn nothing.

use crate::cache::Interrupted;
use crate::index_set::IndexSet;
use crate::model::CandidateId;
use crate::pool::Sizer;
use crate::search::picked::prefixes;
use crate::search::state::{Move, Search};
use crate::search::verify::Verified;
use crate::whatif::Planner;

/// Share by which a statement's cost may grow for a shorter index: far below the noise of the
/// statistics.
pub(crate) const SLIM: f64 = 1e-3;

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// Puts shorter indexes in the place of those whose last columns earn nothing: the planner does
    /// not care for size where costs are equal, but the disk and every write do.
    ///
    /// Only the statements that use an index are planned with a shorter one: the plans of the others
    /// stay possible. All of them are planned in the end.
    pub(crate) fn slim(&mut self, start: Verified) -> Result<Verified, Interrupted> {
        let mut slimmer = start.clone();
        for id in self.new_in_order(&start.state.set) {
            let pool = self.cache.pool();
            let shorter: Vec<CandidateId> =
                prefixes(pool.def(id)).filter_map(|prefix| pool.find(&prefix)).collect();
            for to in shorter {
                let step = Move::replace(vec![id], to);
                if self.stopped() || !step.applies(&slimmer.state.set) {
                    continue;
                }
                let set = self.after(&slimmer.state.set, &step);
                if self.does_as_well(&mut slimmer, id, &set)? {
                    slimmer.state.set = set;
                    break;
                }
            }
        }
        if slimmer.state.set == start.state.set || self.stopped() {
            return Ok(start);
        }
        let bar = start.state.value * (1.0 + SLIM);
        let found = self.exactly(&slimmer.state.set)?;
        let found = found.filter(|one| one.state.value <= bar && self.fits(one.state.bytes));
        Ok(found.unwrap_or(start))
    }

    /// Whether the statements that use `id` cost no more with `set` instead; what they use is noted
    /// then.
    fn does_as_well(
        &mut self,
        now: &mut Verified,
        id: CandidateId,
        set: &IndexSet,
    ) -> Result<bool, Interrupted> {
        let mut others = now.used.clone();
        for (query, used) in others.iter_mut().enumerate().filter(|(_, used)| used.contains(id)) {
            let plan = self.cache.exact(query, set)?;
            if plan.cost > now.state.costs[query] * (1.0 + SLIM) {
                return Ok(false);
            }
            *used = plan.used;
        }
        now.used = others;
        Ok(true)
    }
}
