//! The answer to a client: how many rows and bytes of it are sent.

use std::cell::Cell;
use std::ffi::{CStr, c_int};

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_guard, pg_sys};

use super::{latch, memory};
use crate::sys::pg_compat;

thread_local! {
    /// Whether the next query that runs is what a command of the client's asks rows of.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// A command of the client's begins, which may ask for the rows of a cursor or a prepared statement.
/// The server keeps them in a store before it sends them, so their destination does not tell.
pub(super) fn command_begins(asks_for_rows: bool) {
    ASKED.set(asks_for_rows);
}

/// One run of a query, whose answer is bounded if it goes to the client.
///
/// An error of the run goes over the frame that this stands in, so nothing of it is to be dropped.
pub(crate) struct Run {
    query: *mut pg_sys::QueryDesc,
    /// How many rows to run the query for; 0 is for all.
    pub(crate) count: u64,
    most: Option<u64>,
    words: memory::Words,
    /// The query's own receiver, while another one stands in its place.
    inner: *mut pg_sys::DestReceiver,
}

const _: () = assert!(!std::mem::needs_drop::<Run>());

/// A receiver of rows that passes them on to the query's own.
///
/// The server knows it by its first field.
#[repr(C)]
struct Receiver {
    callbacks: pg_sys::DestReceiver,
    inner: *mut pg_sys::DestReceiver,
    sent: u64,
    most: u64,
}

impl Run {
    /// The run of a query for `count` rows, as it was asked for.
    pub(crate) const fn of(query: *mut pg_sys::QueryDesc, count: u64) -> Self {
        let words = memory::Words::new();
        Self { query, count, most: None, words, inner: std::ptr::null_mut() }
    }

    /// Sets what is to be run: if the number of rows is limited, for one more than allowed, so that
    /// it is seen when there are more.
    ///
    /// # Safety
    /// The query must be started, and outlive this, which must not be moved before [`Self::end`].
    pub(crate) unsafe fn begin(&mut self) {
        // SAFETY: see the contract.
        unsafe { latch::watch_memory(&mut self.words) };
        // SAFETY: see the contract; a query that is started has a destination.
        let is_answer = latch::is_latched() && (ASKED.take() | unsafe { is_sent(self.query) });
        if !is_answer {
            return;
        }
        self.most = latch::rows();
        self.count = match (self.most, self.count) {
            (None, count) => count,
            (Some(most), 0) => most.saturating_add(1),
            (Some(most), count) => count.min(most.saturating_add(1)),
        };
        let Some(most) = latch::bytes() else { return };
        // SAFETY: as above. The receiver is allocated where the query's state is, and goes with it.
        unsafe {
            let inner = (*self.query).dest;
            let callbacks = pg_sys::DestReceiver {
                receiveSlot: Some(receive),
                rStartup: Some(start_up),
                rShutdown: Some(shut_down),
                rDestroy: None,
                mydest: (*inner).mydest,
            };
            let place = (*(*self.query).estate).es_query_cxt;
            let receiver: *mut Receiver =
                pg_sys::MemoryContextAlloc(place, size_of::<Receiver>()).cast();
            receiver.write(Receiver { callbacks, inner, sent: 0, most });
            (*self.query).dest = receiver.cast();
            self.inner = inner;
        }
    }

    /// It has run: refuses an answer with more rows than allowed, and sets again what the query's
    /// functions may have changed.
    pub(crate) fn end(&mut self) {
        self.words.take_down();
        if !self.inner.is_null() {
            // SAFETY: the query lives as long as its run.
            unsafe { (*self.query).dest = self.inner };
        }
        latch::enforce();
        let Some(most) = self.most else { return };
        // SAFETY: the state is there until the executor ends.
        let sent = unsafe { (*(*self.query).estate).es_processed };
        if sent > most {
            refuse(
                format!("the answer has more than {most} rows"),
                "Ask for fewer: aggregate, narrow the condition, or use LIMIT and OFFSET.",
            );
        }
    }
}

/// Whether the rows of a query that is started are sent to the client.
unsafe fn is_sent(query: *const pg_sys::QueryDesc) -> bool {
    use pg_sys::CommandDest::{DestRemote, DestRemoteExecute};
    // SAFETY: the query has a destination while it runs.
    [DestRemote, DestRemoteExecute].contains(unsafe { &(*(*query).dest).mydest })
}

#[pg_guard]
unsafe extern "C-unwind" fn receive(
    slot: *mut pg_sys::TupleTableSlot,
    this: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: called by the executor with what `Run::begin` made, and a row.
    unsafe {
        let this = this.cast::<Receiver>();
        (*this).sent += bytes(slot);
        if (*this).sent > (*this).most {
            refuse(
                format!("the answer has more than {} bytes", (*this).most),
                "Ask for fewer rows or columns, aggregate, or cut long values with left().",
            );
        }
        let inner = (*this).inner;
        (*inner).receiveSlot.is_none_or(|receive| receive(slot, inner))
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn start_up(
    this: *mut pg_sys::DestReceiver,
    operation: c_int,
    row: pg_sys::TupleDesc,
) {
    // SAFETY: as for `receive`.
    unsafe {
        let inner = (*this.cast::<Receiver>()).inner;
        if let Some(start_up) = (*inner).rStartup {
            start_up(inner, operation, row);
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn shut_down(this: *mut pg_sys::DestReceiver) {
    // SAFETY: as for `receive`.
    unsafe {
        let inner = (*this.cast::<Receiver>()).inner;
        if let Some(shut_down) = (*inner).rShutdown {
            shut_down(inner);
        }
    }
}

/// The bytes of a row's values, as they are stored, uncompressed.
unsafe fn bytes(slot: *mut pg_sys::TupleTableSlot) -> u64 {
    // SAFETY: a row that the executor has made, with a descriptor of its columns.
    unsafe {
        pg_sys::slot_getallattrs(slot);
        let row = (*slot).tts_tupleDescriptor;
        let columns = usize::try_from((*row).natts).unwrap_or_default();
        let mut total = 0;
        for column in 0..columns {
            if *(*slot).tts_isnull.add(column) {
                continue;
            }
            let value = *(*slot).tts_values.add(column);
            total += match pg_compat::length_of_column(row, column) {
                -1 => pg_sys::toast_raw_datum_size(value) as u64,
                -2 => CStr::from_ptr(value.cast_mut_ptr()).count_bytes() as u64,
                fixed => u64::try_from(fixed).unwrap_or_default(),
            };
        }
        total
    }
}

fn refuse(message: String, hint: &str) {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, message, "mcp_guard")
        .set_hint(hint)
        .report(PgLogLevel::ERROR);
}
