//! Elements of text arrays.
//!
//! pgrx takes a single text for what it is, but the elements of an array for UTF-8 unseen, whatever the
//! encoding of the database: a `String` that is none, of which the first search for a character aborts
//! the process, and with it the server.

use pgrx::datum::{FromDatum, IntoDatum, UnboxDatum};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys, varlena};

/// A text, an element of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(unreachable_pub, reason = "part of the signature that pgrx exports")]
pub struct Text(pub(crate) String);

/// Texts as they are.
pub(crate) fn owned(texts: Vec<Option<Text>>) -> Vec<Option<String>> {
    texts.into_iter().map(|text| text.map(|Text(text)| text)).collect()
}

/// Raises 0A000 for what is no UTF-8.
unsafe fn read(datum: pg_sys::Datum) -> Text {
    // SAFETY: the caller's datum is a text; its bytes are copied while it is there.
    let bytes = unsafe {
        let inside = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        let length = varlena::varsize_any_exhdr(inside);
        std::slice::from_raw_parts(varlena::vardata_any(inside).cast::<u8>(), length).to_vec()
    };
    // SAFETY: reads a variable of the process.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    // In other encodings bytes may look like UTF-8 and stand for something else.
    let understood = encoding == pg_sys::pg_enc::PG_UTF8 as i32
        || encoding == pg_sys::pg_enc::PG_SQL_ASCII as i32
        || bytes.is_ascii();
    match String::from_utf8(bytes) {
        Ok(text) if understood => Text(text),
        _ => {
            ErrorReport::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "text beyond ASCII can only be read in a database whose encoding is UTF-8",
                "text",
            )
            .report(PgLogLevel::ERROR);
            unreachable!("an ERROR does not return")
        }
    }
}

impl FromDatum for Text {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: the contract is that of a text.
        (!is_null).then(|| unsafe { read(datum) })
    }
}

impl IntoDatum for Text {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        self.0.into_datum()
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }
}

// SAFETY: the datum is a text, whose bytes are copied.
unsafe impl UnboxDatum for Text {
    type As<'src> = Self;

    unsafe fn unbox<'src>(datum: pgrx::datum::Datum<'src>) -> Self
    where
        Self: 'src,
    {
        // SAFETY: as above.
        unsafe { read(datum.sans_lifetime()) }
    }
}

pgrx::impl_sql_translatable!(Text, "text");

// SAFETY: the datum is a text, read as one.
unsafe impl<'fcx> pgrx::callconv::ArgAbi<'fcx> for Text {
    unsafe fn unbox_arg_unchecked(arg: pgrx::callconv::Arg<'_, 'fcx>) -> Self {
        // SAFETY: a strict function gets no null.
        unsafe { arg.unbox_arg_using_from_datum::<Self>() }.unwrap_or(Self(String::new()))
    }

    unsafe fn unbox_nullable_arg(
        arg: pgrx::callconv::Arg<'_, 'fcx>,
    ) -> pgrx::nullable::Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum::<Self>() }.into()
    }
}
