//! The server's log, searched for what must never be in it.

use anyhow::{Result, bail};

use crate::cluster::Cluster;

/// Settings with which the log says what [`Watch`] looks for.
pub const SETTINGS: &str = "log_line_prefix = '%p %e '\nlog_min_messages = warning\n\
    log_min_error_statement = error\nlog_parameter_max_length_on_error = -1";

/// Of a backend or the server that ended.
const CRASHES: &[&str] =
    &["PANIC:", "terminated by signal", "server process", "TRAP:", "terminating any other active"];

/// Of something that was not given back, or of memory that was written to by mistake.
const LEAKS: &[&str] = &[
    "not closed",
    "refcount leak",
    "reference leak",
    "leaked",
    "still referenced",
    "still active",
    "problem in alloc set",
    "write past chunk end",
    "detected write",
    "there is no transaction in progress",
    "there is already a transaction in progress",
    "you don't own a lock",
    "transaction left non-empty",
    "AbortSubTransaction while in",
    "AbortTransaction while in",
];

/// How the advisor says that it leaves a statement out; what comes after it is an error's text.
const QUOTES: &str = "was left out:";

/// Of a Rust panic, which is never meant.
const PANICS: &[&str] = &[
    "panicked",
    "unwrap()",
    "RefCell already",
    "index out of bounds",
    "overflow when",
    "non-unwinding panic",
];

/// The log from a moment on.
#[derive(Debug)]
pub struct Watch<'a> {
    cluster: &'a Cluster,
    from: usize,
}

impl<'a> Watch<'a> {
    /// From now on.
    #[must_use]
    pub fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, from: cluster.log().len() }
    }

    /// # Errors
    /// When a backend has crashed, leaked or panicked since, with the lines that say so.
    pub fn assert_clean(&self) -> Result<()> {
        self.search(&[CRASHES, LEAKS, PANICS])
    }

    /// The same where backends are killed on purpose.
    ///
    /// # Errors
    /// As [`Watch::assert_clean`].
    pub fn assert_no_leak(&self) -> Result<()> {
        self.search(&[&["PANIC:", "TRAP:"], LEAKS, PANICS])
    }

    /// The same where a panic is how something is refused.
    ///
    /// # Errors
    /// As [`Watch::assert_clean`].
    pub fn assert_no_crash(&self) -> Result<()> {
        self.search(&[CRASHES, LEAKS])
    }

    fn search(&self, signs: &[&[&str]]) -> Result<()> {
        let log = self.cluster.log();
        let lines: Vec<&str> = log.get(self.from..).unwrap_or(&log).lines().collect();
        // What an error message or a statement quotes is not the server's own word.
        let speaks = |line: &str| {
            !line.contains(QUOTES)
                && ["WARNING:", "LOG:", "FATAL:", "PANIC:", "TRAP:"]
                    .iter()
                    .any(|level| line.contains(level))
        };
        let found = lines.iter().enumerate().filter(|(_, line)| {
            signs.iter().copied().flatten().any(|sign| line.contains(sign))
                && (speaks(line) || PANICS.iter().any(|sign| line.contains(sign)))
        });
        let found: Vec<String> = found
            .take(5)
            .map(|(at, _)| lines[at..].iter().take(6).copied().collect::<Vec<_>>().join("\n"))
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        bail!("the server's log has\n{}", found.join("\n--\n"))
    }
}
