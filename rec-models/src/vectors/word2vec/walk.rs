//! A worker's walk through a chunk of sentences.

use rand::seq::SliceRandom as _;
use rec_core::objective::HuffmanTree;
use rec_core::rng::Rng;
use rec_core::sampling::{AliasTable, Subsampling, Windows};

use super::kernel::Scratch;
use crate::ops::simd::{Lanes, Task};
use crate::vectors::corpus::END;
use crate::vectors::parts::Parts;
use crate::vectors::rows::Shared;

/// Hidden rows that step together; more of them would move the outputs too far at once.
pub(super) const GROUP: usize = 16;

/// Words of a sentence whose vectors are asked for before their turn.
const AHEAD: usize = 16;

/// What all workers share.
#[derive(Clone, Copy)]
pub(super) struct Shop<'a> {
    pub(super) inputs: Shared<'a>,
    pub(super) outputs: Shared<'a>,
    pub(super) subsampling: &'a Subsampling,
    pub(super) windows: Windows,
    pub(super) targets: Targets<'a>,
    pub(super) bag: Option<Bag>,
    /// The input rows whose mean is a word's, where that is not its own row alone.
    pub(super) parts: Option<&'a Parts>,
    /// Whether the words of a sentence come in a new order each time.
    pub(super) shuffles: bool,
}

/// What outputs a word is predicted by.
#[derive(Clone, Copy)]
pub(super) enum Targets<'a> {
    /// Its own, among so many negatives.
    Negatives(&'a AliasTable, usize),
    /// Those of the inner nodes on its path.
    Paths(&'a HuffmanTree),
}

/// How a continuous bag of words makes its hidden vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bag {
    Mean,
    Sum,
}

/// Outputs of a step, each with its label and learning rate.
#[derive(Default)]
pub(super) struct Drawn {
    rows: Vec<u32>,
    labels: Vec<f32>,
    rates: Vec<f32>,
}

impl Drawn {
    fn clear(&mut self) {
        self.rows.clear();
        self.labels.clear();
        self.rates.clear();
    }

    #[inline(always)]
    fn push(&mut self, row: u32, label: f32, rate: f32) {
        self.rows.push(row);
        self.labels.push(label);
        self.rates.push(rate);
    }
}

/// A worker's memory, kept from chunk to chunk.
pub(super) struct Desk {
    scratch: Scratch,
    sentence: Vec<u32>,
    context: Vec<u32>,
    sources: Vec<u32>,
    drawn: Drawn,
    coming: Drawn,
}

impl Desk {
    pub(super) fn new(dim: usize) -> Self {
        Self {
            scratch: Scratch::new(dim),
            sentence: Vec::new(),
            context: Vec::new(),
            sources: Vec::new(),
            drawn: Drawn::default(),
            coming: Drawn::default(),
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
        let (shop, rng, rate) = (self.shop, &mut self.rng, self.rate);
        let Desk { scratch, sentence, context, sources, drawn, coming } = self.desk;
        let mut left = self.ids;
        while let Some(end) = left.iter().position(|&id| id == END) {
            sentence.clear();
            for &word in &left[..end] {
                if shop.subsampling.keeps(word, rng) {
                    sentence.push(word);
                }
            }
            left = &left[end + 1..];
            if shop.shuffles {
                sentence.shuffle(rng);
            }
            shop.draw(sentence, 0, rate, rng, coming);
            for at in 0..sentence.len().min(AHEAD) {
                shop.ask(sentence, at);
            }
            for at in 0..sentence.len() {
                shop.ask(sentence, at + AHEAD);
                std::mem::swap(drawn, coming);
                shop.draw(sentence, at + 1, rate, rng, coming);
                let reach = shop.windows.reach(rng);
                let (before, after) = Windows::around(at, reach, sentence.len());
                context.clear();
                context.extend_from_slice(&sentence[before]);
                context.extend_from_slice(&sentence[after]);
                if context.is_empty() {
                    continue;
                }
                match (shop.bag, shop.parts) {
                    (None, None) => {
                        for group in context.chunks(GROUP) {
                            shop.skip_gram(s, scratch, group, drawn);
                        }
                    }
                    (None, Some(parts)) => {
                        shop.draw_all(context, rate, rng, drawn);
                        shop.bag(s, scratch, (parts.of(sentence[at]), Bag::Mean), drawn);
                    }
                    (Some(bag), None) => shop.bag(s, scratch, (context, bag), drawn),
                    (Some(bag), Some(parts)) => {
                        sources.clear();
                        for &word in context.iter() {
                            sources.extend_from_slice(parts.of(word));
                        }
                        shop.bag(s, scratch, (sources, bag), drawn);
                    }
                }
            }
        }
    }
}

impl Shop<'_> {
    /// Asks for the vector of the word at a position.
    #[inline(always)]
    fn ask(&self, sentence: &[u32], at: usize) {
        if let (Some(&word), None) = (sentence.get(at), self.parts) {
            self.inputs.prefetch(word);
        }
    }

    /// The outputs of the word at a position, whose rows are asked for; none past the end, and none
    /// where a step takes all words of a window at once. A negative that is the word itself is left
    /// out, as in word2vec.
    #[inline(always)]
    fn draw(&self, sentence: &[u32], at: usize, rate: f32, rng: &mut Rng, to: &mut Drawn) {
        to.clear();
        if self.bag.is_none() && self.parts.is_some() {
            return;
        }
        let Some(&word) = sentence.get(at) else { return };
        match self.targets {
            Targets::Negatives(noise, negatives) => {
                to.push(word, 1.0, rate);
                for _ in 0..negatives {
                    let negative = noise.draw(rng);
                    if negative != word {
                        to.push(negative, 0.0, rate);
                    }
                }
            }
            Targets::Paths(tree) => push_path(tree, word, rate, to),
        }
        for &row in &to.rows {
            self.outputs.prefetch(row);
        }
    }

    /// The outputs of all words of a context, which share their negatives: each counts for every
    /// word that it is not.
    #[inline(always)]
    fn draw_all(&self, context: &[u32], rate: f32, rng: &mut Rng, to: &mut Drawn) {
        to.clear();
        match self.targets {
            Targets::Negatives(noise, negatives) => {
                for &word in context {
                    to.push(word, 1.0, rate);
                }
                for _ in 0..negatives {
                    let negative = noise.draw(rng);
                    let mut times = 0.0;
                    for &word in context {
                        times += if word == negative { 0.0 } else { 1.0 };
                    }
                    to.push(negative, 0.0, times * rate);
                }
            }
            Targets::Paths(tree) => {
                for &word in context {
                    push_path(tree, word, rate, to);
                }
            }
        }
        for &row in &to.rows {
            self.outputs.prefetch(row);
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
    fn skip_gram<S: Lanes>(&self, s: S, scratch: &mut Scratch, context: &[u32], drawn: &Drawn) {
        scratch.reserve(context.len(), drawn.rows.len());
        let d = scratch.stride();
        for (row, &word) in context.iter().enumerate() {
            self.inputs.read(word, &mut scratch.x[row * d..]);
        }
        self.read_outputs(scratch, &drawn.rows);
        scratch.step(s, context.len(), &drawn.labels, &drawn.rates);
        for (row, &word) in context.iter().enumerate() {
            self.inputs.add(word, &scratch.dx[row * d..]);
        }
        self.add_outputs(scratch, &drawn.rows);
    }

    /// The mean or the sum of some input rows predicts the outputs.
    #[inline(always)]
    fn bag<S: Lanes>(
        &self,
        s: S,
        scratch: &mut Scratch,
        (sources, bag): (&[u32], Bag),
        drawn: &Drawn,
    ) {
        scratch.reserve(1, drawn.rows.len());
        let d = scratch.stride();
        let share = s.splat(1.0 / sources.len() as f32);
        self.inputs.read(sources[0], &mut scratch.x);
        for &source in &sources[1..] {
            self.inputs.add_to(source, &mut scratch.x);
        }
        if bag == Bag::Mean {
            scaled(s, &mut scratch.x[..d], share);
        }
        self.read_outputs(scratch, &drawn.rows);
        scratch.step(s, 1, &drawn.labels, &drawn.rates);
        if bag == Bag::Sum {
            scaled(s, &mut scratch.dx[..d], share);
        }
        for &source in sources {
            self.inputs.add(source, &scratch.dx);
        }
        self.add_outputs(scratch, &drawn.rows);
    }
}

/// The nodes of a word's path: a turn to the left is labelled 1.
#[inline(always)]
fn push_path(tree: &HuffmanTree, word: u32, rate: f32, to: &mut Drawn) {
    let (nodes, turns) = tree.path(word);
    for (&node, &right) in nodes.iter().zip(turns) {
        to.push(node, if right { 0.0 } else { 1.0 }, rate);
    }
}

#[inline(always)]
fn scaled<S: Lanes>(s: S, row: &mut [f32], by: S::V) {
    for at in (0..row.len()).step_by(S::WIDTH) {
        s.store(s.mul(s.load(&row[at..]), by), &mut row[at..]);
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
