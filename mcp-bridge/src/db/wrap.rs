//! The user's SELECT inside statements of ours, so that the server makes JSON of any type.
//!
//! All three texts go through the extended protocol, which takes one command: a text that closes
//! the parenthesis and goes on with a second statement is a syntax error. What it could still do,
//! closing one parenthesis and opening another, [`super::statement::check_wrappable`] rules out.

use std::fmt::Write as _;

/// Largest row that is sent as it is, in bytes of JSON. Of a larger one the server cuts each value,
/// so that one row with a file of 500 MB in it does not fill our memory.
const MAX_ROW_BYTES: usize = 1 << 20;

/// A statement of ours around one of the user's.
pub(super) struct Wrapped {
    /// What is sent.
    pub(super) text: String,
    /// Characters of it before the user's statement.
    pub(super) prefix_chars: usize,
}

impl Wrapped {
    /// The line breaks keep a comment at the end of `sql` from taking in what follows.
    fn new(prefix: &str, sql: &str, suffix: &str) -> Self {
        let text = format!("{prefix}\n{sql}\n{suffix}");
        Self { text, prefix_chars: prefix.chars().count() + 1 }
    }
}

/// One row of JSON whose member names are the column names, in order, repeated ones too.
///
/// The join on false gives one row of nulls, and nothing of the statement is executed. It is
/// `r.*` and not `r` because a column may be called r, too.
pub(super) fn names(sql: &str) -> Wrapped {
    Wrapped::new(
        "select pg_catalog.row_to_json(r.*)::pg_catalog.text from \
         (select q.* from (select 1) as one left join (",
        sql,
        ") as q on false) as r",
    )
}

/// One row: a JSON array of the types' names, of `columns` columns. Nothing is executed.
pub(super) fn types(sql: &str, columns: usize) -> Wrapped {
    let types = list(columns, |text, n| {
        let _ = write!(text, "pg_catalog.pg_typeof(q.c{n})::pg_catalog.text");
    });
    Wrapped::new(
        &format!(
            "select pg_catalog.to_json(array[{types}]::pg_catalog.text[])::pg_catalog.text \
             from (select 1) as one left join ("
        ),
        sql,
        // An empty list of aliases is no syntax.
        &if columns == 0 {
            ") as q on false".to_owned()
        } else {
            format!(") as q({}) on false", aliases(columns))
        },
    )
}

/// A row of JSON per row of the statement, at most `limit`, with members c1, c2 and so on.
///
/// `LIMIT` and not a cursor or a portal, because those forbid parallel plans and change the
/// planner's goal. Rows above [`MAX_ROW_BYTES`] arrive with their values cut to `cell_chars`
/// characters and one, by which it shows that they were longer.
pub(super) fn data(sql: &str, columns: usize, limit: u64, cell_chars: usize) -> Wrapped {
    if columns == 0 {
        let suffix = format!(") as q limit {limit}");
        return Wrapped::new("select '{}'::pg_catalog.text from (", sql, &suffix);
    }
    let chars = cell_chars.saturating_add(1).min(i32::MAX as usize);
    Wrapped::new(
        &format!(
            "select case when pg_catalog.octet_length(s.j) operator(pg_catalog.<=) {MAX_ROW_BYTES} then s.j else \
             (select pg_catalog.json_object_agg(e.key, case \
             when pg_catalog.length(e.value::pg_catalog.text) operator(pg_catalog.<=) {chars} then e.value \
             else pg_catalog.to_json(pg_catalog.left(\
             e.value operator(pg_catalog.#>>) '{{}}'::pg_catalog.text[], {chars})) end)\
             ::pg_catalog.text from pg_catalog.json_each(s.j::pg_catalog.json) as e) end from \
             (select pg_catalog.row_to_json(q)::pg_catalog.text as j from ("
        ),
        sql,
        &format!(") as q({}) limit {limit}) as s", aliases(columns)),
    )
}

/// Names of our own for the columns: theirs may repeat, or be more than can be quoted.
fn aliases(columns: usize) -> String {
    list(columns, |text, n| {
        let _ = write!(text, "c{n}");
    })
}

fn list(columns: usize, write_item: impl Fn(&mut String, usize)) -> String {
    let mut text = String::new();
    for n in 1..=columns {
        if n > 1 {
            text.push(',');
        }
        write_item(&mut text, n);
    }
    text
}
