//! Negatives the model of the moment finds hard.

use super::NegativeSampler;
use crate::rng::Rng;
use crate::{Error, Result};

/// Dynamic negative sampling (W. Zhang, T. Chen, J. Wang, Y. Yu, "Optimizing top-N collaborative
/// filtering via dynamic negative item sampling", SIGIR 2013, algorithm 1): of a few candidates
/// from a base sampler, the one that the model scores highest.
#[derive(Clone, Debug)]
pub struct DynamicNegatives {
    base: NegativeSampler,
    candidates: usize,
}

impl DynamicNegatives {
    /// The hardest of `candidates` draws from `base`; 1 is the base sampler itself.
    ///
    /// # Errors
    /// [`Error::Parameter`] for 0 candidates.
    pub fn new(base: NegativeSampler, candidates: usize) -> Result<Self> {
        if candidates == 0 {
            return Err(Error::parameter("candidates", 0, "draw at least 1 candidate"));
        }
        Ok(Self { base, candidates })
    }

    /// Draws a negative, the positives as in [`NegativeSampler::draw`]. The score is asked once a
    /// candidate; of equal scores the first drawn is kept, and a NaN never wins.
    #[inline]
    pub fn draw(
        &self,
        rng: &mut Rng,
        positives: &[u32],
        mut score: impl FnMut(u32) -> f32,
    ) -> Option<u32> {
        let mut hardest = self.base.draw(rng, positives)?;
        if self.candidates == 1 {
            return Some(hardest);
        }
        let mut highest = score(hardest);
        for _ in 1..self.candidates {
            let item = self.base.draw(rng, positives)?;
            let s = score(item);
            if s > highest || highest.is_nan() {
                (hardest, highest) = (item, s);
            }
        }
        Some(hardest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::draw::tests::assert_fits;
    use super::*;
    use crate::rng::stream;

    #[test]
    fn the_hardest_of_n_has_the_distribution_of_a_maximum() {
        // Of three uniform draws from 0..4, the maximum is i with chance ((i+1)³ - i³) / 4³.
        let hard = DynamicNegatives::new(NegativeSampler::uniform(5).unwrap(), 3).unwrap();
        let mut rng = stream(1, "test", 0);
        let mut counts = [0; 5];
        for _ in 0..40_000 {
            let item = hard.draw(&mut rng, &[4], |i| i as f32).unwrap();
            counts[item as usize] += 1;
        }
        assert_fits(&counts, &[1.0, 7.0, 19.0, 37.0, 0.0]);
    }

    #[test]
    fn a_nan_never_wins_over_a_number() {
        let hard = DynamicNegatives::new(NegativeSampler::uniform(2).unwrap(), 64).unwrap();
        let mut rng = stream(1, "test", 0);
        for _ in 0..20 {
            let item = hard.draw(&mut rng, &[], |i| if i == 0 { f32::NAN } else { -1.0 });
            assert_eq!(item, Some(1));
        }
        assert_eq!(hard.draw(&mut rng, &[0, 1], |_| 0.0), None);
        assert!(DynamicNegatives::new(NegativeSampler::uniform(2).unwrap(), 0).is_err());
    }
}
