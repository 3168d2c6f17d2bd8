//! What the process has done, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::Kind;

/// The process's counters.
pub static METRICS: Metrics = Metrics { calls: Mutex::new(BTreeMap::new()) };

/// Counters of tool calls.
#[derive(Debug)]
pub struct Metrics {
    calls: Mutex<BTreeMap<(&'static str, Option<Kind>), Calls>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Calls {
    count: u64,
    seconds: f64,
}

impl Metrics {
    /// Counts a call of a tool that took so long and ended with an answer, or with an error.
    pub fn called(&self, tool: &'static str, error: Option<Kind>, took: Duration) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = calls.entry((tool, error)).or_default();
        entry.count += 1;
        entry.seconds += took.as_secs_f64();
    }

    /// The text exposition format; `sessions` are those open now, by transport.
    #[must_use]
    pub fn render(&self, sessions: &[(&str, usize)]) -> String {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::from("# TYPE mcp_bridge_calls_total counter\n");
        // Writing to a string cannot fail.
        for ((tool, error), calls) in &calls {
            let outcome = outcome(*error);
            let _ = writeln!(
                text,
                "mcp_bridge_calls_total{{tool=\"{tool}\",outcome=\"{outcome}\"}} {}",
                calls.count
            );
        }
        text.push_str("# TYPE mcp_bridge_call_seconds_total counter\n");
        for ((tool, error), calls) in &calls {
            let outcome = outcome(*error);
            let _ = writeln!(
                text,
                "mcp_bridge_call_seconds_total{{tool=\"{tool}\",outcome=\"{outcome}\"}} {}",
                calls.seconds
            );
        }
        text.push_str("# TYPE mcp_bridge_sessions gauge\n");
        for (transport, count) in sessions {
            let _ = writeln!(text, "mcp_bridge_sessions{{transport=\"{transport}\"}} {count}");
        }
        text
    }
}

/// The word that the error's `kind` has in an answer, too.
fn outcome(error: Option<Kind>) -> String {
    let word = error.and_then(|kind| serde_json::to_value(kind).ok());
    word.as_ref().and_then(|word| word.as_str()).unwrap_or("ok").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_tool_and_outcome() {
        let metrics = Metrics { calls: Mutex::default() };
        metrics.called("a", None, Duration::from_millis(500));
        metrics.called("a", None, Duration::from_millis(250));
        metrics.called("a", Some(Kind::NotReadOnly), Duration::from_secs(1));
        let text = metrics.render(&[("sse", 2)]);
        assert!(text.contains("mcp_bridge_calls_total{tool=\"a\",outcome=\"ok\"} 2\n"));
        assert!(text.contains("mcp_bridge_call_seconds_total{tool=\"a\",outcome=\"ok\"} 0.75\n"));
        assert!(text.contains("{tool=\"a\",outcome=\"not_read_only\"} 1\n"));
        assert!(text.contains("mcp_bridge_sessions{transport=\"sse\"} 2\n"));
    }
}
