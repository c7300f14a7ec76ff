//! Filters of several widths, and the greatest value of each over a text.

use rayon::prelude::*;

use crate::tags::learn::network::batch::Batch;

/// `z_t = b + Σ_{o<k} W_{k,o} e_{t+o}` for every width `k`, and `max_t max(z_t, 0)`. The columns of the
/// kernels are those of each width one after another, and in a width `[k, filters]`.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Filters {
    pub(in super::super) filters: usize,
    pub(in super::super) widths: (usize, usize),
    /// `[pooled]`: `filters` of each width.
    pub(in super::super) bias: Vec<f32>,
}

/// The `t` of each maximum, `[texts, pooled]`; where that is 0 it says nothing.
pub(super) type Kept = Vec<i32>;

impl Filters {
    pub(super) fn new(filters: usize, widths: (usize, usize)) -> Self {
        let bias = vec![0.0; filters * (widths.1 + 1 - widths.0)];
        Self { filters, widths, bias }
    }

    /// Number of maxima: filters of all widths.
    pub(super) fn pooled(&self) -> usize {
        self.bias.len()
    }

    pub(super) fn columns(&self) -> usize {
        self.filters * (self.widths.0..=self.widths.1).sum::<usize>()
    }

    /// Each width, with where its filters begin among the maxima and among the kernels' columns.
    fn each_width(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let (filters, narrow) = (self.filters, self.widths.0);
        let column = move |width: usize| filters * (narrow..width).sum::<usize>();
        (narrow..=self.widths.1)
            .map(move |width| (width, (width - narrow) * filters, column(width)))
    }

    pub(super) fn read(&self, projected: &[f32], batch: &Batch) -> (Vec<f32>, Kept) {
        let pooled = self.pooled();
        let mut best = vec![0.0; batch.len() * pooled];
        let mut at = vec![0; batch.len() * pooled];
        let texts = best.par_chunks_mut(pooled).zip(at.par_chunks_mut(pooled)).enumerate();
        texts.for_each(|(text, (best, at))| self.pool(projected, batch.text(text), best, at));
        (best, at)
    }

    fn pool(&self, projected: &[f32], text: &[u32], best: &mut [f32], at: &mut [i32]) {
        let (columns, filters) = (self.columns(), self.filters);
        let mut z = vec![0.0; filters];
        for (width, from, column) in self.each_width() {
            let best = &mut best[from..from + filters];
            let at = &mut at[from..from + filters];
            for t in 1 - width as i32..text.len() as i32 {
                z.copy_from_slice(&self.bias[from..from + filters]);
                for (offset, place) in inside(t, width, text) {
                    let row = place as usize * columns + column + offset * filters;
                    let row = &projected[row..row + filters];
                    z.iter_mut().zip(row).for_each(|(z, x)| *z += x);
                }
                for ((best, at), &z) in best.iter_mut().zip(at.iter_mut()).zip(&z) {
                    *at = if z > *best { t } else { *at };
                    *best = if z > *best { z } else { *best };
                }
            }
        }
    }

    /// The gradient of the bias. In the order of the texts, so that sums are the same on any number of
    /// threads.
    pub(super) fn back(
        &self,
        (best, at): (&[f32], &Kept),
        of_pooled: &[f32],
        batch: &Batch,
        of_projected: &mut [f32],
    ) -> Vec<f32> {
        let (columns, filters, pooled) = (self.columns(), self.filters, self.pooled());
        let mut of_bias = vec![0.0; pooled];
        for text in 0..batch.len() {
            let tokens = batch.text(text);
            for (width, from, column) in self.each_width() {
                for filter in 0..filters {
                    let found = text * pooled + from + filter;
                    let gradient = of_pooled[found];
                    if best[found] <= 0.0 || gradient == 0.0 {
                        continue;
                    }
                    of_bias[from + filter] += gradient;
                    for (offset, place) in inside(at[found], width, tokens) {
                        let row = place as usize * columns + column + offset * filters;
                        of_projected[row + filter] += gradient;
                    }
                }
            }
        }
        of_bias
    }
}

/// The tokens under a filter of a width at `t`, each with its offset in the filter.
fn inside(t: i32, width: usize, text: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    let first = (-t).max(0) as usize;
    let last = width.min((text.len() as i32 - t).max(0) as usize);
    (first..last).map(move |offset| (offset, text[(t + offset as i32) as usize]))
}
