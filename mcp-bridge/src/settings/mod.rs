//! Stand-in until branch h-settings is merged.
#![allow(missing_docs)]
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct ConnInfo(pub String);
#[derive(Debug, Clone)]
pub struct Resolved {
    pub conninfo: ConnInfo,
    pub warnings: Vec<String>,
}
#[derive(Debug)]
pub struct SettingsError;
#[derive(Debug, Default)]
pub struct Environment(pub BTreeMap<String, String>);
impl ConnInfo {
    pub fn resolve(text: Option<&str>, _env: &Environment) -> Result<Resolved, SettingsError> {
        Ok(Resolved { conninfo: Self(text.unwrap_or_default().to_owned()), warnings: Vec::new() })
    }
    pub fn describe(&self) -> String {
        "stand-in".to_owned()
    }
}
#[derive(Debug, Clone)]
pub struct NamedDatabase {
    pub name: String,
    pub conninfo: ConnInfo,
    pub description: Option<String>,
}
#[derive(Debug, Clone)]
pub struct Limits {
    pub rows: u32,
    pub max_rows: u32,
    pub result_bytes: usize,
    pub max_result_bytes: usize,
    pub cell_chars: usize,
    pub statement: Duration,
    pub lock: Duration,
    pub idle_in_transaction: Duration,
    pub work_mem: Option<String>,
    pub temp_file_limit: Option<String>,
    pub max_parallel_workers_per_gather: Option<u32>,
    pub pool_size: usize,
    pub queue_wait: Duration,
    pub connection_check: Duration,
}
impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 500,
            max_rows: 10_000,
            result_bytes: 40_000,
            max_result_bytes: 1 << 20,
            cell_chars: 2_000,
            statement: Duration::from_secs(30),
            lock: Duration::from_secs(2),
            idle_in_transaction: Duration::from_secs(35),
            work_mem: None,
            temp_file_limit: None,
            max_parallel_workers_per_gather: None,
            pool_size: 5,
            queue_wait: Duration::from_secs(5),
            connection_check: Duration::from_secs(5),
        }
    }
}
