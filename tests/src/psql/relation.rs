//! Tables of all kinds, views and materialized views: the columns, and the sections below them.

use std::collections::BTreeMap;

use anyhow::Result;
use postgres::Client;
use serde_json::Value;

use super::{Facts, Named, Printed, acl, entry, text, texts};

/// How the type of each column is stored when nothing else is said, which is when our answer says
/// nothing either.
pub(super) fn default_storage(
    client: &mut Client,
    object: &Named,
) -> Result<BTreeMap<String, String>> {
    let rows = client.query(
        "select a.attname::text, case y.typstorage when 'p' then 'plain' when 'e' then 'external'
            when 'x' then 'extended' else 'main' end
        from pg_attribute as a join pg_class as c on c.oid = a.attrelid
        join pg_type as y on y.oid = a.atttypid
        where c.relnamespace = (select oid from pg_namespace where nspname = $1)
            and c.relname = $2 and a.attnum > 0 and not a.attisdropped",
        &[&object.schema, &object.name],
    )?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub(super) fn compare(
    printed: &Printed,
    answer: &Value,
    storage: &BTreeMap<String, String>,
    facts: &mut Facts,
) {
    let starts = |word: &str| printed.title.starts_with(word);
    facts.holds("unlogged", starts("Unlogged") == (answer["persistence"] == "unlogged"));
    facts.holds("foreign", starts("Foreign") != answer["foreign_server"].is_null());
    let partitioned = printed.title.to_lowercase().contains("partitioned table \"");
    facts.holds("partitioned", partitioned != answer["partition_key"].is_null());
    compare_columns(printed, answer, storage, facts);
    let mut section = String::new();
    for footer in &printed.footers {
        let is_item = footer.starts_with("    ")
            || section == "View definition:" && footer.starts_with(' ')
            || section.contains("ules") && footer.starts_with(' ');
        if is_item {
            item(&section, footer, answer, facts);
        } else {
            section = heading(footer, answer, facts);
        }
    }
}

fn compare_columns(
    printed: &Printed,
    answer: &Value,
    storage: &BTreeMap<String, String>,
    facts: &mut Facts,
) {
    let columns = answer["columns"].as_array().map_or(&[][..], Vec::as_slice);
    facts.holds("number of columns", columns.len() == printed.rows.len());
    let is_view = answer["kind"] == "view";
    for (row, column) in printed.rows.iter().zip(columns) {
        let cell = |name| printed.cell(row, name);
        let name = cell("Column");
        facts.same("column", &name, &column["name"]);
        facts.same("type", &cell("Type"), &column["type"]);
        let collation = text(&column["collation"]).replace('"', "");
        facts.same("collation", &cell("Collation"), &Value::String(collation));
        let nullable = if column["nullable"] == false { "not null" } else { "" };
        facts.same("nullable", &cell("Nullable"), &Value::String(nullable.to_owned()));
        let default = match (&column["identity"], &column["generated"]) {
            (Value::String(identity), _) => format!("generated {identity} as identity"),
            (_, Value::String(value)) => {
                let value =
                    value.strip_prefix('(').and_then(|v| v.strip_suffix(')')).unwrap_or(value);
                format!("generated always as ({value}) stored")
            }
            _ => text(&column["default"]),
        };
        facts.same("default", &cell("Default"), &Value::String(default));
        facts.same("compression", &cell("Compression"), &column["compression"]);
        facts.same("target", &cell("Stats target"), &column["statistics_target"]);
        facts.same("description", &cell("Description"), &column["description"]);
        facts.same(
            "FDW options",
            &cell("FDW options"),
            &Value::String(foreign_options(&column["foreign_options"])),
        );
        if !is_view {
            let stored = column["storage"].as_str().or(storage.get(&name).map(String::as_str));
            facts.same("storage", &cell("Storage"), &Value::from(stored));
        }
    }
}

/// As psql prints them: `(a 'x', b 'y')`.
fn foreign_options(options: &Value) -> String {
    let options: Vec<String> = texts(options)
        .iter()
        .map(|option| {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            format!("{name} '{}'", value.replace('\'', "''"))
        })
        .collect();
    if options.is_empty() { String::new() } else { format!("({})", options.join(", ")) }
}

/// A line that stands for itself or begins a section; its first words are the name of the section.
fn heading(line: &str, answer: &Value, facts: &mut Facts) -> String {
    let (name, rest) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
    match name {
        "Partition key" => facts.same(name, rest, &answer["partition_key"]),
        "Partition constraint" => facts.same(name, rest, &answer["partition_constraint"]),
        "No partition constraint" => {
            facts.holds(name, answer["partition_constraint"].is_null());
        }
        "Partition of" => {
            let of = format!(
                "{} {}",
                texts(&answer["parents"]).join(" "),
                text(&answer["partition_bound"])
            );
            facts.same(name, rest.trim_end_matches(" DETACH PENDING"), &Value::String(of));
            let pending = rest.ends_with(" DETACH PENDING");
            facts.holds("detach pending", pending == (answer["detach_pending"] == true));
        }
        "Number of partitions" => {
            let children = answer["children"].as_array().map_or(0, Vec::len).to_string();
            facts.holds(line, rest.split(' ').next() == Some(children.as_str()));
        }
        "Partitions" | "Child tables" | "Inherits" => {
            item(name, rest, answer, facts);
        }
        "Typed table of type" => facts.same(name, rest, &answer["of_type"]),
        "Tablespace" => facts.same(name, &rest.replace('"', ""), &answer["tablespace"]),
        "Server" => facts.same(name, rest, &answer["foreign_server"]),
        "FDW options" => {
            let options = foreign_options(&answer["foreign_options"]);
            facts.same(name, rest, &Value::String(options));
        }
        "Replica Identity" => {
            // What psql 18 prints for `nothing`.
            let said = if rest == "???" { "nothing" } else { rest };
            facts.same(name, &said.to_lowercase(), &answer["replica_identity"]);
        }
        "Access method" => facts.same(name, rest, &answer["access_method"]),
        "Options" => {
            facts.same(name, rest, &Value::String(texts(&answer["options"]).join(", ")));
        }
        _ if name.starts_with("Policies") => {
            let security = &answer["row_security"];
            let enabled = !name.contains("row security disabled");
            facts.holds(line, (security["enabled"] == true) == enabled);
            facts.holds(line, (security["forced"] == true) == name.contains("forced"));
            if rest == "(none)" {
                facts.holds(line, answer["policies"].is_null());
            }
        }
        "Indexes"
        | "Check constraints"
        | "Not-null constraints"
        | "Foreign-key constraints"
        | "Referenced by"
        | "Statistics objects"
        | "Publications"
        | "Rules"
        | "Disabled rules"
        | "Rules firing always"
        | "Rules firing on replica only"
        | "Triggers"
        | "Disabled user triggers"
        | "Disabled internal triggers"
        | "Triggers firing always"
        | "Triggers firing on replica only" => {}
        "View definition" => return "View definition:".to_owned(),
        _ => facts.holds(&format!("unknown section {line:?}"), false),
    }
    name.to_owned()
}

fn item(section: &str, line: &str, answer: &Value, facts: &mut Facts) {
    let item = line.trim_start();
    let holds = match section {
        "Indexes" => index(item, answer),
        "Check constraints" | "Foreign-key constraints" => constraint(item, answer),
        "Not-null constraints" => not_null(item, answer),
        "Referenced by" => referenced_by(item, answer),
        "Statistics objects" => statistics(item, answer),
        "Publications" => publication(item, answer),
        "Inherits" => texts(&answer["parents"]).iter().any(|one| one == item.trim_end_matches(',')),
        "Partitions" | "Child tables" => child(item.trim_end_matches(','), answer),
        "View definition:" => answer["definition"] == line,
        _ if section.starts_with("Policies") => policy(item, answer),
        _ if section.to_lowercase().contains("rules") => rule(section, item, answer),
        _ if section.to_lowercase().contains("triggers") => trigger(section, item, answer),
        _ => false,
    };
    facts.holds(&format!("{section}: {line}"), holds);
}

/// The rest of a text that begins with an entry's name in plain double quotes.
fn after_name<'a>(item: &'a str, name: &str) -> Option<&'a str> {
    item.strip_prefix('"')?.strip_prefix(name)?.strip_prefix('"')
}

fn index(item: &str, answer: &Value) -> bool {
    let found = entry(answer, "indexes", |one| after_name(item, &text(&one["name"])).is_some());
    let Some(one) = found else { return false };
    let mut rest = after_name(item, &text(&one["name"])).unwrap_or_default();
    let name = text(&one["constraint"]);
    let constraint = entry(answer, "constraints", |key| key["name"] == name.as_str());
    let definition = constraint.map(|key| text(&key["definition"])).unwrap_or_default();
    let mut holds = true;
    if let Some((start, space)) = rest.rsplit_once(", tablespace \"") {
        holds &= one["tablespace"] == space.trim_end_matches('"');
        rest = start;
    } else {
        holds &= one["tablespace"].is_null();
    }
    for (word, said) in [
        (" REPLICA IDENTITY", one["replica_identity"] == true),
        (" INVALID", one["valid"] == false),
        (" CLUSTER", one["clustered"] == true),
        (" INITIALLY DEFERRED", definition.contains(" INITIALLY DEFERRED")),
        (" DEFERRABLE", definition.contains(" DEFERRABLE")),
    ] {
        // Of an exclusion constraint the whole definition is printed.
        if rest.starts_with(" EXCLUDE ") && word.contains("DEFER") {
            continue;
        }
        holds &= rest.ends_with(word) == said;
        rest = rest.strip_suffix(word).unwrap_or(rest);
    }
    if let Some(body) = rest.strip_prefix(" PRIMARY KEY, ") {
        holds &= one["primary"] == true && definition.starts_with("PRIMARY KEY");
        rest = body;
    } else if let Some(body) = rest.strip_prefix(" UNIQUE CONSTRAINT, ") {
        holds &= one["unique"] == true && definition.starts_with("UNIQUE");
        rest = body;
    } else if let Some(body) = rest.strip_prefix(" UNIQUE, ") {
        holds &= one["unique"] == true && constraint.is_none();
        rest = body;
    } else if rest.starts_with(" EXCLUDE ") {
        return holds && definition == rest.trim_start();
    } else {
        holds &= one["unique"].is_null() && one["primary"].is_null();
    }
    // With or without the parentheses of the pretty printer around a predicate.
    let bare = |text: &str| text.replace(['(', ')'], "");
    holds
        && bare(&text(&one["definition"]))
            .ends_with(&bare(&format!(" USING {}", rest.trim_start())))
}

fn constraint(item: &str, answer: &Value) -> bool {
    if let Some((table, rest)) = from_table(item) {
        // Of a parent's foreign key, whose copy may have another name.
        return entry(answer, "constraints", |key| {
            rest.ends_with(&text(&key["definition"])) && key["inherited_from"] == table
        })
        .is_some();
    }
    entry(answer, "constraints", |key| {
        after_name(item, &text(&key["name"])).map(str::trim_start) == key["definition"].as_str()
    })
    .is_some()
}

/// From 18 on these are constraints with names; psql always puts the column into quotes.
fn not_null(item: &str, answer: &Value) -> bool {
    let item = item.trim_end_matches(" (inherited)").trim_end_matches(" (local, inherited)");
    entry(answer, "constraints", |key| {
        after_name(item, &text(&key["name"])).is_some_and(|rest| {
            rest.trim_start().replace('"', "") == text(&key["definition"]).replace('"', "")
        })
    })
    .is_some()
}

/// `TABLE "name" CONSTRAINT ...` in two.
fn from_table(item: &str) -> Option<(&str, &str)> {
    item.strip_prefix("TABLE \"")?.split_once("\" CONSTRAINT ")
}

fn referenced_by(item: &str, answer: &Value) -> bool {
    let Some((table, rest)) = from_table(item) else { return false };
    entry(answer, "referenced_by", |key| {
        key["table"] == table
            && after_name(rest, &text(&key["name"])).map(str::trim_start)
                == key["definition"].as_str()
    })
    .is_some()
}

fn statistics(item: &str, answer: &Value) -> bool {
    let (item, target) = item.split_once("; STATISTICS ").unwrap_or((item, ""));
    entry(answer, "statistics", |one| {
        let definition = text(&one["definition"]);
        // psql quotes the schema where it must, and the name never.
        let named = text(&one["name"]).replace('"', "");
        let bare = item.replace('"', "");
        bare.strip_prefix(&named).is_some_and(|rest| definition.ends_with(rest))
            && text(&one["target"]) == target
    })
    .is_some()
}

fn publication(item: &str, answer: &Value) -> bool {
    entry(answer, "publications", |one| {
        let mut whole = format!("\"{}\"", text(&one["name"]));
        if !one["columns"].is_null() {
            whole = format!("{whole} ({})", texts(&one["columns"]).join(", "));
        }
        if !one["filter"].is_null() {
            whole = format!("{whole} WHERE {}", text(&one["filter"]));
        }
        whole == item
    })
    .is_some()
}

fn child(item: &str, answer: &Value) -> bool {
    entry(answer, "children", |one| {
        let kind = match one["kind"].as_str() {
            Some("partitioned") => ", PARTITIONED",
            // Newer versions say this too.
            Some("foreign") if item.ends_with(", FOREIGN") => ", FOREIGN",
            _ => "",
        };
        let whole = format!("{} {}", text(&one["name"]), text(&one["partition_bound"]));
        format!("{}{kind}", whole.trim_end()) == item
    })
    .is_some()
}

fn policy(item: &str, answer: &Value) -> bool {
    let Some(item) = item.strip_prefix("POLICY ") else { return false };
    entry(answer, "policies", |one| {
        let mut whole = format!("\"{}\"", text(&one["name"]));
        if one["permissive"] == false {
            whole += " AS RESTRICTIVE";
        }
        if one["command"] != "ALL" {
            whole += &format!(" FOR {}", text(&one["command"]));
        }
        let roles = texts(&one["roles"]);
        if roles != ["public"] {
            whole += &format!("\n      TO {}", roles.join(","));
        }
        for (word, key) in [("USING", "using"), ("WITH CHECK", "check")] {
            if !one[key].is_null() {
                whole += &format!("\n      {word} ({})", text(&one[key]));
            }
        }
        whole == item
    })
    .is_some()
}

/// What a section says of whether its triggers or rules fire.
fn enabled(section: &str) -> &'static str {
    match section {
        "Triggers" | "Rules" => "origin",
        "Triggers firing always" | "Rules firing always" => "always",
        "Triggers firing on replica only" | "Rules firing on replica only" => "replica",
        _ => "disabled",
    }
}

fn rule(section: &str, item: &str, answer: &Value) -> bool {
    entry(answer, "rules", |one| {
        let definition = text(&one["definition"]);
        definition.trim_end_matches(';') == format!("CREATE RULE {}", item.trim_end_matches(';'))
            && one["enabled"] == enabled(section)
    })
    .is_some()
}

fn trigger(section: &str, item: &str, answer: &Value) -> bool {
    let (item, parent) = item.split_once(", ON TABLE ").unwrap_or((item, ""));
    entry(answer, "triggers", |one| {
        text(&one["definition"]).split_once(" TRIGGER ").is_some_and(|(_, rest)| rest == item)
            && one["enabled"] == enabled(section)
            && text(&one["inherited_from"]) == parent
            && (one["internal"] == true) == (section == "Disabled internal triggers")
    })
    .is_some()
}

/// What `\dt+` and its kin say: owner, persistence, access method, description.
pub(super) fn compare_listed(printed: &Printed, answer: &Value, facts: &mut Facts) {
    facts.holds("one row in the list", printed.rows.len() == 1);
    for row in &printed.rows {
        facts.same("name", &printed.cell(row, "Name"), &answer["name"]);
        facts.same("owner", &printed.cell(row, "Owner"), &answer["owner"]);
        facts.same("description", &printed.cell(row, "Description"), &answer["description"]);
        let persistence = answer["persistence"].as_str().unwrap_or("permanent");
        facts.holds("persistence", printed.cell(row, "Persistence") == persistence);
        facts.same("method", &printed.cell(row, "Access method"), &answer["access_method"]);
    }
}

/// What `\dp` says: the access control lists of the relation and of its columns.
pub(super) fn compare_privileges(printed: &Printed, answer: &Value, facts: &mut Facts) {
    facts.holds("one row of privileges", printed.rows.len() == 1);
    for row in &printed.rows {
        let whole = printed.cell(row, "Access privileges");
        facts.same("acl", &whole, &Value::String(acl(&answer["acl"])));
        let columns: Vec<String> = answer["columns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|column| !column["acl"].is_null())
            .map(|column| {
                let items: Vec<_> =
                    texts(&column["acl"]).iter().map(|item| format!("  {item}")).collect();
                format!("{}:\n{}", text(&column["name"]), items.join("\n"))
            })
            .collect();
        let printed = printed.cell(row, "Column privileges");
        facts.same("acl of columns", &printed, &Value::String(columns.join("\n")));
    }
}
