//! Memory of a backend: what the operating system counts, and what the server does.

use std::fs;

use anyhow::{Context, Result};
use postgres::Client;

/// Bytes of one backend at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// Peak of the resident memory, shared buffers that were touched included.
    pub(super) peak: u64,
    /// Resident memory.
    pub(super) resident: u64,
    /// Resident memory that no file and no other process shares.
    pub(super) private: u64,
    /// Total of the server's memory contexts.
    pub(super) contexts: u64,
}

impl Memory {
    /// Reads the memory of the backend that serves `client`.
    ///
    /// # Errors
    /// Whatever the server answers, or when the system does not show the process.
    pub(super) fn read(client: &mut Client) -> Result<Self> {
        let sql =
            "select pg_backend_pid(), sum(total_bytes)::bigint from pg_backend_memory_contexts";
        let row = client.query_one(sql, &[])?;
        let (pid, contexts): (i32, i64) = (row.try_get(0)?, row.try_get(1)?);
        let path = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let field = |name: &str| field(&status, name).with_context(|| format!("{path}: no {name}"));
        Ok(Self {
            peak: field("VmHWM")?,
            resident: field("VmRSS")?,
            private: field("RssAnon")?,
            contexts: u64::try_from(contexts)?,
        })
    }
}

/// The bytes behind a name of `/proc/PID/status`, which counts in kB.
pub(super) fn field(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kilobytes: u64 = rest.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status = "VmHWMX:\t1 kB\nVmHWM:\t   2048 kB\nVmRSS:\t   3 kB\n";
        assert_eq!(field(status, "VmHWM"), Some(2048 * 1024));
        assert_eq!(field(status, "VmRSS"), Some(3 * 1024));
        assert_eq!(field(status, "RssAnon"), None);
    }
}
