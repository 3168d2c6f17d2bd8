//! All routes, with the one layer before them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use rmcp::handler::server::ServerHandler;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::{self, Access, PROBES};
use super::sessions::Sessions;
use super::sse::{self, SseSessions};
use super::streamable::{self, Streamable};
use super::{HttpOptions, TransportError};

/// Where Streamable HTTP is served.
const STREAMABLE: &str = "/mcp";

/// Where clients of HTTP+SSE send their messages.
const MESSAGES: &str = "/messages";

/// Where the counters are.
const METRICS: &str = "/metrics";

/// How long an answer to whether the process is ready is good for: probes are to be cheap.
const READY_FOR: Duration = Duration::from_secs(5);

/// What tells whether the process can do its work; the error is for the log.
pub type Readiness =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Refuses a path for HTTP+SSE that is none, or that is taken.
pub(super) fn check_paths(options: &HttpOptions) -> Result<(), TransportError> {
    let path = options.sse_path.as_str();
    let plain = path.starts_with('/')
        && path.len() > 1
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte));
    let taken = [STREAMABLE, MESSAGES, METRICS].iter().chain(&PROBES);
    if plain && taken.into_iter().all(|taken| path.trim_end_matches('/') != *taken) {
        return Ok(());
    }
    Err(TransportError::Settings(format!(
        "{path} cannot be the path of HTTP+SSE: it must begin with a slash, have only letters, \
         digits and -_.~/, and not be one of the other paths"
    )))
}

/// All routes. `ending` ends their streams; `calls` has a token of each request that is not yet
/// answered.
pub(super) fn router<H: ServerHandler + Clone>(
    handler: H,
    options: &HttpOptions,
    ready: Readiness,
    ending: &CancellationToken,
    calls: &TaskTracker,
) -> (Router, Sessions) {
    let sse = Arc::new(SseSessions::new(handler.clone(), options, ending, calls));
    let streamable = Arc::new(Streamable::new(handler, options, ending, calls));
    let sessions = streamable.sessions.clone();
    let [alive, readiness] = PROBES;
    let mut router = Router::new()
        .route(alive, get(|| async { "ok\n" }))
        .merge(
            Router::new()
                .route(readiness, get(readyz))
                .with_state(Arc::new(Ready { ready, last: Mutex::default() })),
        )
        .merge(
            Router::new()
                .route(STREAMABLE, any(streamable::handle::<H>))
                .route(&format!("{STREAMABLE}/"), any(streamable::handle::<H>))
                .with_state(streamable),
        )
        .merge(
            Router::new()
                .route(&options.sse_path, get(sse::open::<H>))
                .route(MESSAGES, post(sse::post::<H>))
                .route(&format!("{MESSAGES}/"), post(sse::post::<H>))
                .with_state(Arc::clone(&sse)),
        );
    if options.metrics {
        let sessions = sessions.clone();
        let metrics = move || async move {
            let open = [("sse", sse.count()), ("streamable_http", sessions.count())];
            let text = crate::metrics::METRICS.render(&open);
            ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
        };
        router = router.route(METRICS, get(metrics));
    }
    let access = Arc::new(Access::new(options));
    (router.layer(middleware::from_fn_with_state(access, access::check)), sessions)
}

/// Whether the process is ready, and when that was asked.
struct Ready {
    ready: Readiness,
    last: Mutex<Option<(Instant, bool)>>,
}

async fn readyz(State(state): State<Arc<Ready>>) -> Response {
    // Held while the question is asked: those who come meanwhile get the same answer.
    let mut last = state.last.lock().await;
    let known = last.filter(|(asked, _)| asked.elapsed() < READY_FOR).map(|(_, ready)| ready);
    let ready = match known {
        Some(ready) => ready,
        None => {
            let outcome = (state.ready)().await;
            if let Err(why) = &outcome {
                tracing::warn!(why, "not ready");
            }
            *last = Some((Instant::now(), outcome.is_ok()));
            outcome.is_ok()
        }
    };
    if ready {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "a database cannot be reached\n").into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_sse_is_a_path_of_its_own() {
        let check = |path: &str| {
            let mut options = HttpOptions::new("");
            path.clone_into(&mut options.sse_path);
            check_paths(&options).is_ok()
        };
        for path in ["/sse", "/a/b", "/mcp/sse", "/sse/"] {
            assert!(check(path), "{path}");
        }
        for path in ["", "/", "sse", "/mcp", "/mcp/", "/messages", "/healthz", "/{a}", "/a b", "/*"]
        {
            assert!(!check(path), "{path}");
        }
    }
}
