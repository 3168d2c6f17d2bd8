//! stdio: one JSON-RPC message a line.
//!
//! Lines are read here and not by rmcp, because a line that is no message must be answered and not
//! dropped, and because a client that closes its end must end its statements at once.

use std::io;
use std::time::Duration;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ServerJsonRpcMessage};
use rmcp::service::{RoleServer, ServerInitializeError, serve_server_with_ct};
use rmcp::transport::{Transport, stdio_pipes};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::TransportError;
use super::linked::Linked;
use super::message::{self, Parsed};

/// The longest line in bytes; a statement has a limit of its own far below.
const LINE_BYTES: usize = 4 << 20;

/// Messages that wait for a client that reads slowly. Then whoever sends waits.
const WAITING: usize = 64;

/// How long the last answers may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves one client over standard input and output until it closes its end, or `shutdown`.
///
/// # Errors
/// When reading or writing breaks.
pub async fn stdio<H: ServerHandler>(
    handler: H,
    shutdown: CancellationToken,
) -> Result<(), TransportError> {
    let (input, output) = stdio_pipes();
    serve_lines(handler, input, output, shutdown).await
}

/// As [`stdio`], over any pair of streams.
///
/// # Errors
/// As [`stdio`].
pub async fn serve_lines<H, R, W>(
    handler: H,
    input: R,
    output: W,
    shutdown: CancellationToken,
) -> Result<(), TransportError>
where
    H: ServerHandler,
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let gone = shutdown.child_token();
    let lines = Lines::start(input, output, gone.clone());
    let running =
        serve_server_with_ct(Linked::new(handler, gone.clone()), lines, shutdown.clone()).await;
    match running {
        Ok(running) => {
            running.waiting().await.map_err(io::Error::other)?;
            Ok(())
        }
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => Ok(()),
        // The client broke the protocol before it began; it has had its answer where there is one.
        Err(error) => {
            tracing::warn!(%error, "the client did not initialize");
            Ok(())
        }
    }
}

/// Lines in, lines out.
struct Lines {
    incoming: mpsc::Receiver<ClientJsonRpcMessage>,
    outgoing: Option<mpsc::Sender<ServerJsonRpcMessage>>,
    writer: Option<JoinHandle<()>>,
}

impl Lines {
    fn start<R, W>(input: R, output: W, gone: CancellationToken) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (outgoing, answers) = mpsc::channel(WAITING);
        let (messages, incoming) = mpsc::channel(WAITING);
        let writer = tokio::spawn(write(output, answers, gone.clone()));
        // A task of its own sees the end of the input also while nobody takes messages.
        tokio::spawn(read(input, messages, outgoing.clone(), gone));
        Self { incoming, outgoing: Some(outgoing), writer: Some(writer) }
    }
}

/// Reads messages until the end of the input, then sets off `gone`.
async fn read<R: AsyncRead + Unpin>(
    input: R,
    messages: mpsc::Sender<ClientJsonRpcMessage>,
    answers: mpsc::Sender<ServerJsonRpcMessage>,
    gone: CancellationToken,
) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        let read = tokio::select! {
            read = read_line(&mut input, &mut line) => read,
            () = gone.cancelled() => break,
        };
        let parsed = match read {
            Ok(Line::End) => break,
            Ok(Line::Blank) => continue,
            Ok(Line::Text) => message::parse(&line),
            Ok(Line::TooLong) => Parsed::Rejected(Box::new(message::error(
                ErrorCode::INVALID_REQUEST,
                format!("the message has more than {LINE_BYTES} bytes"),
                None,
            ))),
            Err(error) => {
                tracing::warn!(%error, "standard input cannot be read");
                break;
            }
        };
        let delivered = match parsed {
            Parsed::Message(message) => messages.send(*message).await.is_ok(),
            Parsed::Ignored => true,
            Parsed::Rejected(answer) => answers.send(*answer).await.is_ok(),
        };
        if !delivered {
            break;
        }
    }
    gone.cancel();
}

/// What a line is.
enum Line {
    Text,
    Blank,
    TooLong,
    End,
}

/// Reads one line into `line`, without its end. Of a line that is too long nothing is kept.
async fn read_line<R: AsyncRead + Unpin>(
    input: &mut BufReader<R>,
    line: &mut Vec<u8>,
) -> io::Result<Line> {
    line.clear();
    let mut too_long = false;
    loop {
        let part = input.fill_buf().await?;
        if part.is_empty() {
            // What has no line end at the end of the input is a line, too.
            return Ok(if too_long {
                Line::TooLong
            } else if line.is_empty() {
                Line::End
            } else {
                Line::Text
            });
        }
        let end = part.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(part.len());
        if too_long || line.len() + taken > LINE_BYTES {
            too_long = true;
            line.clear();
            line.shrink_to(0);
        } else {
            line.extend_from_slice(&part[..taken]);
        }
        input.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(if too_long {
                Line::TooLong
            } else if line.trim_ascii().is_empty() {
                Line::Blank
            } else {
                Line::Text
            });
        }
    }
}

/// Writes answers until there are no more.
async fn write<W: AsyncWrite + Unpin>(
    mut output: W,
    mut answers: mpsc::Receiver<ServerJsonRpcMessage>,
    gone: CancellationToken,
) {
    while let Some(answer) = answers.recv().await {
        let written = async {
            let mut line = serde_json::to_vec(&answer).map_err(io::Error::other)?;
            line.push(b'\n');
            output.write_all(&line).await?;
            output.flush().await
        };
        if let Err(error) = written.await {
            // The client does not read any more, so nothing that runs is wanted.
            tracing::debug!(%error, "standard output cannot be written");
            gone.cancel();
            return;
        }
    }
}

impl Transport<RoleServer> for Lines {
    type Error = io::Error;

    fn send(
        &mut self,
        item: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let outgoing = self.outgoing.clone();
        async move {
            match outgoing {
                Some(outgoing) => outgoing.send(item).await.map_err(|_| closed()),
                None => Err(closed()),
            }
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.incoming.recv().await
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.incoming.close();
        self.outgoing = None;
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let stop = writer.abort_handle();
        if tokio::time::timeout(LAST_WORDS, writer).await.is_err() {
            stop.abort();
        }
        Ok(())
    }
}

fn closed() -> io::Error {
    io::Error::from(io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn kinds(input: &[u8]) -> Vec<(char, usize)> {
        let mut reader = BufReader::with_capacity(7, input);
        let mut line = Vec::new();
        let mut kinds = Vec::new();
        loop {
            let kind = match read_line(&mut reader, &mut line).await.unwrap() {
                Line::Text => 't',
                Line::Blank => 'b',
                Line::TooLong => 'l',
                Line::End => return kinds,
            };
            kinds.push((kind, line.len()));
        }
    }

    #[tokio::test]
    async fn lines_are_cut_at_line_ends() {
        assert_eq!(kinds(b"abc\n\n  \r\nxyz").await, [('t', 3), ('b', 0), ('b', 3), ('t', 3)]);
        assert_eq!(kinds(b"").await, []);
    }

    #[tokio::test]
    async fn a_long_line_is_not_kept_and_the_next_is_read() {
        let mut input = vec![b'x'; LINE_BYTES + 1];
        input.extend_from_slice(b"\nok\n");
        assert_eq!(kinds(&input).await, [('l', 0), ('t', 2)]);
    }
}
