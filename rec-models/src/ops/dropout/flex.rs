//! Dropout in pure Rust.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use rayon::prelude::*;

use super::{Draw, Dropout, DropoutKernels};
use crate::ops::flex::{contiguous, dims, floats_mut};
use crate::ops::simd::{Lanes, Task, dispatch};

impl DropoutKernels for Flex {
    fn drop(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        let mut x = contiguous(x);
        let (_, columns) = dims(&x);
        drop_rows(floats_mut(&mut x), columns, dropout);
        x
    }
}

/// Rows of a parallel task.
const ROWS: usize = 64;

/// Drops of a matrix in place.
pub(super) fn drop_rows(values: &mut [f32], columns: usize, dropout: Dropout) {
    let Some(draw) = Draw::new(dropout) else { return };
    let columns = columns.max(1);
    values.par_chunks_mut(ROWS * columns).enumerate().for_each(|(i, rows)| {
        dispatch(Rows { draw, first: i * ROWS, rows, columns });
    });
}

/// Some rows, with the best instructions.
struct Rows<'a> {
    draw: Draw,
    first: usize,
    rows: &'a mut [f32],
    columns: usize,
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        for (i, row) in self.rows.chunks_exact_mut(self.columns).enumerate() {
            self.draw.apply(self.first + i, 0, row);
        }
    }
}
