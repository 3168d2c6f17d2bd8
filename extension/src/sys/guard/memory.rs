//! The ceiling on a statement's memory.
//!
//! `work_mem` bounds sorts and hashes, but not what aggregates and functions collect: the server
//! has no bound on that below what the machine has. A limit of the operating system's on the
//! process would be one, but libraries that cannot get memory may abort, which restarts the whole
//! server. So the ceiling is looked after from outside the allocator: a timeout of our own reads,
//! every few milliseconds while a statement runs, how much the process has to itself, and asks for
//! a cancel when that has grown by more than the ceiling. What a single function of the server
//! writes without looking for a cancel comes on top.
//!
//! The figure is the system's (`proc(5)`, statm: resident without shared); where there is none,
//! there is no ceiling.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_long, c_void};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use pgrx::{PgSqlErrorCode, pg_sys};

use crate::sys::time_limit::{arm, cancel, new_timeout, rearm};

/// How often the figure is read. Memory is written at some GB a second at most.
const EVERY: Duration = Duration::from_millis(25);

// Without pgrx's wrappers, which are not made for signal handlers and callbacks on errors.
unsafe extern "C-unwind" {
    fn GetCurrentStatementStartTimestamp() -> pg_sys::TimestampTz;
    fn get_timeout_active(id: c_int) -> bool;
    fn geterrcode() -> c_int;
    fn errmsg(format: *const c_char, ...) -> c_int;
    fn errdetail(format: *const c_char, ...) -> c_int;
    fn errhint(format: *const c_char, ...) -> c_int;
}

thread_local! {
    static OURS: Cell<Option<c_int>> = const { Cell::new(None) };
    /// The start of the statement that the timeout was armed for.
    static ARMED_FOR: Cell<pg_sys::TimestampTz> = const { Cell::new(0) };
}

/// The timeout's identifier, for its handler.
static TIMEOUT: AtomicI32 = AtomicI32::new(0);
/// The most that the process may have to itself, in bytes; 0 when that is yet to be found, from what
/// it has when the handler looks for the first time: a statement that ends before then takes no more
/// than is written in that time, and needs no reading of files.
static MOST: AtomicU64 = AtomicU64::new(0);
/// The ceiling, in bytes.
static CEILING: AtomicU64 = AtomicU64::new(u64::MAX);
/// Bytes of a page.
static PAGE: AtomicU64 = AtomicU64::new(4096);
/// Whether the statement was cancelled for its memory.
static EXCEEDED: AtomicBool = AtomicBool::new(false);

/// What the process has to itself, in bytes: resident memory that is no file's and not shared.
///
/// Only calls that signal handlers may make.
fn anonymous() -> Option<u64> {
    let mut text = [0_u8; 128];
    // SAFETY: the path ends with NUL, and the buffer is as long as said.
    let length = unsafe {
        let file = libc::open(c"/proc/self/statm".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return None;
        }
        let length = libc::read(file, text.as_mut_ptr().cast(), text.len());
        libc::close(file);
        length
    };
    let text = text.get(..usize::try_from(length).ok()?)?;
    let mut pages = text.split(|byte| *byte == b' ').skip(1).map(number);
    let (resident, shared) = (pages.next()??, pages.next()??);
    Some(resident.saturating_sub(shared).saturating_mul(PAGE.load(Ordering::Relaxed)))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Looks, and looks again later, as long as a statement runs. Runs in a signal handler.
unsafe extern "C-unwind" fn look() {
    // SAFETY: a variable of the process, null while it waits for a command.
    let idle = unsafe { (&raw const pg_sys::debug_query_string).read_volatile().is_null() };
    let ceiling = CEILING.load(Ordering::Relaxed);
    if idle || ceiling == u64::MAX {
        return;
    }
    let Some(bytes) = anonymous() else { return };
    let most = MOST.load(Ordering::Relaxed);
    if most == 0 {
        MOST.store(bytes.saturating_add(ceiling), Ordering::Relaxed);
    } else if bytes > most {
        EXCEEDED.store(true, Ordering::Relaxed);
        cancel();
    }
    // Again also after a cancel: somebody may have caught it.
    // SAFETY: this is the handler.
    unsafe { rearm(TIMEOUT.load(Ordering::Relaxed), EVERY) };
}

/// Sees to it that the statement that runs now ends when it has taken `ceiling` more bytes than
/// the process had.
pub(super) fn limit(ceiling: u64) {
    // SAFETY: reads a variable of the process.
    let start = unsafe { GetCurrentStatementStartTimestamp() };
    if ARMED_FOR.get() == start && CEILING.load(Ordering::Relaxed) == ceiling {
        return;
    }
    let id = OURS.get().unwrap_or_else(|| {
        // SAFETY: reads a constant of the system.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        PAGE.store(u64::try_from(page).unwrap_or(4096), Ordering::Relaxed);
        new_timeout(look)
    });
    OURS.set(Some(id));
    TIMEOUT.store(id, Ordering::Relaxed);
    if ARMED_FOR.replace(start) != start {
        EXCEEDED.store(false, Ordering::Relaxed);
    }
    CEILING.store(ceiling, Ordering::Relaxed);
    MOST.store(0, Ordering::Relaxed);
    // It may still run from the statement before. An error at top level takes all timeouts down.
    // SAFETY: reads the server's table of timeouts.
    if !unsafe { get_timeout_active(id) } {
        arm(id, EVERY);
    }
}

/// Takes the ceiling off.
pub(super) fn lift() {
    CEILING.store(u64::MAX, Ordering::Relaxed);
    ARMED_FOR.set(0);
}

/// As long as it is put up, a cancel for too much memory says so.
///
/// The server raises the same error for every cancel. Its callbacks on errors are there to add to
/// an error what was being done, and may set any part of it. Nothing is to be dropped: an error goes
/// over the frame that it stands in, and whoever catches it has an older stack of callbacks.
pub(crate) struct Words(pg_sys::ErrorContextCallback);

impl Words {
    pub(crate) const fn new() -> Self {
        Self(pg_sys::ErrorContextCallback {
            previous: std::ptr::null_mut(),
            callback: None,
            arg: std::ptr::null_mut(),
        })
    }

    /// Puts it up.
    ///
    /// # Safety
    /// It must not be moved until it is taken down, or an error has gone over its frame.
    pub(crate) unsafe fn put_up(&mut self) {
        self.0.callback = Some(reword);
        // SAFETY: a variable of the process, whose entries are there until they are taken off.
        unsafe {
            self.0.previous = pg_sys::error_context_stack;
            pg_sys::error_context_stack = &raw mut self.0;
        }
    }

    /// Takes it down, if it was put up.
    pub(crate) fn take_down(&mut self) {
        if self.0.callback.take().is_some() {
            // SAFETY: what was there before is there still: whoever put it there waits for us.
            unsafe { pg_sys::error_context_stack = self.0.previous };
        }
    }
}

/// Puts the cancel in other words. It stays a cancel, which handlers of all errors do not catch.
unsafe extern "C-unwind" fn reword(_argument: *mut c_void) {
    let canceled = PgSqlErrorCode::ERRCODE_QUERY_CANCELED as c_int;
    // SAFETY: called while an error is made up, which is when these functions may be; formats and
    // arguments agree.
    unsafe {
        if !EXCEEDED.load(Ordering::Relaxed) || geterrcode() != canceled {
            return;
        }
        let megabytes = CEILING.load(Ordering::Relaxed) >> 20;
        let megabytes = c_long::try_from(megabytes).unwrap_or(c_long::MAX);
        errmsg(c"the statement takes more than %ld MB of memory".as_ptr(), megabytes);
        errdetail(c"What aggregates and functions collect counts, too.".as_ptr());
        errhint(
            c"Ask for less at a time: aggregate fewer rows, or cut long values with left()."
                .as_ptr(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        assert_eq!(number(b"4711"), Some(4711));
        assert_eq!(number(b"47x"), None);
        assert_eq!(number(b"99999999999999999999"), None);
    }
}
