//! A pass over the graph: layers of propagation, their weighted sum, and the way back.

use rayon::prelude::*;

use super::LightGcn;
use super::noise::Noise;
use crate::ops::Sparse;
use crate::ops::spmm::cpu::{Into, Only, multiply};

/// Rows a thread takes at a time.
const ROWS: usize = 512;

/// What is made of the layers.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    /// What the sum takes of each layer, that of the initial embeddings first.
    weights: Vec<f32>,
    /// Whether rows are scaled to length 1 before each step along the edges.
    unit_rows: bool,
    d: usize,
}

/// Room for passes, and what a pass with unit rows leaves for the way back.
#[derive(Default)]
pub(super) struct Room {
    pair: [Vec<f32>; 2],
    units: Vec<Units>,
}

/// Rows of length 1, and how long they were.
#[derive(Default)]
struct Units {
    rows: Vec<f32>,
    lengths: Vec<f32>,
}

/// What a pass is to compute beside the sum, and where.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// Rows of the results that are read; all others are left as they are.
    pub(super) rows: Option<&'a [bool]>,
    /// A layer, from 1, to be copied out.
    pub(super) layer: Option<(usize, &'a mut [f32])>,
    /// `Σ_{k<K} w_{k+1} y_k`, `y_k` what layer `k` sends along the edges.
    pub(super) sent: Option<&'a mut [f32]>,
}

/// Gradients of a pass's results; zeros but for `rows`.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) rows: &'a [bool],
    pub(super) sum: &'a [f32],
    /// A layer, from 1, that was copied out.
    pub(super) layer: Option<(usize, &'a [f32])>,
}

impl Layers {
    pub(super) fn new(config: &LightGcn) -> Self {
        let layers = config.layers;
        let weights = match config.residual {
            _ if layers == 0 => vec![1.0],
            Some(own) => {
                let mut weights = vec![(1.0 - own) / layers as f32; layers + 1];
                weights[0] = own;
                weights
            }
            None => vec![1.0 / (layers + 1) as f32; layers + 1],
        };
        Self { weights, unit_rows: config.unit_rows, d: config.factors }
    }

    /// What the sum takes of each layer, that of the initial embeddings first.
    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    fn last(&self) -> usize {
        self.weights.len() - 1
    }

    /// `Σ w_k E_k` into `out`, with `E_k = A E_{k-1}` (plus noise) from `start` on: all tables
    /// `[n, d]`. Of several `edges` each layer goes along its own.
    pub(super) fn forward(
        &self,
        edges: &[Sparse],
        start: &[f32],
        noise: Option<Noise>,
        mut wanted: Wanted<'_>,
        room: &mut Room,
        out: &mut [f32],
    ) {
        let (d, rows) = (self.d, wanted.rows);
        weigh(out, start, self.weights[0], d, rows, |out, x, w| *out = w * x);
        let Room { pair: [from, to], units } = room;
        from.resize(start.len(), 0.0);
        to.resize(start.len(), 0.0);
        units.resize_with(if self.unit_rows { self.last() } else { 0 }, Units::default);
        for (k, &weight) in self.weights.iter().enumerate().skip(1) {
            let x = if k == 1 { start } else { from.as_slice() };
            let x = match units.get_mut(k - 1) {
                Some(units) => units.take(x, d),
                None => x,
            };
            if let Some(sent) = &mut wanted.sent {
                weigh(sent, x, weight, d, None, |out, x, w| *out += w * x);
            }
            let only = Only { rows: rows.filter(|_| k == self.last()), columns: None };
            let edges = &edges[(k - 1) % edges.len()];
            multiply(edges.matrix(), x, d, only, Into { product: Some(to), sum: None });
            if let Some(noise) = noise {
                noise.add(k, to, d, only.rows);
            }
            weigh(out, to, weight, d, rows, |out, x, w| *out += w * x);
            if let Some((_, kept)) = wanted.layer.as_mut().filter(|(layer, _)| *layer == k) {
                weigh(kept, to, 1.0, d, rows, |out, x, _| *out = x);
            }
            std::mem::swap(from, to);
        }
    }

    /// The gradient of the pass's `start`, into `out`, by Horner's rule from the last layer down.
    /// `room` is as the pass left it; noise is a constant.
    pub(super) fn backward(
        &self,
        edges: &[Sparse],
        given: Given<'_>,
        room: &mut Room,
        out: &mut [f32],
    ) {
        let (d, rows) = (self.d, Some(given.rows));
        let Room { pair: [from, to], units } = room;
        let add = |k: usize, table: &mut [f32]| {
            weigh(table, given.sum, self.weights[k], d, rows, |out, x, w| *out += w * x);
            if let Some((_, kept)) = given.layer.filter(|&(layer, _)| layer == k) {
                weigh(table, kept, 1.0, d, rows, |out, x, _| *out += x);
            }
        };
        if self.last() == 0 {
            out.fill(0.0);
            return add(0, out);
        }
        weigh(from, given.sum, 0.0, d, rows, |out, _, _| *out = 0.0);
        add(self.last(), from);
        for k in (0..self.last()).rev() {
            let columns = rows.filter(|_| k + 1 == self.last());
            let target = if k == 0 { &mut *out } else { to.as_mut_slice() };
            let only = Only { rows: None, columns };
            let back = edges[k % edges.len()].transposed();
            multiply(back.matrix(), from, d, only, Into { product: Some(target), sum: None });
            if let Some(units) = units.get(k) {
                units.through(target, d);
            }
            add(k, target);
            std::mem::swap(from, to);
        }
    }
}

impl Units {
    /// Takes rows of a table, scaled; a row of zeros stays one.
    fn take(&mut self, table: &[f32], d: usize) -> &[f32] {
        self.rows.resize(table.len(), 0.0);
        self.lengths.resize(table.len() / d.max(1), 0.0);
        let units = self.rows.par_chunks_exact_mut(d).zip(&mut self.lengths);
        units.zip(table.par_chunks_exact(d)).with_min_len(ROWS).for_each(|((unit, length), x)| {
            *length = x.iter().map(|x| x * x).sum::<f32>().sqrt();
            let scale = if *length > 0.0 { 1.0 / *length } else { 0.0 };
            unit.iter_mut().zip(x).for_each(|(unit, x)| *unit = scale * x);
        });
        &self.rows
    }

    /// Turns gradients `g` of the scaled rows `y` into those of the rows: `(g − ⟨g, y⟩ y) / length`.
    fn through(&self, gradients: &mut [f32], d: usize) {
        let units = self.rows.par_chunks_exact(d).zip(&self.lengths);
        gradients.par_chunks_exact_mut(d).zip(units).with_min_len(ROWS).for_each(
            |(g, (unit, &length))| {
                let along: f32 = g.iter().zip(unit).map(|(g, y)| g * y).sum();
                let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
                g.iter_mut().zip(unit).for_each(|(g, y)| *g = scale * (*g - along * y));
            },
        );
    }
}

/// Applies `step` to numbers of two tables, of the wanted rows only.
fn weigh(
    out: &mut [f32],
    x: &[f32],
    weight: f32,
    d: usize,
    rows: Option<&[bool]>,
    step: impl Fn(&mut f32, f32, f32) + Sync,
) {
    let all = |out: &mut [f32], x: &[f32]| {
        out.iter_mut().zip(x).for_each(|(out, &x)| step(out, x, weight));
    };
    let chunks = out.par_chunks_mut(ROWS * d).zip(x.par_chunks(ROWS * d)).enumerate();
    chunks.for_each(|(at, (out, x))| match rows {
        None => all(out, x),
        Some(rows) => {
            let each = out.chunks_exact_mut(d).zip(x.chunks_exact(d)).zip(&rows[at * ROWS..]);
            each.filter(|(_, wanted)| **wanted).for_each(|((out, x), _)| all(out, x));
        }
    });
}

/// Multiplies each row by its degree to a power; a node without edges counts as one with 1.
pub(super) fn scale_rows(table: &mut [f32], d: usize, degrees: &[f32], power: f32) {
    for (row, degree) in table.chunks_exact_mut(d).zip(degrees) {
        let scale = if *degree > 0.0 { degree.powf(power) } else { 1.0 };
        row.iter_mut().for_each(|x| *x *= scale);
    }
}
