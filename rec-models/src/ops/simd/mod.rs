//! Vectors of `f32` for the CPU kernels: one body, compiled for AVX-512, for AVX2 with FMA, and
//! portably; the best that this processor has is chosen at run time.
//!
//! A kernel is a [`Task`]: a struct of its arguments with a `run` that is generic over [`Lanes`].
//! `run`, and every generic function it calls, must be `#[inline(always)]`, for it is the function
//! it lands in that is compiled for the wider instructions. For the same reason no closure in it may
//! touch a vector, nor an iterator's adapter that takes one (`map`, `take`): a closure that the
//! compiler leaves out of line is compiled without those instructions, and every operation in it
//! becomes a call.

mod lanes;
mod math;
#[allow(dead_code, reason = "the parts of a softmax")]
mod slices;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use lanes::{Lanes, Portable};
#[allow(unused_imports, reason = "the parts of a softmax")]
pub(crate) use math::exp_lanes;
pub(crate) use math::{normal_tail, sigmoid_lanes, tanh_lanes};
#[allow(unused_imports, reason = "the parts of a softmax")]
pub(crate) use slices::{Map, exp, exp_minus, map_in_place, max};

/// A computation on vectors of any width.
pub(crate) trait Task {
    /// What it gives.
    type Output;
    /// Runs it. Mark it `#[inline(always)]`.
    fn run<S: Lanes>(self, lanes: S) -> Self::Output;
}

/// A set of instructions that this processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// What every processor has.
    Portable(Portable),
    /// 8 numbers at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    /// 16 numbers at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
}

impl Level {
    /// The best one.
    pub(crate) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(lanes) = x86::Avx512::detect() {
                return Self::Avx512(lanes);
            }
            if let Some(lanes) = x86::Avx2::detect() {
                return Self::Avx2(lanes);
            }
        }
        Self::Portable(Portable)
    }

    /// All of them.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        let mut levels = vec![Self::Portable(Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(x86::Avx2::detect().map(Self::Avx2));
            levels.extend(x86::Avx512::detect().map(Self::Avx512));
        }
        levels
    }

    /// Rows and columns of a matrix product's tile: see [`Lanes::TILE_ROWS`].
    pub(crate) fn tile(self) -> (usize, usize) {
        fn of<S: Lanes>(_: S) -> (usize, usize) {
            (S::TILE_ROWS, 2 * S::WIDTH)
        }
        match self {
            Self::Portable(lanes) => of(lanes),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => of(lanes),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => of(lanes),
        }
    }

    /// Runs `task` with these instructions.
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        match self {
            Self::Portable(lanes) => task.run(lanes),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => lanes.run(task),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => lanes.run(task),
        }
    }
}

/// Runs `task` with the best instructions of this processor.
pub(crate) fn dispatch<T: Task>(task: T) -> T::Output {
    Level::best().run(task)
}
