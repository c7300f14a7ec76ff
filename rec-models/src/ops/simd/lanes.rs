//! What a vector can do, and the portable vector.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Task;

/// Arithmetic on vectors of `f32`. A value of an implementing type exists only where the processor
/// has the instructions, so calling its methods is sound.
pub(crate) trait Lanes: Copy + Send + Sync + std::fmt::Debug {
    /// A vector.
    type V: Copy + Send + Sync;
    /// Numbers in a vector.
    const WIDTH: usize;
    /// How many rows of two vectors the registers hold, with room for a matrix product's factors.
    const TILE_ROWS: usize;

    /// Runs `task` as a function of its own, compiled for these instructions and not inlined: the
    /// registers are all its own.
    fn apart<T: Task>(self, task: T) -> T::Output;
    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::V;
    /// The numbers at `from`.
    ///
    /// # Safety
    /// `from` must be readable for [`Lanes::WIDTH`] numbers.
    unsafe fn read(self, from: *const f32) -> Self::V;
    /// Writes the numbers to `to`.
    ///
    /// # Safety
    /// `to` must be writable for [`Lanes::WIDTH`] numbers.
    unsafe fn write(self, v: Self::V, to: *mut f32);
    /// The `count` numbers at `from`, then `fill`.
    ///
    /// # Safety
    /// `count` must be at most [`Lanes::WIDTH`] and `from` readable for `count` numbers.
    unsafe fn read_part(self, from: *const f32, count: usize, fill: f32) -> Self::V;
    /// Writes the first `count` numbers to `to`.
    ///
    /// # Safety
    /// `count` must be at most [`Lanes::WIDTH`] and `to` writable for `count` numbers.
    unsafe fn write_part(self, v: Self::V, to: *mut f32, count: usize);

    /// The numbers whose bits are at `from`, each by a relaxed atomic load.
    ///
    /// # Safety
    /// `from` must be the first of [`Lanes::WIDTH`] atomics.
    unsafe fn read_shared(self, from: *const AtomicU32) -> Self::V;
    /// Writes the numbers' bits to `to`, each by a relaxed atomic store.
    ///
    /// # Safety
    /// `to` must be the first of [`Lanes::WIDTH`] atomics.
    unsafe fn write_shared(self, v: Self::V, to: *const AtomicU32);

    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a − b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a b + c`, rounded once where the processor can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` where either is not a number.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where either is not a number.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The nearest whole number, for `|a| < 2²²`.
    fn round(self, a: Self::V) -> Self::V;
    /// `√a`.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `|a|`.
    fn abs(self, a: Self::V) -> Self::V;
    /// `|a|` with the sign of `sign`.
    fn copy_sign(self, a: Self::V, sign: Self::V) -> Self::V;
    /// `x` where `a < b`, else `y`.
    fn select_less(self, a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// `a 2ⁿ` for whole numbers `n` from −150 to 128, without overflow on the way.
    fn scale(self, a: Self::V, n: Self::V) -> Self::V;
    /// The sum of the lanes.
    fn sum(self, a: Self::V) -> f32;
    /// The largest lane.
    fn largest(self, a: Self::V) -> f32;

    /// Transposes a square: reads `rows` rows of [`Lanes::WIDTH`] numbers, `from_stride` apart, as
    /// if zeros came after them, and writes [`Lanes::WIDTH`] rows of as many numbers, `to_stride`
    /// apart, in order: a later row may overwrite the end of an earlier one.
    ///
    /// # Safety
    /// Those reads and writes must be in bounds, and `rows` at most [`Lanes::WIDTH`].
    unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        rows: usize,
        to: *mut f32,
        to_stride: usize,
    );

    /// The first [`Lanes::WIDTH`] numbers of `from`.
    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::V {
        let from = &from[..Self::WIDTH];
        // SAFETY: the slice has WIDTH numbers.
        unsafe { self.read(from.as_ptr()) }
    }

    /// Writes to the first [`Lanes::WIDTH`] numbers of `to`.
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32]) {
        let to = &mut to[..Self::WIDTH];
        // SAFETY: the slice has WIDTH numbers.
        unsafe { self.write(v, to.as_mut_ptr()) }
    }

    /// All numbers of `from`, at most [`Lanes::WIDTH`], then `fill`.
    #[inline(always)]
    fn load_part(self, from: &[f32], fill: f32) -> Self::V {
        if from.len() == Self::WIDTH {
            return self.load(from);
        }
        assert!(from.len() <= Self::WIDTH, "more numbers than lanes");
        // SAFETY: the count is the slice's length and at most WIDTH.
        unsafe { self.read_part(from.as_ptr(), from.len(), fill) }
    }

    /// Writes as many numbers as `to` has, at most [`Lanes::WIDTH`].
    #[inline(always)]
    fn store_part(self, v: Self::V, to: &mut [f32]) {
        // SAFETY: numbers may be written where there may be none.
        let to = unsafe { &mut *(std::ptr::from_mut(to) as *mut [MaybeUninit<f32>]) };
        self.initialise(v, to);
    }

    /// As [`Lanes::store_part`], to memory that need not hold numbers yet.
    #[inline(always)]
    fn initialise(self, v: Self::V, to: &mut [MaybeUninit<f32>]) {
        assert!(to.len() <= Self::WIDTH, "more numbers than lanes");
        let at = to.as_mut_ptr().cast();
        // SAFETY: the count is the slice's length and at most WIDTH.
        unsafe {
            match to.len() == Self::WIDTH {
                true => self.write(v, at),
                false => self.write_part(v, at, to.len()),
            }
        }
    }
}

/// Vectors as arrays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

const WIDTH: usize = 8;

#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> [f32; WIDTH] {
    let mut out = [0.0; WIDTH];
    for (i, out) in out.iter_mut().enumerate() {
        *out = f(i);
    }
    out
}

impl Lanes for Portable {
    type V = [f32; WIDTH];
    const WIDTH: usize = WIDTH;
    const TILE_ROWS: usize = 2;

    #[inline(never)]
    fn apart<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; WIDTH]
    }
    #[inline(always)]
    unsafe fn read(self, from: *const f32) -> Self::V {
        // SAFETY: the caller's promise; an array of f32 is aligned as f32.
        unsafe { from.cast::<Self::V>().read() }
    }
    #[inline(always)]
    unsafe fn write(self, v: Self::V, to: *mut f32) {
        // SAFETY: the caller's promise; an array of f32 is aligned as f32.
        unsafe { to.cast::<Self::V>().write(v) }
    }
    #[inline(always)]
    unsafe fn read_part(self, from: *const f32, count: usize, fill: f32) -> Self::V {
        let mut v = [fill; WIDTH];
        // SAFETY: the caller's promise: `count` numbers are readable and fit.
        unsafe { std::ptr::copy_nonoverlapping(from, v.as_mut_ptr(), count) };
        v
    }
    #[inline(always)]
    unsafe fn write_part(self, v: Self::V, to: *mut f32, count: usize) {
        // SAFETY: the caller's promise: `count` numbers are writable and there.
        unsafe { std::ptr::copy_nonoverlapping(v.as_ptr(), to, count) };
    }

    #[inline(always)]
    unsafe fn read_shared(self, from: *const AtomicU32) -> Self::V {
        // SAFETY: the caller's promise.
        each(|i| f32::from_bits(unsafe { &*from.add(i) }.load(Ordering::Relaxed)))
    }
    #[inline(always)]
    unsafe fn write_shared(self, v: Self::V, to: *const AtomicU32) {
        for (i, x) in v.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { &*to.add(i) }.store(x.to_bits(), Ordering::Relaxed);
        }
    }

    #[inline(always)]
    unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        rows: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        for column in 0..WIDTH {
            for row in 0..WIDTH {
                // SAFETY: within the squares that the caller promises.
                unsafe {
                    let x = if row < rows { *from.add(row * from_stride + column) } else { 0.0 };
                    *to.add(column * to_stride + row) = x;
                }
            }
        }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        each(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn round(self, a: Self::V) -> Self::V {
        // Adding 1.5 · 2²³ leaves no bits for a fraction.
        const WHOLE: f32 = 12_582_912.0;
        each(|i| (a[i] + WHOLE) - WHOLE)
    }
    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        each(|i| a[i].sqrt())
    }
    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        each(|i| a[i].abs())
    }
    #[inline(always)]
    fn copy_sign(self, a: Self::V, sign: Self::V) -> Self::V {
        each(|i| a[i].copysign(sign[i]))
    }
    #[inline(always)]
    fn select_less(self, a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V {
        each(|i| if a[i] < b[i] { x[i] } else { y[i] })
    }
    #[inline(always)]
    fn scale(self, a: Self::V, n: Self::V) -> Self::V {
        // 2ⁿ itself may be out of range, its two halves are not.
        let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
        each(|i| {
            let n = n[i] as i32;
            let half = n >> 1;
            a[i] * power(half) * power(n - half)
        })
    }
    #[inline(always)]
    fn sum(self, a: Self::V) -> f32 {
        ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]))
    }
    #[inline(always)]
    fn largest(self, a: Self::V) -> f32 {
        a.iter().fold(f32::NEG_INFINITY, |m, x| m.max(*x))
    }
}
