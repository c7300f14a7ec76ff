//! A worker's walk through a chunk of sentences.

use rand::seq::SliceRandom as _;
use rec_core::objective::HuffmanTree;
use rec_core::rng::Rng;
use rec_core::sampling::{AliasTable, Subsampling, Windows};

use super::bags::Group;
use super::kernel::Scratch;
use super::steps::Views;
use crate::ops::simd::{Lanes, Task};
use crate::vectors::corpus::END;
use crate::vectors::parts::Parts;

/// Hidden rows that step together; more of them would move the outputs too far at once.
pub(super) const GROUP: usize = 16;

/// Words of a sentence whose vectors are asked for before their turn.
pub(super) const AHEAD: usize = 16;

/// What all workers share.
#[derive(Clone, Copy)]
pub(super) struct Shop<'a> {
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
    pub(super) rows: Vec<u32>,
    pub(super) labels: Vec<f32>,
    pub(super) rates: Vec<f32>,
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
pub(super) struct Desk<'a> {
    pub(super) tables: Views<'a>,
    pub(super) scratch: Scratch,
    pub(super) sentence: Vec<u32>,
    context: Vec<u32>,
    sources: Vec<u32>,
    drawn: Drawn,
    coming: Drawn,
    ends: Vec<usize>,
    pub(super) groups: [Group; 2],
}

impl<'a> Desk<'a> {
    pub(super) fn new(tables: Views<'a>, dim: usize) -> Self {
        Self {
            tables,
            scratch: Scratch::new(dim),
            sentence: Vec::new(),
            context: Vec::new(),
            sources: Vec::new(),
            drawn: Drawn::default(),
            coming: Drawn::default(),
            ends: Vec::new(),
            groups: Default::default(),
        }
    }
}

/// Trains on the sentences of a chunk, in order.
pub(super) struct Walk<'a, 'b> {
    pub(super) shop: Shop<'a>,
    pub(super) desk: &'b mut Desk<'a>,
    pub(super) ids: &'a [u32],
    pub(super) rng: Rng,
    pub(super) rate: f32,
}

impl Task for Walk<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(mut self, s: S) {
        let (shop, rng, rate) = (self.shop, &mut self.rng, self.rate);
        let desk = self.desk;
        let mut left = self.ids;
        while let Some(end) = left.iter().position(|&id| id == END) {
            desk.sentence.clear();
            for &word in &left[..end] {
                if shop.subsampling.keeps(word, rng) {
                    desk.sentence.push(word);
                }
            }
            left = &left[end + 1..];
            if shop.shuffles {
                desk.sentence.shuffle(rng);
            }
            match (shop.bag, shop.parts, shop.targets) {
                (Some(bag), None, Targets::Negatives(noise, n)) => {
                    shop.bags(s, desk, (bag, (noise, n)), (rate, rng));
                }
                _ => shop.windows(s, desk, (rate, rng)),
            }
        }
    }
}

impl Shop<'_> {
    /// Trains on the sentence at the desk, window by window.
    #[inline(always)]
    fn windows<S: Lanes>(&self, s: S, desk: &mut Desk<'_>, (rate, rng): (f32, &mut Rng)) {
        let Desk { tables, scratch, sentence, context, sources, drawn, coming, ends, .. } = desk;
        self.draw(tables, sentence, 0, rate, rng, coming);
        for at in 0..sentence.len().min(AHEAD) {
            self.ask(tables, sentence, at);
        }
        for at in 0..sentence.len() {
            self.ask(tables, sentence, at + AHEAD);
            std::mem::swap(drawn, coming);
            self.draw(tables, sentence, at + 1, rate, rng, coming);
            let reach = self.windows.reach(rng);
            let (before, after) = Windows::around(at, reach, sentence.len());
            context.clear();
            context.extend_from_slice(&sentence[before]);
            context.extend_from_slice(&sentence[after]);
            if context.is_empty() {
                continue;
            }
            match (self.bag, self.parts) {
                (None, None) => match self.targets {
                    Targets::Negatives(..) => {
                        for group in context.chunks(GROUP) {
                            tables.skip_gram(s, scratch, group, drawn);
                        }
                    }
                    // Nodes near the root stand on nearly all paths: one word at a time, lest they
                    // move too far.
                    Targets::Paths(_) => tables.in_turn(s, scratch, context, drawn),
                },
                (None, Some(parts)) => {
                    self.draw_all(tables, context, rate, rng, (drawn, ends));
                    tables.word_of_parts(s, scratch, parts.of(sentence[at]), (drawn, ends));
                }
                (Some(bag), None) => tables.bag(s, scratch, (context, bag), drawn),
                (Some(bag), Some(parts)) => {
                    sources.clear();
                    for &word in context.iter() {
                        sources.extend_from_slice(parts.of(word));
                    }
                    tables.bag(s, scratch, (sources, bag), drawn);
                }
            }
        }
    }

    /// Asks for the vector of the word at a position.
    #[inline(always)]
    pub(super) fn ask(&self, tables: &Views<'_>, sentence: &[u32], at: usize) {
        if let (Some(&word), None) = (sentence.get(at), self.parts) {
            tables.inputs.prefetch(word);
        }
    }

    /// The outputs of the word at a position, whose rows are asked for; none past the end, and none
    /// where a step takes all words of a window at once. A negative that is the word itself is left
    /// out, as in word2vec.
    #[inline(always)]
    fn draw(
        &self,
        tables: &Views<'_>,
        sentence: &[u32],
        at: usize,
        rate: f32,
        rng: &mut Rng,
        to: &mut Drawn,
    ) {
        to.clear();
        if self.bag.is_none() && self.parts.is_some() {
            return;
        }
        let Some(&word) = sentence.get(at) else { return };
        self.push_outputs(word, rate, rng, to);
        for &row in &to.rows {
            tables.outputs.prefetch(row);
        }
    }

    /// The outputs of all words of a context, and where each word's end.
    #[inline(always)]
    fn draw_all(
        &self,
        tables: &Views<'_>,
        context: &[u32],
        rate: f32,
        rng: &mut Rng,
        (to, ends): (&mut Drawn, &mut Vec<usize>),
    ) {
        to.clear();
        ends.clear();
        for &word in context {
            self.push_outputs(word, rate, rng, to);
            ends.push(to.rows.len());
        }
        for &row in &to.rows {
            tables.outputs.prefetch(row);
        }
    }

    /// A negative that is the word itself is left out, as in word2vec.
    #[inline(always)]
    fn push_outputs(&self, word: u32, rate: f32, rng: &mut Rng, to: &mut Drawn) {
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

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
