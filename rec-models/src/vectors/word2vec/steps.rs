//! Steps on a worker's view of the tables.

use super::bags::Group;
use super::kernel::{Outputs, Scratch, Sum, Sums};
use super::walk::{Bag, Drawn};
use crate::ops::simd::Lanes;
use crate::vectors::copies::View;
use crate::vectors::rows::Cells;

/// A worker's views of the vectors of words, and of words as targets.
pub(super) struct Views<'a> {
    pub(super) inputs: View<'a>,
    pub(super) outputs: View<'a>,
    xs: Vec<Cells<'a>>,
    ys: Vec<Cells<'a>>,
}

impl<'a> Views<'a> {
    pub(super) fn new([inputs, outputs]: [View<'a>; 2]) -> Self {
        Self { inputs, outputs, xs: Vec::new(), ys: Vec::new() }
    }

    /// Each word of a context predicts the outputs.
    #[inline(always)]
    pub(super) fn skip_gram<S: Lanes>(
        &mut self,
        s: S,
        scratch: &mut Scratch,
        context: &[u32],
        drawn: &Drawn,
    ) {
        self.find(context, drawn);
        scratch.step(s, &self.xs, drawn.at(&self.ys));
        self.stepped(s, context, drawn);
    }

    /// The words of a context predict the outputs one after another.
    #[inline(always)]
    pub(super) fn in_turn<S: Lanes>(
        &mut self,
        s: S,
        scratch: &mut Scratch,
        context: &[u32],
        drawn: &Drawn,
    ) {
        self.find(context, drawn);
        scratch.step_in_turn(s, &self.xs, drawn.at(&self.ys));
        self.stepped(s, context, drawn);
    }

    /// The mean or the sum of some input rows predicts the outputs.
    #[inline(always)]
    pub(super) fn bag<S: Lanes>(
        &mut self,
        s: S,
        scratch: &mut Scratch,
        (sources, bag): (&[u32], Bag),
        drawn: &Drawn,
    ) {
        self.find(sources, drawn);
        scratch.step_sum(s, Sum::of(&self.xs, bag), drawn.at(&self.ys));
        self.stepped(s, sources, drawn);
    }

    /// The mean of some input rows predicts the outputs of one word after another, `ends` saying where
    /// each word's end.
    #[inline(always)]
    pub(super) fn word_of_parts<S: Lanes>(
        &mut self,
        s: S,
        scratch: &mut Scratch,
        parts: &[u32],
        (drawn, ends): (&Drawn, &[usize]),
    ) {
        self.find(parts, drawn);
        scratch.step_each(s, Sum::of(&self.xs, Bag::Mean), drawn.at(&self.ys), ends);
        self.stepped(s, parts, drawn);
    }

    /// The mean or the sum of each context predicts its target among the negatives of all.
    #[inline(always)]
    pub(super) fn bags<S: Lanes>(&mut self, s: S, scratch: &mut Scratch, bag: Bag, group: &Group) {
        self.xs.clear();
        self.xs.extend(group.context.iter().map(|&row| self.inputs.row(row)));
        self.ys.clear();
        let outputs = group.negatives.iter().chain(&group.targets);
        self.ys.extend(outputs.map(|&row| self.outputs.row(row)));
        let (negatives, targets) = self.ys.split_at(group.negatives.len());
        let (rows, ends, rates) = (&self.xs, &group.ends, &group.rates);
        scratch.step_sums(s, Sums { rows, ends, bag, negatives, targets, rates });
        for &row in &group.context {
            self.inputs.stepped(s, row);
        }
        for &row in group.negatives.iter().chain(&group.targets) {
            self.outputs.stepped(s, row);
        }
    }

    #[inline(always)]
    fn find(&mut self, inputs: &[u32], drawn: &Drawn) {
        self.xs.clear();
        self.xs.extend(inputs.iter().map(|&row| self.inputs.row(row)));
        self.ys.clear();
        self.ys.extend(drawn.rows.iter().map(|&row| self.outputs.row(row)));
    }

    #[inline(always)]
    fn stepped<S: Lanes>(&mut self, s: S, inputs: &[u32], drawn: &Drawn) {
        for &row in inputs {
            self.inputs.stepped(s, row);
        }
        for &row in &drawn.rows {
            self.outputs.stepped(s, row);
        }
    }
}

impl Drawn {
    fn at<'a>(&'a self, rows: &'a [Cells<'a>]) -> Outputs<'a> {
        Outputs { rows, labels: &self.labels, rates: &self.rates }
    }
}
