//! What must hold of the guard's verdict on any text.

use advisor_sql::guard as rules;
use pg_query::DeparseOptions;

use crate::guard::{Class, Form, MAX_BYTES, Policy, Refusal, Statement, check_with, inspect};
use crate::parser;

/// The longest text that is also looked at in variations of it.
const LONGEST: usize = MAX_BYTES - 64;

/// Checks a text under both policies.
///
/// # Panics
/// When a property does not hold.
pub fn hold(sql: &str) {
    let lenient = check_with(sql, Policy::AllowUnknown);
    let strict = check_with(sql, Policy::Strict);
    if let Ok(strict) = &strict {
        let lenient = lenient.as_ref().expect("what the strict policy allows, the other does");
        assert_eq!(lenient.text, strict.text);
    }
    for (verdict, policy) in [(lenient, Policy::AllowUnknown), (strict, Policy::Strict)] {
        match verdict {
            Ok(statement) => allowed(sql, &statement, policy),
            Err(refusal) => refused(sql, &refusal, policy),
        }
    }
}

fn refused(sql: &str, refusal: &Refusal, policy: Policy) {
    let error = refusal.error();
    assert_ne!(refusal.class(), Class::Fault, "{error:?}");
    assert!(!error.message.is_empty());
    if let (Some(line), Some(column)) = (error.line, error.column) {
        let text = sql.split('\n').nth(line as usize - 1).expect("the line is in the text");
        assert!(column as usize <= text.chars().count() + 1, "line {line}, column {column}");
    }
    // Of a text that cannot be read nothing more is known; one that reads is refused however it is
    // dressed.
    if sql.len() > LONGEST || matches!(refusal.class(), Class::Text | Class::Syntax) {
        return;
    }
    let dressed = dressed(sql);
    let again = check_with(&dressed, policy).expect_err("refused however it is dressed");
    assert_eq!(again.class(), refusal.class(), "{dressed}");
}

fn allowed(sql: &str, statement: &Statement<'_>, policy: Policy) {
    let end = statement.offset + statement.text.len();
    assert_eq!(sql.get(statement.offset..end), Some(statement.text));
    assert!(!statement.text.is_empty());
    let parts = inspect(sql).expect("what is allowed can be cut into statements");
    assert_eq!(parts.len(), 1, "{sql}");

    // The part that is sent is judged as the whole is.
    let alone = check_with(statement.text, policy).expect("the statement alone is allowed");
    assert_eq!((alone.offset, alone.text), (0, statement.text));
    assert_eq!(alone.parameters, statement.parameters);
    if sql.len() <= LONGEST {
        let dressed = dressed(sql);
        let again = check_with(&dressed, policy).expect("allowed however it is dressed");
        assert_eq!(again.text, statement.text);
    }
    if let Form::Explain(inner) = statement.form {
        explained(sql, statement, &inner, policy);
    }
    seen_by_another(statement);
    written_anew(statement, policy);
}

/// The same text with what means nothing around it, in one of four ways.
fn dressed(sql: &str) -> String {
    match sql.len() % 4 {
        0 => format!("{sql}\n;"),
        1 => format!("{sql}\n-- ; delete from t"),
        2 => format!("/* ' $$ */ -- \"\n;\t{sql}"),
        _ => format!("{sql}\n/* /* ; */ */;;"),
    }
}

/// What an EXPLAIN explains is judged as it is when it stands alone.
fn explained(
    sql: &str,
    statement: &Statement<'_>,
    inner: &crate::guard::Inner<'_>,
    policy: Policy,
) {
    assert_eq!(sql.get(inner.offset..inner.offset + inner.text.len()), Some(inner.text));
    assert!(statement.text.ends_with(inner.text));
    let alone = check_with(inner.text, policy);
    assert_eq!(alone.is_ok(), inner.reads_only, "{}", inner.text);
    assert!(inner.reads_only || !inner.analyze, "what is executed only reads");
    if let Ok(alone) = alone {
        assert_eq!(alone.form, Form::Query);
        assert_eq!(alone.parameters, statement.parameters);
    }
}

/// pg_query's own walk over the tree, which is another than the guard's, finds nothing that writes.
fn seen_by_another(statement: &Statement<'_>) {
    let tree = parser::parse(statement.text).expect("what is allowed parses");
    let reads = match statement.form {
        Form::Explain(inner) => inner.reads_only,
        Form::Query | Form::Show => true,
    };
    if !reads {
        return;
    }
    for name in tree.functions() {
        // It gives the parts of a name with dots between; in quotes a part may have dots itself.
        if name.contains('.') && statement.text.contains('"') {
            continue;
        }
        let words: Vec<&str> = name.split('.').collect();
        let refused = rules::refused(&words, None).is_some();
        // By name alone it may be one of several that differ in the number of their arguments.
        let by_some_count = (0..8).all(|count| rules::refused(&words, Some(count)).is_some());
        assert!(!(refused && by_some_count), "{name}");
    }
    assert!(tree.dml_tables().is_empty(), "writes to {:?}", tree.dml_tables());
    assert!(tree.ddl_tables().is_empty(), "changes {:?}", tree.ddl_tables());
    for kind in tree.statement_types() {
        assert!(["SelectStmt", "ExplainStmt", "VariableShowStmt"].contains(&kind), "{kind}");
    }
}

/// The tree written as a text and read again is allowed again.
fn written_anew(statement: &Statement<'_>, policy: Policy) {
    let Ok(tree) = parser::parse(statement.text) else { return };
    let Ok(written) = tree.protobuf.deparse(DeparseOptions::default()) else { return };
    // pg_query's writer makes mistakes of its own: other statements prove nothing.
    let same = |sql: &str| pg_query::fingerprint(sql, 0, 0).ok().map(|print| print.hex);
    if written.len() > LONGEST || same(&written) != same(statement.text) {
        return;
    }
    if let Err(refusal) = check_with(&written, policy) {
        assert_eq!(refusal.class(), Class::Text, "{written}: {refusal}");
    }
}
