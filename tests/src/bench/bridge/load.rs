//! Calls a second and how long each takes, by transport, tool and number of clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use super::client::{Call, Client, Transport};
use super::reference::Reference;
use super::{MOST_CLIENTS, one_value};
use crate::bench::Bench;
use crate::program::Table;

const CLIENTS: [usize; 3] = [1, 8, MOST_CLIENTS];

/// With more clients, a call to the reference takes longer than the window.
const REFERENCE_CLIENTS: [usize; 2] = [1, 8];

/// Calls are made for this long before they are counted: pools fill, caches are read.
const WARM_UP: Duration = Duration::from_millis(500);

/// Calls are counted for this long.
const WINDOW: Duration = Duration::from_secs(3);

/// What is called.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// The least that goes through the guard and the database: a number that is asked once.
    Select,
    /// A tool that reads the catalogue.
    Objects,
}

impl Task {
    const fn name(self) -> &'static str {
        match self {
            Self::Select => "execute_sql",
            Self::Objects => "list_objects",
        }
    }

    fn call(self, value: &str) -> Call {
        match self {
            Self::Select => one_value(value),
            Self::Objects => {
                Call { tool: "list_objects", arguments: json!({"schema_name": "public"}) }
            }
        }
    }

    /// What is asked for must be in the answer.
    fn check(self, value: &str, answer: &Value) -> Result<()> {
        let expected = match self {
            Self::Select => value,
            Self::Objects => "orders",
        };
        let failed = answer.pointer("/result/isError").and_then(Value::as_bool) == Some(true);
        let text = answer.pointer("/result/content/0/text").and_then(Value::as_str);
        let good = !failed && text.is_some_and(|text| text.contains(expected));
        ensure!(good, "{}: {answer}", self.name());
        Ok(())
    }
}

/// How long the calls of the window took, in order of time.
struct Latencies(Vec<Duration>);

impl Latencies {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn a_second(&self) -> f64 {
        self.0.len() as f64 / WINDOW.as_secs_f64()
    }

    /// The time that this share of the calls did not exceed.
    fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

pub(super) fn measure(
    bench: &mut Bench<'_>,
    runtime: &Runtime,
    address: &str,
    uri: &str,
) -> Result<()> {
    bench.progress.part("mcp-bridge over HTTP: each client calls again as soon as it is answered");
    let mut table = Table::new(&["transport", "tool", "clients", "calls/s", "p50", "p99"]);
    for transport in Transport::ALL {
        rows(&mut table, runtime, transport, &CLIENTS, address, transport.name())?;
    }
    // Not compared: it is here to show what load its users are used to.
    let reference = Reference::find();
    let name = format!("{}, {}", reference.title(), Transport::Sse.name());
    match reference.serve(uri)? {
        Ok(served) => {
            let address = served.address();
            rows(&mut table, runtime, Transport::Sse, &REFERENCE_CLIENTS, address, &name)?;
        }
        Err(why) => bench.progress.line(&format!("{}: {why}", reference.title())),
    }
    crate::bench::print(&table);
    Ok(())
}

/// Measures what one transport does.
fn rows(
    table: &mut Table,
    runtime: &Runtime,
    transport: Transport,
    clients: &[usize],
    address: &str,
    name: &str,
) -> Result<()> {
    for task in [Task::Select, Task::Objects] {
        for &clients in clients {
            let times = runtime.block_on(load(transport, task, clients, address));
            let times = times.with_context(|| format!("{name}: {clients}"))?;
            let ms = |share| format!("{:.2} ms", times.quantile(share).as_secs_f64() * 1e3);
            table.row(&[
                name.to_owned(),
                task.name().to_owned(),
                clients.to_string(),
                format!("{:.0}", times.a_second()),
                ms(0.5),
                ms(0.99),
            ]);
        }
    }
    Ok(())
}

async fn load(
    transport: Transport,
    task: Task,
    clients: usize,
    address: &str,
) -> Result<Latencies> {
    let ready = Arc::new(Barrier::new(clients));
    let tasks = (0..clients).map(|number| {
        let (ready, address) = (Arc::clone(&ready), address.to_owned());
        async move {
            let calls = async move {
                // Who cannot connect must not keep the others waiting, and fails later.
                let client = Client::connect(transport, &address, 1).await;
                ready.wait().await;
                call_until_the_end(client?, task, number).await
            };
            tokio::spawn(calls).await.context("a client panicked")?
        }
    });
    let times = try_join_all(tasks).await?;
    Ok(Latencies::of(times.into_iter().flatten().collect()))
}

/// Calls all the time; times of the calls that ended within the window.
async fn call_until_the_end(
    mut client: Client,
    task: Task,
    number: usize,
) -> Result<Vec<Duration>> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + WINDOW;
    let mut times = Vec::new();
    for round in 0_usize.. {
        let value = format!("client {number} call {round}.");
        let call = [task.call(&value)];
        let sent = Instant::now();
        let answers = client.call(&call).await?;
        let now = Instant::now();
        if now >= end {
            break;
        }
        if now >= begin {
            times.push(now - sent);
        }
        task.check(&value, answers.first().context("no answer")?)?;
    }
    client.close().await?;
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_seen() {
        let times = Latencies::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(times.quantile(0.5), Duration::from_millis(100));
        assert_eq!(times.quantile(0.99), Duration::from_millis(198));
        assert_eq!(times.quantile(1.0), Duration::from_millis(200));
        assert_eq!(Latencies::of(Vec::new()).quantile(0.5), Duration::ZERO);
    }
}
