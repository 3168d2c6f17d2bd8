//! A text of any statements cut into its parts, for unrestricted mode. Nothing is refused here.

use super::kinds;
use super::parse::{self, Parsed, Span};
use super::tree::Message;
use super::walk;
use crate::error::ToolError;

/// What a statement is, as far as it matters for how it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// SELECT, VALUES, TABLE or WITH, without INTO, row locks and data-modifying queries: it can
    /// stand in the FROM clause of a query of ours.
    Query,
    /// Another statement with a plan: INSERT, UPDATE, DELETE, MERGE, or a query that locks or
    /// writes.
    Write,
    /// SHOW.
    Show,
    /// EXPLAIN.
    Explain,
    /// Any other statement that can run within a transaction block.
    Utility,
    /// A statement that cannot, or that may end transactions itself.
    Alone,
}

impl PartKind {
    /// Whether the statement can run within a transaction block, together with others.
    #[must_use]
    pub const fn runs_in_a_block(self) -> bool {
        !matches!(self, Self::Alone)
    }
}

/// A statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Without the comments and white space around it, and without semicolon.
    pub text: &'a str,
    /// Where it begins in the script, in bytes.
    pub offset: usize,
    /// The highest number of its parameters `$1`, `$2` and so on; 0 if it has none.
    pub parameters: u16,
    /// What it is.
    pub kind: PartKind,
}

/// Cuts `sql` into statements. Nothing is refused but what the parser cannot read.
///
/// # Errors
/// [`crate::error::Kind::SqlError`] on a syntax error; [`crate::error::Kind::InvalidArgument`] when
/// the text is too long, nested too deeply or holds a NUL.
pub fn inspect(sql: &str) -> Result<Vec<Part<'_>>, ToolError> {
    let parts = parse::with_tree(sql, |parsed| Ok(parts(parsed)))?;
    let part = |(span, parameters, kind): (Span, u16, PartKind)| Part {
        text: span.of(sql),
        offset: span.start,
        parameters,
        kind,
    };
    Ok(parts.into_iter().map(part).collect())
}

fn parts(parsed: &Parsed<'_>) -> Vec<(Span, u16, PartKind)> {
    let only = parsed.statements.len() == 1;
    let part = |raw: &Message| {
        let statement = raw.message("stmt")?;
        Some((parsed.span(raw), walk::parameters(statement), kind(statement, only)))
    };
    parsed.statements.iter().filter_map(part).collect()
}

/// `only`: it is the only statement of the script.
fn kind(statement: &Message, only: bool) -> PartKind {
    match statement.kind {
        "SelectStmt" if kinds::is_pure(statement) => PartKind::Query,
        "SelectStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => PartKind::Write,
        "VariableShowStmt" => PartKind::Show,
        "ExplainStmt" => PartKind::Explain,
        _ if cannot_run_in_a_block(statement) => PartKind::Alone,
        // Alone they may commit, if they do so themselves; in a block they may not.
        "CallStmt" | "DoStmt" if only => PartKind::Alone,
        _ => PartKind::Utility,
    }
}

/// What the server refuses within a transaction block (`PreventInTransactionBlock`).
///
/// The server decides: what is missing here fails there, and says so.
fn cannot_run_in_a_block(statement: &Message) -> bool {
    let option = |name: &str| {
        ["options", "params"].iter().any(|list| {
            statement.messages(list).any(|option| option.text("defname").eq_ignore_ascii_case(name))
        })
    };
    match statement.kind {
        "CreatedbStmt"
        | "DropdbStmt"
        | "CreateTableSpaceStmt"
        | "DropTableSpaceStmt"
        | "AlterSystemStmt"
        | "CreateSubscriptionStmt"
        | "DropSubscriptionStmt"
        | "AlterSubscriptionStmt" => true,
        "AlterDatabaseStmt" => option("tablespace"),
        // ANALYZE can.
        "VacuumStmt" => statement.flag("is_vacuumcmd"),
        "ClusterStmt" => statement.message("relation").is_none(),
        "IndexStmt" | "DropStmt" => statement.flag("concurrent"),
        "ReindexStmt" => option("concurrently") || statement.message("relation").is_none(),
        "AlterTableStmt" => statement
            .messages("cmds")
            .any(|command| command.message("def").is_some_and(|def| def.flag("concurrent"))),
        _ => false,
    }
}
