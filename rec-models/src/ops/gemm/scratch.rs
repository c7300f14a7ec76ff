//! Buffers for packed panels, aligned to cache lines and used again by the same thread.

use std::cell::RefCell;

const LINE: usize = 16;
/// So many numbers more than asked for may be written.
const SLACK: usize = 16;
/// Buffers that a thread keeps.
const KEPT: usize = 3;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [f32; LINE]);

thread_local! {
    static FREE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer whose contents are unspecified at first, but initialised.
pub(super) struct Scratch(Vec<Line>);

impl Scratch {
    /// At least `count` numbers.
    pub(super) fn take(count: usize) -> Self {
        let lines = (count + SLACK).div_ceil(LINE);
        let mut buffer = FREE.with_borrow_mut(|free| take_fitting(free, lines));
        if buffer.len() < lines {
            buffer = vec![Line([0.0; LINE]); lines];
        }
        Self(buffer)
    }

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.0.as_ptr().cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.0.as_mut_ptr().cast()
    }
}

/// The smallest that is large enough, or else nothing.
fn take_fitting(free: &mut Vec<Vec<Line>>, lines: usize) -> Vec<Line> {
    let fitting = free.iter().enumerate().filter(|(_, buffer)| buffer.len() >= lines);
    match fitting.min_by_key(|(_, buffer)| buffer.len()).map(|(i, _)| i) {
        Some(i) => free.swap_remove(i),
        None => Vec::new(),
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        // At the thread's end there is no list to put it into.
        let _ = FREE.try_with(|free| {
            let Ok(mut free) = free.try_borrow_mut() else { return };
            free.push(buffer);
            if free.len() > KEPT {
                let smallest = (0..free.len()).min_by_key(|i| free[*i].len());
                smallest.map(|i| free.swap_remove(i));
            }
        });
    }
}
