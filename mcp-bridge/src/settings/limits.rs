//! What one call may use, and how many calls there may be.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::SettingsError;
use crate::guard::MAX_BYTES;

/// Limits of the process and of each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Rows of an answer.
    pub rows: u32,
    /// The most that a call may ask for in the place of `rows`.
    pub max_rows: u32,
    /// Bytes of an answer.
    pub result_bytes: usize,
    /// The most that a call may ask for in the place of `result_bytes`.
    pub max_result_bytes: usize,
    /// Characters of one value.
    pub cell_chars: usize,
    /// Bytes of a statement's text.
    pub sql_bytes: usize,
    /// How long a statement may run.
    pub statement: Duration,
    /// How long an index analysis may run; many clients give up after 60 s.
    pub analysis: Duration,
    /// How long to wait for a lock.
    pub lock: Duration,
    /// How long a transaction may idle before the server ends it.
    pub idle_in_transaction: Duration,
    /// The server's setting for our statements.
    pub work_mem: Option<String>,
    /// The server's setting for our statements; the role must be allowed to set it.
    pub temp_file_limit: Option<String>,
    /// Most memory that a statement takes, as the latch has it.
    pub statement_memory: Option<String>,
    /// The server's setting for our statements.
    pub max_parallel_workers_per_gather: Option<u32>,
    /// Connections to each database.
    pub pool_size: usize,
    /// How long a call may wait for a connection, or for its turn.
    pub queue_wait: Duration,
    /// How often the server looks whether we are still there, while it runs our statement.
    pub connection_check: Duration,
    /// Calls that may run at a time.
    pub calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 500,
            max_rows: 10_000,
            result_bytes: 40_000,
            max_result_bytes: 1 << 20,
            cell_chars: 2_000,
            sql_bytes: 100_000,
            statement: Duration::from_secs(30),
            analysis: Duration::from_secs(55),
            lock: Duration::from_secs(2),
            idle_in_transaction: Duration::from_secs(35),
            work_mem: None,
            temp_file_limit: None,
            statement_memory: None,
            max_parallel_workers_per_gather: None,
            pool_size: 5,
            queue_wait: Duration::from_secs(5),
            connection_check: Duration::from_secs(5),
            calls: 16,
        }
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

impl Limits {
    /// Whether the limits can be kept, and make sense.
    ///
    /// # Errors
    /// The first that cannot, with its range.
    pub fn check(&self) -> Result<(), SettingsError> {
        within("rows of an answer", self.rows, 1..=self.max_rows)?;
        // An answer of nothing but its frame needs some hundred bytes.
        within("bytes of an answer", self.result_bytes, 1_000..=self.max_result_bytes)?;
        within("characters of a value", self.cell_chars, 10..=self.max_result_bytes)?;
        within("bytes of a statement", self.sql_bytes, 1..=MAX_BYTES)?;
        time("the statement timeout", self.statement, SECOND..=HOUR)?;
        time("the analysis timeout", self.analysis, SECOND..=HOUR)?;
        time("the lock timeout", self.lock, MILLISECOND..=HOUR)?;
        time("the idle timeout", self.idle_in_transaction, SECOND..=HOUR)?;
        within("the pool size", self.pool_size, 1..=1_000)?;
        within("calls at a time", self.calls, 1..=10_000)?;
        for (name, value) in [
            ("work_mem", &self.work_mem),
            ("temp_file_limit", &self.temp_file_limit),
            ("statement_memory", &self.statement_memory),
        ] {
            if value.as_ref().is_some_and(|value| !is_size(value)) {
                return Err(SettingsError::new(format!(
                    "{name} must be a number with a unit of B, kB, MB, GB or TB, such as 64MB"
                )));
            }
        }
        Ok(())
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    what: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), SettingsError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    Err(SettingsError::new(format!("{what} must be from {least} to {most}, not {value}")))
}

fn time(what: &str, value: Duration, range: RangeInclusive<Duration>) -> Result<(), SettingsError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    Err(SettingsError::new(format!("{what} must be from {least:?} to {} s", most.as_secs())))
}

/// A size as the server reads it. It goes into a statement as a text.
fn is_size(value: &str) -> bool {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = value.get(digits.len()..).unwrap_or_default();
    (1..=10).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && ["B", "kB", "MB", "GB", "TB"].contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range() {
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn what_is_out_of_range_is_named_with_its_range() {
        let limits = Limits::default;
        for (limits, message) in [
            (Limits { rows: 0, ..limits() }, "rows of an answer must be from 1 to 10000, not 0"),
            (Limits { rows: 10_001, ..limits() }, "rows of an answer must be"),
            (Limits { result_bytes: 1, ..limits() }, "bytes of an answer must be from 1000"),
            (Limits { cell_chars: 0, ..limits() }, "characters of a value must be"),
            (Limits { sql_bytes: 0, ..limits() }, "bytes of a statement must be"),
            (
                Limits { statement: Duration::ZERO, ..limits() },
                "the statement timeout must be from 1s to 3600 s",
            ),
            (Limits { analysis: HOUR * 2, ..limits() }, "the analysis timeout must be"),
            (Limits { lock: Duration::ZERO, ..limits() }, "the lock timeout must be from 1ms"),
            (
                Limits { idle_in_transaction: Duration::ZERO, ..limits() },
                "the idle timeout must be",
            ),
            (Limits { pool_size: 0, ..limits() }, "the pool size must be from 1 to 1000, not 0"),
            (Limits { calls: 0, ..limits() }, "calls at a time must be"),
            (Limits { work_mem: Some("64".into()), ..limits() }, "work_mem must be a number"),
            (
                Limits { temp_file_limit: Some("1GB'; drop".into()), ..limits() },
                "temp_file_limit must be a number",
            ),
        ] {
            let error = limits.check().unwrap_err();
            assert!(error.message().starts_with(message), "{error}");
        }
    }

    #[test]
    fn sizes_are_those_of_the_server() {
        for size in ["64MB", "1GB", "8192kB", "1B", "2TB"] {
            assert!(is_size(size), "{size}");
        }
        for size in ["", "64", "MB", "64 MB", "64mb", "-1", "6.4MB", "12345678901kB", "1GBs", "1é"]
        {
            assert!(!is_size(size), "{size}");
        }
    }
}
