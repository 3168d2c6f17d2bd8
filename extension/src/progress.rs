//! How an advising call gets on, told to the client while it runs.
//!
//! With `mcp_advisor.progress` on, a NOTICE `progress` goes out from time to time; its DETAIL is a
//! JSON object for a program to read. The server sends notices at once, not with the result.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use advisor_core::whatif::{Phase, Progress};
use pgrx::{PgLogLevel, PgSqlErrorCode, ereport};
use serde::Serialize;

/// The message of the notices; the bridge knows it.
const MESSAGE: &str = "progress";
/// Least time between two notices, and before the first.
const INTERVAL: Duration = Duration::from_millis(250);

/// What a notice says.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct State {
    phase: &'static str,
    /// Statements that the phase has dealt with, of `total`.
    done: usize,
    total: usize,
    /// Planner calls.
    calls: u64,
    /// Stages of the search.
    rounds: usize,
    /// The workload's cost, in the report's units.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_before: Option<f64>,
    /// The lowest cost found so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_best: Option<f64>,
    /// The share that it saves, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    best_improvement: Option<f64>,
}

/// Tells the client, if it wants to know.
#[derive(Debug)]
pub(crate) struct Reporter {
    wanted: bool,
    last: Cell<Instant>,
    state: RefCell<State>,
}

impl Reporter {
    /// A reporter that is silent unless it is `wanted`.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted, last: Cell::new(Instant::now()), state: RefCell::default() }
    }

    /// A phase begins that goes through `total` statements.
    pub(crate) fn begin(&self, phase: &'static str, total: usize) {
        self.update(|state| State { phase, done: 0, total, ..state });
    }

    /// The phase comes to the next statement.
    pub(crate) fn advance(&self) {
        self.update(|state| State { done: (state.done + 1).min(state.total), ..state });
    }

    /// So many planner calls were made.
    pub(crate) fn planned(&self, calls: u64) {
        self.update(|state| State { calls, ..state });
    }

    /// The search got on; it looks at all statements at once.
    pub(crate) fn search(&self, progress: &Progress) {
        let phase = match progress.phase {
            Phase::Searching => "searching",
            Phase::Verifying => "verifying",
        };
        let (before, best) = (progress.cost_before, progress.cost_best);
        self.update(|state| State {
            phase,
            done: state.total,
            rounds: progress.rounds,
            cost_before: Some(before),
            cost_best: Some(best),
            best_improvement: Some(if before > 0.0 { 1.0 - best / before } else { 0.0 }),
            ..state
        });
    }

    fn update(&self, change: impl FnOnce(State) -> State) {
        if !self.wanted {
            return;
        }
        let state = change(*self.state.borrow());
        self.state.replace(state);
        // Outside of all phases there is nothing to tell.
        if state.phase.is_empty() || self.last.get().elapsed() < INTERVAL {
            return;
        }
        self.last.set(Instant::now());
        // Numbers and fixed words: there is nothing that JSON cannot say.
        let Ok(detail) = serde_json::to_string(&state) else { return };
        let code = PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION;
        ereport!(PgLogLevel::NOTICE, code, MESSAGE, detail);
    }
}
