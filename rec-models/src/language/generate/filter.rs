//! From scores to the distribution that a token is drawn from.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};

use super::GenerateOptions;

/// A token that may be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The token.
    pub id: u32,
    /// Its probability among the candidates.
    pub probability: f64,
}

/// Lowers the scores of tokens seen: positive ones divided by the penalty, negative ones multiplied.
pub fn penalise(scores: &mut [f32], seen: &HashSet<u32>, penalty: f32) {
    if penalty == 1.0 {
        return;
    }
    for &id in seen {
        let score = &mut scores[id as usize];
        *score = if *score < 0.0 { *score * penalty } else { *score / penalty };
    }
}

/// The token of the highest score, the lowest id of those that tie.
pub(super) fn likeliest(scores: &[f32]) -> u32 {
    let better = |best: usize, i: usize| if scores[i] > scores[best] { i } else { best };
    (1..scores.len()).fold(0, better) as u32
}

/// The tokens that `temperature`, `top_k` and `top_p` leave, likeliest first where `top_p` is
/// given, and their probabilities.
pub fn candidates(scores: &[f32], options: &GenerateOptions) -> Vec<Candidate> {
    let mut scored = scaled(scores, options.temperature);
    if let Some(k) = options.top_k {
        keep_top_k(&mut scored, k);
    }
    let mut kept = softmax(scored);
    if let Some(p) = options.top_p.filter(|p| *p < 1.0) {
        kept = keep_top_p(kept, f64::from(p));
    }
    kept
}

/// A token and its score.
type Scored = (u32, f32);

fn scaled(scores: &[f32], temperature: f32) -> Vec<Scored> {
    scores.iter().enumerate().map(|(id, score)| (id as u32, score / temperature)).collect()
}

fn keep_top_k(scored: &mut Vec<Scored>, k: usize) {
    if k >= scored.len() {
        return;
    }
    let (_, last, _) = scored.select_nth_unstable_by(k - 1, |a, b| b.1.total_cmp(&a.1));
    let least = last.1;
    scored.retain(|(_, score)| *score >= least);
    scored.sort_unstable_by_key(|(id, _)| *id);
}

fn softmax(scored: Vec<Scored>) -> Vec<Candidate> {
    let highest = scored.iter().fold(f32::NEG_INFINITY, |a, (_, score)| a.max(*score));
    let weight = |score: f32| f64::from(score - highest).exp();
    let total: f64 = scored.iter().map(|(_, score)| weight(*score)).sum();
    let candidate = |(id, score)| Candidate { id, probability: weight(score) / total };
    scored.into_iter().map(candidate).collect()
}

/// A candidate in the order of probability, the lower id first of those that tie.
#[derive(PartialEq)]
struct Ranked(Candidate);

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_probability = self.0.probability.total_cmp(&other.0.probability);
        by_probability.then_with(|| other.0.id.cmp(&self.0.id))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Few tokens make up most of the mass: a heap hands them out without sorting the vocabulary.
fn keep_top_p(candidates: Vec<Candidate>, p: f64) -> Vec<Candidate> {
    let mut heap: BinaryHeap<Ranked> = candidates.into_iter().map(Ranked).collect();
    let (mut kept, mut mass) = (Vec::new(), 0.0);
    while mass < p
        && let Some(Ranked(next)) = heap.pop()
    {
        mass += next.probability;
        kept.push(next);
    }
    for candidate in &mut kept {
        candidate.probability /= mass;
    }
    kept
}

/// The candidate at `point` of the summed probabilities; `point` in [0, 1).
pub(super) fn draw(candidates: &[Candidate], point: f64) -> Option<u32> {
    let mut sum = 0.0;
    let reached = |candidate: &&Candidate| {
        sum += candidate.probability;
        sum > point
    };
    candidates.iter().find(reached).or(candidates.last()).map(|candidate| candidate.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> GenerateOptions {
        GenerateOptions { do_sample: true, ..Default::default() }
    }

    /// Scores whose softmax is 0.5, 0.25, 0.125, 0.125.
    fn scores() -> Vec<f32> {
        [0.5f32, 0.25, 0.125, 0.125].iter().map(|p| p.ln()).collect()
    }

    fn assert_close(got: &[Candidate], expected: &[(u32, f64)]) {
        assert_eq!(got.len(), expected.len(), "{got:?}");
        for (g, (id, probability)) in got.iter().zip(expected) {
            assert_eq!(g.id, *id);
            assert!((g.probability - probability).abs() < 1e-6, "{got:?}");
        }
    }

    #[test]
    fn nothing_asked_for_is_softmax() {
        let expected = [(0, 0.5), (1, 0.25), (2, 0.125), (3, 0.125)];
        assert_close(&candidates(&scores(), &options()), &expected);
    }

    #[test]
    fn top_k_keeps_ties_with_the_last() {
        let k = |k| GenerateOptions { top_k: Some(k), ..options() };
        assert_close(&candidates(&scores(), &k(2)), &[(0, 2. / 3.), (1, 1. / 3.)]);
        assert_eq!(candidates(&scores(), &k(3)).len(), 4);
        assert_eq!(candidates(&scores(), &k(90)).len(), 4);
    }

    #[test]
    fn top_p_keeps_the_fewest_that_reach_it() {
        let p = |p| GenerateOptions { top_p: Some(p), ..options() };
        assert_close(&candidates(&scores(), &p(0.4)), &[(0, 1.0)]);
        assert_close(&candidates(&scores(), &p(0.6)), &[(0, 2. / 3.), (1, 1. / 3.)]);
        assert_close(&candidates(&scores(), &p(0.8)), &[(0, 4. / 7.), (1, 2. / 7.), (2, 1. / 7.)]);
        assert_eq!(candidates(&scores(), &p(1.0)).len(), 4);
    }

    #[test]
    fn temperature_sharpens() {
        let half = GenerateOptions { temperature: 0.5, ..options() };
        let total = 0.25 + 0.0625 + 2.0 / 64.0;
        let expected: Vec<(u32, f64)> = [(0, 0.25), (1, 0.0625), (2, 1. / 64.), (3, 1. / 64.)]
            .map(|(id, square)| (id, square / total))
            .into();
        assert_close(&candidates(&scores(), &half), &expected);
    }

    #[test]
    fn the_penalty_lowers_scores_of_either_sign() {
        let mut scores = [2.0, -2.0, 2.0];
        penalise(&mut scores, &HashSet::from([0, 1]), 2.0);
        assert_eq!(scores, [1.0, -4.0, 2.0]);
    }

    #[test]
    fn the_likeliest_is_the_first_of_equals() {
        assert_eq!(likeliest(&[1.0, 3.0, 3.0]), 1);
    }

    #[test]
    fn a_draw_falls_by_summed_probability() {
        let all = candidates(&scores(), &options());
        let drawn = [0.0, 0.49, 0.51, 0.76, 0.9999999].map(|point| draw(&all, point));
        assert_eq!(drawn, [Some(0), Some(0), Some(1), Some(2), Some(3)]);
    }
}
