//! Progress of an analysis, from the server's notices to the client's notifications.

use std::time::Duration;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext, RoleServer};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio_postgres::error::DbError;

use crate::db::NoticeSink;

/// The message of the notices that report progress; their DETAIL is a JSON object.
const MESSAGE: &str = "progress";

/// Least time between two notifications.
const INTERVAL: Duration = Duration::from_millis(250);

/// How long a client may take to accept one; then it is dropped. Progress is never worth waiting for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends what the server reports to the client, until it is dropped.
pub(crate) struct Reporter {
    sink: NoticeSink,
}

impl Reporter {
    /// Starts reporting, if the client gave a token for it.
    pub(crate) fn start(context: &RequestContext<RoleServer>) -> Option<Self> {
        let token = context.meta.get_progress_token()?;
        let (sink, mut notices) = mpsc::unbounded_channel::<DbError>();
        let (latest, reports) = watch::channel(None);
        // Two tasks: a client that takes its time must not make notices pile up.
        tokio::spawn(async move {
            while let Some(notice) = notices.recv().await {
                if let Some(report) = read(&notice) {
                    latest.send_replace(Some(report));
                }
            }
        });
        tokio::spawn(forward(context.peer.clone(), token, reports));
        Some(Self { sink })
    }

    /// Where a connection puts its notices.
    pub(crate) fn sink(&self) -> NoticeSink {
        self.sink.clone()
    }
}

async fn forward(
    peer: Peer<RoleServer>,
    token: ProgressToken,
    mut reports: watch::Receiver<Option<String>>,
) {
    // The protocol asks for a number that grows. What the phases count does not: they differ.
    let mut step = 0.0;
    while reports.changed().await.is_ok() {
        let Some(message) = reports.borrow_and_update().clone() else { continue };
        step += 1.0;
        let notification =
            ProgressNotificationParam::new(token.clone(), step).with_message(message);
        let sent = tokio::time::timeout(PATIENCE, peer.notify_progress(notification)).await;
        if let Ok(Err(error)) = sent {
            tracing::debug!(%error, "the client takes no progress");
            return;
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn read(notice: &DbError) -> Option<String> {
    if notice.message() != MESSAGE {
        return None;
    }
    match serde_json::from_str(notice.detail()?) {
        Ok(Value::Object(report)) => Some(words(&report)),
        _ => None,
    }
}

/// `searching: 22 of 22 statements, 840 planner calls, 3 rounds, best improvement 93 %`.
fn words(report: &Map<String, Value>) -> String {
    let number = |key: &str| report.get(key).and_then(Value::as_f64);
    let phase = report.get("phase").and_then(Value::as_str).unwrap_or("working");
    let mut parts = Vec::new();
    match (number("done"), number("total")) {
        (Some(done), Some(total)) => {
            parts.push(format!("{done:.0} of {total:.0} statements"));
        }
        (Some(done), None) => parts.push(format!("{done:.0} statements")),
        _ => {}
    }
    for (key, noun) in [("calls", "planner calls"), ("rounds", "rounds")] {
        if let Some(count) = number(key).filter(|count| *count > 0.0) {
            parts.push(format!("{count:.0} {noun}"));
        }
    }
    if let Some(share) = number("best_improvement") {
        parts.push(format!("best improvement {:.0} %", share * 100.0));
    }
    if parts.is_empty() { phase.to_owned() } else { format!("{phase}: {}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(report: &Value) -> String {
        words(report.as_object().unwrap())
    }

    #[test]
    fn reports_read_as_a_line() {
        assert_eq!(
            said(&json!({
                "phase": "searching", "done": 22, "total": 22, "calls": 840, "rounds": 3,
                "cost_before": 10.0, "cost_best": 0.7, "best_improvement": 0.93,
            })),
            "searching: 22 of 22 statements, 840 planner calls, 3 rounds, best improvement 93 %"
        );
        assert_eq!(said(&json!({"phase": "reading"})), "reading");
    }
}
