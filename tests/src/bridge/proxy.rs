//! A way to the server's Unix socket over TCP that can be cut and mended.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

/// Listens on a port of 127.0.0.1; ends with the process.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_cut: bool,
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Leads to the server whose socket is in `folder`.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(folder: &Path) -> Result<Self> {
        let socket = folder.join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").context("listen")?;
        let port = listener.local_addr()?.port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                // Without a copy of the connection it could not be cut.
                if let (false, Ok(copy)) = (state.is_cut, client.try_clone()) {
                    state.open.push(copy);
                    let socket = socket.clone();
                    thread::spawn(move || relay(client, &socket));
                }
            }
        });
        Ok(Self { port, state })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections, and from now on each new one at once.
    pub fn cut(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_cut = true;
        for connection in state.open.drain(..) {
            // It may be closed already.
            drop(connection.shutdown(Shutdown::Both));
        }
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_cut = false;
    }
}

/// Copies in both directions until one side closes. An error is such an end, too.
fn relay(client: TcpStream, socket: &PathBuf) {
    let (Ok(server), Ok(mut from_client)) = (UnixStream::connect(socket), client.try_clone())
    else {
        return;
    };
    let Ok(mut to_server) = server.try_clone() else { return };
    let upward = thread::spawn(move || {
        drop(copy(&mut from_client, &mut to_server));
        drop(to_server.shutdown(Shutdown::Both));
    });
    let (mut from_server, mut to_client) = (server, client);
    drop(copy(&mut from_server, &mut to_client));
    drop(to_client.shutdown(Shutdown::Both));
    drop(upward.join());
}
