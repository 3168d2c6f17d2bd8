//! `analyze_db_health` with and without the extension: the same checks, and the same of what SQL
//! alone can find.

use advisor_sql::health::checks;
use advisor_tests::bridge::stdio::Pipe;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, ROLE};

pub(crate) const CASES: &[Case] = &[("health_is_the_same_without_the_extension", alike)];

const FAULTS: &str = "
create table things (id serial primary key, kind integer);
select setval('things_id_seq', 2100000000);
create index things_kind on things (kind);
create index things_kind_again on things (kind);
";

/// What needs the extension says so in these words.
const NEEDS: &str = "is not checked here: it needs the extension mcp_advisor";

/// Checks whose findings depend on when they were asked, or on who is connected.
const MOMENTARY: [&str; 3] = ["connection", "buffer", "workload"];

fn alike(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("health_alike")?;
    admin.batch_execute(FAULTS)?;
    admin.batch_execute(&format!("grant select on all sequences in schema public to {ROLE}"))?;
    admin.batch_execute("vacuum (analyze)")?;
    let without = findings(fixture)?;
    admin.batch_execute("create extension mcp_advisor")?;
    let with = findings(fixture)?;
    for check in checks() {
        let of = |all: &[Value]| -> Vec<Value> {
            all.iter().filter(|one| one["check_name"] == check.name).cloned().collect()
        };
        let (without, with) = (of(&without), of(&with));
        ensure!(!without.is_empty() && !with.is_empty(), "{}: {without:?} {with:?}", check.name);
        if check.texts.is_empty() {
            // Not passed over, and not passed.
            let message = without[0]["message"].as_str().unwrap_or_default();
            ensure!(without.len() == 1 && message.starts_with(NEEDS), "{without:?}");
            ensure!(without[0]["details"]["ran"] == false, "{without:?}");
            continue;
        }
        for one in &without {
            let message = one["message"].as_str().unwrap_or_default();
            ensure!(!message.starts_with("could not be checked"), "{one}");
        }
        // What needs the server's inside in part says so.
        let in_part = without.iter().any(|one| one["details"]["ran"] == false);
        if !MOMENTARY.contains(&check.category) && !in_part {
            let kinds = |rows: &[Value]| -> Vec<Value> {
                rows.iter().map(|one| json!([one["category"], one["severity"]])).collect()
            };
            ensure!(kinds(&without) == kinds(&with), "{}: {without:?} {with:?}", check.name);
        }
    }
    for (check, object) in [
        ("duplicate_index", "public.things_kind_again"),
        ("sequence_exhaustion", "public.things_id_seq"),
    ] {
        let find = |all: &[Value]| {
            let mut all = all.iter();
            all.find(|one| one["check_name"] == check && one["object"] == object).cloned()
        };
        let without = find(&without).context(check)?;
        ensure!(Some(&without) == find(&with).as_ref(), "{without} {:?}", find(&with));
        ensure!(without["severity"] != "ok" && without["remediation"].is_string(), "{without}");
    }
    Ok(())
}

/// The whole report of a bridge that has just been started.
fn findings(fixture: &Fixture) -> Result<Vec<Value>> {
    let uri = fixture.uri("health_alike").replace("/shop?", "/health_alike?");
    let mut command = fixture.bridge("health_alike")?;
    let mut pipe = Pipe::initialized(command.env("DATABASE_URI", uri))?;
    let answer = pipe.call("analyze_db_health", &json!({"health_type": "all"}))?;
    let data = &answer["structuredContent"];
    ensure!(answer["isError"] != true && data["truncated"].is_null(), "{answer}");
    let findings = data["findings"].as_array().with_context(|| answer.to_string())?.clone();
    pipe.close()?;
    Ok(findings)
}
