//! A write timeout: a connection whose other end takes nothing of what is written for too long ends with an error.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream that fails if its other end takes nothing of what is written for this long.
#[derive(Debug)]
pub(super) struct WriteTimeout<S> {
    stream: S,
    timeout: Duration,
    /// Set while nothing is taken.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    pub(super) fn new(stream: S, timeout: Duration) -> Self {
        Self { stream, timeout, deadline: None }
    }

    fn timed<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(self.timeout)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other end does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.timed(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.timed(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.timed(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[test]
    fn who_does_not_read_is_given_up_and_who_reads_again_in_time_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (accepted, connected) = tokio::join!(listener.accept(), tokio::net::TcpStream::connect(address));
            let (reader, mut stream) =
                (connected.unwrap(), WriteTimeout::new(accepted.unwrap().0, Duration::from_secs(3)));
            let piece = vec![0; 256 << 10];
            let mut fill = async || loop {
                let written = poll_fn(|context| Pin::new(&mut stream).poll_write(context, &piece));
                if let Err(error) = written.await {
                    break error.kind();
                }
            };
            let read = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let mut taken = 0;
                let mut buffer = vec![0; 1 << 20];
                while taken < 16 << 20 {
                    reader.readable().await.unwrap();
                    taken += reader.try_read(&mut buffer).unwrap_or_default();
                }
                taken
            };
            // Without end, were the writer given up too early.
            let read = tokio::time::timeout(Duration::from_mins(2), read);
            let (kind, taken) = tokio::join!(fill(), read);
            let taken = taken.expect("it goes on writing");
            assert!(taken >= 16 << 20, "{taken}: a pause is no end");
            assert_eq!(kind, io::ErrorKind::TimedOut);
        });
    }
}
