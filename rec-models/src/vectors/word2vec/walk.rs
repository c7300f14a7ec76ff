//! A worker's walk through a chunk of sentences.

use rec_core::rng::Rng;
use rec_core::sampling::{AliasTable, Subsampling, Windows};

use super::kernel::Scratch;
use crate::ops::simd::{Lanes, Task};
use crate::vectors::corpus::END;
use crate::vectors::rows::Shared;

/// Hidden rows that step together; more of them would move the outputs too far at once.
const GROUP: usize = 16;

/// What all workers share.
#[derive(Clone, Copy)]
pub(super) struct Shop<'a> {
    pub(super) inputs: Shared<'a>,
    pub(super) outputs: Shared<'a>,
    pub(super) subsampling: &'a Subsampling,
    pub(super) windows: Windows,
    pub(super) noise: &'a AliasTable,
    pub(super) negatives: usize,
    pub(super) bag: Option<Bag>,
}

/// How a continuous bag of words makes its hidden vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bag {
    Mean,
    Sum,
}

/// A worker's memory, kept from chunk to chunk.
pub(super) struct Desk {
    scratch: Scratch,
    sentence: Vec<u32>,
    context: Vec<u32>,
    outputs: Vec<u32>,
    coming: Vec<u32>,
    labels: Vec<f32>,
}

impl Desk {
    pub(super) fn new(dim: usize, negatives: usize) -> Self {
        let mut labels = vec![0.0; negatives + 1];
        labels[0] = 1.0;
        let empty = Vec::new;
        Self {
            scratch: Scratch::new(dim),
            sentence: empty(),
            context: empty(),
            outputs: empty(),
            coming: empty(),
            labels,
        }
    }
}

/// Trains on the sentences of a chunk, in order.
pub(super) struct Walk<'a> {
    pub(super) shop: Shop<'a>,
    pub(super) desk: &'a mut Desk,
    pub(super) ids: &'a [u32],
    pub(super) rng: Rng,
    pub(super) rate: f32,
}

impl Task for Walk<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(mut self, s: S) {
        let (shop, rng) = (self.shop, &mut self.rng);
        let Desk { scratch, sentence, context, outputs, coming, labels } = self.desk;
        let mut left = self.ids;
        while let Some(end) = left.iter().position(|&id| id == END) {
            sentence.clear();
            for &word in &left[..end] {
                if shop.subsampling.keeps(word, rng) {
                    sentence.push(word);
                }
            }
            left = &left[end + 1..];
            shop.draw(sentence, 0, rng, coming);
            for at in 0..sentence.len() {
                std::mem::swap(outputs, coming);
                shop.draw(sentence, at + 1, rng, coming);
                let reach = shop.windows.reach(rng);
                let (before, after) = Windows::around(at, reach, sentence.len());
                context.clear();
                context.extend_from_slice(&sentence[before]);
                context.extend_from_slice(&sentence[after]);
                if context.is_empty() {
                    continue;
                }
                let labels = &labels[..outputs.len()];
                match shop.bag {
                    None => {
                        for group in context.chunks(GROUP) {
                            shop.skip_gram(s, scratch, group, outputs, labels, self.rate);
                        }
                    }
                    Some(bag) => {
                        shop.cbow(s, scratch, (context, bag), outputs, labels, self.rate);
                    }
                }
            }
        }
    }
}

impl Shop<'_> {
    /// The word at a position and its negatives, whose rows are asked for; nothing past the end. A
    /// negative that is the word itself is left out, as in word2vec.
    #[inline(always)]
    fn draw(&self, sentence: &[u32], at: usize, rng: &mut Rng, to: &mut Vec<u32>) {
        to.clear();
        let Some(&word) = sentence.get(at) else { return };
        to.push(word);
        self.outputs.prefetch(word);
        for _ in 0..self.negatives {
            let negative = self.noise.draw(rng);
            if negative != word {
                to.push(negative);
                self.outputs.prefetch(negative);
            }
        }
    }

    #[inline(always)]
    fn read_outputs(&self, scratch: &mut Scratch, outputs: &[u32]) {
        let d = scratch.stride();
        for (row, &word) in outputs.iter().enumerate() {
            self.outputs.read(word, &mut scratch.y[row * d..]);
        }
    }

    #[inline(always)]
    fn add_outputs(&self, scratch: &Scratch, outputs: &[u32]) {
        let d = scratch.stride();
        for (row, &word) in outputs.iter().enumerate() {
            self.outputs.add(word, &scratch.dy[row * d..]);
        }
    }

    #[inline(always)]
    fn skip_gram<S: Lanes>(
        &self,
        s: S,
        scratch: &mut Scratch,
        context: &[u32],
        outputs: &[u32],
        labels: &[f32],
        rate: f32,
    ) {
        scratch.reserve(context.len(), outputs.len());
        let d = scratch.stride();
        for (row, &word) in context.iter().enumerate() {
            self.inputs.read(word, &mut scratch.x[row * d..]);
        }
        self.read_outputs(scratch, outputs);
        scratch.step(s, context.len(), labels, rate);
        for (row, &word) in context.iter().enumerate() {
            self.inputs.add(word, &scratch.dx[row * d..]);
        }
        self.add_outputs(scratch, outputs);
    }

    #[inline(always)]
    fn cbow<S: Lanes>(
        &self,
        s: S,
        scratch: &mut Scratch,
        (context, bag): (&[u32], Bag),
        outputs: &[u32],
        labels: &[f32],
        rate: f32,
    ) {
        scratch.reserve(2, outputs.len());
        let d = scratch.stride();
        let share = s.splat(1.0 / context.len() as f32);
        // Row 0 is the bag, row 1 the word that goes into it.
        self.inputs.read(context[0], &mut scratch.x[..]);
        for &word in &context[1..] {
            let (bag, next) = scratch.x.split_at_mut(d);
            self.inputs.read(word, next);
            for at in (0..d).step_by(S::WIDTH) {
                s.store(s.add(s.load(&bag[at..]), s.load(&next[at..])), &mut bag[at..]);
            }
        }
        if bag == Bag::Mean {
            scaled(s, &mut scratch.x[..d], share);
        }
        self.read_outputs(scratch, outputs);
        scratch.step(s, 1, labels, rate);
        if bag == Bag::Sum {
            scaled(s, &mut scratch.dx[..d], share);
        }
        for &word in context {
            self.inputs.add(word, &scratch.dx);
        }
        self.add_outputs(scratch, outputs);
    }
}

#[inline(always)]
fn scaled<S: Lanes>(s: S, row: &mut [f32], by: S::V) {
    for at in (0..row.len()).step_by(S::WIDTH) {
        s.store(s.mul(s.load(&row[at..]), by), &mut row[at..]);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rec_core::objective::{SkipGram, WordFactors};

    use super::*;
    use crate::ops::simd::Level;
    use crate::vectors::rows::Rows;

    struct Step<'a>(Shop<'a>, &'a mut Scratch);

    const CONTEXT: [u32; 3] = [0, 2, 2];
    const OUTPUTS: [u32; 3] = [1, 0, 3];
    const RATE: f32 = 0.25;

    impl Task for Step<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Lanes>(self, s: S) {
            let Self(shop, scratch) = self;
            let labels = [1.0, 0.0, 0.0];
            match shop.bag {
                None => shop.skip_gram(s, scratch, &CONTEXT, &OUTPUTS, &labels, RATE),
                Some(bag) => shop.cbow(s, scratch, (&CONTEXT, bag), &OUTPUTS, &labels, RATE),
            }
        }
    }

    /// The vectors after a step on random-looking ones of `dim` numbers.
    fn stepped(at: &WordFactors, bag: Option<Bag>, level: Level) -> [Vec<f32>; 2] {
        let dim = at.inputs.ncols();
        let flat = |a: &Array2<f64>| a.iter().map(|&v| v as f32).collect::<Vec<_>>();
        let mut inputs = Rows::padded(&flat(&at.inputs), dim);
        let mut outputs = Rows::padded(&flat(&at.outputs), dim);
        let subsampling = Subsampling::new(&[1; 4], 0.0).unwrap();
        let noise = AliasTable::new(&[1.0; 4]).unwrap();
        let shop = Shop {
            inputs: inputs.share(),
            outputs: outputs.share(),
            subsampling: &subsampling,
            windows: Windows::new(5, false).unwrap(),
            noise: &noise,
            negatives: 2,
            bag,
        };
        level.run(Step(shop, &mut Scratch::new(dim)));
        [inputs.packed(), outputs.packed()]
    }

    /// How many times the gradient's step each word takes: one, with skip-gram; that of the whole
    /// mean, which is three words' shares, with a mean; its share, with a sum.
    #[test]
    fn a_window_moves_its_rows_against_the_gradient() {
        for dim in [1, 20, 100] {
            let value = |at: usize, salt: usize| ((at * 37 + salt) % 23) as f64 / 23.0 - 0.5;
            let at = WordFactors {
                inputs: Array2::from_shape_fn((4, dim), |(r, c)| value(r * dim + c, 5)),
                outputs: Array2::from_shape_fn((4, dim), |(r, c)| value(r * dim + c, 11)),
            };
            // A sum of three is the mean of vectors three times as long, whose gradient by the
            // longer vectors is the sum's by the vectors, in three shares.
            let tripled = WordFactors { inputs: &at.inputs * 3.0, ..at.clone() };
            for (bag, objective, from, times) in [
                (None, SkipGram::SkipGram, &at, 1.0),
                (Some(Bag::Mean), SkipGram::Cbow, &at, 3.0),
                (Some(Bag::Sum), SkipGram::Cbow, &tripled, 1.0),
            ] {
                let gradient = objective.gradient(from, &CONTEXT, OUTPUTS[0], &OUTPUTS[1..]);
                let want = [
                    &at.inputs - &gradient.inputs * (times * f64::from(RATE)),
                    &at.outputs - &gradient.outputs * f64::from(RATE),
                ];
                for level in Level::all() {
                    let got = stepped(&at, bag, level);
                    for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
                        assert!((f64::from(*got) - want).abs() < 2e-5, "{bag:?} {got} {want}");
                    }
                }
            }
        }
    }
}
