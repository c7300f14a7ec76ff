//! The forward step.

use rayon::prelude::*;

use super::product::Product;
use super::softmax::{Running, add, scale, weigh};
use super::{Inputs, QUERIES, RowsMut, Span, padded, transpose, with_scratch};
use crate::ops::simd::{Lanes, Level, Task};

/// Keys in a tile of scores.
const KEYS: usize = 256;
/// Queries in a task.
const CHUNK: usize = 8 * QUERIES;
/// Up to so many queries, transposing the keys costs more than it saves.
const FEW: usize = 3;

/// Writes the mixed values `[query rows, heads · head_dim]` and, if asked for, the logarithm of
/// every softmax's denominator `[query rows, heads]` (+∞ for a query that sees no key).
pub(in crate::ops::attention) fn forward(
    level: Level,
    inputs: Inputs<'_>,
    out: RowsMut<'_>,
    log_sums: Option<RowsMut<'_>>,
) {
    let kv_heads = inputs.plan.shape.kv_heads;
    let tasks: Vec<(usize, usize)> = (0..inputs.plan.queries.len())
        .flat_map(|i| {
            let queries = inputs.plan.queries.range(i).len();
            (0..queries).step_by(CHUNK).map(move |from| (i, from))
        })
        .collect();
    (0..tasks.len() * kv_heads).into_par_iter().for_each(|task| {
        let (sequence, from) = tasks[task / kv_heads];
        let span = Span::new(inputs.plan, sequence);
        let count = CHUNK.min(span.queries - from);
        let sizes = Sizes::new(&inputs, &span, count);
        with_scratch(sizes.total(), |scratch| {
            let kv_head = task % kv_heads;
            let work = Work { level, inputs, out, log_sums, span, kv_head, from, count };
            level.run(Scratched { work, sizes, scratch });
        });
    });
}

/// How a task parts its scratch.
#[derive(Clone, Copy)]
struct Sizes {
    keys: usize,
    scores: usize,
    states: usize,
}

impl Sizes {
    fn new(inputs: &Inputs<'_>, span: &Span, count: usize) -> Self {
        let width = padded(span.keys.min(KEYS));
        Self {
            keys: inputs.head_dim() * width,
            scores: count.min(QUERIES) * width,
            states: inputs.group() * count,
        }
    }

    fn total(&self) -> usize {
        self.keys + self.scores + 2 * self.states
    }
}

/// Some queries of one sequence under one key head, with scratch.
struct Scratched<'a> {
    work: Work<'a>,
    sizes: Sizes,
    scratch: &'a mut [f32],
}

/// A task without its scratch.
struct Work<'a> {
    level: Level,
    inputs: Inputs<'a>,
    out: RowsMut<'a>,
    log_sums: Option<RowsMut<'a>>,
    span: Span,
    kv_head: usize,
    from: usize,
    count: usize,
}

/// Scratch of a task.
struct Tiles<'a> {
    keys: &'a mut [f32],
    scores: &'a mut [f32],
}

impl Task for Scratched<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self { work, sizes, scratch } = self;
        let (keys, scratch) = scratch.split_at_mut(sizes.keys);
        let (scores, scratch) = scratch.split_at_mut(sizes.scores);
        let (largest, sums) = scratch.split_at_mut(sizes.states);
        largest.fill(f32::NEG_INFINITY);
        sums.fill(0.0);
        let mut tiles = Tiles { keys, scores };
        for key in (0..work.span.keys.max(1)).step_by(KEYS) {
            if key > 0 && key >= work.span.visible(work.from + work.count - 1) {
                break;
            }
            work.keys::<S>(s, key, &mut tiles, largest, sums);
        }
        work.finish::<S>(s, largest, sums);
    }
}

impl Work<'_> {
    /// One block of keys against all queries of the task.
    #[inline(always)]
    fn keys<S: Lanes>(
        &self,
        s: S,
        key: usize,
        tiles: &mut Tiles<'_>,
        largest: &mut [f32],
        sums: &mut [f32],
    ) {
        let depth = self.inputs.head_dim();
        let keys = KEYS.min(self.span.keys - key);
        let width = padded(keys);
        if self.count > FEW {
            let rows = (self.span.key_start + key, keys);
            transpose(self.inputs.k, rows, (self.kv_head * depth, depth), tiles.keys, width);
        }
        for member in 0..self.inputs.group() {
            for query in (0..self.count).step_by(QUERIES) {
                let rows = QUERIES.min(self.count - query);
                if key > 0 && key >= self.span.visible(self.from + query + rows - 1) {
                    continue;
                }
                let block = Block { member, query, rows, key, keys, width };
                let state = member * self.count + query;
                let state = state..state + rows;
                let (largest, sums) = (&mut largest[state.clone()], &mut sums[state]);
                self.block::<S>(s, block, tiles, largest, sums);
            }
        }
    }

    /// One tile: scores, their softmax so far, and its share of the output.
    #[inline(always)]
    fn block<S: Lanes>(
        &self,
        s: S,
        block: Block,
        tiles: &mut Tiles<'_>,
        largest: &mut [f32],
        sums: &mut [f32],
    ) {
        let depth = self.inputs.head_dim();
        let head = self.kv_head * self.inputs.group() + block.member;
        self.scores::<S>(s, block, head, tiles);
        for r in 0..block.rows {
            let query = self.from + block.query + r;
            let row = &mut tiles.scores[r * block.width..(r + 1) * block.width];
            let visible = self.span.visible(query).saturating_sub(block.key).min(block.keys);
            row[visible..].fill(f32::NEG_INFINITY);
            if let Some(bias) = &self.inputs.bias {
                add(s, row, bias.row(head, query, block.key, visible));
            }
            let before = Running { largest: largest[r], sum: sums[r] };
            let (after, factor) = weigh(s, row, before);
            (largest[r], sums[r]) = (after.largest, after.sum);
            if let Some(draw) = self.inputs.draw {
                let row = &mut row[..visible];
                draw.plane(head).apply(self.span.query_start + query, block.key, row);
            }
            if block.key > 0 && factor != 1.0 {
                let out = self.out.at(self.span.query_start + query, head * depth);
                // SAFETY: this task alone writes these rows under this head.
                unsafe { scale(s, out, depth, factor) };
            }
        }
        let product = Product {
            m: block.rows,
            n: depth,
            k: block.keys,
            a: tiles.scores.as_ptr(),
            a_strides: [block.width, 1],
            b: self.inputs.v.at(self.span.key_start + block.key, self.kv_head * depth),
            b_row: self.inputs.v.stride(),
            c: self.out.at(self.span.query_start + self.from + block.query, head * depth),
            c_row: self.out.stride(),
            alpha: 1.0,
            add: block.key > 0,
        };
        // SAFETY: the tile is `rows × width`, the keys are rows of `v`, the queries rows of the
        // output, which this task alone writes under this head.
        unsafe { product.run(self.level) };
    }

    #[inline(always)]
    fn scores<S: Lanes>(&self, s: S, block: Block, head: usize, tiles: &mut Tiles<'_>) {
        let depth = self.inputs.head_dim();
        let scale = self.inputs.plan.shape.scale as f32;
        let first = self.span.query_start + self.from + block.query;
        if self.count > FEW {
            let product = Product {
                m: block.rows,
                n: block.width,
                k: depth,
                a: self.inputs.q.at(first, head * depth),
                a_strides: [self.inputs.q.stride(), 1],
                b: tiles.keys.as_ptr(),
                b_row: block.width,
                c: tiles.scores.as_mut_ptr(),
                c_row: block.width,
                alpha: scale,
                add: false,
            };
            // SAFETY: the queries are rows of `q`; both tiles have `width` columns.
            return unsafe { product.run(self.level) };
        }
        for r in 0..block.rows {
            let q = self.inputs.q.at(first + r, head * depth);
            for j in 0..block.keys {
                let k = self.inputs.k.at(self.span.key_start + block.key + j, self.kv_head * depth);
                // SAFETY: both are rows inside their matrices, `depth` numbers long.
                tiles.scores[r * block.width + j] = scale * unsafe { dot(s, q, k, depth) };
            }
        }
    }

    /// Divides by the denominators and gives out their logarithms.
    #[inline(always)]
    fn finish<S: Lanes>(&self, s: S, largest: &[f32], sums: &[f32]) {
        let depth = self.inputs.head_dim();
        for member in 0..self.inputs.group() {
            let head = self.kv_head * self.inputs.group() + member;
            for query in 0..self.count {
                let row = self.span.query_start + self.from + query;
                let sum = sums[member * self.count + query];
                let inverse = if sum > 0.0 { 1.0 / sum } else { 0.0 };
                // SAFETY: this task alone writes these rows under this head.
                unsafe { scale(s, self.out.at(row, head * depth), depth, inverse) };
                if let Some(log_sums) = &self.log_sums {
                    let log_sum = match sum > 0.0 {
                        true => largest[member * self.count + query] + sum.ln(),
                        false => f32::INFINITY,
                    };
                    // SAFETY: as above.
                    unsafe { *log_sums.at(row, head) = log_sum };
                }
            }
        }
    }
}

/// A tile of scores within a task.
#[derive(Clone, Copy)]
struct Block {
    member: usize,
    query: usize,
    rows: usize,
    key: usize,
    keys: usize,
    width: usize,
}

/// # Safety
/// `depth` numbers can be read at both.
#[inline(always)]
pub(super) unsafe fn dot<S: Lanes>(s: S, a: *const f32, b: *const f32, depth: usize) -> f32 {
    // SAFETY: the caller's promise.
    let (a, b) =
        unsafe { (std::slice::from_raw_parts(a, depth), std::slice::from_raw_parts(b, depth)) };
    let (a, b) = (a.chunks_exact(S::WIDTH), b.chunks_exact(S::WIDTH));
    let (a_rest, b_rest) = (a.remainder(), b.remainder());
    let mut sums = s.splat(0.0);
    for (x, y) in a.zip(b) {
        sums = s.mul_add(s.load(x), s.load(y), sums);
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    s.sum(sums) + rest
}
