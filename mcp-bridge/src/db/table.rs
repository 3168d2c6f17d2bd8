//! A statement's result as the tools show it: columns, rows of JSON values, and what was left out.

use serde::Serialize;
use serde_json::Value;

/// How much of a result is kept, and how its numbers are written.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Most rows.
    pub rows: u32,
    /// Most bytes of all rows as JSON. One row is always kept, cut to fit.
    pub bytes: usize,
    /// Most characters of one value; of an array, a record or a JSON document: of its JSON text.
    pub cell_chars: usize,
    /// What becomes of numbers that a double cannot hold.
    pub big_numbers: BigNumbers,
}

/// How numbers are written that a JavaScript client would round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BigNumbers {
    /// As strings: integers beyond 2^53 and decimals that no double stands for.
    String,
    /// As JSON numbers with all their digits.
    Number,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The name that psql shows; not necessarily unique, nor non-empty.
    pub name: String,
    /// The type's name as `pg_typeof` has it, without modifiers.
    pub r#type: String,
}

/// Why rows are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TruncationReason {
    /// [`Caps::rows`].
    Rows,
    /// [`Caps::bytes`].
    Bytes,
}

/// That, and after how many, rows are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Truncation {
    /// Which limit was reached first.
    pub reason: TruncationReason,
    /// Rows that are there.
    pub rows_returned: u64,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// In the order of the statement.
    pub columns: Vec<Column>,
    /// In the order of the server; each has as many values as there are columns.
    pub rows: Vec<Vec<Value>>,
    /// What a statement without a result did, such as `UPDATE 3`; `None` of a query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Set when there are more rows than these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncation>,
    /// Values that were cut to [`Caps::cell_chars`].
    pub truncated_cells: u64,
}

/// Collects rows up to the caps.
pub(super) struct TableBuilder {
    table: Table,
    caps: Caps,
    bytes: usize,
}

impl TableBuilder {
    pub(super) fn new(columns: Vec<Column>, caps: Caps) -> Self {
        let table =
            Table { columns, rows: Vec::new(), command: None, truncated: None, truncated_cells: 0 };
        Self { table, caps, bytes: 0 }
    }

    pub(super) fn set_columns(&mut self, columns: Vec<Column>) {
        self.table.columns = columns;
    }

    pub(super) fn set_command(&mut self, command: Option<String>) {
        self.table.command = command;
    }

    pub(super) const fn is_full(&self) -> bool {
        self.table.truncated.is_some()
    }

    /// Adds the row that `shape` makes for a number of characters a value; it returns the values
    /// and how many of them it has cut. False when the row did not fit: there is no room for more.
    pub(super) fn push(&mut self, shape: impl Fn(&[Column], usize) -> (Vec<Value>, u64)) -> bool {
        if self.is_full() {
            return false;
        }
        if self.table.rows.len() >= self.caps.rows as usize {
            return self.full(TruncationReason::Rows);
        }
        let (mut row, mut cut) = shape(&self.table.columns, self.caps.cell_chars);
        let mut bytes = json_bytes(&row);
        if self.bytes.saturating_add(bytes) > self.caps.bytes {
            if !self.table.rows.is_empty() {
                return self.full(TruncationReason::Bytes);
            }
            // A character takes up to six bytes ("\u0001"), an ordinary one takes one.
            let chars = self.caps.bytes / (2 * row.len().max(1));
            (row, cut) = shape(&self.table.columns, chars.clamp(8, self.caps.cell_chars.max(8)));
            bytes = json_bytes(&row);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.table.truncated_cells += cut;
        self.table.rows.push(row);
        true
    }

    fn full(&mut self, reason: TruncationReason) -> bool {
        let rows_returned = self.table.rows.len() as u64;
        self.table.truncated = Some(Truncation { reason, rows_returned });
        false
    }

    pub(super) fn finish(self) -> Table {
        self.table
    }
}

/// Bytes of the row as JSON, with the comma behind it.
fn json_bytes(row: &[Value]) -> usize {
    // Values always serialize; were it otherwise the row would count as too large.
    serde_json::to_vec(row).map_or(usize::MAX, |text| text.len() + 1)
}
