//! Any SELECT of the user as a table of faithful JSON values.
//!
//! Two round trips: the names of the columns; then, side by side, their types and the rows. See
//! [`super::wrap`] for the texts and why they are safe.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures::future::try_join;
use futures::{Stream, TryStreamExt as _};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::session::{Failure, Session};
use super::table::{Caps, Column, Table, TableBuilder};
use super::wrap::Wrapped;
use super::{cell, statement, wrap};
use crate::error::ToolError;

/// What may be read and thrown away, when there is no room for more, to keep the connection.
/// Beyond that the statement is cancelled, which costs the connection.
const DRAIN_BYTES: usize = 1 << 20;
const DRAIN_TIME: Duration = Duration::from_millis(100);

/// The statements of a user have no parameters.
const NO_PARAMETERS: [(&(dyn ToSql + Sync), Type); 0] = [];

impl Session {
    /// Runs a query (`SELECT`, `VALUES`, `TABLE`, `WITH … SELECT`) that has been checked, without
    /// a semicolon at its end.
    ///
    /// The statement stops after `caps.rows` + 1 rows, so functions with side effects are run for
    /// those only. After a result that was cut by bytes the session may be over.
    ///
    /// # Errors
    /// What the server answers, with line and column in `sql`; [`crate::error::Kind::Timeout`] or
    /// `Cancelled`; `InvalidArgument` when `sql` has parameters or is not one statement.
    pub async fn query(&mut self, sql: &str, caps: &Caps) -> Result<Table, ToolError> {
        statement::check_wrappable(sql)?;
        let names = wrap::names(sql);
        let names = self
            .run(&[&names.text], async |client| {
                let json = one_text(client, &names, sql).await?;
                cell::names(&json).map_err(|_| Failure::unexpected("names are not an object"))
            })
            .await?;
        let types = wrap::types(sql, names.len());
        let data = wrap::data(sql, names.len(), u64::from(caps.rows) + 1, caps.cell_chars);
        let (table, is_drained) = self
            .run(&[&types.text, &data.text], async |client| {
                // Sent in this order, answered in this order, in one round trip.
                let (columns, stream) =
                    try_join(columns(client, names, &types, sql), start(client, &data, sql))
                        .await?;
                let mut stream = pin!(stream);
                let error = |error: Error| Failure::in_text(&error, sql, data.prefix_chars);
                let table = read(stream.as_mut(), columns, caps, &error).await?;
                let is_drained = table.truncated.is_none() || drain(stream, &error).await?;
                Ok((table, is_drained))
            })
            .await?;
        if !is_drained {
            self.abandon();
        }
        Ok(table)
    }
}

async fn start(
    client: &Client,
    wrapped: &Wrapped,
    sql: &str,
) -> Result<impl Stream<Item = Result<Row, Error>> + use<>, Failure> {
    client
        .query_typed_raw(&wrapped.text, NO_PARAMETERS)
        .await
        .map_err(|error| Failure::in_text(&error, sql, wrapped.prefix_chars))
}

/// The one value of the one row.
async fn one_text(client: &Client, wrapped: &Wrapped, sql: &str) -> Result<String, Failure> {
    let error = |error: Error| Failure::in_text(&error, sql, wrapped.prefix_chars);
    let rows = client.query_typed(&wrapped.text, &[]).await.map_err(error)?;
    let row = rows.first().ok_or_else(|| Failure::unexpected("no row"))?;
    row.try_get(0).map_err(error)
}

async fn columns(
    client: &Client,
    names: Vec<String>,
    types: &Wrapped,
    sql: &str,
) -> Result<Vec<Column>, Failure> {
    let json = one_text(client, types, sql).await?;
    let types: Vec<String> =
        serde_json::from_str(&json).map_err(|_| Failure::unexpected("types are not an array"))?;
    if types.len() != names.len() {
        return Err(Failure::unexpected("not as many types as names"));
    }
    Ok(names.into_iter().zip(types).map(|(name, r#type)| Column { name, r#type }).collect())
}

/// Reads rows until there is no room for more.
async fn read<S>(
    mut stream: Pin<&mut S>,
    columns: Vec<Column>,
    caps: &Caps,
    error: &impl Fn(Error) -> Failure,
) -> Result<Table, Failure>
where
    S: Stream<Item = Result<Row, Error>>,
{
    let mut table = TableBuilder::new(columns, *caps);
    while let Some(row) = stream.try_next().await.map_err(error)? {
        let json: &str = row.try_get(0).map_err(error)?;
        let values =
            cell::values(json).map_err(|_| Failure::unexpected("a row is not an object"))?;
        let fitted = table
            .push(|columns, max_chars| cell::row(&values, columns, max_chars, caps.big_numbers));
        if !fitted {
            break;
        }
    }
    Ok(table.finish())
}

/// Reads the rest, if it is small. False when it is not.
async fn drain<S>(
    mut stream: Pin<&mut S>,
    error: &impl Fn(Error) -> Failure,
) -> Result<bool, Failure>
where
    S: Stream<Item = Result<Row, Error>>,
{
    let read = async {
        let mut bytes = 0;
        while let Some(row) = stream.try_next().await.map_err(error)? {
            bytes += row.raw_size_bytes();
            if bytes > DRAIN_BYTES {
                return Ok(false);
            }
        }
        Ok(true)
    };
    tokio::time::timeout(DRAIN_TIME, read).await.unwrap_or(Ok(false))
}
