//! stdio: one JSON-RPC message a line.
//!
//! Lines are read here and not by rmcp, because a line that is no message must be answered and not
//! dropped, and because a client that closes its end must end its statements at once.

use std::io;
use std::time::Duration;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::service::{ServerInitializeError, serve_server_with_ct};
use rmcp::transport::stdio_pipes;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::TransportError;
use super::clip::Clip;
use super::linked::Linked;
use super::message::{self, Parsed};
use super::queue::{Ends, Queue};

/// The longest line in bytes; a statement has a limit of its own far below.
const LINE_BYTES: usize = 16 << 20;

/// The room for a line that is kept after one that was longer.
const KEPT_BYTES: usize = 64 << 10;

/// How long the last answers may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves one client over standard input and output until it closes its end, or `shutdown`.
///
/// # Errors
/// When the session breaks by a fault of ours.
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
    let (queue, Ends { messages, answers, own_answers }) =
        Queue::new(gone.clone(), TaskTracker::new());
    let mut writer = tokio::spawn(write(output, answers, gone.clone()));
    // A task of its own sees the end of the input also while nobody takes messages.
    tokio::spawn(read(input, messages, own_answers, gone.clone()));
    let handler = Linked::new(handler, gone.clone());
    let ended = match serve_server_with_ct(handler, queue, shutdown.child_token()).await {
        Ok(running) => running.waiting().await.map(|_| ()).map_err(io::Error::other),
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
            Ok(())
        }
        // The client broke the protocol before it began; it has had its answer where there is one.
        Err(error) => {
            tracing::warn!(%error, "the client did not initialize");
            Ok(())
        }
    };
    gone.cancel();
    if tokio::time::timeout(LAST_WORDS, &mut writer).await.is_err() {
        tracing::debug!("the client does not read its last answers");
        writer.abort();
    }
    Ok(ended?)
}

/// Reads messages until the end of the input, then sets off `gone`.
async fn read<R: AsyncRead + Unpin>(
    input: R,
    messages: mpsc::Sender<ClientJsonRpcMessage>,
    answers: mpsc::Sender<ServerJsonRpcMessage>,
    gone: CancellationToken,
) {
    let mut input = BufReader::with_capacity(KEPT_BYTES, input);
    let mut line = Vec::new();
    loop {
        let read = tokio::select! {
            read = read_line(&mut input, &mut line, LINE_BYTES) => read,
            () = gone.cancelled() => break,
        };
        let parsed = match read {
            Ok(Line::End) => break,
            Ok(Line::Blank) => continue,
            Ok(Line::Text) => message::parse(&line),
            Ok(Line::TooLong(clip)) => Parsed::Rejected(Box::new(clip.answer(LINE_BYTES))),
            Err(error) => {
                tracing::warn!(%error, "standard input cannot be read");
                break;
            }
        };
        line.clear();
        line.shrink_to(KEPT_BYTES);
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
    TooLong(Clip),
    End,
}

/// Reads one line of at most `most` bytes into `line`, without its end.
async fn read_line<R: AsyncRead + Unpin>(
    input: &mut BufReader<R>,
    line: &mut Vec<u8>,
    most: usize,
) -> io::Result<Line> {
    line.clear();
    let mut too_long: Option<Clip> = None;
    loop {
        let part = input.fill_buf().await?;
        let at_end = part.is_empty();
        let end = memchr::memchr(b'\n', part);
        let taken = end.unwrap_or(part.len());
        if too_long.is_none() && line.len() + taken > most {
            let clip = too_long.insert(Clip::default());
            clip.push(line);
            *line = Vec::new();
        }
        match &mut too_long {
            Some(clip) => clip.push(&part[..taken]),
            None => line.extend_from_slice(&part[..taken]),
        }
        input.consume(taken + usize::from(end.is_some()));
        // What has no line end at the end of the input is a line, too.
        if end.is_some() || at_end {
            return Ok(match too_long {
                Some(clip) => Line::TooLong(clip),
                None if line.is_empty() && at_end => Line::End,
                None if line.trim_ascii().is_empty() => Line::Blank,
                None => Line::Text,
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn kinds(input: &[u8]) -> Vec<(char, usize)> {
        let mut reader = BufReader::with_capacity(7, input);
        let mut line = Vec::new();
        let mut kinds = Vec::new();
        loop {
            let kind = match read_line(&mut reader, &mut line, 20).await.unwrap() {
                Line::Text => 't',
                Line::Blank => 'b',
                Line::TooLong(_) => 'l',
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
        let input = [[b'x'; 20].as_slice(), b"\n", &[b'x'; 21], b"\nok\n", &[b'x'; 99]].concat();
        assert_eq!(kinds(&input).await, [('t', 20), ('l', 0), ('t', 2), ('l', 0)]);
    }
}
