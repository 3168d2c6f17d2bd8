//! `mcp_health` on the connections of a server of its own.

use advisor_tests::cluster::Cluster;
use anyhow::{Result, ensure};

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{expect_ok, findings};
use crate::health_replication::client;

pub(crate) const CASES: &[Case] = &[("health_finds_that_connections_run_out", connections)];

fn connections(_: &Fixture) -> Result<()> {
    let settings = "max_connections = 13\nsuperuser_reserved_connections = 3";
    let cluster = Cluster::start(settings)?;
    let mut client = client(&cluster)?;
    expect_ok(&mut client, "connection_usage")?;
    let mut others = Vec::new();
    for (count, severity) in [(8, "warning"), (9, "critical")] {
        while others.len() + 1 < count {
            others.push(cluster.connect("postgres")?);
        }
        let found = findings(&mut client, "connection_usage")?;
        ensure!(found[0].severity == severity, "{count} of 10: {found:#?}");
        ensure!(
            found[0].details["usable"] == 10 && found[0].details["used"] == count,
            "{found:#?}"
        );
    }
    // A role that does not see the sessions of others counts them all the same.
    client.batch_execute("create role plain login")?;
    drop(others.pop());
    let mut plain = cluster.connect_as("postgres", "plain")?;
    let found = findings(&mut plain, "connection_usage")?;
    ensure!(found[0].severity != "ok", "{found:#?}");
    Ok(())
}
