//! The terms of one interaction, and their gradients.

use rec_core::objective::{log_sigmoid, sigmoid};

use crate::ops::simd::{Lanes, Task, dispatch};

/// An item set against the user: `−weight ln σ(s)`, or `−|weight| ln σ(−s)` where it is below 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Term {
    pub(super) item: u32,
    pub(super) weight: f32,
}

impl Term {
    /// The loss at this score, and its derivative.
    pub(super) fn at(self, score: f32) -> (f64, f32) {
        let (score, weight) = (f64::from(score), f64::from(self.weight));
        let toward = if weight < 0.0 { -score } else { score };
        let (loss, pull) = (-log_sigmoid(toward), sigmoid(-toward));
        (weight.abs() * loss, (-weight * pull) as f32)
    }
}

/// Replaces each term's weight by the derivative of its loss by the score, adds `Σ derivative ·
/// e_item` to the user's gradient, and returns the loss.
pub(super) fn differentiate(
    terms: &mut [Term],
    user: &[f32],
    items: &[f32],
    to: &mut [f32],
) -> f64 {
    dispatch(Differentiate { terms, user, items, to })
}

struct Differentiate<'a> {
    terms: &'a mut [Term],
    user: &'a [f32],
    items: &'a [f32],
    to: &'a mut [f32],
}

impl Task for Differentiate<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> f64 {
        let Self { terms, user, items, to } = self;
        let d = user.len();
        let mut loss = 0.0;
        for term in terms {
            let item = &items[term.item as usize * d..][..d];
            let (of_term, derivative) = term.at(dot(s, user, item));
            loss += of_term;
            term.weight = derivative;
            add(s, to, derivative, item);
        }
        loss
    }
}

/// `to += Σ derivative · row`, over pairs of a row's number and a derivative.
pub(super) fn gather(to: &mut [f32], pairs: &[(u32, f32)], rows: &[f32]) {
    dispatch(Gather { to, pairs, rows });
}

struct Gather<'a> {
    to: &'a mut [f32],
    pairs: &'a [(u32, f32)],
    rows: &'a [f32],
}

impl Task for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self { to, pairs, rows } = self;
        let d = to.len();
        for &(row, by) in pairs {
            add(s, to, by, &rows[row as usize * d..][..d]);
        }
    }
}

#[inline(always)]
fn dot<S: Lanes>(s: S, a: &[f32], b: &[f32]) -> f32 {
    let mut sum = s.splat(0.0);
    let mut at = 0;
    while at + S::WIDTH <= a.len() {
        sum = s.mul_add(s.load(&a[at..]), s.load(&b[at..]), sum);
        at += S::WIDTH;
    }
    if at < a.len() {
        sum = s.mul_add(s.load_part(&a[at..], 0.0), s.load_part(&b[at..], 0.0), sum);
    }
    s.sum(sum)
}

/// `to += by · x`.
#[inline(always)]
fn add<S: Lanes>(s: S, to: &mut [f32], by: f32, x: &[f32]) {
    let by_all = s.splat(by);
    let mut at = 0;
    while at + S::WIDTH <= to.len() {
        let sum = s.mul_add(by_all, s.load(&x[at..]), s.load(&to[at..]));
        s.store(sum, &mut to[at..]);
        at += S::WIDTH;
    }
    if at < to.len() {
        let sum = s.mul_add(by_all, s.load_part(&x[at..], 0.0), s.load_part(&to[at..], 0.0));
        s.store_part(sum, &mut to[at..]);
    }
}
