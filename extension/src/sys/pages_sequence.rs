//! The last value of a sequence, without the lock and the relation cache entry that
//! `pg_sequence_last_value` takes.

use pgrx::pg_sys;

use super::pages::{LINE_POINTER, Page, look_at};
use super::pg_compat;

/// The lock that every reader takes.
const LOCK: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
/// `SEQ_MAGIC` of the server's `sequence.c`, in the page's special space of 8 bytes.
const MAGIC: u32 = 0x1717;
/// Where the header of a row has its own length (`t_hoff`).
const HEADER_LENGTH_AT: usize = 22;

/// The last value that the sequence has given; `None` when it has given none, when the role has
/// neither USAGE nor SELECT on it, when it is locked, and for what is no sequence or is temporary.
///
/// Opening a relation costs some 50 µs, reading its only page 3: there may be 10,000 sequences. So
/// the page is found by the file that `pg_class` names, under the lock that keeps it.
pub(crate) fn sequence_last_value(sequence: u32) -> Option<i64> {
    let oid = pg_sys::Oid::from(sequence);
    // SAFETY: a look-up by value; privileges are asked first, as nothing else may be known without.
    let allowed = unsafe {
        let wanted = pg_sys::AclMode::from(pg_sys::ACL_USAGE | pg_sys::ACL_SELECT);
        pg_sys::get_rel_relkind(oid) as u8 == pg_sys::RELKIND_SEQUENCE
            && pg_sys::pg_class_aclmask(
                oid,
                pg_sys::GetUserId(),
                wanted,
                pg_sys::AclMaskHow::ACLMASK_ANY,
            ) != 0
    };
    // SAFETY: an error leaves the lock to the roll-back.
    unsafe {
        if !allowed || !pg_sys::ConditionalLockRelationOid(oid, LOCK) {
            return None;
        }
        let value = read(oid);
        pg_sys::UnlockRelationOid(oid, LOCK);
        value
    }
}

/// # Safety
/// The relation must be locked.
unsafe fn read(oid: pg_sys::Oid) -> Option<i64> {
    // SAFETY: the tuple is held while its fixed part is read. Under the lock the file neither
    // changes its name nor vanishes, and has its one page.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::RELOID as i32,
            pg_sys::Datum::from(oid),
        );
        if tuple.is_null() {
            return None;
        }
        let form: *const pg_sys::FormData_pg_class = pg_sys::GETSTRUCT(tuple).cast();
        let (kind, persistence) = ((*form).relkind as u8, (*form).relpersistence as u8);
        let (tablespace, file) = ((*form).reltablespace, (*form).relfilenode);
        pg_sys::ReleaseSysCache(tuple);
        let readable = match persistence {
            b'p' => true,
            b'u' => !pg_sys::RecoveryInProgress(),
            _ => false,
        };
        if kind != pg_sys::RELKIND_SEQUENCE || !readable {
            return None;
        }
        let buffer = pg_compat::read_first_page(tablespace, file, persistence == b'p');
        look_at(buffer, &mut Page::new(), last_value)
    }
}

/// The value in the only row of the page: `FormData_pg_sequence_data`.
fn last_value(page: &Page) -> Option<i64> {
    const SPECIAL: usize = 8;
    if !page.is_sound(SPECIAL) || u32::from_ne_bytes(page.bytes(page.special())) != MAGIC {
        return None;
    }
    let (_, item) = page.items().next().filter(|(_, item)| page.holds(*item))?;
    let [header] = page.bytes::<1>(item.offset + HEADER_LENGTH_AT);
    let data = item.offset + usize::from(header);
    let [is_called] = page.bytes::<1>(data + 16);
    (is_called != 0 && item.length > LINE_POINTER).then(|| i64::from_ne_bytes(page.bytes(data)))
}
