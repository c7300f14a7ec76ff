//! Continuous bags of words, two windows at a time.
//!
//! A window has one hidden vector, and on its own nothing to share its negatives with: most of its
//! time goes to fetching their rows. So two windows that follow one another share theirs, each
//! with a target of its own: hidden vectors `X` (`[n, d]`) against negatives `Y` and targets `T` step
//! by `E = −η σ(X Yᵀ)`, `e_i = η (1 − σ(⟨x_i, t_i⟩))`, `Δx_i = Σ_j E_ij y_j + e_i t_i`, `ΔY = Eᵀ X`,
//! `Δt_i = e_i x_i`, all from the values before the step.

use rec_core::rng::Rng;
use rec_core::sampling::{AliasTable, Windows};

use super::steps::Views;
use super::walk::{AHEAD, Bag, Desk, Shop};
use crate::ops::simd::Lanes;

/// Windows that share negatives; four are faster still, and answer fewer analogies.
pub(super) const WINDOWS: usize = 2;

/// What a few windows are to step on.
#[derive(Default)]
pub(super) struct Group {
    /// The words of all contexts, and where each window's end.
    pub(super) context: Vec<u32>,
    pub(super) ends: Vec<usize>,
    pub(super) targets: Vec<u32>,
    pub(super) negatives: Vec<u32>,
    /// `[windows, negatives + 1]`, a target's last: 0 where a negative is the window's target.
    pub(super) rates: Vec<f32>,
}

impl Group {
    fn clear(&mut self) {
        self.context.clear();
        self.ends.clear();
        self.targets.clear();
        self.rates.clear();
    }

    /// A word and its context; nothing without one.
    #[inline(always)]
    pub(super) fn push(&mut self, sentence: &[u32], at: usize, reach: usize, rate: f32) {
        let (before, after) = Windows::around(at, reach, sentence.len());
        if before.is_empty() && after.is_empty() {
            return;
        }
        self.context.extend_from_slice(&sentence[before]);
        self.context.extend_from_slice(&sentence[after]);
        self.ends.push(self.context.len());
        let target = sentence[at];
        self.targets.push(target);
        for &negative in &self.negatives {
            self.rates.push(if negative == target { 0.0 } else { rate });
        }
        self.rates.push(rate);
    }

    /// Draws negatives for the words from a position on, and asks for the rows of both.
    #[inline(always)]
    fn draw(
        &mut self,
        (noise, negatives): (&AliasTable, usize),
        (tables, words): (&Views<'_>, &[u32]),
        rng: &mut Rng,
    ) {
        self.negatives.clear();
        if words.is_empty() {
            return;
        }
        for &word in words {
            tables.outputs.prefetch(word);
        }
        for _ in 0..negatives {
            let negative = noise.draw(rng);
            tables.outputs.prefetch(negative);
            self.negatives.push(negative);
        }
    }
}

impl Shop<'_> {
    /// Trains on the sentence at the desk, by bags of words with negatives.
    #[inline(always)]
    pub(super) fn bags<S: Lanes>(
        &self,
        s: S,
        desk: &mut Desk<'_>,
        (bag, noise): (Bag, (&AliasTable, usize)),
        (rate, rng): (f32, &mut Rng),
    ) {
        let Desk { tables, scratch, sentence, groups: [now, coming], .. } = desk;
        let words = |from: usize| {
            &sentence[from.min(sentence.len())..]
                [..WINDOWS.min(sentence.len().saturating_sub(from))]
        };
        coming.draw(noise, (tables, words(0)), rng);
        for at in 0..sentence.len().min(AHEAD) {
            self.ask(tables, sentence, at);
        }
        for from in (0..sentence.len()).step_by(WINDOWS) {
            std::mem::swap(now, coming);
            coming.draw(noise, (tables, words(from + WINDOWS)), rng);
            now.clear();
            for at in from..sentence.len().min(from + WINDOWS) {
                self.ask(tables, sentence, at + AHEAD);
                now.push(sentence, at, self.windows.reach(rng), rate);
            }
            if !now.targets.is_empty() {
                tables.bags(s, scratch, bag, now);
            }
        }
    }
}
