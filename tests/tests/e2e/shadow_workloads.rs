//! Every statement of the benchmark's workloads is planned on a shadow as on the original.

use advisor_tests::workloads::Workload;
use anyhow::{Result, ensure};
use serde_json::json;

use crate::Case;
use crate::fixture::Fixture;
use crate::shadow::{assert_same_plans, export, import};
use crate::workloads::{SCALE, with_workload};

pub(crate) const CASES: &[Case] = &[
    ("shadow_plans_tpcds_as_the_original", |fixture| compare(fixture, Workload::Tpcds, 99)),
    ("shadow_plans_job_as_the_original", |fixture| compare(fixture, Workload::Job, 113)),
    ("shadow_plans_the_application_as_the_original", |fixture| compare(fixture, Workload::App, 60)),
];

fn compare(fixture: &Fixture, workload: Workload, at_least: usize) -> Result<()> {
    with_workload(fixture, workload, SCALE, |original, statements| {
        ensure!(statements.len() >= at_least, "{} statements", statements.len());
        let document = export(original, "queries => '{}'")?;
        let name = format!("shadow_of_{}", workload.name());
        let mut shadow = fixture.database(&name, &["hypopg", "mcp_advisor"])?;
        let answer = import(&mut shadow, &document)?;
        ensure!(answer["left_out"] == json!([]), "{answer}");
        shadow.batch_execute("set jit = off")?;
        let queries: Vec<&str> = statements.iter().map(|one| one.sql.as_str()).collect();
        assert_same_plans(original, &mut shadow, &queries)
    })
}
