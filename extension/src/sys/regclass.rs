//! `regclass` as a result type.

use pgrx::datum::IntoDatum;
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
