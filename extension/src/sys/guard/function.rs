//! What the catalog knows of a function.

use std::ffi::{CStr, c_char};

use advisor_sql::guard::{Function, Home};
use pgrx::{FromDatum, pg_sys};

use crate::sys::text::{Text, owned as owned_texts};

/// The cache of `pg_proc` by oid.
pub(super) const PROCOID: i32 = pg_sys::SysCacheIdentifier::PROCOID as i32;

/// `SQLlanguageId` of the server's `pg_language.dat`.
pub(super) const SQL: u32 = 14;

/// `aggtransfn` to `aggmfinalfn`: attribute numbers of `pg_aggregate`.
const AGGREGATE_PARTS: std::ops::RangeInclusive<pg_sys::AttrNumber> = 4..=11;

/// Attribute number of `pg_language.lanpltrusted`.
const LANPLTRUSTED: pg_sys::AttrNumber = 5;

/// The function, or none when it is gone.
///
/// Cache look-ups and, for functions that are not the server's own, one index scan of `pg_depend`:
/// nothing that waits.
pub(crate) fn function(oid: u32) -> Option<Function> {
    let id = pg_sys::Oid::from(oid);
    // SAFETY: the tuple is held while its fields are copied out; names in it are NUL-terminated.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(PROCOID, pg_sys::Datum::from(id));
        if tuple.is_null() {
            return None;
        }
        let form: *const pg_sys::FormData_pg_proc = pg_sys::GETSTRUCT(tuple).cast();
        let function = Function {
            schema: name(pg_sys::get_namespace_name((*form).pronamespace)),
            name: name((&raw const (*form).proname.data).cast()),
            arguments: usize::try_from((*form).pronargs).unwrap_or(0),
            home: home(oid),
            language: name(pg_sys::get_language_name((*form).prolang, true)),
            trusted: is_trusted((*form).prolang),
            volatile: (*form).provolatile as u8 == pg_sys::PROVOLATILE_VOLATILE,
            security_definer: (*form).prosecdef,
            pinned_path: search_path(tuple).is_some(),
            aggregate: (*form).prokind as u8 == pg_sys::PROKIND_AGGREGATE,
            internal: has_internal_argument(form),
            source: attribute(PROCOID, tuple, pg_sys::Anum_pg_proc_prosrc as pg_sys::AttrNumber)
                .unwrap_or_default(),
        };
        pg_sys::ReleaseSysCache(tuple);
        Some(function)
    }
}

/// `schema.name(types)`, quoted where needed.
pub(crate) fn signature(oid: u32) -> String {
    // SAFETY: gives a text for every oid, the number for one that is gone.
    unsafe { name(pg_sys::format_procedure_qualified(pg_sys::Oid::from(oid))) }
}

/// The functions that an aggregate calls besides itself; none for other functions and for the
/// server's own aggregates, which are judged by name.
pub(crate) fn parts_of_aggregate(oid: u32) -> Vec<u32> {
    if oid < pg_sys::FirstNormalObjectId {
        return Vec::new();
    }
    let cache = pg_sys::SysCacheIdentifier::AGGFNOID as i32;
    // SAFETY: the tuple is held while its attributes, all of type regproc, are read.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(pg_sys::Oid::from(oid)));
        if tuple.is_null() {
            return Vec::new();
        }
        let parts: Vec<u32> = AGGREGATE_PARTS
            .filter_map(|number| attribute::<pg_sys::Oid>(cache, tuple, number))
            .map(pg_sys::Oid::to_u32)
            .filter(|&part| part != 0)
            .collect();
        pg_sys::ReleaseSysCache(tuple);
        parts
    }
}

/// The function behind an operator; 0 when it is gone.
pub(crate) fn function_of_operator(operator: u32) -> u32 {
    // SAFETY: cache look-up by value; an unknown oid gives 0.
    unsafe { pg_sys::get_opcode(pg_sys::Oid::from(operator)).to_u32() }
}

/// Whether the operator's function is a user's.
pub(super) fn is_users_operator(operator: u32) -> bool {
    home(function_of_operator(operator)) == Home::User
}

fn home(oid: u32) -> Home {
    if oid < pg_sys::FirstNormalObjectId {
        return Home::Core;
    }
    // SAFETY: a scan of pg_depend by its index, under the lock that every catalog scan takes.
    unsafe {
        let id = pg_sys::Oid::from(oid);
        let extension = pg_sys::getExtensionOfObject(pg_sys::ProcedureRelationId, id);
        if extension == pg_sys::InvalidOid {
            return Home::User;
        }
        Home::Extension(name(pg_sys::get_extension_name(extension)))
    }
}

fn is_trusted(language: pg_sys::Oid) -> bool {
    let cache = pg_sys::SysCacheIdentifier::LANGOID as i32;
    // SAFETY: the tuple is held while the attribute, a boolean, is read.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(language));
        if tuple.is_null() {
            return false;
        }
        let trusted = attribute::<bool>(cache, tuple, LANPLTRUSTED).unwrap_or(false);
        pg_sys::ReleaseSysCache(tuple);
        // SQL is not a procedural language, and can do no more than SQL.
        trusted || language.to_u32() == SQL
    }
}

unsafe fn has_internal_argument(form: *const pg_sys::FormData_pg_proc) -> bool {
    // SAFETY: a form of the cache; the vector has as many oids as it says.
    unsafe {
        let types = &raw const (*form).proargtypes;
        let count = usize::try_from((*types).dim1).unwrap_or(0);
        let types = std::slice::from_raw_parts((*types).values.as_ptr(), count);
        types.contains(&pg_sys::INTERNALOID)
    }
}

/// The `search_path` that the function has while it runs, if it has one of its own.
pub(super) unsafe fn search_path(tuple: pg_sys::HeapTuple) -> Option<String> {
    let number = pg_sys::Anum_pg_proc_proconfig as pg_sys::AttrNumber;
    // SAFETY: a tuple of that cache; the attribute is of type text[].
    let settings: Option<Vec<Option<Text>>> = unsafe { attribute(PROCOID, tuple, number) };
    let settings = owned_texts(settings.unwrap_or_default());
    settings.iter().flatten().find_map(|one| one.strip_prefix("search_path=").map(str::to_owned))
}

/// An attribute of a tuple of the cache, which must be of type `T`.
pub(super) unsafe fn attribute<T: FromDatum>(
    cache: i32,
    tuple: pg_sys::HeapTuple,
    number: pg_sys::AttrNumber,
) -> Option<T> {
    let mut null = false;
    // SAFETY: see the contract; the value is copied by `from_datum` where it is by reference.
    unsafe {
        let value = pg_sys::SysCacheGetAttr(cache, tuple, number, &raw mut null);
        T::from_datum(value, null)
    }
}

/// A name of the server's; empty when there is none.
unsafe fn name(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's name is NUL-terminated.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
