//! A plan as EXPLAIN prints it, with indexes that do not exist and without some that do; or really
//! executed, if it only reads.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use advisor_core::index_set::IndexSet;
use pgrx::{PgSqlErrorCode, pg_sys};

use super::analyze::{Statement, list_len};
use super::arena::Arena;
use super::hook::{Offer, with_offer};
use super::hypothetical::Hypotheticals;
use super::params::Binding;
use super::pg_compat;
use super::plan::{Planned, call_planner, note_plan};
use super::second::{self, Tree};
use super::subxact::ServerError;

/// The forms that EXPLAIN knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// YAML.
    Yaml,
}

/// How a plan is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    /// In which form.
    pub(crate) format: Format,
    /// Whether it is executed: ANALYZE.
    pub(crate) analyze: bool,
    /// Whether schemas and output are shown: VERBOSE.
    pub(crate) verbose: bool,
    /// Whether blocks are counted: BUFFERS.
    pub(crate) buffers: bool,
    /// Whether the write-ahead log is counted: WAL. Only of what is executed.
    pub(crate) wal: bool,
    /// Whether settings that planning went by are shown unless they are the defaults: SETTINGS.
    pub(crate) settings: bool,
    /// Whether the time of each node is measured: TIMING. Only of what is executed.
    pub(crate) timing: bool,
    /// Whether the plan is printed as JSON too.
    pub(crate) tree: bool,
}

impl How {
    /// In this form, executed or not, with BUFFERS and TIMING if it is.
    pub(crate) const fn new(format: Format, analyze: bool) -> Self {
        Self {
            format,
            analyze,
            verbose: false,
            buffers: analyze,
            wal: false,
            settings: false,
            timing: analyze,
            tree: false,
        }
    }
}

/// A plan that was shown.
#[derive(Debug, Clone)]
pub(crate) struct Explained {
    /// What EXPLAIN prints, without a line break at the end.
    pub(crate) text: String,
    /// The same plan as JSON, if it was wanted; of several (rules rewrite a statement to many) the
    /// first.
    pub(crate) tree: Option<Tree>,
    /// Its cost and the indexes that it uses.
    pub(crate) planned: Planned,
}

/// A plan with what making it took.
struct Made {
    tree: *mut pg_sys::PlannedStmt,
    elapsed: Duration,
    buffers: pg_sys::BufferUsage,
}

/// Plans a statement with the offered candidates and without the hidden real indexes, and shows the
/// plan. Must not be asked to execute with any of them: an index that does not exist cannot be read.
///
/// Everything is allocated in `scratch`, which is reset afterwards. Permissions are checked as for
/// EXPLAIN.
///
/// # Errors
/// 25006 when a statement that writes or locks rows is to be executed. The server's own errors are
/// raised.
pub(crate) fn explain(
    scratch: &Arena,
    statement: &Statement<'_>,
    binding: &Binding<'_>,
    hypotheticals: &Hypotheticals,
    offered: &IndexSet,
    hidden: &BTreeSet<u32>,
    how: How,
) -> Result<Explained, ServerError> {
    let explained = scratch.with(|| {
        let params = binding.fresh_list();
        let offer = Offer { hypotheticals, offered, hidden, params };
        with_offer(&offer, || {
            let mut planned = Planned::default();
            let mut plans = Vec::new();
            for &query in &statement.queries {
                // SAFETY: the tree was analyzed in this call's transaction and its locks are held.
                let made = unsafe { make(statement, query, params) };
                // SAFETY: a finished plan of the server's, alive until the arena is reset.
                unsafe { note_plan(made.tree, hypotheticals, &mut planned) };
                plans.push(made);
            }
            if how.analyze {
                // SAFETY: as above.
                unsafe { plans.iter().try_for_each(|made| check_reads_only(made.tree))? };
                // SAFETY: as in `print`; nothing is written while the guard lives.
                let (text, tree) = read_only(|| unsafe { print(statement, &plans, params, how) });
                return Ok(Explained { text, tree, planned });
            }
            // SAFETY: EXPLAIN without ANALYZE starts the executor in explain-only mode, in which it
            // opens no index.
            let (text, tree) = unsafe { print(statement, &plans, params, how) };
            Ok(Explained { text, tree, planned })
        })
    });
    scratch.reset();
    explained
}

unsafe fn make(
    statement: &Statement<'_>,
    query: *mut pg_sys::Query,
    params: pg_sys::ParamListInfo,
) -> Made {
    // SAFETY: the caller's contract; the counters are the backend's own, copied out.
    unsafe {
        let (before, started) = (pg_sys::pgBufferUsage, Instant::now());
        let tree = call_planner(statement, query, params);
        let (elapsed, after) = (started.elapsed(), pg_sys::pgBufferUsage);
        let mut buffers = pg_sys::BufferUsage::default();
        pg_sys::BufferUsageAccumDiff(&raw mut buffers, &raw const after, &raw const before);
        Made { tree, elapsed, buffers }
    }
}

/// Refuses a plan that writes or locks rows.
unsafe fn check_reads_only(tree: *mut pg_sys::PlannedStmt) -> Result<(), ServerError> {
    // SAFETY: a finished plan of the server's; its row marks are PlanRowMark structs.
    let what = unsafe {
        let marks = (*tree).rowMarks;
        let locks = (0..list_len(marks)).any(|at| {
            let mark: *mut pg_sys::PlanRowMark = pg_sys::list_nth(marks, at).cast();
            (*mark).markType < pg_sys::RowMarkType::ROW_MARK_REFERENCE
        });
        match () {
            () if (*tree).commandType != pg_sys::CmdType::CMD_SELECT => "writes",
            () if (*tree).hasModifyingCTE => "writes in a WITH clause",
            () if locks => "locks rows",
            () => return Ok(()),
        }
    };
    Err(ServerError::new(
        PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION,
        format!("cannot execute a statement that {what} to explain it"),
    )
    .with_hint("Leave analyze out to see the plan without executing it."))
}

/// Runs `f` as in a read-only transaction: a function that writes raises 25006. A roll-back would
/// undo what it writes, but not what it takes from a sequence.
fn read_only<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: puts back what the session had; the backend is single-threaded.
            unsafe { pg_sys::XactReadOnly = self.0 }
        }
    }
    // SAFETY: as the server itself does at the start of a transaction. An error restores it too, by
    // the abort of the enclosing sub-transaction.
    let _restore = unsafe {
        let restore = Restore(pg_sys::XactReadOnly);
        pg_sys::XactReadOnly = true;
        restore
    };
    f()
}

/// Prints the plans of a statement as `ExplainQuery` (`explain.c`) does, and the first of them as JSON
/// if that is wanted.
unsafe fn print(
    statement: &Statement<'_>,
    plans: &[Made],
    params: pg_sys::ParamListInfo,
    how: How,
) -> (String, Option<Tree>) {
    if plans.is_empty() && how.format == Format::Text {
        return ("Query rewrites to nothing".to_owned(), None);
    }
    let mut trees = Vec::new();
    // SAFETY: the state is the server's own, in the current context; a snapshot is active while a
    // function runs.
    unsafe {
        let state = state(how);
        pg_sys::ExplainBeginOutput(state);
        for (at, made) in plans.iter().enumerate() {
            if at > 0 {
                pg_sys::ExplainSeparatePlans(state);
            }
            let planning = how.analyze.then_some(made.elapsed);
            let buffers = how.buffers.then_some(&made.buffers);
            let print = || {
                pg_compat::explain_plan(
                    state,
                    made.tree,
                    statement.text,
                    params,
                    planning,
                    buffers,
                );
            };
            if how.tree {
                trees.extend(second::printing(made.tree, how, print));
            } else {
                print();
            }
        }
        pg_sys::ExplainEndOutput(state);
        (printed(state), trees.into_iter().next())
    }
}

/// A state of EXPLAIN with these options.
///
/// # Safety
/// It lives in the current memory context.
pub(super) unsafe fn state(how: How) -> *mut pg_sys::ExplainState {
    use pg_sys::ExplainFormat;
    // SAFETY: the server's own struct, just made.
    unsafe {
        let state = pg_sys::NewExplainState();
        (*state).costs = true;
        (*state).format = match how.format {
            Format::Text => ExplainFormat::EXPLAIN_FORMAT_TEXT,
            Format::Json => ExplainFormat::EXPLAIN_FORMAT_JSON,
            Format::Xml => ExplainFormat::EXPLAIN_FORMAT_XML,
            Format::Yaml => ExplainFormat::EXPLAIN_FORMAT_YAML,
        };
        (*state).analyze = how.analyze;
        (*state).verbose = how.verbose;
        (*state).buffers = how.buffers;
        (*state).wal = how.wal;
        (*state).settings = how.settings;
        (*state).timing = how.timing;
        (*state).summary = how.analyze;
        state
    }
}

/// What was printed, without a line break at the end.
///
/// # Safety
/// The state must be one of [`state`]'s, whose output has ended.
pub(super) unsafe fn printed(state: *mut pg_sys::ExplainState) -> String {
    // SAFETY: the server's buffer has as many bytes as it says.
    unsafe {
        let out = (*state).str_;
        let length = usize::try_from((*out).len).unwrap_or(0);
        let bytes = std::slice::from_raw_parts((*out).data.cast::<u8>(), length);
        String::from_utf8_lossy(bytes).trim_end().to_owned()
    }
}
