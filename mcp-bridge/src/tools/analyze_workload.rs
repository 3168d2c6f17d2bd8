//! `analyze_workload_indexes`.

use futures::FutureExt;

use super::analyze::{self, Request};
use super::{Arguments, Context, Definition, Reply};
use crate::error::ToolError;

pub(super) const TOOL: Definition = Definition {
    name: "analyze_workload_indexes",
    title: "Index advice for the workload",
    description: "Find the indexes that pay for the workload recorded by pg_stat_statements, as \
                  CREATE INDEX statements with size and gain. Builds nothing.",
    arguments: analyze::arguments,
    output: analyze::output,
    heavy: true,
    run: |cx, arguments| run(cx, arguments).boxed(),
};

async fn run(cx: Context, mut arguments: Arguments) -> Result<Reply, ToolError> {
    let request = Request::new(&mut arguments, None)?;
    analyze::advise(&cx, request).await
}
