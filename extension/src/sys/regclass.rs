//! `regclass` as a result and an argument.

use pgrx::datum::{FromDatum, IntoDatum, UnboxDatum};
use pgrx::pg_sys;

/// A relation, printed by name.
#[derive(Debug, Clone, Copy)]
#[allow(unreachable_pub, reason = "part of the signature that pgrx exports")]
pub struct Regclass(pub(crate) u32);

impl IntoDatum for Regclass {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        pg_sys::Oid::from(self.0).into_datum()
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::REGCLASSOID
    }
}

impl FromDatum for Regclass {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        type_oid: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: the contract is that of the oid inside.
        let oid = unsafe { pg_sys::Oid::from_polymorphic_datum(datum, is_null, type_oid) };
        oid.map(|oid| Self(oid.to_u32()))
    }
}

// SAFETY: the datum is an oid, by value.
unsafe impl UnboxDatum for Regclass {
    type As<'src> = Self;

    unsafe fn unbox<'src>(datum: pgrx::datum::Datum<'src>) -> Self
    where
        Self: 'src,
    {
        // SAFETY: as above.
        Self(unsafe { pg_sys::Oid::unbox(datum) }.to_u32())
    }
}

pgrx::impl_sql_translatable!(Regclass, "regclass");

// SAFETY: the datum is an oid, which is what `regclass` is.
unsafe impl pgrx::callconv::BoxRet for Regclass {
    unsafe fn box_into<'fcx>(
        self,
        fcinfo: &mut pgrx::callconv::FcInfo<'fcx>,
    ) -> pgrx::datum::Datum<'fcx> {
        // SAFETY: as the trait asks, the datum is returned from the function.
        unsafe { pg_sys::Oid::from(self.0).box_into(fcinfo) }
    }
}

// SAFETY: the datum is an oid, read as one.
unsafe impl<'fcx> pgrx::callconv::ArgAbi<'fcx> for Regclass {
    unsafe fn unbox_arg_unchecked(arg: pgrx::callconv::Arg<'_, 'fcx>) -> Self {
        // SAFETY: the contract is that of the oid inside; a strict function gets no null.
        Self(
            unsafe { arg.unbox_arg_using_from_datum::<pg_sys::Oid>() }
                .map_or(0, pg_sys::Oid::to_u32),
        )
    }

    unsafe fn unbox_nullable_arg(
        arg: pgrx::callconv::Arg<'_, 'fcx>,
    ) -> pgrx::nullable::Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum::<Self>() }.into()
    }
}
