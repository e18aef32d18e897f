//! One connection: requests in, replies out, as HTTP/1.1 writes them (RFC 9112).

use std::{
    fmt::Write as _,
    io::{self, Read, Write as _},
    net::TcpStream,
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

use crate::{
    Request, Shared,
    reply::{End, Framing, Reply},
};

/// No client's request has a longer head.
const MAX_HEAD: usize = 64 << 10;

/// Answers a connection's requests until it is closed. Any error means that it is.
pub(crate) fn serve(shared: &Shared, id: usize, stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; MAX_HEAD];
    while let Some(request) = read_head(stream, &mut buffer)? {
        let (place, request, reply) = shared.reply_to(Request { connection: id, ..request });
        if !reply.delay.is_zero() {
            thread::sleep(reply.delay);
        }
        let closes = shared.closes_each.load(Ordering::Relaxed)
            || request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
            || matches!(reply.framing, Framing::UntilClosed | Framing::FalseLength(_));
        let (status, body, range) = part(&request, &reply);
        let head = head(&reply, status, body.len(), range.as_deref(), closes);
        shared.note(place, |request| request.status = status);
        let mut out = stream;
        out.write_all(head.as_bytes())?;
        let end = reply.end.filter(|&(bytes, _)| bytes <= body.len());
        let body = &body[..end.map_or(body.len(), |(bytes, _)| bytes)];
        send(shared, place, stream, &reply, body)?;
        match end.map(|(_, end)| end) {
            // What is left unread makes the system send a reset.
            Some(End::Reset) => return Ok(()),
            Some(End::Close) => return finish_head(stream),
            Some(End::Stall) => return stall(stream),
            None => {}
        }
        finish_head(stream)?;
        if matches!(reply.framing, Framing::Chunked) {
            out.write_all(b"0\r\n\r\n")?;
        }
        shared.note(place, |request| request.is_complete = !matches!(reply.framing, Framing::FalseLength(_)));
        if closes {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads a request's head, all but its last byte; `None` if the connection is closed before one begins.
fn read_head(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<Request>> {
    let mut seen = 0;
    let end = loop {
        let available = stream.peek(buffer)?;
        if let Some(end) = buffer[..available].windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if available == 0 || available == buffer.len() {
            return Ok(None);
        }
        if available == seen {
            // Peeking does not wait for more than there is.
            thread::sleep(Duration::from_millis(1));
        }
        seen = available;
    };
    let mut input = stream;
    input.read_exact(&mut buffer[..end + 3])?;
    let text = str::from_utf8(&buffer[..end]).map_err(io::Error::other)?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let request = Request { method, path: path.to_owned(), query: query.to_owned(), headers, ..Request::default() };
    let len = request.header("content-length").and_then(|len| len.parse().ok()).unwrap_or(0);
    let body = read_body(stream, len)?;
    Ok(Some(Request { body, ..request }))
}

/// Reads a body but for its last byte, which stays for [`finish_head`], and is seen all the same.
fn read_body(mut stream: &TcpStream, len: usize) -> io::Result<Vec<u8>> {
    if len == 0 {
        return Ok(Vec::new());
    }
    stream.read_exact(&mut [0])?;
    let mut body = vec![0; len];
    stream.read_exact(&mut body[..len - 1])?;
    if stream.peek(&mut body[len - 1..])? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

/// Reads the byte that [`read_head`] left.
fn finish_head(mut stream: &TcpStream) -> io::Result<()> {
    stream.read_exact(&mut [0])
}

/// Waits until the client closes the connection.
fn stall(mut stream: &TcpStream) -> io::Result<()> {
    finish_head(stream)?;
    while stream.read(&mut [0; 64])? > 0 {}
    Ok(())
}

/// The status, the bytes and the `Content-Range` of an answer.
fn part<'a>(request: &Request, reply: &'a Reply) -> (u16, &'a [u8], Option<String>) {
    let whole = (reply.status, &reply.body[..], None);
    if reply.status != 200 || reply.ignores_range {
        return whole;
    }
    let is_other = |condition: &str| {
        reply.header_value("etag") != Some(condition) && reply.header_value("last-modified") != Some(condition)
    };
    if request.header("if-range").is_some_and(is_other) {
        return whole;
    }
    let total = reply.body.len();
    let Some((first, last)) = request.header("range").and_then(|range| asked(range, total)) else { return whole };
    let (status, bytes, range) = if first >= total {
        (416, &[][..], format!("bytes */{total}"))
    } else {
        let last = last.unwrap_or(usize::MAX).min(total - 1);
        (206, &reply.body[first..=last], format!("bytes {first}-{last}/{total}"))
    };
    (status, bytes, Some(reply.content_range.clone().unwrap_or(range)))
}

fn asked(range: &str, total: usize) -> Option<(usize, Option<usize>)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        return Some((total.saturating_sub(last.parse().ok()?), None));
    }
    let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
    Some((first.parse().ok()?, last))
}

fn head(reply: &Reply, status: u16, length: usize, range: Option<&str>, closes: bool) -> String {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reply.phrase);
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        write!(head, "{name}: {value}\r\n").expect("writing to a String cannot fail");
    };
    for (name, value) in &reply.headers {
        line(name, value);
    }
    if let Some(range) = range {
        line("content-range", &range);
    }
    match reply.framing {
        Framing::Length => line("content-length", &length),
        Framing::FalseLength(length) => line("content-length", &length),
        Framing::Chunked => line("transfer-encoding", &"chunked"),
        Framing::UntilClosed => {}
    }
    if closes {
        line("connection", &"close");
    }
    head.push_str("\r\n");
    head
}

fn send(shared: &Shared, place: usize, mut stream: &TcpStream, reply: &Reply, body: &[u8]) -> io::Result<()> {
    let (size, pause) = reply.trickle.unwrap_or((256 << 10, Duration::ZERO));
    for (position, piece) in body.chunks(size).enumerate() {
        if position > 0 && !pause.is_zero() {
            thread::sleep(pause);
        }
        if matches!(reply.framing, Framing::Chunked) {
            write!(stream, "{:x}\r\n", piece.len())?;
            stream.write_all(piece)?;
            stream.write_all(b"\r\n")?;
        } else {
            stream.write_all(piece)?;
        }
        shared.note(place, |request| request.sent += piece.len() as u64);
    }
    Ok(())
}
