//! Progress told to a Python object with `begin`, `step` and `end`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use rec_models::fit::{Progress, Silent};

/// Python hears of progress at most this often: each call takes the GIL.
const EVERY: Duration = Duration::from_millis(100);

struct Reporter {
    object: Py<PyAny>,
    told: Mutex<Option<Instant>>,
}

/// The reporter for what the caller passed: `None` tells nobody.
pub(crate) fn reporter(object: Option<Py<PyAny>>) -> Arc<dyn Progress> {
    match object {
        Some(object) => Arc::new(Reporter { object, told: Mutex::new(None) }),
        None => Arc::new(Silent),
    }
}

impl Reporter {
    /// A bar that fails must not fail the training: the error is printed, as for a destructor.
    fn call(&self, method: &str, args: impl for<'py> pyo3::call::PyCallArgs<'py>) {
        Python::attach(|py| {
            if let Err(error) = self.object.bind(py).call_method1(method, args) {
                error.write_unraisable(py, Some(self.object.bind(py)));
            }
        });
    }

    fn due(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.is_none_or(|at| at.elapsed() >= EVERY);
        if due {
            *told = Some(Instant::now());
        }
        due
    }
}

impl Progress for Reporter {
    fn begin(&self, task: &str, total: u64) {
        self.call("begin", (task, total));
    }

    fn step(&self, done: u64, note: &str) {
        if self.due() {
            self.call("step", (done, note));
        }
    }

    fn end(&self) {
        self.call("end", ());
    }
}
