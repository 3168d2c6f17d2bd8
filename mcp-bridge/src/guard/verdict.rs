//! The verdict on a text: what its one statement is.

use advisor_sql::guard as rules;

use super::Policy;
use super::kinds::{self, Use};
use super::parse::{Parsed, Span};
use super::refusal::{Class, Refusal};
use super::tree::Message;
use super::walk::{self, Walk};

/// A [`super::Statement`] that borrows nothing.
pub(super) struct Verdict {
    pub(super) span: Span,
    pub(super) parameters: u16,
    pub(super) form: Found,
}

/// A [`super::Form`] that borrows nothing.
pub(super) enum Found {
    Query,
    Show,
    Explain { inner: Span, analyze: bool, generic: bool, reads_only: bool },
}

/// Judges what `parsed` holds.
///
/// # Errors
/// What is refused.
pub(super) fn verdict(parsed: &Parsed<'_>, policy: Policy) -> Result<Verdict, Refusal> {
    let raw = only(parsed)?;
    let span = parsed.span(raw);
    let Some(statement) = raw.message("stmt") else {
        return Err(Refusal::fault("a statement without content"));
    };
    let form = match statement.kind {
        "SelectStmt" => {
            Walk { parsed, policy, usage: Use::Run }.check(statement, span.start)?;
            Found::Query
        }
        "VariableShowStmt" => {
            let name = statement.text("name");
            if rules::is_secret_setting(name) {
                return Err(walk::refused_setting(name).at(parsed.sql, span.start));
            }
            Found::Show
        }
        "ExplainStmt" => explain(parsed, span, statement, policy)?,
        kind => {
            let refusal = kinds::refused_statement(kind, &parsed.opening(span));
            return Err(refusal.at(parsed.sql, span.start));
        }
    };
    Ok(Verdict { span, parameters: walk::parameters(statement), form })
}

/// As [`verdict`], for a statement that is planned and not executed.
///
/// # Errors
/// What is refused.
pub(super) fn planned(parsed: &Parsed<'_>, policy: Policy) -> Result<Verdict, Refusal> {
    let raw = only(parsed)?;
    let span = parsed.span(raw);
    match raw.message("stmt") {
        Some(statement)
            if matches!(
                statement.kind,
                "SelectStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt"
            ) =>
        {
            Walk { parsed, policy, usage: Use::Plan }.check(statement, span.start)?;
            Ok(Verdict { span, parameters: walk::parameters(statement), form: Found::Query })
        }
        _ => verdict(parsed, policy),
    }
}

fn only<'a>(parsed: &'a Parsed<'_>) -> Result<&'a Message, Refusal> {
    match parsed.statements.as_slice() {
        [] => Err(Refusal::new(Class::Text, "there is no statement")
            .hint("Send one SELECT, VALUES, TABLE, WITH, SHOW or EXPLAIN statement.")),
        [only] => Ok(only),
        [_, second, ..] => {
            let refusal = Refusal::new(
                Class::Several,
                format!(
                    "there are {} statements, one can be run in a call",
                    parsed.statements.len()
                ),
            );
            Err(refusal
                .hint("Make one call per statement.")
                .at(parsed.sql, parsed.span(second).start))
        }
    }
}

fn explain(
    parsed: &Parsed<'_>,
    span: Span,
    statement: &Message,
    policy: Policy,
) -> Result<Found, Refusal> {
    let inner = parsed.explained(span, statement.messages("options").next().is_some());
    let Some(query) = statement.message("query") else {
        return Err(Refusal::fault("an EXPLAIN without content"));
    };
    let analyze = statement.messages("options").any(|option| switches_on(option, "analyze"));
    if !kinds::has_plan(query.kind) || (analyze && query.kind != "SelectStmt") {
        let refusal = kinds::refused_explain(query.kind, &parsed.opening(inner), analyze);
        return Err(refusal.at(parsed.sql, inner.start));
    }
    let walk = |usage| Walk { parsed, policy, usage }.check(query, inner.start);
    let run = walk(Use::Run);
    let reads_only = run.is_ok();
    if analyze { run } else { run.or_else(|_| walk(Use::Plan)) }?;
    let generic = statement.messages("options").any(|option| switches_on(option, "generic_plan"));
    Ok(Found::Explain { inner, analyze, generic, reads_only })
}

/// Whether an option of EXPLAIN is the one called `name`, and not plainly off. A doubtful value
/// counts as on; the server will not take it.
fn switches_on(option: &Message, name: &str) -> bool {
    if !option.text("defname").eq_ignore_ascii_case(name) {
        return false;
    }
    let Some(value) = option.message("arg") else { return true };
    match value.kind {
        "Integer" => value.number("ival") != 0,
        "Boolean" => value.flag("boolval"),
        "String" => !["false", "off"].contains(&value.text("sval").to_ascii_lowercase().as_str()),
        _ => true,
    }
}
