//! Which words of a sentence are trained on, and how far each looks.

use std::ops::Range;

use rand::Rng as _;

use super::draw::below;
use crate::rng::Rng;
use crate::{Error, Result};

/// Sub-sampling of frequent words (Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed
/// representations of words and phrases and their compositionality", NIPS 2013, section 2.3), in
/// the form of the authors' program: a word of relative frequency `f` is kept with probability
/// `min(1, √(t/f) + t/f)`.
#[derive(Clone, Debug)]
pub struct Subsampling {
    /// A word is kept if a 32-bit draw is below this; 2³² keeps always.
    thresholds: Vec<u64>,
}

impl Subsampling {
    /// For words seen so often, with threshold `t = sample`; 0 keeps every word.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a threshold outside `0 ≤ t ≤ 1`.
    pub fn new(counts: &[u64], sample: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&sample) {
            let why = "choose a frequency from 0 (keep every word) to 1, such as 1e-3";
            return Err(Error::parameter("sample", sample, why));
        }
        let total: u64 = counts.iter().sum();
        let scale = (1u64 << 32) as f64;
        let keep = |&count: &u64| {
            let ratio = sample * total as f64 / count.max(1) as f64;
            ((ratio.sqrt() + ratio).min(1.0) * scale) as u64
        };
        let thresholds = match sample > 0.0 {
            true => counts.iter().map(keep).collect(),
            false => vec![1 << 32; counts.len()],
        };
        Ok(Self { thresholds })
    }

    /// The probability with which a word is kept; 1 past the end.
    pub fn probability(&self, word: u32) -> f64 {
        let scale = (1u64 << 32) as f64;
        self.thresholds.get(word as usize).map_or(1.0, |&t| t as f64 / scale)
    }

    /// Draws whether this occurrence of a word is kept.
    #[inline]
    pub fn keeps(&self, word: u32, rng: &mut Rng) -> bool {
        match self.thresholds.get(word as usize) {
            Some(&threshold) if threshold < 1 << 32 => (rng.next_u64() >> 32) < threshold,
            _ => true,
        }
    }
}

/// How far a word looks: `window` words each way, or with `shrink` a uniform draw of `1..=window`,
/// which weighs near words more (Mikolov, Chen, Corrado and Dean, "Efficient estimation of word
/// representations in vector space", 2013, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    window: u32,
    shrink: bool,
}

impl Windows {
    /// Windows of at most so many words each way.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a window of 0 or above 2³¹.
    pub fn new(window: usize, shrink: bool) -> Result<Self> {
        match u32::try_from(window) {
            Ok(n) if (1..=1 << 31).contains(&n) => Ok(Self { window: n, shrink }),
            _ => Err(Error::parameter("window", window, "look at least 1 word each way")),
        }
    }

    /// Draws how far a word looks.
    #[inline]
    pub fn reach(&self, rng: &mut Rng) -> usize {
        match self.shrink {
            true => below(rng, self.window) as usize + 1,
            false => self.window as usize,
        }
    }

    /// The positions before and after `at` within `reach`, in a sentence of `len` words.
    #[inline]
    pub fn around(at: usize, reach: usize, len: usize) -> (Range<usize>, Range<usize>) {
        let end = at.saturating_add(reach).saturating_add(1).min(len);
        (at.saturating_sub(reach)..at, (at + 1).min(end)..end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::draw::tests::assert_fits;
    use super::*;
    use crate::rng::stream;

    #[test]
    fn frequent_words_are_kept_as_the_formula_says() {
        // f = .9, .09, .01 with t = .01: √(1/90) + 1/90, √(1/9) + 1/9, 1.
        let subsampling = Subsampling::new(&[900, 90, 10], 0.01).unwrap();
        let want = [(1.0f64 / 90.0).sqrt() + 1.0 / 90.0, 1.0 / 3.0 + 1.0 / 9.0, 1.0];
        let mut rng = stream(1, "test", 0);
        for (word, want) in want.into_iter().enumerate() {
            assert!((subsampling.probability(word as u32) - want).abs() < 1e-9);
            let mut counts = [0; 2];
            for _ in 0..20_000 {
                counts[usize::from(subsampling.keeps(word as u32, &mut rng))] += 1;
            }
            match want < 1.0 {
                true => assert_fits(&counts, &[1.0 - want, want]),
                false => assert_eq!(counts, [0, 20_000]),
            }
        }
        let all = Subsampling::new(&[900, 90, 10], 0.0).unwrap();
        assert!((0..1000).all(|_| all.keeps(0, &mut rng)));
        assert!(Subsampling::new(&[1], -0.1).is_err() && Subsampling::new(&[1], f64::NAN).is_err());
    }

    #[test]
    fn windows_stay_in_the_sentence() {
        assert_eq!(Windows::around(0, 2, 1), (0..0, 1..1));
        assert_eq!(Windows::around(3, 2, 5), (1..3, 4..5));
        assert_eq!(Windows::around(1, usize::MAX, 3), (0..1, 2..3));
        let mut rng = stream(2, "test", 0);
        let mut counts = [0; 5];
        let windows = Windows::new(5, true).unwrap();
        for _ in 0..20_000 {
            counts[windows.reach(&mut rng) - 1] += 1;
        }
        assert_fits(&counts, &[1.0; 5]);
        assert_eq!(Windows::new(7, false).unwrap().reach(&mut rng), 7);
        assert!(Windows::new(0, true).is_err());
    }
}
