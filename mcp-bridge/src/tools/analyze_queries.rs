//! `analyze_query_indexes`.

use futures::FutureExt;
use serde_json::json;

use super::analyze::{self, Request};
use super::{Arguments, Context, Definition, Reply, schema};
use crate::error::{Kind, ToolError};

/// Most statements in one call; more are a workload.
const MOST: usize = 10;

pub(super) const TOOL: Definition = Definition {
    name: "analyze_query_indexes",
    title: "Index advice for statements",
    description: "Find the indexes that pay for up to 10 given statements together, as CREATE \
                  INDEX statements with size and gain. Builds nothing.",
    arguments: || {
        let mut arguments = vec![schema::required(
            "queries",
            json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST}),
        )];
        arguments.extend(analyze::arguments());
        arguments
    },
    output: analyze::output,
    heavy: true,
    run: |cx, arguments| run(cx, arguments).boxed(),
};

async fn run(cx: Context, mut arguments: Arguments) -> Result<Reply, ToolError> {
    let queries = arguments.texts("queries")?;
    if queries.is_empty() || queries.len() > MOST {
        return Err(ToolError::new(
            Kind::InvalidArgument,
            format!("\"queries\" has {} elements", queries.len()),
        )
        .with_hint(format!(
            "Give 1 to {MOST} statements; analyze_workload_indexes takes the recorded workload."
        )));
    }
    for query in &queries {
        cx.check_length(query)?;
    }
    let request = Request::new(&mut arguments, Some(queries))?;
    analyze::advise(&cx, request).await
}
