//! The backward step: probabilities again from the scores (Dao et al. 2022, algorithm 4).

use rayon::prelude::*;

use super::forward::dot;
use super::product::Product;
use super::softmax::{add, slopes};
use super::{Inputs, QUERIES, Rows, RowsMut, Span, padded, transpose, with_scratch};
use crate::ops::simd::{Lanes, Level, Task};

/// Keys in a tile of scores.
const KEYS: usize = 128;

/// Where gradients go, all zero before.
#[derive(Clone, Copy)]
pub(in crate::ops::attention) struct Gradients<'a> {
    pub(in crate::ops::attention) q: RowsMut<'a>,
    pub(in crate::ops::attention) k: RowsMut<'a>,
    pub(in crate::ops::attention) v: RowsMut<'a>,
    /// `[heads · longest query, longest key]`.
    pub(in crate::ops::attention) bias: Option<RowsMut<'a>>,
}

/// Adds the gradients of all inputs, from that of the output, the output and the logarithms that
/// [`super::forward`] gave. The same at any number of threads: a task owns what it writes.
pub(in crate::ops::attention) fn backward(
    level: Level,
    inputs: Inputs<'_>,
    grad: Rows<'_>,
    out: Rows<'_>,
    log_sums: Rows<'_>,
    gradients: Gradients<'_>,
) {
    let (sequences, kv_heads) = (inputs.plan.queries.len(), inputs.plan.shape.kv_heads);
    let run = |sequence: usize, kv_head: usize| {
        let span = Span::new(inputs.plan, sequence);
        let sizes = Sizes::new(&inputs, &span);
        with_scratch(sizes.total(), |scratch| {
            let work = Work { level, inputs, grad, out, log_sums, gradients, span, kv_head };
            level.run(Scratched { work, sizes, scratch });
        });
    };
    if gradients.bias.is_some() {
        // All sequences add to one bias: in order, head by head.
        (0..kv_heads).into_par_iter().for_each(|head| (0..sequences).for_each(|i| run(i, head)));
    } else {
        let tasks = (0..sequences * kv_heads).into_par_iter();
        tasks.for_each(|task| run(task / kv_heads, task % kv_heads));
    }
}

/// How a task parts its scratch.
#[derive(Clone, Copy)]
struct Sizes {
    /// The keys transposed, and the values.
    keys: usize,
    /// The probabilities, and the gradients of the scores.
    scores: usize,
    /// `Σ grad ⊙ out` for every query and head.
    deltas: usize,
}

impl Sizes {
    fn new(inputs: &Inputs<'_>, span: &Span) -> Self {
        let width = padded(span.keys.min(KEYS));
        Self {
            keys: inputs.head_dim() * width,
            scores: span.queries.min(QUERIES) * width,
            deltas: inputs.group() * span.queries,
        }
    }

    fn total(&self) -> usize {
        2 * self.keys + 2 * self.scores + self.deltas
    }
}

/// One sequence under one key head, with scratch.
struct Scratched<'a> {
    work: Work<'a>,
    sizes: Sizes,
    scratch: &'a mut [f32],
}

struct Work<'a> {
    level: Level,
    inputs: Inputs<'a>,
    grad: Rows<'a>,
    out: Rows<'a>,
    log_sums: Rows<'a>,
    gradients: Gradients<'a>,
    span: Span,
    kv_head: usize,
}

struct Tiles<'a> {
    keys: &'a mut [f32],
    values: &'a mut [f32],
    weights: &'a mut [f32],
    slopes: &'a mut [f32],
}

/// A tile of scores within a task.
#[derive(Clone, Copy)]
struct Block {
    head: usize,
    query: usize,
    rows: usize,
    key: usize,
    keys: usize,
    width: usize,
}

impl Task for Scratched<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self { work, sizes, scratch } = self;
        let (keys, scratch) = scratch.split_at_mut(sizes.keys);
        let (values, scratch) = scratch.split_at_mut(sizes.keys);
        let (weights, scratch) = scratch.split_at_mut(sizes.scores);
        let (slopes, deltas) = scratch.split_at_mut(sizes.scores);
        let mut tiles = Tiles { keys, values, weights, slopes };
        work.deltas::<S>(s, deltas);
        for key in (0..work.span.keys).step_by(KEYS) {
            work.keys::<S>(s, key, &mut tiles, deltas);
        }
    }
}

impl Work<'_> {
    fn head(&self, member: usize) -> usize {
        self.kv_head * self.inputs.group() + member
    }

    #[inline(always)]
    fn deltas<S: Lanes>(&self, s: S, deltas: &mut [f32]) {
        let depth = self.inputs.head_dim();
        for member in 0..self.inputs.group() {
            let column = self.head(member) * depth;
            for query in 0..self.span.queries {
                let row = self.span.query_start + query;
                let (grad, out) = (self.grad.at(row, column), self.out.at(row, column));
                // SAFETY: both are rows inside their matrices, `depth` numbers long.
                deltas[member * self.span.queries + query] = unsafe { dot(s, grad, out, depth) };
            }
        }
    }

    /// One block of keys against all queries.
    #[inline(always)]
    fn keys<S: Lanes>(&self, s: S, key: usize, tiles: &mut Tiles<'_>, deltas: &[f32]) {
        let depth = self.inputs.head_dim();
        let keys = KEYS.min(self.span.keys - key);
        let width = padded(keys);
        let rows = (self.span.key_start + key, keys);
        let columns = (self.kv_head * depth, depth);
        transpose(self.inputs.k, rows, columns, tiles.keys, width);
        transpose(self.inputs.v, rows, columns, tiles.values, width);
        for member in 0..self.inputs.group() {
            for query in (0..self.span.queries).step_by(QUERIES) {
                let rows = QUERIES.min(self.span.queries - query);
                if key >= self.span.visible(query + rows - 1) {
                    continue;
                }
                let block = Block { head: self.head(member), query, rows, key, keys, width };
                let deltas = &deltas[member * self.span.queries + query..][..rows];
                self.block::<S>(s, block, tiles, deltas);
            }
        }
    }

    #[inline(always)]
    fn block<S: Lanes>(&self, s: S, block: Block, tiles: &mut Tiles<'_>, deltas: &[f32]) {
        let scale = self.inputs.plan.shape.scale as f32;
        let q = (self.inputs.q, tiles.keys.as_ptr(), tiles.weights.as_mut_ptr());
        self.against_keys(block, q, scale);
        let grad = (self.grad, tiles.values.as_ptr(), tiles.slopes.as_mut_ptr());
        self.against_keys(block, grad, 1.0);
        for (r, delta) in deltas.iter().enumerate() {
            self.row::<S>(s, block, r, tiles, *delta);
        }
        self.outward(block, tiles, scale);
    }

    /// `alpha · rows keysᵀ` into a tile.
    #[inline(always)]
    fn against_keys(
        &self,
        block: Block,
        (rows, keys, tile): (Rows<'_>, *const f32, *mut f32),
        alpha: f32,
    ) {
        let depth = self.inputs.head_dim();
        let product = Product {
            m: block.rows,
            n: block.width,
            k: depth,
            a: rows.at(self.span.query_start + block.query, block.head * depth),
            a_strides: [rows.stride(), 1],
            b: keys,
            b_row: block.width,
            c: tile,
            c_row: block.width,
            alpha,
            add: false,
        };
        // SAFETY: the queries are rows of `rows`; both tiles have `width` columns.
        unsafe { product.run(self.level) };
    }

    /// Scores to probabilities and their gradients to those of the scores.
    #[inline(always)]
    fn row<S: Lanes>(&self, s: S, block: Block, r: usize, tiles: &mut Tiles<'_>, delta: f32) {
        let query = block.query + r;
        let columns = r * block.width..(r + 1) * block.width;
        let weights = &mut tiles.weights[columns.clone()];
        let grads = &mut tiles.slopes[columns];
        let visible = self.span.visible(query).saturating_sub(block.key).min(block.keys);
        weights[visible..].fill(f32::NEG_INFINITY);
        if let Some(bias) = &self.inputs.bias {
            add(s, weights, bias.row(block.head, query, block.key, visible));
        }
        // SAFETY: a row of the matrix, which has a column a head.
        let log_sum = unsafe { *self.log_sums.at(self.span.query_start + query, block.head) };
        let drop = |row: &mut [f32]| {
            if let Some(draw) = self.inputs.draw {
                let at = self.span.query_start + query;
                draw.plane(block.head).apply(at, block.key, &mut row[..visible]);
            }
        };
        drop(grads);
        slopes(s, weights, grads, log_sum, delta);
        drop(weights);
        if let (Some(out), Some(bias)) = (&self.gradients.bias, &self.inputs.bias) {
            let out = out.at(block.head * bias.queries + query, block.key);
            // SAFETY: this task's thread alone writes this head's bias.
            let out = unsafe { std::slice::from_raw_parts_mut(out, visible) };
            add(s, out, &grads[..visible]);
        }
    }

    /// Adds a tile's share to the gradients of queries, keys and values.
    #[inline(always)]
    fn outward(&self, block: Block, tiles: &Tiles<'_>, scale: f32) {
        let depth = self.inputs.head_dim();
        let query = self.span.query_start + block.query;
        let key = self.span.key_start + block.key;
        let (column, kv_column) = (block.head * depth, self.kv_head * depth);
        let by_key = |tile: &[f32], rows: Rows<'_>, out: RowsMut<'_>, alpha: f32| Product {
            m: block.keys,
            n: depth,
            k: block.rows,
            a: tile.as_ptr(),
            a_strides: [1, block.width],
            b: rows.at(query, column),
            b_row: rows.stride(),
            c: out.at(key, kv_column),
            c_row: out.stride(),
            alpha,
            add: true,
        };
        let values = by_key(tiles.weights, self.grad, self.gradients.v, 1.0);
        let keys = by_key(tiles.slopes, self.inputs.q, self.gradients.k, scale);
        let queries = Product {
            m: block.rows,
            n: depth,
            k: block.keys,
            a: tiles.slopes.as_ptr(),
            a_strides: [block.width, 1],
            b: self.inputs.k.at(key, kv_column),
            b_row: self.inputs.k.stride(),
            c: self.gradients.q.at(query, column),
            c_row: self.gradients.q.stride(),
            alpha: scale,
            add: true,
        };
        // SAFETY: tiles are `rows × width`; rows and columns are this task's own in the gradients
        // and inside the inputs.
        unsafe {
            values.run(self.level);
            keys.run(self.level);
            queries.run(self.level);
        }
    }
}
