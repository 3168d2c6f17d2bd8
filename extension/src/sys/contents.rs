//! What an operator class would store of a sample of rows.
//!
//! The class's own support functions are called as the access methods call them: `extractValue` for
//! GIN, `compress` for GiST. Only a superuser makes operator classes, so these are as trusted as the
//! server.

use std::collections::hash_map::DefaultHasher;
use std::ffi::{CStr, CString};
use std::hash::{Hash, Hasher};

use advisor_core::model::Method;
use pgrx::{pg_sys, varlena};

use super::element;
use super::facts;
use super::opclass::default_class;

/// Support functions (`nbtree.h`, `gin.h`, `gist.h`).
const ORDER: i16 = 1;
const EXTRACT_VALUE: i16 = 2;
const COMPRESS: i16 = 3;
/// Longest varlena that is stored with a header of one byte (`VARATT_SHORT_MAX`).
const SHORT: usize = 127;
/// What the entry for rows without a key counts as.
const NO_KEY: (u64, u32) = (u64::MAX, 0);

/// What a sample holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sampled {
    /// Entries of an inverted index: a hash of the key and its bytes.
    Entries(Vec<(u64, u32)>),
    /// Keys of a search tree.
    Keys {
        /// Their bytes, summed.
        bytes: f64,
        /// Share of the rows whose key is not below that of the row before; a half when keys have no
        /// order.
        rising: f64,
    },
}

/// A sample as an index would store it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contents {
    /// Rows read.
    pub(crate) rows: usize,
    /// What they hold.
    pub(crate) sampled: Sampled,
}

/// How values of a type are stored.
#[derive(Clone, Copy)]
struct Layout {
    length: i16,
    by_value: bool,
    align: usize,
    /// Whether short values get a short header.
    short: bool,
}

/// Memory that building an index may take, in bytes.
pub(crate) fn maintenance_memory() -> f64 {
    // SAFETY: a number that only this process writes.
    f64::from(unsafe { pg_sys::maintenance_work_mem }) * 1024.0
}

/// What an index of `method` with the key `key` (as CREATE INDEX takes it) on `relation` would store
/// of the rows that `query` returns: one column, the key's values, for the addresses `tids`, its only
/// parameter. `None` for other methods than GIN, GiST and SP-GiST.
///
/// # Errors
/// The server's, raised: call this within a sub-transaction. Its end also gives back what is
/// allocated here.
pub(crate) fn read_contents(
    relation: u32,
    method: Method,
    key: &str,
    query: &str,
    tids: &str,
) -> Option<Contents> {
    let (query, tids) = (CString::new(query).ok()?, CString::new(tids).ok()?);
    // SAFETY: within the caller's sub-transaction; SPI is opened and closed here, and its tuples are
    // read before that.
    unsafe {
        let key = element::key(pg_sys::Oid::from(relation), method.as_str(), key)?;
        let reader = Reader::new(&key, method)?;
        if pg_sys::SPI_connect() != pg_sys::SPI_OK_CONNECT as i32 {
            return None;
        }
        let contents = rows_of(&query, &tids).and_then(|(table, count)| reader.read(table, count));
        pg_sys::SPI_finish();
        contents
    }
}

/// Runs the query; the rows and how many there are.
unsafe fn rows_of(query: &CStr, tids: &CStr) -> Option<(*mut pg_sys::SPITupleTable, usize)> {
    let mut types = [pg_sys::TEXTOID];
    // SAFETY: one argument of the type said; SPI is connected.
    unsafe {
        let mut values = [pg_sys::Datum::from(pg_sys::cstring_to_text(tids.as_ptr()))];
        let done = pg_sys::SPI_execute_with_args(
            query.as_ptr(),
            1,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            std::ptr::null(),
            true,
            0,
        );
        let rows = usize::try_from(pg_sys::SPI_processed).ok()?;
        (done == pg_sys::SPI_OK_SELECT as i32).then_some((pg_sys::SPI_tuptable, rows))
    }
}

/// Turns values into what is stored of them.
struct Reader {
    method: Method,
    function: Option<pg_sys::FmgrInfo>,
    /// The comparison of the type's default b-tree class.
    compare: Option<pg_sys::FmgrInfo>,
    collation: pg_sys::Oid,
    layout: Layout,
}

impl Reader {
    /// For a key; `None` when the method is none of ours or the class lacks its function.
    unsafe fn new(key: &element::Key, method: Method) -> Option<Self> {
        let support = match method {
            Method::Gin => EXTRACT_VALUE,
            Method::Gist => COMPRESS,
            Method::Spgist => 0,
            _ => return None,
        };
        // SAFETY: catalog look-ups by value; the function's record lives in the current context.
        unsafe {
            let family = pg_sys::get_opclass_family(key.class);
            let input = pg_sys::get_opclass_input_type(key.class);
            let function = match support {
                0 => None,
                number => function(pg_sys::get_opfamily_proc(family, input, input, number)),
            };
            if method == Method::Gin && function.is_none() {
                return None;
            }
            let collation = match pg_sys::Oid::from(key.of.collation) {
                pg_sys::InvalidOid => pg_sys::DEFAULT_COLLATION_OID,
                collation => collation,
            };
            let layout = layout(stored_type(key.class, pg_sys::Oid::from(key.of.type_oid)));
            let compare = comparison(key.of.type_oid);
            Some(Self { method, function, compare, collation, layout })
        }
    }

    unsafe fn read(mut self, table: *mut pg_sys::SPITupleTable, rows: usize) -> Option<Contents> {
        let mut entries = Vec::new();
        let (mut bytes, mut rising, mut before) = (0.0, 0.0, None);
        for at in 0..rows {
            super::check_interrupts();
            let mut null = false;
            // SAFETY: `at` is below the number of tuples; the value is of the key's type.
            unsafe {
                let tuple = *(*table).vals.add(at);
                let value = pg_sys::SPI_getbinval(tuple, (*table).tupdesc, 1, &raw mut null);
                match (self.method, null) {
                    (Method::Gin, true) => entries.push(NO_KEY),
                    (Method::Gin, false) => self.extract(value, &mut entries),
                    (_, true) => {}
                    (_, false) => {
                        rising += self.rises(before, value);
                        bytes += self.stored(value)? as f64;
                        before = Some(value);
                    }
                }
            }
        }
        let sampled = match self.method {
            Method::Gin => Sampled::Entries(entries),
            _ => Sampled::Keys { bytes, rising: rising / rows.max(1) as f64 },
        };
        Some(Contents { rows, sampled })
    }

    /// 1 when `value` is not below the one before, 0 when it is, a half when nobody knows.
    unsafe fn rises(&mut self, before: Option<pg_sys::Datum>, value: pg_sys::Datum) -> f64 {
        let (Some(compare), Some(before)) = (&mut self.compare, before) else { return 0.5 };
        // SAFETY: both values are of the type that the class's comparison takes.
        let order = unsafe { pg_sys::FunctionCall2Coll(compare, self.collation, before, value) };
        if order.value() as i32 <= 0 { 1.0 } else { 0.0 }
    }

    /// The entries of a value, each once.
    unsafe fn extract(&mut self, value: pg_sys::Datum, entries: &mut Vec<(u64, u32)>) {
        let Some(function) = &mut self.function else { return };
        let mut count = 0_i32;
        let mut nulls: *mut bool = std::ptr::null_mut();
        // SAFETY: the arguments that `ginExtractEntries` (`ginutil.c`) passes; the function returns as
        // many keys as it says, and flags for them or none.
        unsafe {
            let keys: *mut pg_sys::Datum = pg_sys::FunctionCall3Coll(
                function,
                self.collation,
                value,
                pg_sys::Datum::from(&raw mut count),
                pg_sys::Datum::from(&raw mut nulls),
            )
            .cast_mut_ptr();
            let count = usize::try_from(count).unwrap_or(0);
            if keys.is_null() || count == 0 {
                entries.push(NO_KEY);
                return;
            }
            let mut found: Vec<(u64, u32)> = (0..count)
                .map(|at| {
                    if !nulls.is_null() && *nulls.add(at) {
                        return NO_KEY;
                    }
                    self.layout.entry(*keys.add(at))
                })
                .collect();
            found.sort_unstable();
            found.dedup();
            entries.append(&mut found);
        }
    }

    /// Bytes of a value in a leaf of a search tree.
    unsafe fn stored(&mut self, value: pg_sys::Datum) -> Option<usize> {
        // SAFETY: as `gistdentryinit` and `gistCompressValues` call the class's function; it returns
        // the entry it was given or one of its own.
        unsafe {
            let mut entry = pg_sys::GISTENTRY { key: value, leafkey: true, ..Default::default() };
            let Some(function) = &mut self.function else {
                return Some(self.layout.stored(value));
            };
            let compressed: *mut pg_sys::GISTENTRY = pg_sys::FunctionCall1Coll(
                function,
                self.collation,
                pg_sys::Datum::from(&raw mut entry),
            )
            .cast_mut_ptr();
            (!compressed.is_null()).then(|| self.layout.stored((*compressed).key))
        }
    }
}

/// The record of a function in the current context; `None` for none.
unsafe fn function(oid: pg_sys::Oid) -> Option<pg_sys::FmgrInfo> {
    if oid == pg_sys::InvalidOid {
        return None;
    }
    let mut info = pg_sys::FmgrInfo::default();
    // SAFETY: writes the record, or raises an ERROR when there is no such function.
    unsafe { pg_sys::fmgr_info(oid, &raw mut info) };
    Some(info)
}

/// The comparison of a type's default b-tree class.
unsafe fn comparison(type_oid: u32) -> Option<pg_sys::FmgrInfo> {
    let class = pg_sys::Oid::from(default_class(type_oid, Method::Btree)?);
    // SAFETY: catalog look-ups of an existing class.
    unsafe {
        let family = pg_sys::get_opclass_family(class);
        let input = pg_sys::get_opclass_input_type(class);
        function(pg_sys::get_opfamily_proc(family, input, input, ORDER))
    }
}

impl Layout {
    /// The value as bytes.
    unsafe fn bytes(&self, value: &pg_sys::Datum) -> Vec<u8> {
        // SAFETY: a value of the type that this is the layout of; a toasted one is brought in.
        unsafe {
            let copied =
                |from: *const u8, length: usize| std::slice::from_raw_parts(from, length).to_vec();
            match self.length {
                _ if self.by_value => value.value().to_ne_bytes().to_vec(),
                -1 => {
                    let inside = pg_sys::pg_detoast_datum_packed(value.cast_mut_ptr());
                    let length = varlena::varsize_any_exhdr(inside);
                    copied(varlena::vardata_any(inside).cast(), length)
                }
                -2 => CStr::from_ptr(value.cast_mut_ptr()).to_bytes().to_vec(),
                length => copied(value.cast_mut_ptr(), usize::try_from(length).unwrap_or(0)),
            }
        }
    }

    /// Bytes that so many bytes of content take in an index tuple.
    fn padded(&self, content: usize) -> usize {
        match self.length {
            -1 if self.short && content < SHORT => content + 1,
            -1 => (content + 4).next_multiple_of(self.align),
            -2 => content + 1,
            length => usize::try_from(length).unwrap_or(0),
        }
    }

    unsafe fn stored(&self, value: pg_sys::Datum) -> usize {
        // SAFETY: the caller's value is of this layout's type.
        self.padded(unsafe { self.bytes(&value) }.len())
    }

    unsafe fn entry(&self, value: pg_sys::Datum) -> (u64, u32) {
        // SAFETY: as above.
        let bytes = unsafe { self.bytes(&value) };
        // The same in every run: it has no seed.
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let size = u32::try_from(self.padded(bytes.len())).unwrap_or(u32::MAX);
        (hasher.finish().min(u64::MAX - 1), size)
    }
}

/// The type that a class stores for values of a type, as `ConstructTupleDescriptor` (`index.c`)
/// finds it.
unsafe fn stored_type(class: pg_sys::Oid, of: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: the tuple is held while its fixed part is read.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::CLAOID as i32,
            pg_sys::Datum::from(class),
        );
        if tuple.is_null() {
            return of;
        }
        let form: *const pg_sys::FormData_pg_opclass = pg_sys::GETSTRUCT(tuple).cast();
        let (stored, input) = ((*form).opckeytype, (*form).opcintype);
        pg_sys::ReleaseSysCache(tuple);
        match stored {
            pg_sys::InvalidOid => of,
            pg_sys::ANYELEMENTOID if input == pg_sys::ANYARRAYOID => {
                pg_sys::get_base_element_type(of)
            }
            stored => stored,
        }
    }
}

unsafe fn layout(of: pg_sys::Oid) -> Layout {
    let (length, by_value, align) = facts::storage(of);
    // SAFETY: a look-up by value.
    let short = unsafe { pg_sys::get_typstorage(of) as u8 != b'p' };
    Layout { length, by_value, align: align.into(), short }
}
