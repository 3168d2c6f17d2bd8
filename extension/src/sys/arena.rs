//! Memory contexts with an owner.

use std::marker::PhantomData;
use std::ptr::NonNull;

use pgrx::pg_sys;

/// A memory context that is deleted with its owner.
///
/// It is a child of the context that was current when it was made, so a server ERROR that skips
/// `Drop` (none should) cannot leak it beyond the call.
pub(crate) struct Arena {
    context: NonNull<pg_sys::MemoryContextData>,
    not_send: PhantomData<*mut ()>,
}

impl Arena {
    /// A new, empty context.
    pub(crate) fn new() -> Self {
        // SAFETY: creates a child of the current context; the name is a static C string. The
        // server raises an ERROR instead of returning null.
        let context = unsafe {
            pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                c"mcp_advisor".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            )
        };
        #[expect(clippy::expect_used, reason = "the server never returns null here")]
        let context = NonNull::new(context).expect("memory context");
        Self { context, not_send: PhantomData }
    }

    /// Runs `f` with this context as the current one.
    pub(crate) fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        let _switch = Switch::to(self.context.as_ptr());
        f()
    }

    /// Frees everything allocated here.
    pub(crate) fn reset(&self) {
        // SAFETY: the context is alive until `Drop`, and nothing handed out outlives a reset: the
        // planner's scratch arena is the only one that is reset, and its results are copied out.
        unsafe { pg_sys::MemoryContextReset(self.context.as_ptr()) }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: made by `new`, deleted once; never the current context here, since `with`
        // restores the previous one even when unwinding.
        unsafe { pg_sys::MemoryContextDelete(self.context.as_ptr()) }
    }
}

/// Puts the previous context back.
struct Switch(pg_sys::MemoryContext);

impl Switch {
    fn to(context: pg_sys::MemoryContext) -> Self {
        // SAFETY: `context` is alive as long as the `Arena` that calls this.
        Self(unsafe { pg_sys::MemoryContextSwitchTo(context) })
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // SAFETY: the context that was current before is an ancestor's and outlives this scope.
        unsafe {
            pg_sys::MemoryContextSwitchTo(self.0);
        }
    }
}
