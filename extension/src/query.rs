//! The advisor's own catalog queries.

use pgrx::datum::DatumWithOid;
use pgrx::spi::SpiError;
use pgrx::{FromDatum, IntoDatum, Spi};

/// The first column of the first row; `None` when that is null or there is no row.
///
/// Unlike [`Spi::get_one`] this assigns no transaction id, so it works on a standby and costs
/// nothing in transaction ids elsewhere.
///
/// # Errors
/// What SPI says.
pub(crate) fn one<T: FromDatum + IntoDatum>(
    query: &str,
    args: &[DatumWithOid<'_>],
) -> Result<Option<T>, SpiError> {
    Spi::connect(|client| match client.select(query, Some(1), args)?.first().get_one() {
        Err(SpiError::InvalidPosition) => Ok(None),
        answer => answer,
    })
}
