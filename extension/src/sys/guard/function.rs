//! What the catalog knows of a function.

use std::ffi::{CStr, c_char};

use advisor_sql::guard::{Function, Home};
use pgrx::{FromDatum, pg_sys};

/// `SQLlanguageId` of the server's `pg_language.dat`.
const SQL: u32 = 14;

/// `aggtransfn` to `aggmfinalfn`: attribute numbers of `pg_aggregate`.
const AGGREGATE_PARTS: std::ops::RangeInclusive<pg_sys::AttrNumber> = 4..=11;

/// Number of the comparison among the functions of a B-tree operator class.
const BTORDER_PROC: i16 = 1;

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
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            pg_sys::Datum::from(id),
        );
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
            pinned_path: settings(tuple).iter().any(|one| one.starts_with("search_path=")),
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

/// The expressions that stand in for arguments that a call leaves out, as the catalog has them; none
/// when a call with that many arguments leaves out none.
pub(super) fn defaults(oid: u32, given: i32) -> Option<String> {
    let cache = pg_sys::SysCacheIdentifier::PROCOID as i32;
    // SAFETY: the tuple is held while its fields are read; the attribute, of type pg_node_tree, is
    // stored as a text is.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(pg_sys::Oid::from(oid)));
        if tuple.is_null() {
            return None;
        }
        let form: *const pg_sys::FormData_pg_proc = pg_sys::GETSTRUCT(tuple).cast();
        let number = pg_sys::Anum_pg_proc_proargdefaults as pg_sys::AttrNumber;
        let text = (given < i32::from((*form).pronargs))
            .then(|| attribute::<String>(cache, tuple, number))
            .flatten();
        pg_sys::ReleaseSysCache(tuple);
        text
    }
}

/// The function behind an operator; 0 when it is gone.
pub(crate) fn function_of_operator(operator: u32) -> u32 {
    // SAFETY: cache look-up by value; an unknown oid gives 0.
    unsafe { pg_sys::get_opcode(pg_sys::Oid::from(operator)).to_u32() }
}

/// The functions of the operator classes that rows are sorted or hashed by.
pub(super) fn support_of_operators(equality: pg_sys::Oid, order: pg_sys::Oid) -> [pg_sys::Oid; 3] {
    let none = pg_sys::InvalidOid;
    let (mut family, mut compared, mut strategy) = (none, none, 0);
    let (mut left, mut right) = (none, none);
    // SAFETY: look-ups by value that fill in variables of ours; what is not found is left as it is.
    unsafe {
        let sorts = pg_sys::get_ordering_op_properties(
            order,
            &raw mut family,
            &raw mut compared,
            &raw mut strategy,
        );
        let comparison = match sorts {
            true => pg_sys::get_opfamily_proc(family, compared, compared, BTORDER_PROC),
            false => none,
        };
        pg_sys::get_op_hash_functions(equality, &raw mut left, &raw mut right);
        [comparison, left, right]
    }
}

/// The function by which the values of a type are compared; none when they are not.
pub(super) fn comparison(compared: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: the entry lives as long as the process.
    unsafe { (*pg_sys::lookup_type_cache(compared, pg_sys::TYPECACHE_CMP_PROC as i32)).cmp_proc }
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

/// `proconfig`: the settings that the function has while it runs.
unsafe fn settings(tuple: pg_sys::HeapTuple) -> Vec<String> {
    let number = pg_sys::Anum_pg_proc_proconfig as pg_sys::AttrNumber;
    // SAFETY: a tuple of that cache; the attribute is of type text[].
    unsafe { attribute(pg_sys::SysCacheIdentifier::PROCOID as i32, tuple, number) }
        .unwrap_or_default()
}

/// An attribute of a tuple of the cache, which must be of type `T`.
unsafe fn attribute<T: FromDatum>(
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
