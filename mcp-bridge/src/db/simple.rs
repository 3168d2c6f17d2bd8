//! Statements that cannot be wrapped (SHOW, EXPLAIN, DDL, DML): the simple protocol, whose values
//! are the text that psql shows.

use futures::TryStreamExt as _;
use serde_json::Value;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::cell;
use super::session::{Failure, Session};
use super::statement::{self, Tokens};
use super::table::{Caps, Column, Table, TableBuilder};
use crate::error::ToolError;

impl Session {
    /// Runs one statement and reads it to its end: rows beyond the caps are not kept, but a
    /// statement that changes data is never stopped half way. All values are strings or null.
    ///
    /// A plan as JSON is one value: give it room in `caps.cell_chars`.
    ///
    /// # Errors
    /// As [`Session::query`]. Transaction control and COPY with the client are refused.
    pub async fn simple(&mut self, sql: &str, caps: &Caps) -> Result<Table, ToolError> {
        let tokens = statement::check_single(sql)?;
        self.run(&[sql], async |client| {
            let error = |error: tokio_postgres::Error| Failure::in_text(&error, sql, 0);
            let stream = client.simple_query_raw(sql).await.map_err(error)?;
            let mut stream = std::pin::pin!(stream);
            let mut table = TableBuilder::new(Vec::new(), *caps);
            while let Some(message) = stream.try_next().await.map_err(error)? {
                match message {
                    SimpleQueryMessage::RowDescription(columns) => {
                        let column = |name: &str| Column {
                            name: name.to_owned(),
                            r#type: "text".to_owned(),
                        };
                        table.set_columns(columns.iter().map(|c| column(c.name())).collect());
                    }
                    SimpleQueryMessage::Row(row) => {
                        table.push(|_, max_chars| values(&row, max_chars));
                    }
                    SimpleQueryMessage::CommandComplete(count) => {
                        table.set_command(command(&tokens, count));
                    }
                    // The enumeration may grow.
                    _ => {}
                }
            }
            Ok(table.finish())
        })
        .await
    }
}

fn values(row: &SimpleQueryRow, max_chars: usize) -> (Vec<Value>, u64) {
    let mut cut = 0;
    let values = (0..row.len()).map(|index| match row.get(index) {
        None => Value::Null,
        Some(text) => {
            let (value, was_cut) = cell::text(text, max_chars);
            cut += u64::from(was_cut);
            value
        }
    });
    (values.collect(), cut)
}

/// What was done. The driver gives the number of the command tag only.
fn command(tokens: &Tokens<'_>, count: u64) -> Option<String> {
    let verb = tokens.verb();
    match verb.as_str() {
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY" | "FETCH" | "MOVE" => {
            Some(format!("{verb} {count}"))
        }
        "SELECT" | "(" | "WITH" | "VALUES" | "TABLE" | "SHOW" | "EXPLAIN" => None,
        _ => Some(verb),
    }
}
