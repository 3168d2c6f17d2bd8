//! `mcp-bridge report` on real databases, and its page in headless Chromium.
mod fixture;
use fixture::Fixture;
fn main() -> anyhow::Result<()> {
    let f = Fixture::start()?;
    println!("{}", f.cluster.uri("store", "postgres"));
    std::thread::sleep(std::time::Duration::from_secs(7200));
    Ok(())
}
