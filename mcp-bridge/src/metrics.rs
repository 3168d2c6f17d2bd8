//! What the process has done, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The process's counters.
pub static METRICS: Metrics = Metrics { calls: Mutex::new(BTreeMap::new()) };

/// Counters of tool calls.
#[derive(Debug)]
pub struct Metrics {
    calls: Mutex<BTreeMap<(&'static str, &'static str), Calls>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Calls {
    count: u64,
    seconds: f64,
}

impl Metrics {
    /// Counts a call of a tool that took so long and ended so.
    pub fn called(&self, tool: &'static str, outcome: &'static str, took: Duration) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = calls.entry((tool, outcome)).or_default();
        entry.count += 1;
        entry.seconds += took.as_secs_f64();
    }

    /// The text exposition format; `sessions` are those open now, by transport.
    #[must_use]
    pub fn render(&self, sessions: &[(&str, usize)]) -> String {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::from("# TYPE mcp_bridge_calls_total counter\n");
        // Writing to a string cannot fail.
        for ((tool, outcome), calls) in &calls {
            let _ = writeln!(
                text,
                "mcp_bridge_calls_total{{tool=\"{tool}\",outcome=\"{outcome}\"}} {}",
                calls.count
            );
        }
        text.push_str("# TYPE mcp_bridge_call_seconds_total counter\n");
        for ((tool, outcome), calls) in &calls {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_tool_and_outcome() {
        let metrics = Metrics { calls: Mutex::default() };
        metrics.called("a", "ok", Duration::from_millis(500));
        metrics.called("a", "ok", Duration::from_millis(250));
        metrics.called("a", "timeout", Duration::from_secs(1));
        let text = metrics.render(&[("sse", 2)]);
        assert!(text.contains("mcp_bridge_calls_total{tool=\"a\",outcome=\"ok\"} 2\n"));
        assert!(text.contains("mcp_bridge_call_seconds_total{tool=\"a\",outcome=\"ok\"} 0.75\n"));
        assert!(text.contains("mcp_bridge_sessions{transport=\"sse\"} 2\n"));
    }
}
