//! Statements of our own: rows as JSON objects, parameters typed.

use advisor_sql::OWN_MARK;
use futures::TryStreamExt as _;
use serde_json::{Map, Value};
use tokio_postgres::types::{ToSql, Type};

use super::session::{Failure, Session};
use crate::error::{Kind, ToolError};

/// Most bytes of one result. Ours are small; this is against a catalog that is not.
const MAX_BYTES: usize = 64 << 20;

/// A parameter of a statement of our own.
#[derive(Debug, Clone)]
pub enum Param<'a> {
    /// `text`.
    Text(Option<&'a str>),
    /// `text[]`.
    TextArray(Vec<String>),
    /// `text[]` with elements that are null.
    NullableTextArray(Vec<Option<String>>),
    /// `text[]`, null.
    NoTextArray,
    /// `bigint`.
    Int(i64),
    /// `double precision`.
    Float(f64),
    /// `boolean`.
    Bool(bool),
}

/// A value with its type, as the driver takes it.
type Typed<'a> = (&'a (dyn ToSql + Sync), Type);

impl Param<'_> {
    fn typed(&self) -> Typed<'_> {
        match self {
            Self::Text(value) => (value, Type::TEXT),
            Self::TextArray(value) => (value, Type::TEXT_ARRAY),
            Self::NullableTextArray(value) => (value, Type::TEXT_ARRAY),
            Self::NoTextArray => (&None::<Vec<String>>, Type::TEXT_ARRAY),
            Self::Int(value) => (value, Type::INT8),
            Self::Float(value) => (value, Type::FLOAT8),
            Self::Bool(value) => (value, Type::BOOL),
        }
    }
}

impl Session {
    /// Runs a SELECT of our own. Each row is a JSON object made by the server, its members in the
    /// order of the columns. `sql` is trusted text, never a user's.
    ///
    /// # Errors
    /// What the server answers, with line and column in the [`Param::Text`] that it points at; [`Kind::Timeout`] or [`Kind::Cancelled`]; [`Kind::Unsupported`]
    /// when the result has more than 64 MiB.
    pub async fn rows(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Map<String, Value>>, ToolError> {
        let text = format!(
            "select {OWN_MARK} pg_catalog.row_to_json(q.*)::pg_catalog.text from (\n{sql}\n) as q"
        );
        let texts: Vec<&str> = params
            .iter()
            .filter_map(|param| if let Param::Text(text) = param { *text } else { None })
            .collect();
        let error = |error| Failure::in_parameter(&error, &texts);
        let typed: Vec<Typed<'_>> = params.iter().map(Param::typed).collect();
        let rows = self
            .run(&[&text], async |client| {
                let stream = client.query_typed_raw(&text, typed).await.map_err(error)?;
                let mut stream = std::pin::pin!(stream);
                let mut rows = Vec::new();
                let mut bytes = 0;
                while let Some(row) = stream.try_next().await.map_err(error)? {
                    let json: &str = row.try_get(0).map_err(error)?;
                    bytes += json.len();
                    if bytes > MAX_BYTES {
                        return Ok(None);
                    }
                    let object = serde_json::from_str(json)
                        .map_err(|_| Failure::unexpected("a row is not an object"))?;
                    rows.push(object);
                }
                Ok(Some(rows))
            })
            .await?;
        rows.ok_or_else(|| {
            self.abandon();
            ToolError::new(Kind::Unsupported, "result is larger than 64 MiB")
        })
    }
}
