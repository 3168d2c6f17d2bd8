//! The surroundings that statements are read and planned in.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use advisor_core::candidates::prefer_general;
use advisor_core::size::GroupDistinct;

use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::hypopg::Hypopg;
use crate::planner::{OWN_PATH, ServerPlanner};
use crate::progress::Reporter;
use crate::query;
use crate::settings::{self, SizeModel};
use crate::sizes::{SizeSource, Sizes};
use crate::sys::{self, Arena, Meter, SessionScope};
use crate::workload::{self, Prepared, Preparer, Workload};

/// How long the advisor waits for a lock on a workload table before it leaves the statement out.
const LOCK_TIMEOUT: &str = "1s";

/// Whether the session waits for locks no longer than $1 as it is; 0 is for ever.
const SHORTER: &str = "select pg_catalog.current_setting('lock_timeout')::interval \
    between interval '1 ms' and $1::interval";

/// Share of the memory limit that the statements may take up; the rest is the search's.
const READING: f64 = 0.6;

/// What to do about a table that somebody else has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Give up soon, or as soon as the session's own settings say: there are other statements.
    Briefly,
    /// Wait as long as the session's own settings allow.
    AsTheCaller,
}

/// What a piece of work may take.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    meter: &'a Meter,
    /// Bytes that the whole call may hold then.
    memory: u64,
    deadline: Option<Instant>,
}

impl Bounds<'_> {
    /// Whether the time is up.
    pub(crate) fn late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether the memory is used up.
    pub(crate) fn full(&self) -> bool {
        self.meter.used() >= self.memory
    }

    /// The time that is left; `None`: no limit.
    pub(crate) fn left(&self) -> Option<Duration> {
        Some(self.deadline?.saturating_duration_since(Instant::now()))
    }

    /// When the time is up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The same with another end.
    pub(crate) fn until(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }
}

/// Role, search path and settings of a call; the caller's are put back when it is dropped.
pub(crate) struct Session<'a> {
    arena: &'a Arena,
    meter: Meter,
    /// What is put back.
    pub(crate) scope: SessionScope,
    /// The search path of the caller.
    pub(crate) caller_path: String,
    /// Who is told how the call gets on.
    pub(crate) progress: Reporter,
}

impl<'a> Session<'a> {
    /// Opens a session whose statements are allocated in `arena`.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn open(arena: &'a Arena, waiting: Waiting) -> Result<Self, AdvisorError> {
        Self::open_under(arena, waiting, None)
    }

    /// [`Self::open`] where the search path in force is no longer the caller's, which is given.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn open_under(
        arena: &'a Arena,
        waiting: Waiting,
        caller_path: Option<String>,
    ) -> Result<Self, AdvisorError> {
        let meter = Meter::new();
        let scope = SessionScope::open();
        // Our own analysis must not appear in the statistics that it reads.
        scope.set("pg_stat_statements.track", "none");
        let caller_path = match caller_path {
            Some(path) => path,
            None => query::search_path()?,
        };
        scope.set("search_path", OWN_PATH);
        if waiting == Waiting::Briefly {
            let shorter: Option<bool> = query::one(SHORTER, &[LOCK_TIMEOUT.into()])?;
            if shorter != Some(true) {
                scope.set("lock_timeout", LOCK_TIMEOUT);
            }
        }
        let progress = Reporter::new(settings::progress());
        Ok(Self { arena, meter, scope, caller_path, progress })
    }

    /// Makes the statements of a workload ready. Those that are not read by `deadline` are left out.
    ///
    /// # Errors
    /// Only for the advisor's own catalog queries.
    pub(crate) fn prepare(
        &'a self,
        entries: Vec<workload::Entry>,
        deadline: Option<Instant>,
    ) -> Result<(ServerCatalog, Workload<'a>), AdvisorError> {
        self.prepare_on(None, entries, deadline)
    }

    /// [`Self::prepare`] of the statements that read any of these relations; the others are left
    /// out before they are planned.
    ///
    /// # Errors
    /// Only for the advisor's own catalog queries.
    pub(crate) fn prepare_on(
        &'a self,
        relations: Option<BTreeSet<u32>>,
        entries: Vec<workload::Entry>,
        deadline: Option<Instant>,
    ) -> Result<(ServerCatalog, Workload<'a>), AdvisorError> {
        let mut catalog = ServerCatalog::new()?;
        if settings::index_kinds()?.expression {
            catalog.sample_expressions();
        }
        let mut preparer = Preparer::new(
            self.arena,
            &self.scope,
            self.caller_path.clone(),
            settings::draws(),
            self.bounds(deadline, READING),
            relations,
        );
        let mut workload = preparer.prepare(entries, &mut catalog, &self.progress)?;
        let mut shapes: Vec<_> = workload.prepared.iter_mut().map(|p| &mut p.shape).collect();
        prefer_general(&catalog.model, &mut shapes);
        Ok((catalog, workload))
    }

    /// Bounds with this end, and with a share of the memory that is allowed.
    pub(crate) fn bounds(&self, deadline: Option<Instant>, share: f64) -> Bounds<'_> {
        let memory = (settings::memory_limit() * share) as u64;
        Bounds { meter: &self.meter, memory, deadline }
    }

    /// Makes one statement ready to be explained, whatever it reads.
    ///
    /// # Errors
    /// [`AdvisorError::InText`] for what the server says of it, [`AdvisorError::NoPlan`] for a
    /// statement that is not planned.
    pub(crate) fn prepare_one(
        &'a self,
        text: &str,
        catalog: &mut ServerCatalog,
    ) -> Result<Prepared<'a>, AdvisorError> {
        workload::single(self.arena, &self.scope, &self.caller_path, text, catalog)
    }

    /// A planner for prepared statements.
    ///
    /// # Errors
    /// What SPI says, and [`AdvisorError::NoHypopg`].
    pub(crate) fn planner<'p>(
        &'p self,
        catalog: &'p ServerCatalog,
        prepared: &'p [Prepared<'p>],
        started: Instant,
        deadline: Option<Instant>,
    ) -> Result<ServerPlanner<'p>, AdvisorError> {
        let bounds = self.bounds(deadline, 1.0);
        sys::set_role(&self.scope, self.scope.caller());
        self.scope.set("search_path", OWN_PATH);
        let source = match settings::size_model() {
            SizeModel::Measured => SizeSource::Measured,
            SizeModel::Hypopg => SizeSource::Hypopg(Hypopg::find()?),
        };
        let mut groups = GroupDistinct::default();
        for (table, columns, count) in catalog.group_distinct()? {
            groups.insert(table, &columns, count);
        }
        let sizes = Sizes::new(source, catalog, groups, prepared);
        let progress = &self.progress;
        let scope = &self.scope;
        Ok(ServerPlanner::new(scope, catalog, prepared, sizes, progress, started, bounds))
    }
}
