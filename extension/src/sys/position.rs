//! Where in a text an error is: caught from the server, and handed on to the client.

use std::cell::Cell;
use std::ffi::CString;

use pgrx::{pg_guard, pg_sys};

use super::subxact::{ServerError, subtransaction};

/// Runs `f` in a sub-transaction that keeps its locks when it succeeds, and notes the position of
/// an error.
///
/// # Errors
/// The server's error in `f`.
pub(super) fn locating<R>(f: impl FnOnce() -> R) -> Result<R, ServerError> {
    let trap = PositionTrap::new();
    subtransaction(true, || trap.armed(f))
        .map_err(|error| ServerError { position: trap.get(), ..error })
}

/// Catches the cursor position of an error, which pgrx's error report does not carry: a context
/// callback runs while the server assembles the report.
struct PositionTrap {
    position: Box<Cell<i32>>,
}

impl PositionTrap {
    fn new() -> Self {
        Self { position: Box::new(Cell::new(0)) }
    }

    fn get(&self) -> Option<usize> {
        usize::try_from(self.position.get()).ok().filter(|&position| position > 0)
    }

    fn armed<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore(*mut pg_sys::ErrorContextCallback);
        impl Drop for Restore {
            fn drop(&mut self) {
                // SAFETY: puts back the stack as it was before `armed`.
                unsafe { pg_sys::error_context_stack = self.0 }
            }
        }
        // SAFETY: the callback struct and the cell live on this frame or in `self` until `Restore`
        // has taken the callback off the stack, also when unwinding.
        unsafe {
            let mut callback = pg_sys::ErrorContextCallback {
                previous: pg_sys::error_context_stack,
                callback: Some(note_position),
                arg: std::ptr::from_ref::<Cell<i32>>(&*self.position).cast_mut().cast(),
            };
            let _restore = Restore(pg_sys::error_context_stack);
            pg_sys::error_context_stack = &raw mut callback;
            f()
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn note_position(arg: *mut std::ffi::c_void) {
    // SAFETY: `arg` is the cell of the `PositionTrap` that is armed; called by the server while an
    // error is being reported, which is when `geterrposition` may be called.
    unsafe {
        let position = pg_sys::geterrposition();
        if position > 0 {
            (*arg.cast::<Cell<i32>>()).set(position);
        }
    }
}

thread_local! {
    /// What [`point_at`] points at.
    static POINTED_AT: Cell<Option<(CString, i32)>> = const { Cell::new(None) };
}

static mut POINTER: pg_sys::ErrorContextCallback = pg_sys::ErrorContextCallback {
    previous: std::ptr::null_mut(),
    callback: None,
    arg: std::ptr::null_mut(),
};

/// Makes the ERROR that is raised next point at a character, from 1, of a text that is not the
/// client's statement (`internalerrposition`): psql shows it as `QUERY` with a mark.
///
/// For the very end of a call: pgrx's error report has no field for it and is turned into the
/// server's error only when all frames of ours are gone. Hence a callback that stays on the stack
/// of contexts. Whoever catches the error puts that stack back, which takes the callback off.
pub(crate) fn point_at(text: &str, position: usize) {
    let (Ok(text), Ok(position)) = (CString::new(text), i32::try_from(position)) else { return };
    POINTED_AT.set(Some((text, position)));
    // SAFETY: the backend is single-threaded. The callback is static, so it outlives every frame;
    // it cannot be on the stack yet, since the last error that it served was caught.
    unsafe {
        POINTER.previous = pg_sys::error_context_stack;
        POINTER.callback = Some(add_position);
        pg_sys::error_context_stack = &raw mut POINTER;
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn add_position(_arg: *mut std::ffi::c_void) {
    let Some((text, position)) = POINTED_AT.take() else { return };
    // SAFETY: called by the server while an error is being reported; it copies the text.
    unsafe {
        pg_sys::internalerrquery(text.as_ptr());
        pg_sys::internalerrposition(position);
    }
}
