//! The scratch cluster keeps its promise: nothing stays behind, nothing of the machine changes.

use advisor_tests::cluster::Cluster;
use anyhow::{Result, ensure};

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] =
    &[("cluster_is_gone_after_drop", gone_after_drop), ("cluster_restarts", restarts)];

fn gone_after_drop(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start("")?;
    let (dir, pid) = (cluster.socket_dir(), cluster.server_pid());
    ensure!(dir.exists());
    drop(cluster);
    ensure!(!dir.exists(), "{} is still there", dir.display());
    ensure!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "the server still runs");
    Ok(())
}

fn restarts(_: &Fixture) -> Result<()> {
    let mut cluster = Cluster::start("")?;
    cluster.restart("work_mem = '7MB'")?;
    let row = cluster.connect("postgres")?.query_one("show work_mem", &[])?;
    ensure!(row.try_get::<_, String>(0)? == "7MB");
    Ok(())
}
