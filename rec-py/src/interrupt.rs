//! Long work beside a Python thread that keeps listening for Ctrl-C.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use pyo3::prelude::*;
use rec_core::Result;
use rec_models::fit::Cancel;

use crate::errors::{OrRaise, internal};

/// How often the waiting thread looks for signals.
const POLL: Duration = Duration::from_millis(50);

/// Runs `work` on a thread of its own with the GIL released. Ctrl-C sets the flag that `work` is
/// given; its signal handler's exception is raised once the work has stopped.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Cancel) -> Result<T> + Send,
) -> PyResult<T> {
    let cancel = Cancel::default();
    let (outcome, signal) = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, finished) = channel();
            let worker = scope.spawn({
                let cancel = &cancel;
                move || {
                    let result = work(cancel);
                    // The receiver outlives this thread, so sending cannot fail.
                    let _ = done.send(());
                    result
                }
            });
            let mut signal = None;
            while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(POLL) {
                if signal.is_none()
                    && let Err(raised) = Python::attach(|py| py.check_signals())
                {
                    cancel.cancel();
                    signal = Some(raised);
                }
            }
            (worker.join(), signal)
        })
    });
    match (outcome, signal) {
        (_, Some(raised)) => Err(raised),
        (Ok(result), None) => result.or_raise(),
        (Err(panic), None) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(internal(py, text.unwrap_or("a panic")))
        }
    }
}
