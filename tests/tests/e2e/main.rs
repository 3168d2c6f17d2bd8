//! The extension in a real server, as a client sees it: what goes wrong is a clear answer, and
//! leaves the session and the server as they were. One cluster serves all cases.

mod advice;
mod advice_expressions;
mod advice_methods;
mod advice_partial;
mod answer;
mod bad_input;
mod cluster;
mod column_values;
mod confidence;
mod drops;
mod explain;
mod explain_analyze;
mod explain_options;
mod explain_parameters;
mod explain_recorded;
mod explain_report;
mod findings;
mod fixture;
mod guard;
mod guard_everyday;
mod guard_hidden;
mod guard_latch;
mod guard_latch_kinds;
mod health;
mod health_anywhere;
mod health_autovacuum;
mod health_bloat;
mod health_buffer;
mod health_connection;
mod health_constraint;
mod health_index;
mod health_integrity;
mod health_odd_names;
mod health_partition;
mod health_proof;
mod health_replication;
mod health_security;
mod health_sequence;
mod health_settings;
mod health_table;
mod health_vacuum;
mod health_workload;
mod install;
mod interrupts;
mod join_path;
mod large;
mod memory;
mod objects;
mod odd;
mod overview;
mod privileges;
mod progress;
mod psql_describe;
mod relate;
mod robustness;
mod running_queries;
mod schema;
mod search_schema;
mod security;
mod session;
mod shadow;
mod shadow_refusals;
mod shadow_workloads;
mod top_queries;
mod top_queries_interval;
mod top_queries_orders;
mod truth;
mod whatif_indexes;
mod workload;
mod workloads;
mod writes;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};

use fixture::Fixture;

/// A test: its name and what it does.
type Case = (&'static str, fn(&Fixture) -> Result<()>);

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let fixture = Arc::new(Fixture::start()?);
    let cases = [
        advice::CASES,
        advice_expressions::CASES,
        advice_methods::CASES,
        advice_partial::CASES,
        bad_input::CASES,
        cluster::CASES,
        drops::CASES,
        column_values::CASES,
        confidence::CASES,
        explain::CASES,
        explain_analyze::CASES,
        explain_options::CASES,
        explain_parameters::CASES,
        explain_recorded::CASES,
        explain_report::CASES,
        findings::CASES,
        guard::CASES,
        guard_everyday::CASES,
        guard_hidden::CASES,
        guard_latch::CASES,
        guard_latch_kinds::CASES,
        health::CASES,
        health_anywhere::CASES,
        health_autovacuum::CASES,
        health_bloat::CASES,
        health_buffer::CASES,
        health_connection::CASES,
        health_constraint::CASES,
        health_index::CASES,
        health_integrity::CASES,
        health_odd_names::CASES,
        health_partition::CASES,
        health_proof::CASES,
        health_replication::CASES,
        health_security::CASES,
        health_sequence::CASES,
        health_settings::CASES,
        health_table::CASES,
        health_vacuum::CASES,
        health_workload::CASES,
        install::CASES,
        interrupts::CASES,
        objects::CASES,
        overview::CASES,
        join_path::CASES,
        large::CASES,
        memory::CASES,
        privileges::CASES,
        progress::CASES,
        relate::CASES,
        psql_describe::CASES,
        robustness::CASES,
        running_queries::CASES,
        schema::CASES,
        search_schema::CASES,
        security::CASES,
        session::CASES,
        shadow::CASES,
        shadow_refusals::CASES,
        shadow_workloads::CASES,
        top_queries::CASES,
        top_queries_interval::CASES,
        top_queries_orders::CASES,
        truth::CASES,
        whatif_indexes::CASES,
        workload::CASES,
        workloads::CASES,
        writes::CASES,
    ]
    .concat();
    let trials = cases
        .into_iter()
        .map(|(name, case)| {
            let fixture = Arc::clone(&fixture);
            Trial::test(name, move || {
                // With the causes: an error of the server is one.
                case(&fixture).map_err(|error| format!("{error:#}"))?;
                Ok(fixture.assert_server_survived()?)
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    Ok(conclusion.exit_code())
}
