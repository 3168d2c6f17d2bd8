//! Reading pages of relations, a sample or all of them.
//!
//! Follows the README of the server's buffer manager: a pin and a share lock while a page is looked
//! at, a ring of a few buffers so that a sample displaces nothing (`BAS_BULKREAD`), and a lock on
//! the relation that is only taken when it can be had at once. A page is copied and then read by
//! checked accesses, so a damaged one gives wrong numbers at worst.
//!
//! Error path: pins, page locks and relation references are deliberately not given back by `Drop`.
//! When the server raises an error, or ours panics, the roll-back of the (sub-)transaction does
//! that; a destructor that ran before it would release a page lock after the error had reset the
//! count of held-off interrupts, and leave that count wrong.

use pgrx::{PgSqlErrorCode, check_for_interrupts, pg_sys};

use super::pg_compat;
use super::subxact::ServerError;

/// Bytes of a page.
pub(super) const BLOCK: usize = pg_sys::BLCKSZ as usize;
/// `SizeOfPageHeaderData`.
pub(super) const HEADER: usize = 24;
/// `sizeof(ItemIdData)`.
pub(super) const LINE_POINTER: usize = 4;
/// The lock that every reader takes.
const LOCK: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
/// The same sample at every call.
const SEED: u64 = 0x6d63_705f_6164_7669;

/// How much of a relation's pages is of use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bloat {
    /// Pages of the main fork.
    pub(crate) pages: u32,
    /// Pages that were looked at.
    pub(crate) read: u32,
    /// Pages that what is alive would need at the relation's own fill factor.
    pub(crate) needed: f64,
    /// Bytes of items that are alive, of all the room for items, in percent.
    pub(crate) density: f64,
    /// Items that are dead but not removed, of all items, in percent.
    pub(crate) dead: f64,
    /// Bytes free for items, in all pages.
    pub(crate) free_bytes: f64,
    /// In percent.
    pub(crate) fill_factor: u32,
}

impl Bloat {
    /// The share of the pages that is not needed, in percent.
    pub(crate) fn waste(&self) -> f64 {
        if self.pages == 0 {
            return 0.0;
        }
        (100.0 * (1.0 - self.needed / f64::from(self.pages))).max(0.0)
    }

    /// The bytes of the pages that are not needed.
    pub(crate) fn waste_bytes(&self) -> f64 {
        ((f64::from(self.pages) - self.needed) * BLOCK as f64).max(0.0)
    }

    /// Whether all pages were read.
    pub(crate) fn is_exact(&self) -> bool {
        self.read == self.pages
    }
}

/// The room for items in a page that is filled to `fill_factor`, as the server leaves free what
/// `RelationGetTargetPageFreeSpace` and `BTGetTargetPageFreeSpace` say.
pub(super) fn room(usable: usize, fill_factor: u32) -> f64 {
    let kept_free = BLOCK * (100 - fill_factor.min(100) as usize) / 100;
    usable.saturating_sub(kept_free).max(1) as f64
}

/// A copy of a page.
pub(super) struct Page(Box<[u8; BLOCK]>);

/// A line pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// `LP_UNUSED` and its like.
    pub(super) flags: u32,
    pub(super) offset: usize,
    pub(super) length: usize,
}

impl Page {
    pub(super) fn new() -> Self {
        Self(Box::new([0; BLOCK]))
    }

    /// Bytes at `at`; zeros where there are none.
    pub(super) fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
    }

    fn u16(&self, at: usize) -> usize {
        usize::from(u16::from_ne_bytes(self.bytes(at)))
    }

    /// `pd_lower`.
    fn lower(&self) -> usize {
        self.u16(12)
    }

    /// `pd_upper`: 0 in a page that was never written.
    fn upper(&self) -> usize {
        self.u16(14)
    }

    /// `pd_special`.
    pub(super) fn special(&self) -> usize {
        self.u16(16)
    }

    /// Whether it holds what its header says, with `special` bytes at its end.
    pub(super) fn is_sound(&self, special: usize) -> bool {
        self.upper() != 0
            && self.special() + special == BLOCK
            && (HEADER..=self.upper()).contains(&self.lower())
            && self.upper() <= self.special()
    }

    /// Bytes between the line pointers and the items.
    pub(super) fn free(&self) -> usize {
        self.upper().saturating_sub(self.lower())
    }

    /// The line pointers with their numbers, from 1.
    pub(super) fn items(&self) -> impl Iterator<Item = (u16, Item)> + '_ {
        let count = self.lower().saturating_sub(HEADER) / LINE_POINTER;
        (0..count).map(|at| {
            let bits = u32::from_ne_bytes(self.bytes(HEADER + at * LINE_POINTER));
            let item = Item {
                flags: bits >> 15 & 3,
                offset: (bits & 0x7fff) as usize,
                length: (bits >> 17) as usize,
            };
            (u16::try_from(at + 1).unwrap_or(u16::MAX), item)
        })
    }

    /// Whether the item lies in the page.
    pub(super) fn holds(&self, item: Item) -> bool {
        item.offset >= self.upper() && item.offset + item.length <= self.special()
    }
}

/// A relation that is open and locked.
pub(super) struct Opened {
    relation: pg_sys::Relation,
    pub(super) oid: pg_sys::Oid,
    pub(super) kind: u8,
    pub(super) access_method: pg_sys::Oid,
}

impl Opened {
    /// Pages of the main fork.
    pub(super) fn pages(&self) -> u32 {
        // SAFETY: open and locked, so that it is neither truncated nor dropped meanwhile.
        unsafe {
            pg_sys::RelationGetNumberOfBlocksInFork(self.relation, pg_sys::ForkNumber::MAIN_FORKNUM)
        }
    }

    /// Its fill factor, or what its kind has without one.
    pub(super) fn fill_factor(&self, default: u32) -> u32 {
        // SAFETY: the options of a heap (`StdRdOptions`) and of a b-tree (`BTOptions`) both begin
        // with a length word and the fill factor.
        let options: *const pg_sys::StdRdOptions = unsafe { (*self.relation).rd_options.cast() };
        if options.is_null() {
            return default;
        }
        // SAFETY: as above.
        u32::try_from(unsafe { (*options).fillfactor }).unwrap_or(default)
    }

    /// Shows these pages to `look`, each with the buffer that it is in, which is pinned and share
    /// locked meanwhile.
    pub(super) fn read(
        &self,
        blocks: impl Iterator<Item = u32>,
        mut look: impl FnMut(u32, pg_sys::Buffer, &Page),
    ) {
        // SAFETY: the strategy is only used here. The copy is of a whole page, which the buffer
        // holds; others may at most set hint bits in it meanwhile.
        unsafe {
            let ring = pg_sys::GetAccessStrategy(pg_sys::BufferAccessStrategyType::BAS_BULKREAD);
            let mut page = Page::new();
            for block in blocks {
                check_for_interrupts!();
                let buffer = pg_sys::ReadBufferExtended(
                    self.relation,
                    pg_sys::ForkNumber::MAIN_FORKNUM,
                    block,
                    pg_sys::ReadBufferMode::RBM_NORMAL,
                    ring,
                );
                look_at(buffer, &mut page, |page| look(block, buffer, page));
            }
            pg_sys::FreeAccessStrategy(ring);
        }
    }

    /// What the GIN index says of itself.
    pub(super) fn gin_stats(&self) -> pg_sys::GinStatsData {
        let mut stats = pg_sys::GinStatsData::default();
        // SAFETY: a GIN index, open and locked; fills the struct in.
        unsafe { pg_sys::ginGetStats(self.relation, &raw mut stats) };
        stats
    }
}

/// Locks a pinned buffer, shows a copy of it, unlocks and unpins it.
///
/// # Safety
/// The buffer must be pinned by the caller and not be used after.
pub(super) unsafe fn look_at<R>(
    buffer: pg_sys::Buffer,
    page: &mut Page,
    look: impl FnOnce(&Page) -> R,
) -> R {
    // SAFETY: see the contract; the copy is of a whole page into room for one.
    unsafe {
        pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_SHARE as i32);
        let source: *const u8 = pg_sys::BufferGetPage(buffer).cast_const().cast();
        std::ptr::copy_nonoverlapping(source, page.0.as_mut_ptr(), BLOCK);
        let seen = look(page);
        pg_sys::UnlockReleaseBuffer(buffer);
        seen
    }
}

/// Opens a relation for `f` without ever waiting.
///
/// # Errors
/// 55P03 when it is locked, 42P01 when there is none, 42501 unless the role is a superuser, its
/// owner, or a member of `pg_stat_scan_tables` (as `pg_monitor` is), as for pgstattuple; 0A000 for
/// another session's temporary relation; what `f` gives.
pub(super) fn with_relation<R>(
    oid: u32,
    f: impl FnOnce(&Opened) -> Result<R, ServerError>,
) -> Result<R, ServerError> {
    let oid = pg_sys::Oid::from(oid);
    // SAFETY: opened only under the lock; whatever is returned or raised, closed and unlocked by
    // this function or by the roll-back.
    unsafe {
        if !pg_sys::ConditionalLockRelationOid(oid, LOCK) {
            return Err(ServerError::new(
                PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
                format!("could not obtain lock on relation \"{}\"", name(oid)),
            ));
        }
        // Gives null for what was dropped before the lock was had.
        let relation = pg_sys::try_relation_open(oid, pg_sys::NoLock as pg_sys::LOCKMODE);
        if relation.is_null() {
            pg_sys::UnlockRelationOid(oid, LOCK);
            return Err(ServerError::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                format!("relation with OID {} does not exist", oid.to_u32()),
            ));
        }
        let form = &*(*relation).rd_rel;
        let opened = Opened { relation, oid, kind: form.relkind as u8, access_method: form.relam };
        let persistence = form.relpersistence as u8;
        let outcome = allowed(oid)
            .and_then(|()| {
                if persistence == b't' && !(*relation).rd_islocaltemp {
                    return Err(unsupported(
                        "cannot read temporary tables of other sessions".to_owned(),
                    ));
                }
                if persistence != b'p' && pg_sys::RecoveryInProgress() {
                    return Err(ServerError::new(
                        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                        "cannot read unlogged tables during recovery",
                    ));
                }
                Ok(())
            })
            .and_then(|()| f(&opened));
        pg_sys::relation_close(relation, LOCK);
        outcome
    }
}

fn allowed(oid: pg_sys::Oid) -> Result<(), ServerError> {
    // SAFETY: look-ups by value.
    let allowed = unsafe {
        let role = pg_sys::GetUserId();
        pg_sys::superuser_arg(role)
            || pg_compat::owns_relation(oid, role)
            || pg_sys::has_privs_of_role(role, pg_sys::Oid::from(pg_sys::ROLE_PG_STAT_SCAN_TABLES))
    };
    if allowed {
        return Ok(());
    }
    Err(ServerError::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied to read the pages of \"{}\"", name(oid)),
    )
    .with_hint(
        "Only its owner and roles with the privileges of pg_stat_scan_tables, such as \
         pg_monitor, may do so.",
    ))
}

/// 0A000.
pub(super) fn unsupported(message: String) -> ServerError {
    ServerError::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, message)
}

/// The relation's name without its schema.
pub(super) fn name(oid: pg_sys::Oid) -> String {
    // SAFETY: a cache look-up by value; gives null for what does not exist.
    unsafe {
        let name = pg_sys::get_rel_name(oid);
        if name.is_null() {
            return oid.to_u32().to_string();
        }
        std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// `wanted` of the blocks from `first` to `pages`, or all if there are no more, in order.
///
/// One by chance from each of so many equal parts: where bloat comes in stretches, that is nearer
/// to the truth than free choice.
pub(super) fn sample(first: u32, pages: u32, wanted: u32) -> impl Iterator<Item = u32> {
    let count = u64::from(pages.saturating_sub(first));
    let parts = count.min(u64::from(wanted.max(1)));
    let mut state = SEED;
    (0..parts).map(move |part| {
        let (from, to) = (part * count / parts, (part + 1) * count / parts);
        let chosen = from + next(&mut state) % (to - from);
        first + u32::try_from(chosen).unwrap_or(0)
    })
}

/// The generator `splitmix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
