//! Which nodes may be in a statement that only reads, and what to say about those that may not.
//!
//! An allow-list: a node that is not named here is refused, also one that a later grammar adds.

use super::refusal::{Class, Refusal};
use super::tree::{Message, Value};

/// What statements may do under the guard's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// They are executed.
    Run,
    /// They are only planned, by EXPLAIN without ANALYZE: writing ones too.
    Plan,
}

/// Whether a node of this kind may be in a statement that is used so.
pub(super) fn allowed(kind: &str, usage: Use) -> bool {
    is_of_query(kind) || (usage == Use::Plan && is_of_write(kind))
}

/// The nodes of SELECT, VALUES, TABLE and WITH.
fn is_of_query(kind: &str) -> bool {
    matches!(
        kind,
        // Constants and names.
        "Integer" | "Float" | "Boolean" | "String" | "BitString" | "List" | "AConst" | "AStar"
        | "ColumnRef" | "ParamRef" | "Alias" | "TypeName"
        // Expressions.
        | "AExpr" | "AIndices" | "AIndirection" | "AArrayExpr" | "BoolExpr" | "BooleanTest"
        | "CaseExpr" | "CaseWhen" | "CoalesceExpr" | "CollateClause" | "FuncCall" | "GroupingFunc"
        | "MinMaxExpr" | "NamedArgExpr" | "NullTest" | "RowExpr" | "SetToDefault" | "SqlValueFunction"
        | "SubLink" | "TypeCast" | "XmlExpr" | "XmlSerialize"
        | "JsonAggConstructor" | "JsonArgument" | "JsonArrayAgg" | "JsonArrayConstructor"
        | "JsonArrayQueryConstructor" | "JsonBehavior" | "JsonFormat" | "JsonFuncExpr"
        | "JsonIsPredicate" | "JsonKeyValue" | "JsonObjectAgg" | "JsonObjectConstructor"
        | "JsonOutput" | "JsonParseExpr" | "JsonReturning" | "JsonScalarExpr" | "JsonSerializeExpr"
        | "JsonTable" | "JsonTableColumn" | "JsonTablePathSpec" | "JsonValueExpr"
        // Clauses.
        | "SelectStmt" | "ResTarget" | "SortBy" | "WindowDef" | "GroupingSet" | "JoinExpr"
        | "RangeVar" | "RangeSubselect" | "RangeFunction" | "RangeTableFunc" | "RangeTableFuncCol"
        | "RangeTableSample" | "ColumnDef" | "WithClause" | "CommonTableExpr" | "CteSearchClause"
        | "CteCycleClause"
    )
}

/// What writing statements have besides.
fn is_of_write(kind: &str) -> bool {
    matches!(
        kind,
        "InsertStmt"
            | "UpdateStmt"
            | "DeleteStmt"
            | "MergeStmt"
            | "MergeWhenClause"
            | "MergeSupportFunc"
            | "OnConflictClause"
            | "InferClause"
            | "IndexElem"
            | "ReturningClause"
            | "ReturningOption"
            | "MultiAssignRef"
            | "CurrentOfExpr"
            | "IntoClause"
            | "LockingClause"
            | "CreateTableAsStmt"
            | "DeclareCursorStmt"
            | "DefElem"
    )
}

/// Whether a statement of this kind has a plan that EXPLAIN shows without executing anything.
///
/// Not EXECUTE, which names a statement that is not here to be read.
pub(super) fn has_plan(kind: &str) -> bool {
    matches!(
        kind,
        "SelectStmt"
            | "InsertStmt"
            | "UpdateStmt"
            | "DeleteStmt"
            | "MergeStmt"
            | "CreateTableAsStmt"
            | "DeclareCursorStmt"
    )
}

/// The refusal of a whole statement. `words` are those that it begins with.
pub(super) fn refused_statement(kind: &str, words: &str) -> Refusal {
    let what = match kind {
        "InsertStmt" => "INSERT",
        "UpdateStmt" => "UPDATE",
        "DeleteStmt" => "DELETE",
        "MergeStmt" => "MERGE",
        _ => words,
    };
    let hint = match kind {
        "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
            "See what it would do with EXPLAIN, or with a SELECT that has the same conditions; \
             writing needs unrestricted mode."
        }
        "TransactionStmt" => "Send the query alone: each call is a transaction of its own.",
        "VariableSetStmt" | "DiscardStmt" | "ConstraintsSetStmt" => {
            "Send the query alone; qualify names instead of setting search_path."
        }
        "PrepareStmt" | "ExecuteStmt" | "DeallocateStmt" => {
            "Send the query itself, with its values."
        }
        "DeclareCursorStmt" | "FetchStmt" | "ClosePortalStmt" => {
            "Send the query itself, with LIMIT and OFFSET."
        }
        "CopyStmt" => "Use SELECT.",
        "DoStmt" | "CallStmt" => "Write what is to be read as a query.",
        "VacuumStmt" => "Read pg_stat_user_tables for what vacuum and analyze have done.",
        "LockStmt" | "ListenStmt" | "UnlistenStmt" | "NotifyStmt" => "Leave it out.",
        _ => "Changing the database needs unrestricted mode.",
    };
    Refusal::new(Class::Statement, format!("{what} is not a read-only statement"))
        .detail("Restricted mode runs SELECT, VALUES, TABLE, WITH, SHOW and EXPLAIN.")
        .hint(hint)
}

/// The refusal of an EXPLAIN, by what it explains.
pub(super) fn refused_explain(kind: &str, words: &str, analyze: bool) -> Refusal {
    if analyze && has_plan(kind) {
        let what = if words.is_empty() { "this statement" } else { words };
        return Refusal::new(Class::Statement, format!("EXPLAIN ANALYZE would execute {what}"))
            .detail("Only a statement that reads can be executed.")
            .hint("Leave ANALYZE out to see the plan alone.");
    }
    refused_statement(kind, words).detail(match kind {
        "ExecuteStmt" => "EXPLAIN EXECUTE runs or plans a statement that was prepared before.",
        _ => "It has no plan.",
    })
}

/// The refusal of a node within a query.
pub(super) fn refused_part(node: &Message) -> Refusal {
    match node.kind {
        "IntoClause" => Refusal::new(Class::Clause, "SELECT INTO creates a table")
            .hint("Leave INTO out; to use a result twice in a statement put it in a WITH clause."),
        "LockingClause" => {
            Refusal::new(Class::Clause, "a locking clause (FOR UPDATE, FOR SHARE, …) locks rows")
                .detail("Rows that are locked cannot be changed by others.")
                .hint("Leave the clause out.")
        }
        "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
            let verb = node.kind.trim_end_matches("Stmt").to_uppercase();
            Refusal::new(Class::Clause, format!("{verb} in a WITH clause changes data"))
                .hint("Write a SELECT in its place.")
        }
        "ExecuteStmt" => {
            Refusal::new(Class::Statement, "EXECUTE runs a statement that is not here to be read")
                .hint("Send the query itself, with its values.")
        }
        kind => Refusal::new(
            Class::Unknown,
            format!("the statement has a part that the guard does not know: {kind}"),
        )
        .detail("What is not known to be read-only is refused.")
        .hint("Write it another way."),
    }
}

/// Whether a SELECT has nothing in it that writes or locks, wherever.
pub(super) fn is_pure(statement: &Message) -> bool {
    fn all(value: &Value) -> bool {
        match value {
            Value::Message(message) => is_pure(message),
            Value::List(items) => items.iter().all(all),
            Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Nothing => true,
        }
    }
    !is_of_write(statement.kind) && statement.fields().all(|(_, value)| all(value))
}
