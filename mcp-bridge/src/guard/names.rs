//! The names in a statement with what each may stand for, for asking a server's catalog.

use std::collections::BTreeSet;

use serde::Serialize;

use super::parse;
use super::refusal::Refusal;
use super::tree::{Message, Value};

/// What a name may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NameKind {
    /// A function, or a type that something is cast to by `name(x)`.
    Function,
    /// A function of one argument, in `x.name`.
    Attribute,
    /// An operator.
    Operator,
    /// A table or view.
    Relation,
    /// A type.
    Type,
    /// All types: the statement names some in a text.
    EveryType,
}

/// A name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Name {
    /// What it may stand for.
    pub kind: NameKind,
    /// The schema, where it is written.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

/// What BETWEEN calls.
const OF_BETWEEN: [&str; 4] = ["<", "<=", ">", ">="];

/// Functions of the server to which a type is given by its name, as a text.
const TAKE_TYPE_NAMES: [&str; 2] = ["pg_input_is_valid", "pg_input_error_info"];

/// All names in the statements of `sql`, sorted.
///
/// # Errors
/// A text that is no SQL.
pub fn names(sql: &str) -> Result<BTreeSet<Name>, Refusal> {
    parse::with_tree(sql, |parsed| {
        let mut names = BTreeSet::new();
        parsed.statements.iter().for_each(|statement| visit(statement, &mut names));
        Ok(names)
    })
}

fn visit(node: &Message, names: &mut BTreeSet<Name>) {
    match node.kind {
        "FuncCall" => {
            let name = node.names("funcname");
            if name.last().is_some_and(|last| TAKE_TYPE_NAMES.contains(last)) {
                add(names, NameKind::EveryType, &[""]);
            }
            // The names of settings that are written out, the guard has seen.
            if name.last() == Some(&"current_setting")
                && node.messages("args").next().is_none_or(|first| first.constant().is_none())
            {
                add(names, NameKind::Relation, &["pg_settings"]);
            }
            add(names, NameKind::Function, &name);
        }
        "RangeTableSample" => add(names, NameKind::Function, &node.names("method")),
        // The first is a table or a column.
        "ColumnRef" => {
            for name in node.names("fields").into_iter().skip(1) {
                add(names, NameKind::Attribute, &[name]);
            }
        }
        "AIndirection" => {
            for name in node.names("indirection") {
                add(names, NameKind::Attribute, &[name]);
            }
        }
        "AExpr" => {
            let name = node.names("name");
            if name.last().is_some_and(|last| last.contains("BETWEEN")) {
                for operator in OF_BETWEEN {
                    add(names, NameKind::Operator, &[operator]);
                }
            }
            add(names, NameKind::Operator, &name);
        }
        // CASE x WHEN, USING, NATURAL and IN (SELECT …) compare.
        "CaseExpr" | "JoinExpr" => add(names, NameKind::Operator, &["="]),
        "SubLink" => {
            add(names, NameKind::Operator, &["="]);
            add(names, NameKind::Operator, &node.names("oper_name"));
        }
        "SortBy" => add(names, NameKind::Operator, &node.names("use_op")),
        "RangeVar" => {
            let schema = Some(node.text("schemaname")).filter(|schema| !schema.is_empty());
            let name: Vec<&str> = schema.into_iter().chain([node.text("relname")]).collect();
            add(names, NameKind::Relation, &name);
        }
        // To servers before they were words of the grammar they are names of functions.
        "JsonFuncExpr" => {
            for name in ["json_exists", "json_query", "json_value"] {
                add(names, NameKind::Function, &[name]);
            }
        }
        "JsonParseExpr" => add(names, NameKind::Function, &["json"]),
        "JsonScalarExpr" => add(names, NameKind::Function, &["json_scalar"]),
        "JsonSerializeExpr" => add(names, NameKind::Function, &["json_serialize"]),
        "JsonObjectConstructor" => add(names, NameKind::Function, &["json_object"]),
        "JsonArrayConstructor" | "JsonArrayQueryConstructor" => {
            add(names, NameKind::Function, &["json_array"]);
        }
        "JsonObjectAgg" => add(names, NameKind::Function, &["json_objectagg"]),
        "JsonArrayAgg" => add(names, NameKind::Function, &["json_arrayagg"]),
        "JsonTable" => add(names, NameKind::Function, &["json_table"]),
        "MergeSupportFunc" => add(names, NameKind::Function, &["merge_action"]),
        "VariableShowStmt" if node.text("name") == "all" => {
            add(names, NameKind::Relation, &["pg_settings"]);
        }
        "TypeName" => add(names, NameKind::Type, &node.names("names")),
        _ => {}
    }
    node.fields().for_each(|(_, value)| visit_value(value, names));
}

fn visit_value(value: &Value, names: &mut BTreeSet<Name>) {
    match value {
        Value::Message(message) => visit(message, names),
        Value::List(items) => items.iter().for_each(|item| visit_value(item, names)),
        Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Nothing => {}
    }
}

fn add(names: &mut BTreeSet<Name>, kind: NameKind, name: &[&str]) {
    let mut parts = name.iter().rev();
    let Some(last) = parts.next() else { return };
    let schema = parts.next().map(|schema| (*schema).to_owned());
    names.insert(Name { kind, schema, name: (*last).to_owned() });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sql: &str) -> Vec<String> {
        let text = |one: Name| {
            let schema = one.schema.map(|schema| schema + ".").unwrap_or_default();
            format!("{:?} {schema}{}", one.kind, one.name)
        };
        names(sql).unwrap().into_iter().map(text).collect()
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        for (sql, expected) in [
            ("select lower(a) from s.t", &["Function lower", "Relation s.t"][..]),
            (
                "select x.f, (g(x)).h from t x",
                &["Function g", "Attribute f", "Attribute h", "Relation t"],
            ),
            (
                "select 1 operator(s.===) 2 order by 1 using <<<",
                &["Operator <<<", "Operator s.==="],
            ),
            (
                "select a between 1 and case b when 2 then 3 end",
                &[
                    "Operator <",
                    "Operator <=",
                    "Operator =",
                    "Operator >",
                    "Operator >=",
                    "Operator BETWEEN",
                ],
            ),
            (
                "select a = any (array[1]::s.ty[]), cast(b as int), 'x'::dom from t",
                &["Operator =", "Relation t", "Type dom", "Type pg_catalog.int4", "Type s.ty"],
            ),
            (
                "with q as (select f() from u) select * from q tablesample system (1)",
                &["Function f", "Function system", "Relation q", "Relation u"],
            ),
            (
                "select * from f() as (a ty), lateral (values (g(1))) v",
                &["Function f", "Function g", "Type ty"],
            ),
            (
                "explain update t set a = f() where b in (select c from u)",
                &["Function f", "Operator =", "Relation t", "Relation u"],
            ),
            (
                "select json_value(a, 'x')",
                &["Function json_exists", "Function json_query", "Function json_value"],
            ),
            ("select current_setting('a')", &["Function current_setting"]),
            (
                "select current_setting('a' || b)",
                &["Function current_setting", "Operator ||", "Relation pg_settings"],
            ),
            ("show all", &["Relation pg_settings"]),
            ("show work_mem", &[]),
            ("select pg_input_is_valid('x', 'd')", &["Function pg_input_is_valid", "EveryType "]),
        ] {
            assert_eq!(found(sql), expected, "{sql}");
        }
    }
}
