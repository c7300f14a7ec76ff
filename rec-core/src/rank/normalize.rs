//! Scores of one user made comparable between models.

use serde::{Deserialize, Serialize};

/// How the scores of one user are scaled before they are added up. Items that a model cannot score
/// (`-∞`) take no part, and count as the lowest value of the scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalize {
    /// As they are; an unscored item counts as the lowest score.
    None,
    /// `(s − min) / (max − min)`, 1 where all are equal; an unscored item counts as 0.
    #[default]
    MinMax,
    /// `(s − mean) / standard deviation`, 0 where all are equal; an unscored item counts as the
    /// lowest of them.
    ZScore,
    /// `(n − rank) / n` with ranks from 0 among `n` items, so the best is 1 and the
    /// worst `1/n`; equal scores share their mean rank. An unscored item counts as 0.
    Rank,
}

impl Normalize {
    /// Scales in place all but `-∞`; returns what an unscored item counts as.
    pub(in crate::rank) fn apply(self, scores: &mut [f32]) -> f32 {
        match self {
            Self::None => lowest(scores),
            Self::MinMax => {
                let (min, max) = scored(scores)
                    .fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), s| (a.min(s), b.max(s)));
                let span = max - min;
                let flat = |s: f32| if s.is_nan() { s } else { 1.0 };
                map(scores, |s| if span > 0.0 { (s - min) / span } else { flat(s) });
                0.0
            }
            Self::ZScore => {
                let n = scored(scores).count().max(1) as f64;
                let mean = scored(scores).map(f64::from).sum::<f64>() / n;
                let variance =
                    scored(scores).map(|s| (f64::from(s) - mean).powi(2)).sum::<f64>() / n;
                let scale = if variance == 0.0 { 0.0 } else { 1.0 / variance.sqrt() };
                map(scores, |s| ((f64::from(s) - mean) * scale) as f32);
                lowest(scores)
            }
            Self::Rank => {
                let n = scored(scores).count() as f64;
                by_rank(scores, |rank| (n - rank) / n);
                0.0
            }
        }
    }
}

fn scored(scores: &[f32]) -> impl Iterator<Item = f32> + '_ {
    scores.iter().copied().filter(|&s| s != f32::NEG_INFINITY)
}

fn lowest(scores: &[f32]) -> f32 {
    scored(scores).reduce(f32::min).unwrap_or(0.0)
}

fn map(scores: &mut [f32], f: impl Fn(f32) -> f32) {
    scores.iter_mut().filter(|s| **s != f32::NEG_INFINITY).for_each(|s| *s = f(*s));
}

/// Replaces all but `-∞` (and NaN, which must not pass for a score) by a function of their rank
/// from 0; equal scores share the mean of their ranks.
pub(in crate::rank) fn by_rank(scores: &mut [f32], value: impl Fn(f64) -> f64) {
    let mut order: Vec<u32> =
        (0..scores.len() as u32).filter(|&i| scores[i as usize] > f32::NEG_INFINITY).collect();
    order.sort_unstable_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
    let mut start = 0;
    while start < order.len() {
        let score = scores[order[start] as usize];
        let tied = order[start..].iter().take_while(|&&i| scores[i as usize] == score).count();
        let given = value(start as f64 + (tied - 1) as f64 / 2.0) as f32;
        for &item in &order[start..start + tied] {
            scores[item as usize] = given;
        }
        start += tied;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: f32 = f32::NEG_INFINITY;

    fn apply(how: Normalize, scores: &[f32]) -> (Vec<f32>, f32) {
        let mut scores = scores.to_vec();
        let absent = how.apply(&mut scores);
        (scores, absent)
    }

    #[test]
    fn scales_by_hand() {
        let scores = [3.0, NEVER, 1.0, 5.0, 3.0];
        assert_eq!(apply(Normalize::None, &scores), (scores.to_vec(), 1.0));
        assert_eq!(apply(Normalize::MinMax, &scores), (vec![0.5, NEVER, 0.0, 1.0, 0.5], 0.0));
        // Mean 3, variance 2.
        let z = std::f32::consts::SQRT_2;
        assert_eq!(apply(Normalize::ZScore, &scores), (vec![0.0, NEVER, -z, z, 0.0], -z));
        // Ranks 0, 1½, 1½, 3 of four.
        assert_eq!(apply(Normalize::Rank, &scores), (vec![0.625, NEVER, 0.25, 1.0, 0.625], 0.0));
    }

    #[test]
    fn constant_and_missing_scores() {
        assert_eq!(apply(Normalize::MinMax, &[2.0, 2.0]), (vec![1.0, 1.0], 0.0));
        assert_eq!(apply(Normalize::ZScore, &[2.0, 2.0]), (vec![0.0, 0.0], 0.0));
        for how in [Normalize::None, Normalize::MinMax, Normalize::ZScore, Normalize::Rank] {
            assert_eq!(apply(how, &[NEVER, NEVER]), (vec![NEVER, NEVER], 0.0));
            assert_eq!(apply(how, &[]), (vec![], 0.0));
            // A NaN stays one, for the selection to refuse.
            assert!(apply(how, &[1.0, f32::NAN, 0.0]).0[1].is_nan());
            assert!(apply(how, &[1.0, f32::NAN, 1.0]).0[1].is_nan());
        }
    }
}
