//! Prompts for the everyday jobs: what to do with which tools, in words for a model.

use rmcp::model::{JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

/// A prompt: its name, and the words with `{argument}` where an argument goes.
struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    arguments: &'static [Slot],
    words: &'static str,
}

/// An argument of a prompt.
struct Slot {
    name: &'static str,
    description: &'static str,
    /// What stands in for it when it is not given; none: it must be given.
    default: Option<&'static str>,
}

const SQL: Slot = Slot { name: "sql", description: "the statement", default: None };

const TEMPLATES: [Template; 4] = [
    Template {
        name: "check_health",
        title: "Check health",
        description: "Check the database's health and say what to do first.",
        arguments: &[Slot {
            name: "health_type",
            description: "all, or a comma-separated list of checks",
            default: Some("all"),
        }],
        words: "Call analyze_db_health with health_type \"{health_type}\". Then report: first what \
                is critical, then warnings, each with what it means for the users of the database \
                and the statement that mends it. Say which remedies lock a table, lose data or \
                need a restart, by the risk in their details, and should wait for a quiet hour. \
                What was not judged is not healthy: say what is missing. Do not run any remedy yourself.",
    },
    Template {
        name: "explain_slow_query",
        title: "Explain a slow query",
        description: "Find out why a statement is slow.",
        arguments: &[SQL],
        words: "Find out why this statement is slow:\n\n{sql}\n\nCall explain_query for it; if it \
                only reads and can be run, once more with analyze true. Look for steps whose real \
                row counts are far from the estimates, for scans that read much and keep little, \
                for sorts and hashes that spill to disk, and for inner sides that repeat often. \
                Look at the tables with get_object_details where statistics, indexes or types may \
                be the reason. Then say in plain words where the time goes and why, and what would \
                help, most effective first.",
    },
    Template {
        name: "tune_query",
        title: "Tune a query",
        description: "Find indexes or a rewriting that make one statement faster.",
        arguments: &[SQL],
        words: "Make this statement faster:\n\n{sql}\n\n1. Call explain_query for it.\n2. Call \
                analyze_query_indexes with it.\n3. Show the gain: explain_query with the advised \
                indexes as hypothetical_indexes, beside the plan of today.\n4. Say whether another \
                wording of the statement would help more or as well, and check its plan.\nGive the \
                CREATE INDEX statements, their size, what they cost on writes, and the gain in \
                figures. Do not create anything yourself.",
    },
    Template {
        name: "tune_workload",
        title: "Tune the workload",
        description: "Find the indexes that pay for the recorded workload.",
        arguments: &[Slot {
            name: "max_index_size_mb",
            description: "space for all new indexes together, in MB",
            default: Some("10000"),
        }],
        words: "Find the indexes that pay for the workload of this database.\n1. Call \
                get_top_queries to see where the time goes.\n2. Call analyze_workload_indexes with \
                max_index_size_mb {max_index_size_mb}.\n3. Call analyze_db_health with health_type \
                \"index\" for indexes that can go.\nThen give one list in the order of \
                their worth: the statement, its size, which statements gain and by how much, and \
                what it costs on writes; after it the indexes to drop, with the reason. Say which \
                statements were left out of the analysis and why. Do not create or drop anything \
                yourself.",
    },
];

/// The listing, sorted by name.
#[must_use]
pub(crate) fn list() -> Vec<Prompt> {
    TEMPLATES
        .iter()
        .map(|template| {
            let arguments = template
                .arguments
                .iter()
                .map(|slot| {
                    PromptArgument::new(slot.name)
                        .with_description(slot.description)
                        .with_required(slot.default.is_none())
                })
                .collect();
            Prompt::new(template.name, Some(template.description), Some(arguments))
                .with_title(template.title)
        })
        .collect()
}

/// Whether there is a prompt of that name with that argument.
pub(crate) fn has_argument(prompt: &str, argument: &str) -> bool {
    TEMPLATES
        .iter()
        .any(|one| one.name == prompt && one.arguments.iter().any(|slot| slot.name == argument))
}

/// The prompt in words: its description and its message.
///
/// # Errors
/// A sentence: there is no such prompt, or an argument is missing or no string.
pub(crate) fn get(
    name: &str,
    given: Option<&JsonObject>,
) -> Result<(&'static str, PromptMessage), String> {
    let Some(template) = TEMPLATES.iter().find(|template| template.name == name) else {
        let names: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
        return Err(format!("unknown prompt \"{name}\"; the prompts are: {}", names.join(", ")));
    };
    let mut words = template.words.to_owned();
    for slot in template.arguments {
        let value = match (given.and_then(|given| given.get(slot.name)), slot.default) {
            (Some(Value::String(text)), _) if !text.trim().is_empty() => text.as_str(),
            (None | Some(Value::Null | Value::String(_)), Some(default)) => default,
            (None | Some(Value::Null | Value::String(_)), None) => {
                return Err(format!("prompt \"{name}\" needs the argument \"{}\"", slot.name));
            }
            (Some(_), _) => {
                return Err(format!("argument \"{}\" of a prompt must be a string", slot.name));
            }
        };
        words = words.replace(&format!("{{{}}}", slot.name), value);
    }
    Ok((template.description, PromptMessage::new_text(Role::User, words)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(name: &str, given: &Value) -> Result<String, String> {
        let message = get(name, given.as_object())?.1;
        Ok(serde_json::to_value(message).unwrap()["content"]["text"].as_str().unwrap().to_owned())
    }

    #[test]
    fn arguments_go_into_the_words() {
        let text = words("tune_query", &json!({"sql": "select 1"})).unwrap();
        assert!(text.starts_with("Make this statement faster:\n\nselect 1\n"));
        let text = words("check_health", &json!({})).unwrap();
        assert!(text.contains("health_type \"all\""));
    }

    #[test]
    fn no_placeholder_is_left() {
        for prompt in list() {
            let text = words(&prompt.name, &json!({"sql": "x"})).unwrap();
            assert!(!text.contains('{'), "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(
            words("tune_query", &json!({})).unwrap_err(),
            "prompt \"tune_query\" needs the argument \"sql\""
        );
        assert!(words("tune_query", &json!({"sql": 1})).unwrap_err().contains("must be a string"));
        assert!(words("nope", &json!({})).unwrap_err().contains("tune_workload"));
    }

    #[test]
    fn names_are_sorted() {
        let names: Vec<String> = list().into_iter().map(|prompt| prompt.name).collect();
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(names, sorted);
    }
}
