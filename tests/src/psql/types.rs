//! Types, domains, attributes of composite types, and sequences.

use serde_json::Value;

use super::{Facts, Printed, acl, text, texts};

pub(super) fn compare_type(printed: &Printed, answer: &Value, facts: &mut Facts) {
    facts.holds("\\dT+ has one row", printed.rows.len() == 1);
    for row in &printed.rows {
        let cell = |column| printed.cell(row, column);
        facts.same("owner", &cell("Owner"), &answer["owner"]);
        facts.same("description", &cell("Description"), &answer["description"]);
        facts.same("acl", &cell("Access privileges"), &Value::String(acl(&answer["acl"])));
        let size = match (answer["type"].as_str(), &answer["size"]) {
            (Some("composite"), _) => "tuple".to_owned(),
            (_, Value::Null) => "var".to_owned(),
            (_, size) => text(size),
        };
        facts.same("size", &cell("Size"), &Value::String(size));
        let labels = texts(&answer["labels"]).join("\n");
        facts.same("labels", &cell("Elements"), &Value::String(labels));
    }
}

pub(super) fn compare_domain(printed: &Printed, answer: &Value, facts: &mut Facts) {
    facts.holds("\\dD+ has one row", printed.rows.len() == 1);
    for row in &printed.rows {
        let cell = |column| printed.cell(row, column);
        facts.same("base type", &cell("Type"), &answer["base_type"]);
        let collation = text(&answer["collation"]).replace('"', "");
        facts.same("collation", &cell("Collation"), &Value::String(collation));
        let nullable = if answer["nullable"] == false { "not null" } else { "" };
        facts.same("nullable", &cell("Nullable"), &Value::String(nullable.to_owned()));
        facts.same("default", &cell("Default"), &answer["default"]);
        // In no order that psql would ask for.
        let mut rest = cell("Check");
        for check in answer["constraints"].as_array().into_iter().flatten() {
            let definition = text(&check["definition"]);
            facts.holds(&format!("{definition} in {rest:?}"), rest.contains(&definition));
            rest = rest.replacen(&definition, "", 1);
        }
        facts.same("no other check", rest.trim(), &Value::Null);
    }
}

pub(super) fn compare_attributes(printed: &Printed, answer: &Value, facts: &mut Facts) {
    let attributes = answer["attributes"].as_array().map_or(&[][..], Vec::as_slice);
    facts.holds("number of attributes", attributes.len() == printed.rows.len());
    for (row, attribute) in printed.rows.iter().zip(attributes) {
        let cell = |column| printed.cell(row, column);
        facts.same("attribute", &cell("Column"), &attribute["name"]);
        facts.same("type of attribute", &cell("Type"), &attribute["type"]);
        let collation = text(&attribute["collation"]).replace('"', "");
        facts.same("collation of attribute", &cell("Collation"), &Value::String(collation));
    }
}

pub(super) fn compare_sequence(printed: &Printed, answer: &Value, facts: &mut Facts) {
    facts.holds("\\d of a sequence has one row", printed.rows.len() == 1);
    for row in &printed.rows {
        for (column, ours) in [
            ("Type", "type"),
            ("Start", "start"),
            ("Minimum", "minimum"),
            ("Maximum", "maximum"),
            ("Increment", "increment"),
            ("Cache", "cache"),
        ] {
            facts.same(column, &printed.cell(row, column), &answer[ours]);
        }
        let cycles = if answer["cycle"] == true { "yes" } else { "no" };
        facts.same("cycles", &printed.cell(row, "Cycles?"), &Value::String(cycles.to_owned()));
    }
    let unlogged = answer["persistence"] == "unlogged";
    facts.holds("unlogged", printed.title.starts_with("Unlogged") == unlogged);
    for footer in &printed.footers {
        let owner = &answer["owned_by"];
        let column = format!("{}.{}", text(&owner["table"]), text(&owner["column"]));
        if let Some(of) = footer.strip_prefix("Sequence for identity column: ") {
            facts.holds(footer, of == column && owner["identity"] == true);
        } else if let Some(by) = footer.strip_prefix("Owned by: ") {
            facts.holds(footer, by == column && owner["identity"] == false);
        } else if footer.starts_with("Publications:") || footer.starts_with("    ") {
            facts.holds(&format!("nobody reads {footer:?}"), false);
        } else {
            facts.holds(&format!("unknown: {footer:?}"), footer.is_empty());
        }
    }
}
