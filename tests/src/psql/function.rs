//! The functions of a name.

use serde_json::Value;

use super::{Facts, Printed, acl, text};

pub(super) fn compare(printed: &Printed, answer: &Value, facts: &mut Facts) {
    let overloads = answer["overloads"].as_array().map_or(&[][..], Vec::as_slice);
    facts.holds("number of functions", overloads.len() == printed.rows.len());
    for row in &printed.rows {
        let cell = |column| printed.cell(row, column);
        let arguments = cell("Argument data types");
        let Some(one) = overloads.iter().find(|one| text(&one["arguments"]) == arguments) else {
            facts.holds(&format!("function with ({arguments})"), false);
            continue;
        };
        facts.same("result", &cell("Result data type"), &one["returns"]);
        let kind = match cell("Type").as_str() {
            "func" | "trigger" => "function",
            "proc" => "procedure",
            "agg" => "aggregate",
            "window" => "window function",
            _ => "",
        };
        facts.same("type", kind, &one["type"]);
        facts.same("volatility", &cell("Volatility"), &one["volatility"]);
        facts.same("parallel", &cell("Parallel"), &one["parallel"]);
        facts.same("owner", &cell("Owner"), &one["owner"]);
        let security = if one["security_definer"] == true { "definer" } else { "invoker" };
        facts.same("security", &cell("Security"), &Value::String(security.to_owned()));
        facts.same("acl", &cell("Access privileges"), &Value::String(acl(&one["acl"])));
        facts.same("language", &cell("Language"), &one["language"]);
        facts.same("description", &cell("Description"), &one["description"]);
        // Of an aggregate psql shows a dummy.
        if kind != "aggregate" {
            let source = cell("Source code");
            let definition = text(&answer["definition"]);
            facts.holds(&format!("source {source:?}"), definition.contains(&source));
        } else {
            let transition = text(&one["aggregate"]["transition"]);
            facts.holds("the transition function", transition.contains('('));
        }
    }
}
