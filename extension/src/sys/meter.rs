//! How much memory a call holds: the server's contexts below the one it began in, and this
//! library's own heap.
//!
//! The server's caches of the catalog are not counted: they are the session's, whoever filled them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use pgrx::pg_sys;

/// Bytes that the heap of this library holds.
static HEAP: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, with a count of what it has given out.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn given(bytes: usize) {
    HEAP.fetch_add(bytes as u64, Ordering::Relaxed);
}

fn taken_back(bytes: usize) {
    HEAP.fetch_sub(bytes as u64, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator as it is; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is that of the callee.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            given(layout.size());
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            given(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        taken_back(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            given(size);
            taken_back(layout.size());
        }
        moved
    }
}

/// Counts from when it is made.
pub(crate) struct Meter {
    context: pg_sys::MemoryContext,
    before: u64,
}

impl Meter {
    /// Starts to count. Not for use after the current memory context is gone.
    pub(crate) fn new() -> Self {
        // SAFETY: reads a variable of the server.
        let context = unsafe { pg_sys::CurrentMemoryContext };
        let mut meter = Self { context, before: 0 };
        meter.before = meter.held();
        meter
    }

    /// Bytes allocated since, less what was given back.
    pub(crate) fn used(&self) -> u64 {
        self.held().saturating_sub(self.before)
    }

    fn held(&self) -> u64 {
        // SAFETY: the context outlives the call that this is made in; the function adds up numbers
        // that the contexts keep.
        let contexts = unsafe { pg_sys::MemoryContextMemAllocated(self.context, true) };
        contexts as u64 + HEAP.load(Ordering::Relaxed)
    }
}
