//! `execute_sql`.

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::{AccessMode, Answer, Arguments, Context, Definition, Reply, read_only, schema, text};
use crate::db::error::locate_in;
use crate::db::{BigNumbers, Caps, Session, Table};
use crate::error::{Kind, ToolError};
use crate::guard::{self, Form, Part, PartKind, Policy};

pub(super) const UNRESTRICTED_TITLE: &str = "Execute SQL (may write)";
pub(super) const UNRESTRICTED_DESCRIPTION: &str = "Run SQL with all rights of the role, writes and DDL included; changes are committed. Several \
     statements run in one transaction; the last one's result is returned.";

pub(super) const TOOL: Definition = Definition {
    name: "execute_sql",
    title: "Execute SQL (read-only)",
    description: "Run one read-only statement: SELECT, VALUES, TABLE, WITH, SHOW or EXPLAIN. \
                  Nothing can be changed.",
    arguments: || vec![schema::required("sql", json!({"type": "string"}))],
    output: || {
        schema::output(
            &json!({
                "columns": {"type": "array", "items": {"type": "object"}},
                "rows": {"type": "array", "items": {"type": "array"}},
                "row_count": {"type": "integer"},
            }),
            &["columns", "rows", "row_count"],
        )
    },
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let sql = arguments.required_text("sql")?;
    cx.check_length(&sql)?;
    let table = match cx.access {
        AccessMode::Restricted => read(&cx, &sql).await?,
        AccessMode::Unrestricted => run_any(&cx, &sql).await?,
    };
    Ok(answer(table, cx.limits.rows))
}

fn caps(cx: &Context) -> Caps {
    Caps {
        rows: cx.limits.rows,
        bytes: cx.limits.result_bytes,
        cell_chars: cx.limits.cell_chars,
        big_numbers: BigNumbers::String,
    }
}

/// One read-only statement.
async fn read(cx: &Context, sql: &str) -> Result<Table, ToolError> {
    let statement = super::parsing(|| guard::check(sql))?;
    let generic = matches!(statement.form, Form::Explain(inner) if inner.generic);
    if statement.parameters > 0 && !generic {
        return Err(guard::parameters_refused());
    }
    let server = cx.server().await?;
    let policy = read_only::policy(&server);
    if policy != Policy::default() {
        super::parsing(|| guard::check_with(sql, policy))?;
    }
    let mut session = cx.session().await?;
    read_only::require(&mut session, &server, statement.text)
        .await
        .map_err(|error| locate_in(error, sql, statement.offset))?;
    let table = match statement.form {
        Form::Query => session.query(statement.text, &caps(cx)).await,
        Form::Show | Form::Explain(_) => session.simple(statement.text, &caps(cx)).await,
    };
    let table = table.map_err(|error| locate_in(error, sql, statement.offset))?;
    session.finish().await;
    Ok(table)
}

/// Whatever the role may do.
async fn run_any(cx: &Context, sql: &str) -> Result<Table, ToolError> {
    let parts = super::parsing(|| guard::inspect(sql))?;
    let alone = parts.len() == 1;
    if !alone && let Some(part) = parts.iter().find(|part| !part.kind.runs_in_a_block()) {
        return Err(ToolError::new(
            Kind::InvalidArgument,
            "a statement that cannot run inside a transaction must be sent alone",
        )
        .with_detail(format!("The statement is: {}", text::line(part.text, 100))));
    }
    let block = parts.iter().all(|part| part.kind.runs_in_a_block());
    let mut session =
        if block { cx.db.begin_write(&cx.call).await? } else { cx.db.read_write(&cx.call).await? };
    let mut last = None;
    for part in &parts {
        let table = run_part(&mut session, part, &caps(cx)).await;
        last = Some(table.map_err(|error| locate_in(error, sql, part.offset))?);
    }
    if block {
        session.commit().await?;
    } else {
        session.finish().await;
    }
    last.ok_or_else(|| ToolError::new(Kind::InvalidArgument, "there is no statement"))
}

async fn run_part(session: &mut Session, part: &Part<'_>, caps: &Caps) -> Result<Table, ToolError> {
    if part.parameters > 0 {
        return Err(guard::parameters_refused());
    }
    match part.kind {
        PartKind::Query => session.query(part.text, caps).await,
        _ => session.simple(part.text, caps).await,
    }
}

fn answer(table: Table, limit: u32) -> Answer {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let count = table.rows.len();
    let mut text = match (&table.command, names.is_empty()) {
        (Some(command), true) => command.clone(),
        _ => text::count(count as u64, "row"),
    };
    if !names.is_empty() && count > 0 {
        text.push('\n');
        text.push_str(&text::table(&names, &table.rows));
    } else if !names.is_empty() {
        text.push_str("; columns: ");
        text.push_str(&names.join(", "));
    }
    let mut data = Map::new();
    data.insert(
        "columns".to_owned(),
        table
            .columns
            .iter()
            .map(|column| json!({"name": column.name, "type": column.r#type}))
            .collect(),
    );
    let mut notices = Vec::new();
    if let Some(cut) = &table.truncated {
        let notice = format!(
            "Only the first {} are shown ({}). For more: add LIMIT and OFFSET, fewer columns, or aggregate.",
            text::count(cut.rows_returned, "row"),
            if count as u64 >= u64::from(limit) {
                format!("the limit is {limit} rows")
            } else {
                "the limit on bytes was reached".to_owned()
            },
        );
        data.insert("truncated".to_owned(), json!({"reason": cut.reason, "notice": notice}));
        notices.push(notice);
    }
    if table.truncated_cells > 0 {
        notices.push(format!(
            "{} cut; for all of a value select substr() of it.",
            if table.truncated_cells == 1 {
                "1 long value was".to_owned()
            } else {
                format!("{} long values were", table.truncated_cells)
            },
        ));
        data.insert("truncated_cells".to_owned(), json!(table.truncated_cells));
    }
    if let Some(command) = table.command {
        data.insert("command".to_owned(), Value::String(command));
    }
    data.insert("rows".to_owned(), table.rows.into_iter().map(Value::Array).collect());
    data.insert("row_count".to_owned(), json!(count));
    for notice in notices {
        text.push('\n');
        text.push_str(&notice);
    }
    Answer { text, data }
}
