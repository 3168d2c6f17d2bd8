//! HTTP by hand: requests that no client library would send, and streams that nobody reads.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long the other side may be silent.
const LIMIT: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body; of an answer without a length, what came until the other side closed.
    pub body: String,
}

/// A request with the connection closed behind it.
///
/// # Errors
/// When there is no answer.
pub fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer> {
    let mut stream = connect(address)?;
    let head = head(address, method, path, headers, Some(body.len()));
    stream.write_all(head.as_bytes())?;
    // A server that refuses a large body answers before it has read it, and closes.
    if let Err(error) = stream.write_all(body)
        && !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
    {
        return Err(error.into());
    }
    let mut reader = BufReader::new(stream);
    let (status, headers) = read_head(&mut reader)?;
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(u64::MAX);
    let mut body = Vec::new();
    // Not every server closes behind its answer, asked to or not.
    if let Err(error) = reader.take(length).read_to_end(&mut body)
        && error.kind() != ErrorKind::ConnectionReset
    {
        return Err(error.into());
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer { status, headers, body })
}

/// Posts JSON as the clients of Streamable HTTP do.
///
/// # Errors
/// When there is no answer.
pub fn post_json(address: &str, path: &str, body: &[u8]) -> Result<Answer> {
    let headers =
        [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    request(address, "POST", path, &headers, body)
}

/// An open stream of server-sent events.
#[derive(Debug)]
pub struct Events {
    reader: BufReader<TcpStream>,
    chunked: bool,
}

impl Events {
    /// Opens the stream at `path`.
    ///
    /// # Errors
    /// When the answer is not 200; the message has it.
    pub fn open(address: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let mut stream = connect(address)?;
        let mut all = vec![("Accept", "text/event-stream")];
        all.extend_from_slice(headers);
        stream.write_all(head(address, "GET", path, &all, None).as_bytes())?;
        let mut reader = BufReader::new(stream);
        let (status, headers) = read_head(&mut reader)?;
        if status != 200 {
            bail!("GET {path}: status {status}");
        }
        let chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value.contains("chunked"));
        Ok(Self { reader, chunked })
    }

    /// Name and data of the next event; comments are skipped.
    ///
    /// # Errors
    /// When the stream ends, or nothing comes for a long time.
    pub fn next_event(&mut self) -> Result<(String, String)> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let line = self.line()?;
            if line.is_empty() && !data.is_empty() {
                return Ok((name, data));
            }
            if let Some(value) = line.strip_prefix("event:") {
                value.trim().clone_into(&mut name);
            } else if let Some(value) = line.strip_prefix("data:") {
                data.push_str(value.trim_start());
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        loop {
            let mut line = String::new();
            let bytes = self.reader.read_line(&mut line)?;
            if bytes == 0 {
                bail!("the stream ended");
            }
            let line = line.trim_end_matches(['\r', '\n']);
            // Every event is a chunk of its own here; its size is a line of hexadecimal digits.
            let is_size = self.chunked && !line.is_empty() && is_hex(line);
            if !is_size {
                return Ok(line.to_owned());
            }
        }
    }
}

fn is_hex(line: &str) -> bool {
    line.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

fn head(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    length: Option<usize>,
) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        head.push_str(&format!("Content-Length: {length}\r\nConnection: close\r\n"));
    }
    head.push_str("\r\n");
    head
}

fn read_head(reader: &mut impl BufRead) -> Result<(u16, Vec<(String, String)>)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.with_context(|| format!("no HTTP answer but {line:?}"))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_lowercase(), value.trim().to_owned()));
            }
            None => return Ok((status, headers)),
        }
    }
}
