//! Sessions of Streamable HTTP: how many there are, and whose they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use super::{HttpOptions, Principal};

/// Who opened which session.
pub(super) struct Owners {
    pub(super) manager: Arc<LocalSessionManager>,
    owners: Mutex<HashMap<String, Option<Principal>>>,
    most: usize,
}

impl Owners {
    pub(super) fn new(options: &HttpOptions) -> Self {
        let mut manager = LocalSessionManager::default();
        manager.session_config.keep_alive = Some(options.session_idle);
        manager.session_config.init_timeout = Some(options.init_timeout);
        Self {
            manager: Arc::new(manager),
            owners: Mutex::default(),
            most: options.max_sessions,
        }
    }

    /// Sessions that are open.
    pub(super) async fn count(&self) -> usize {
        self.manager.sessions.read().await.len()
    }

    /// Whether there is no room for another one.
    pub(super) async fn is_full(&self) -> bool {
        self.count().await >= self.most
    }

    /// Notes who opened a session, and forgets those that are gone.
    pub(super) async fn opened(&self, id: &str, principal: Option<Principal>) {
        let open = self.manager.sessions.read().await;
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.retain(|known, _| open.contains_key(known.as_str()));
        owners.insert(id.to_owned(), principal);
    }

    /// Whether a session is somebody else's.
    pub(super) fn is_foreign(&self, id: &str, principal: Option<&Principal>) -> bool {
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.get(id).is_some_and(|owner| owner.as_ref() != principal)
    }
}
