//! Masking of tokens for masked language models.

use rand::RngExt;

use crate::rng::Rng;
use crate::{Error, Result};

/// How tokens are masked (Devlin et al. 2019, §3.1): of the tokens that may be masked, a share is
/// chosen; of those, most become the mask token, some a random one, and the rest stay as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenMasking {
    /// Share of tokens to predict: 0.15.
    pub probability: f64,
    /// Share of those that become the mask token: 0.8.
    pub masked: f64,
    /// Share of those that become a random token: 0.1.
    pub random: f64,
    /// The mask token.
    pub mask_id: u32,
    /// Random tokens are below this.
    pub vocab_size: u32,
    /// Tokens that are never chosen, nor drawn as random ones.
    pub special_ids: Vec<u32>,
}

/// A batch after masking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// The ids that the model sees.
    pub ids: Vec<u32>,
    /// Positions to predict, upward.
    pub positions: Vec<u32>,
    /// The tokens that stood there.
    pub targets: Vec<u32>,
}

impl TokenMasking {
    /// 15 %, of which 80 % masked and 10 % random.
    pub fn new(mask_id: u32, vocab_size: u32, special_ids: Vec<u32>) -> Self {
        Self { probability: 0.15, masked: 0.8, random: 0.1, mask_id, vocab_size, special_ids }
    }

    /// # Errors
    /// [`Error::Parameter`] for shares outside (0, 1] or [0, 1], and for a vocabulary of special
    /// tokens alone.
    pub fn check(&self) -> Result<()> {
        if !(self.probability > 0.0 && self.probability <= 1.0) {
            let why = "a share of tokens, above 0 and at most 1; usual is 0.15";
            return Err(Error::parameter("probability", self.probability, why));
        }
        let both = self.masked + self.random;
        if !(self.masked >= 0.0 && self.random >= 0.0 && both <= 1.0) {
            let why = "shares of the chosen tokens: neither below 0, together at most 1";
            return Err(Error::parameter("masked + random", both, why));
        }
        if (0..self.vocab_size).all(|id| self.special_ids.contains(&id)) {
            let why = "no token but special ones is left to draw";
            return Err(Error::parameter("vocab_size", self.vocab_size, why));
        }
        Ok(())
    }

    /// Whether any token may be masked.
    pub fn allows(&self, ids: &[u32]) -> bool {
        ids.iter().any(|id| !self.special_ids.contains(id))
    }

    /// Masks a batch anew (dynamic masking, Liu et al. 2019). `words[i]` is the word that token `i`
    /// belongs to, where whole words are to be masked: neighbouring tokens of one word are chosen
    /// or spared together. At least one token is chosen where any may be.
    pub fn mask(&self, ids: &[u32], words: Option<&[u32]>, rng: &mut Rng) -> Masked {
        let groups = self.groups(ids, words);
        let mut chosen: Vec<usize> =
            (0..groups.len()).filter(|_| rng.random::<f64>() < self.probability).collect();
        if chosen.is_empty() && !groups.is_empty() {
            chosen.push(rng.random_range(0..groups.len()));
        }
        let mut out = Masked { ids: ids.to_vec(), ..Masked::default() };
        for position in chosen.into_iter().flat_map(|group| groups[group].clone()) {
            out.positions.push(position as u32);
            out.targets.push(ids[position]);
            out.ids[position] = self.replacement(ids[position], rng);
        }
        out
    }

    /// Runs of tokens that are chosen together.
    fn groups(&self, ids: &[u32], words: Option<&[u32]>) -> Vec<std::ops::Range<usize>> {
        let mut groups: Vec<std::ops::Range<usize>> = Vec::with_capacity(ids.len());
        let word = |i: usize| words.and_then(|words| words.get(i));
        for (i, id) in ids.iter().enumerate() {
            if self.special_ids.contains(id) {
                continue;
            }
            match groups.last_mut() {
                Some(last) if last.end == i && words.is_some() && word(i) == word(i - 1) => {
                    last.end = i + 1;
                }
                _ => groups.push(i..i + 1),
            }
        }
        groups
    }

    fn replacement(&self, id: u32, rng: &mut Rng) -> u32 {
        let share: f64 = rng.random();
        if share < self.masked {
            return self.mask_id;
        }
        if share >= self.masked + self.random {
            return id;
        }
        loop {
            let drawn = rng.random_range(0..self.vocab_size);
            if !self.special_ids.contains(&drawn) {
                return drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    fn masking() -> TokenMasking {
        TokenMasking::new(3, 50, vec![0, 1, 2, 3])
    }

    #[test]
    fn shares_are_those_asked_for() {
        let ids: Vec<u32> = (0..40_000).map(|i| 4 + i % 46).collect();
        let out = masking().mask(&ids, None, &mut rng::stream(1, "masking", 0));
        let chosen = out.positions.len() as f64;
        assert!((chosen / 40_000.0 - 0.15).abs() < 0.01, "{chosen}");
        let at = |i: &u32| (ids[*i as usize], out.ids[*i as usize]);
        let share = |keep: &dyn Fn((u32, u32)) -> bool| {
            out.positions.iter().filter(|i| keep(at(i))).count() as f64 / chosen
        };
        assert!((share(&|(_, new)| new == 3) - 0.8).abs() < 0.02);
        assert!((share(&|(old, new)| old == new) - (0.1 + 0.1 / 46.0)).abs() < 0.02);
        let spared = (0..40_000u32).filter(|i| out.positions.binary_search(i).is_err());
        assert!(spared.into_iter().all(|i| ids[i as usize] == out.ids[i as usize]));
        assert!(out.positions.iter().zip(&out.targets).all(|(&i, &t)| ids[i as usize] == t));
    }

    #[test]
    fn special_tokens_are_spared_and_never_drawn() {
        let masking = TokenMasking { masked: 0.0, random: 1.0, probability: 1.0, ..masking() };
        let ids = [1, 10, 11, 2, 1, 12, 2];
        let out = masking.mask(&ids, None, &mut rng::stream(2, "masking", 0));
        assert_eq!(out.positions, [1, 2, 5]);
        assert!(out.positions.iter().all(|&i| out.ids[i as usize] > 3));
    }

    #[test]
    fn a_word_is_masked_whole() {
        let words: Vec<u32> = (0..300).map(|i| i / 3).collect();
        let ids: Vec<u32> = (0..300).map(|i| 4 + i % 40).collect();
        let out = masking().mask(&ids, Some(&words), &mut rng::stream(3, "masking", 0));
        assert!(!out.positions.is_empty() && out.positions.len().is_multiple_of(3));
        assert!(out.positions.chunks(3).all(|w| w[0] % 3 == 0 && w[2] == w[0] + 2));
    }

    #[test]
    fn a_short_text_has_one_token_to_predict() {
        for seed in 0..20 {
            let out = masking().mask(&[1, 9, 2], None, &mut rng::stream(seed, "masking", 0));
            assert_eq!((out.positions, out.targets), (vec![1], vec![9]));
        }
        assert!(
            masking().mask(&[1, 2], None, &mut rng::stream(0, "masking", 0)).targets.is_empty()
        );
    }

    #[test]
    fn shares_outside_their_domain_are_refused() {
        assert!(masking().check().is_ok());
        assert!(TokenMasking { probability: 0.0, ..masking() }.check().is_err());
        assert!(TokenMasking { masked: 0.95, ..masking() }.check().is_err());
        assert!(TokenMasking { vocab_size: 4, ..masking() }.check().is_err());
    }
}
