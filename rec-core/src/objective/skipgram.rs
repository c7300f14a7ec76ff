//! Skip-gram and continuous bag of words with negative sampling.

use ndarray::{Array1, Array2};

use super::{log_sigmoid, sigmoid};

/// The negative-sampling objective of word2vec (T. Mikolov, I. Sutskever, K. Chen, G. Corrado,
/// J. Dean, "Distributed representations of words and phrases and their compositionality", NIPS
/// 2013, equation 4) for one window: hidden vectors `h` that predict a target word `t` among
/// negatives `N`,
///
/// `L = Σ_h ( −ln σ(⟨h, o_t⟩) − Σ_{n ∈ N} ln σ(−⟨h, o_n⟩) )`
///
/// Skip-gram has one hidden vector a context word, `h = v_c`; continuous bag of words has one a
/// window, the mean of the context's vectors. All hidden vectors of a window share its negatives.
/// A negative that is the target counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipGram {
    /// Each context word predicts the target.
    SkipGram,
    /// The mean of the context predicts the target.
    Cbow,
}

/// Parameters of the model, or the gradient by them.
#[derive(Clone, Debug, PartialEq)]
pub struct WordFactors {
    /// `v`, the word vectors: `[words, dim]`.
    pub inputs: Array2<f64>,
    /// `o`, the vectors of words as targets: `[words, dim]`.
    pub outputs: Array2<f64>,
}

impl SkipGram {
    /// The loss of a window. Words must be within the factors; a context of none has loss 0.
    pub fn loss(self, at: &WordFactors, context: &[u32], target: u32, negatives: &[u32]) -> f64 {
        let others = || negatives.iter().filter(|&&n| n != target);
        let of = |h: &Array1<f64>| {
            let score = |word: u32| h.dot(&at.outputs.row(word as usize));
            let wrong: f64 = others().map(|&n| log_sigmoid(-score(n))).sum();
            -log_sigmoid(score(target)) - wrong
        };
        self.hidden(at, context).iter().map(|(h, _)| of(h)).sum()
    }

    /// The gradient of [`SkipGram::loss`]: with `e = σ(⟨h, o⟩) − label`, a pair adds `e o` to that
    /// of `h` and `e h` to that of `o`; the gradient of a mean goes to its words in equal parts.
    pub fn gradient(
        self,
        at: &WordFactors,
        context: &[u32],
        target: u32,
        negatives: &[u32],
    ) -> WordFactors {
        let mut gradient = WordFactors {
            inputs: Array2::zeros(at.inputs.raw_dim()),
            outputs: Array2::zeros(at.outputs.raw_dim()),
        };
        let words = || negatives.iter().copied().filter(|&n| n != target);
        for (h, sources) in self.hidden(at, context) {
            let mut by_hidden = Array1::<f64>::zeros(h.len());
            for (word, label) in std::iter::once((target, 1.0)).chain(words().map(|n| (n, 0.0))) {
                let output = at.outputs.row(word as usize);
                let error = sigmoid(h.dot(&output)) - label;
                by_hidden.scaled_add(error, &output);
                gradient.outputs.row_mut(word as usize).scaled_add(error, &h);
            }
            let share = 1.0 / sources.len() as f64;
            for &source in sources {
                gradient.inputs.row_mut(source as usize).scaled_add(share, &by_hidden);
            }
        }
        gradient
    }

    /// The hidden vectors, each with the words it is the mean of.
    fn hidden<'a>(self, at: &WordFactors, context: &'a [u32]) -> Vec<(Array1<f64>, &'a [u32])> {
        let size = match self {
            Self::SkipGram => 1,
            Self::Cbow => context.len().max(1),
        };
        let mean = |words: &'a [u32]| {
            let mut sum = Array1::zeros(at.inputs.ncols());
            for &word in words {
                sum += &at.inputs.row(word as usize);
            }
            (sum / words.len() as f64, words)
        };
        context.chunks(size).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::numeric::assert_gradient;
    use super::*;
    use ndarray::array;

    fn factors() -> WordFactors {
        WordFactors {
            inputs: array![[0.3, -0.2], [1.1, 0.4], [-0.6, 0.5]],
            outputs: array![[0.5, 0.1], [-0.7, 0.9], [0.2, -1.3]],
        }
    }

    #[test]
    fn the_loss_of_a_window_by_hand() {
        // ⟨v_0, o_1⟩ = −.21 − .18 = −.39, ⟨v_0, o_2⟩ = .06 + .26 = .32; the negative 1 is the target.
        let want = (1.0 + 0.39f64.exp()).ln() + (1.0 + 0.32f64.exp()).ln();
        let loss = SkipGram::SkipGram.loss(&factors(), &[0], 1, &[2, 1]);
        assert!((loss - want).abs() < 1e-14);
        assert_eq!(loss, SkipGram::Cbow.loss(&factors(), &[0], 1, &[2, 1]));
        // The mean of v_0 and v_1 is (.7, .1): ⟨., o_2⟩ = .01, ⟨., o_0⟩ = .36.
        let want = (1.0 + (-0.01f64).exp()).ln() + (1.0 + 0.36f64.exp()).ln();
        let loss = SkipGram::Cbow.loss(&factors(), &[0, 1], 2, &[0]);
        assert!((loss - want).abs() < 1e-14);
        assert_eq!(SkipGram::Cbow.loss(&factors(), &[], 2, &[0]), 0.0);
    }

    #[test]
    fn gradients_match_finite_differences() {
        let (at, context, negatives) = (factors(), [0, 2, 2], [0, 1, 0, 2]);
        for objective in [SkipGram::SkipGram, SkipGram::Cbow] {
            let gradient = objective.gradient(&at, &context, 1, &negatives);
            assert_gradient(&at.inputs, &gradient.inputs, |inputs| {
                let at = WordFactors { inputs: inputs.clone(), ..at.clone() };
                objective.loss(&at, &context, 1, &negatives)
            });
            assert_gradient(&at.outputs, &gradient.outputs, |outputs| {
                let at = WordFactors { outputs: outputs.clone(), ..at.clone() };
                objective.loss(&at, &context, 1, &negatives)
            });
        }
    }
}
