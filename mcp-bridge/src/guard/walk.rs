//! The walk over a statement's tree: every node, every field.

use super::Policy;
use super::kinds::{self, Use};
use super::parse::Parsed;
use super::refusal::{Class, Refusal};
use super::tree::{Message, Value};
use advisor_sql::guard as rules;

/// Names that are columns more often than functions. With `t.http` a column is meant.
const COLUMN_NAMES: &[&str] = &["http"];

/// Sampling methods of the server and of contrib.
const SAMPLING: &[&str] = &["bernoulli", "system", "system_rows", "system_time"];

/// Checks the nodes of a statement.
pub(super) struct Walk<'a> {
    pub(super) parsed: &'a Parsed<'a>,
    pub(super) policy: Policy,
    pub(super) usage: Use,
}

/// The names of WITH queries that can be seen, and where the walk is.
#[derive(Clone, Copy)]
struct Scope<'a> {
    names: &'a [&'a str],
    outer: Option<&'a Scope<'a>>,
    /// Byte of the text at which the nearest node around begins that knows where it begins.
    near: usize,
}

impl Scope<'_> {
    fn has(&self, name: &str) -> bool {
        self.names.contains(&name) || self.outer.is_some_and(|outer| outer.has(name))
    }
}

impl Walk<'_> {
    /// Checks a statement that begins at byte `start` of the text.
    ///
    /// # Errors
    /// The first thing that is not allowed.
    pub(super) fn check(&self, statement: &Message, start: usize) -> Result<(), Refusal> {
        self.visit(statement, &Scope { names: &[], outer: None, near: start })
    }

    fn visit(&self, node: &Message, scope: &Scope<'_>) -> Result<(), Refusal> {
        let near = node.location().unwrap_or(scope.near);
        if !kinds::allowed(node.kind, self.usage) {
            let place = match node.kind {
                "LockingClause" => self.parsed.locking_clause(near),
                _ => first_location(node),
            };
            return Err(self.at(kinds::refused_part(node), place.unwrap_or(near)));
        }
        let here = Scope { near, ..*scope };
        self.judge(node, &here).map_err(|refusal| self.at(refusal, near))?;
        match node.message("with_clause") {
            Some(with) => self.visit_with(node, with, &here),
            None => self.visit_fields(node, &here),
        }
    }

    fn visit_fields(&self, node: &Message, scope: &Scope<'_>) -> Result<(), Refusal> {
        for (field, value) in node.fields() {
            if field != "with_clause" {
                self.visit_value(value, scope)?;
            }
        }
        Ok(())
    }

    fn visit_value(&self, value: &Value, scope: &Scope<'_>) -> Result<(), Refusal> {
        match value {
            Value::Message(message) => self.visit(message, scope),
            Value::List(items) => items.iter().try_for_each(|item| self.visit_value(item, scope)),
            Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Nothing => Ok(()),
        }
    }

    /// A statement with WITH: its queries see those before them, or with RECURSIVE all; the rest of
    /// the statement sees all. A query that reads what has its own name reads a table.
    fn visit_with(&self, node: &Message, with: &Message, scope: &Scope<'_>) -> Result<(), Refusal> {
        let names: Vec<&str> = with.messages("ctes").map(|cte| cte.text("ctename")).collect();
        for (seen, cte) in with.messages("ctes").enumerate() {
            let seen = if with.flag("recursive") { names.len() } else { seen };
            let names = names.get(..seen).unwrap_or_default();
            self.visit(cte, &Scope { names, outer: Some(scope), near: scope.near })?;
        }
        // All of the clause but its queries is empty today.
        for (field, value) in with.fields() {
            if field != "ctes" {
                self.visit_value(value, scope)?;
            }
        }
        self.visit_fields(node, &Scope { names: &names, outer: Some(scope), near: scope.near })
    }

    /// What a node itself says.
    fn judge(&self, node: &Message, scope: &Scope<'_>) -> Result<(), Refusal> {
        match node.kind {
            "FuncCall" => self.judge_call(node),
            "ColumnRef" => {
                // With one name it is a column. With more, the last may be a function of what is
                // before it: t.f is f(t).
                let names = node.names("fields");
                match names.as_slice() {
                    [_, .., last] => self.judge_attribute(last),
                    _ => Ok(()),
                }
            }
            "AIndirection" => {
                let names = node.names("indirection");
                names.iter().try_for_each(|name| self.judge_attribute(name))
            }
            "RangeVar" => judge_relation(node, scope),
            "RangeTableSample" => self.judge_sampling(&node.names("method")),
            "AExpr" => self.judge_operator(&node.names("name")),
            "SubLink" => self.judge_operator(&node.names("oper_name")),
            "SortBy" => self.judge_operator(&node.names("use_op")),
            _ => Ok(()),
        }
    }

    fn judge_call(&self, node: &Message) -> Result<(), Refusal> {
        let name = node.names("funcname");
        let count = node.messages("args").count();
        let arguments = (!node.flag("func_variadic")).then_some(count);
        if let Some(group) = rules::refused(&name, arguments) {
            return Err(refused_function(name.last().unwrap_or(&""), group));
        }
        let setting = node.messages("args").next().and_then(Message::constant);
        if name.last() == Some(&"current_setting") && setting.is_some_and(rules::is_secret_setting)
        {
            return Err(refused_setting(setting.unwrap_or_default()));
        }
        if self.policy == Policy::Strict && !rules::known(&name) {
            return Err(unknown("function", &name.join(".")));
        }
        Ok(())
    }

    /// `(x).f` and `t.f` are f(x) and f(t) where there is no such column. That a user's function is
    /// meant cannot be seen, under [`Policy::Strict`] neither.
    fn judge_attribute(&self, name: &str) -> Result<(), Refusal> {
        if COLUMN_NAMES.contains(&name) {
            return Ok(());
        }
        rules::refused(&[name], Some(1)).map_or(Ok(()), |group| Err(refused_function(name, group)))
    }

    fn judge_sampling(&self, name: &[&str]) -> Result<(), Refusal> {
        let last = name.last().copied().unwrap_or_default();
        if self.policy == Policy::Strict && !SAMPLING.contains(&last) {
            return Err(unknown("sampling method", last));
        }
        rules::refused(name, None).map_or(Ok(()), |group| Err(refused_function(last, group)))
    }

    /// An operator is a function call; where its schema is written, somebody's own may be meant.
    fn judge_operator(&self, name: &[&str]) -> Result<(), Refusal> {
        match name {
            [schema, operator] if self.policy == Policy::Strict && *schema != "pg_catalog" => {
                Err(unknown("operator", &format!("{schema}.{operator}")))
            }
            _ => Ok(()),
        }
    }

    /// A refusal with its place, unless it has one.
    fn at(&self, refusal: Refusal, place: usize) -> Refusal {
        if refusal.error().line.is_none() { refusal.at(self.parsed.sql, place) } else { refusal }
    }
}

fn judge_relation(node: &Message, scope: &Scope<'_>) -> Result<(), Refusal> {
    let name = node.text("relname");
    let is_query = || node.text("schemaname").is_empty() && scope.has(name);
    match rules::secret(name) {
        Some((why, instead)) if !is_query() => {
            Err(Refusal::new(Class::Relation, format!("relation {name} cannot be read here"))
                .detail(why)
                .hint(instead))
        }
        _ => Ok(()),
    }
}

/// The refusal of a setting's value.
pub(super) fn refused_setting(name: &str) -> Refusal {
    Refusal::new(Class::Setting, format!("setting {name} cannot be shown here"))
        .detail("By its name it holds a secret.")
        .hint("Leave it out.")
}

fn refused_function(name: &str, group: &rules::Group) -> Refusal {
    Refusal::new(Class::Function, format!("function {name} cannot be called here"))
        .detail(group.why)
        .hint(group.hint)
}

fn unknown(what: &str, name: &str) -> Refusal {
    Refusal::new(Class::UnknownFunction, format!("{what} {name} is not known to be read-only"))
        .detail(
            "The extension mcp_advisor is not in this database, so what is not known by its name is \
             refused.",
        )
        .hint(
            "Use functions of PostgreSQL itself, or have a superuser run CREATE EXTENSION \
             mcp_advisor: then the server judges what is called.",
        )
}

/// Where the first node within begins that knows where it is.
fn first_location(node: &Message) -> Option<usize> {
    node.location().or_else(|| {
        node.fields().find_map(|(_, value)| match value {
            Value::Message(message) => first_location(message),
            Value::List(items) => items.iter().find_map(|item| match item {
                Value::Message(message) => first_location(message),
                _ => None,
            }),
            _ => None,
        })
    })
}

/// The highest number of a `$n` in a statement; 0 if there is none.
pub(super) fn parameters(node: &Message) -> u16 {
    fn of_value(value: &Value) -> u16 {
        match value {
            Value::Message(message) => parameters(message),
            Value::List(items) => items.iter().map(of_value).max().unwrap_or(0),
            _ => 0,
        }
    }
    // $0 is none that can be given, but one it is.
    let own = match node.kind {
        "ParamRef" => u16::try_from(node.number("number")).unwrap_or(u16::MAX).max(1),
        _ => 0,
    };
    node.fields().map(|(_, value)| of_value(value)).max().unwrap_or(0).max(own)
}
