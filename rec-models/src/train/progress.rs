//! Progress bars on a terminal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::fit::Progress;

/// Draws a bar on standard error for each task, with the time left and the figures of the moment.
/// Nothing is drawn where standard error is no terminal.
#[derive(Default)]
pub struct Bars {
    bar: Mutex<Option<ProgressBar>>,
}

impl Bars {
    /// Bars for the tasks to come.
    pub fn new() -> Self {
        Self::default()
    }

    fn with_bar(&self, f: impl FnOnce(&mut Option<ProgressBar>)) {
        f(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Progress for Bars {
    fn begin(&self, task: &str, total: u64) {
        let bar = ProgressBar::new(total).with_prefix(task.to_owned()).with_style(style());
        bar.enable_steady_tick(Duration::from_millis(200));
        self.with_bar(|slot| *slot = Some(bar));
    }

    fn step(&self, done: u64, note: &str) {
        self.with_bar(|slot| {
            if let Some(bar) = slot {
                bar.set_position(done);
                bar.set_message(note.to_owned());
            }
        });
    }

    fn end(&self) {
        self.with_bar(|slot| {
            if let Some(bar) = slot.take() {
                bar.abandon();
            }
        });
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:>12} {wide_bar} {pos}/{len} {elapsed}<{eta} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_follows_the_steps_and_goes_with_the_task() {
        let bars = Bars::new();
        bars.step(1, "before any task");
        bars.begin("als", 3);
        bars.step(2, "loss 0.5");
        bars.with_bar(|slot| {
            let bar = slot.as_ref().unwrap();
            assert_eq!((bar.position(), bar.length()), (2, Some(3)));
            assert_eq!((bar.message(), bar.prefix()), ("loss 0.5".into(), "als".into()));
        });
        bars.end();
        bars.with_bar(|slot| assert!(slot.is_none()));
    }
}
