//! An index.

use serde_json::Value;

use super::{Facts, Printed, text, texts};

pub(super) fn compare(printed: &Printed, answer: &Value, facts: &mut Facts) {
    let columns = answer["columns"].as_array().map_or(&[][..], Vec::as_slice);
    facts.holds("number of columns", columns.len() == printed.rows.len());
    for (row, column) in printed.rows.iter().zip(columns) {
        let cell = |name| printed.cell(row, name);
        facts.same("definition of column", &cell("Definition"), &column["name"]);
        facts.same("type of column", &cell("Type"), &column["type"]);
        let key = if column["included"] == true { "no" } else { "yes" };
        facts.same("key", &cell("Key?"), &Value::String(key.to_owned()));
        facts.same("target", &cell("Stats target"), &column["statistics_target"]);
    }
    for footer in &printed.footers {
        if footer.contains(", for table \"") {
            properties(footer, answer, facts);
        } else if footer == "No partition constraint" {
            // Of the index of a partition, which has its bound in the table.
            facts.holds(footer, !answer["parent"].is_null());
        } else if let Some(parent) = footer.strip_prefix("Partition of: ") {
            facts.same("parent", parent.trim_end(), &answer["parent"]);
        } else if let Some(name) = footer.strip_prefix("Tablespace: ") {
            facts.same("tablespace", &name.replace('"', ""), &answer["tablespace"]);
        } else if let Some(name) = footer.strip_prefix("Access method: ") {
            facts.same("access method", name, &answer["method"]);
        } else if let Some(options) = footer.strip_prefix("Options: ") {
            facts.same("options", options, &Value::String(texts(&answer["options"]).join(", ")));
        } else if let Some(number) = footer.strip_prefix("Number of partitions: ") {
            let children = texts(&answer["children"]).len().to_string();
            facts.holds(footer, number.split(' ').next() == Some(children.as_str()));
        } else {
            let name = footer.strip_prefix("Partitions: ").unwrap_or(footer);
            let name = name.trim_start().trim_end_matches(',').trim_end_matches(", PARTITIONED");
            facts.holds(
                &format!("partition {footer:?}"),
                texts(&answer["children"]).iter().any(|child| child == name),
            );
        }
    }
}

/// What `\di+` says.
pub(super) fn compare_listed(printed: &Printed, answer: &Value, facts: &mut Facts) {
    facts.holds("one row in the list", printed.rows.len() == 1);
    for row in &printed.rows {
        facts.same("owner", &printed.cell(row, "Owner"), &answer["owner"]);
        facts.same("method", &printed.cell(row, "Access method"), &answer["method"]);
        facts.same("description", &printed.cell(row, "Description"), &answer["description"]);
    }
}

/// The line that has everything about an index: `unique, btree, for table "odd.x", predicate (..)`.
fn properties(line: &str, answer: &Value, facts: &mut Facts) {
    let (before, after) = line.split_once(", for table \"").unwrap_or((line, ""));
    // Without quotes in psql.
    let table =
        text(&answer["table"]).replace("\"\"", "\u{0}").replace('"', "").replace('\0', "\"");
    let rest = after.strip_prefix(&format!("{table}\""));
    facts.holds(&format!("table of {line:?}"), rest.is_some());
    let mut rest = rest.unwrap_or_default();
    for word in before.split(", ") {
        let holds = match word {
            "primary key" => answer["primary"] == true,
            "unique" => answer["unique"] == true && answer["primary"] == false,
            "unique nulls not distinct" | "nulls not distinct" => {
                answer["unique"] == true
                    && text(&answer["definition"]).contains("NULLS NOT DISTINCT")
            }
            method => answer["method"] == method,
        };
        facts.holds(&format!("{word} of {line:?}"), holds);
    }
    if let Some(predicate) = rest.strip_prefix(", predicate (") {
        let ours = text(&answer["predicate"]);
        let found = predicate.strip_prefix(&format!("{ours})"));
        facts.holds(&format!("predicate {ours:?} of {line:?}"), found.is_some());
        rest = found.unwrap_or_default();
    }
    for (words, key, value) in [
        (", clustered", "clustered", true),
        (", invalid", "valid", false),
        (", deferrable", "deferrable", true),
        (", initially deferred", "initially_deferred", true),
        (", replica identity", "replica_identity", true),
    ] {
        let said = rest.strip_prefix(words);
        facts.holds(&format!("{words} of {line:?}"), said.is_some() == (answer[key] == value));
        rest = said.unwrap_or(rest);
    }
    facts.holds(&format!("nothing else in {line:?}"), rest.is_empty());
}
