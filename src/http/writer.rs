//! Double buffering: a sink's calls run on blocking threads, one at a time, while the next bytes arrive.

use std::{future::pending, mem, panic};

use tokio::task::{JoinHandle, spawn_blocking};

use super::sink::{Sink, SinkError};

/// Owns a sink. Dropped during a call, the call ends by itself and the sink is dropped then.
pub(super) struct Writer<S> {
    state: State<S>,
}

enum State<S> {
    Idle(S),
    Busy(JoinHandle<(S, Result<(), SinkError>)>),
    /// Only within a method, or after one of the sink's calls panicked.
    Away,
}

impl<S: Sink> Writer<S> {
    /// A writer for this sink.
    pub(super) fn new(sink: S) -> Self {
        Self { state: State::Idle(sink) }
    }

    /// Runs a call once the one before it has ended, and waits for its result. The error is that of the call before.
    pub(super) async fn run<T: Send + 'static>(
        &mut self,
        call: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, SinkError> {
        let mut sink = self.rest().await?;
        let (sink, value) = joined(spawn_blocking(move || {
            let value = call(&mut sink);
            (sink, value)
        }))
        .await;
        self.state = State::Idle(sink);
        Ok(value)
    }

    /// Starts a call once the one before it has ended. Its error comes with the next call.
    pub(super) async fn start(
        &mut self,
        call: impl FnOnce(&mut S) -> Result<(), SinkError> + Send + 'static,
    ) -> Result<(), SinkError> {
        let mut sink = self.rest().await?;
        self.state = State::Busy(spawn_blocking(move || {
            let result = call(&mut sink);
            (sink, result)
        }));
        Ok(())
    }

    async fn rest(&mut self) -> Result<S, SinkError> {
        match mem::replace(&mut self.state, State::Away) {
            State::Idle(sink) => Ok(sink),
            State::Busy(call) => {
                let (sink, result) = joined(call).await;
                if let Err(error) = result {
                    self.state = State::Idle(sink);
                    return Err(error);
                }
                Ok(sink)
            }
            State::Away => unreachable!("no method is called after one was dropped or panicked"),
        }
    }
}

async fn joined<T>(call: JoinHandle<T>) -> T {
    match call.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // The runtime is shutting down and drops this future next.
            Err(_) => pending().await,
        },
    }
}
