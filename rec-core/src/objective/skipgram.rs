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
        self.labelled_loss(at, context, &labelled(target, negatives))
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
        self.labelled_gradient(at, context, &labelled(target, negatives))
    }

    /// The loss of a window under hierarchical softmax (F. Morin, Y. Bengio, "Hierarchical
    /// probabilistic neural network language model", AISTATS 2005; Mikolov et al., equation 3): the
    /// outputs belong to the inner nodes of a tree, and with `h` a path is taken with probability
    ///
    /// `p(path | h) = Π_(n, right) σ(⟨h, o_n⟩)` for turns to the left and `1 − σ` for those to the
    /// right; `L = −Σ_h ln p(path | h)`
    pub fn path_loss(self, at: &WordFactors, context: &[u32], path: (&[u32], &[bool])) -> f64 {
        self.labelled_loss(at, context, &turns(path))
    }

    /// The gradient of [`SkipGram::path_loss`].
    pub fn path_gradient(
        self,
        at: &WordFactors,
        context: &[u32],
        path: (&[u32], &[bool]),
    ) -> WordFactors {
        self.labelled_gradient(at, context, &turns(path))
    }

    /// `−Σ_h Σ_(o, label) ln σ(±⟨h, o⟩)`.
    fn labelled_loss(self, at: &WordFactors, context: &[u32], outputs: &[(u32, bool)]) -> f64 {
        let of = |h: &Array1<f64>| {
            let one = |&(output, label): &(u32, bool)| {
                let score = h.dot(&at.outputs.row(output as usize));
                -log_sigmoid(if label { score } else { -score })
            };
            outputs.iter().map(one).sum::<f64>()
        };
        self.hidden(at, context).iter().map(|(h, _)| of(h)).sum()
    }

    fn labelled_gradient(
        self,
        at: &WordFactors,
        context: &[u32],
        outputs: &[(u32, bool)],
    ) -> WordFactors {
        let mut gradient = WordFactors {
            inputs: Array2::zeros(at.inputs.raw_dim()),
            outputs: Array2::zeros(at.outputs.raw_dim()),
        };
        for (h, sources) in self.hidden(at, context) {
            let mut by_hidden = Array1::<f64>::zeros(h.len());
            for &(word, label) in outputs {
                let output = at.outputs.row(word as usize);
                let error = sigmoid(h.dot(&output)) - f64::from(u8::from(label));
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

/// The target, and the negatives that are not.
fn labelled(target: u32, negatives: &[u32]) -> Vec<(u32, bool)> {
    let negatives = negatives.iter().filter(|&&n| n != target).map(|&n| (n, false));
    std::iter::once((target, true)).chain(negatives).collect()
}

fn turns((nodes, rights): (&[u32], &[bool])) -> Vec<(u32, bool)> {
    nodes.iter().zip(rights).map(|(&node, &right)| (node, !right)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::HuffmanTree;
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

    #[test]
    fn the_paths_of_a_tree_have_probabilities_that_add_up_to_one() {
        let at = factors();
        let tree = HuffmanTree::new(&[7, 2, 1]).unwrap();
        for context in [&[0][..], &[0, 2]] {
            let of = |word| SkipGram::Cbow.path_loss(&at, context, tree.path(word));
            let sum: f64 = (0..3).map(|word| (-of(word)).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
        // Word 0 is the root's right or left child: one node, the last made.
        let (nodes, turns) = tree.path(0);
        let score = at.inputs.row(0).dot(&at.outputs.row(1));
        let want = if turns[0] { 1.0 - sigmoid(score) } else { sigmoid(score) };
        let loss = SkipGram::SkipGram.path_loss(&at, &[0], (nodes, turns));
        assert!((loss + want.ln()).abs() < 1e-12);
        for objective in [SkipGram::SkipGram, SkipGram::Cbow] {
            let path = tree.path(2);
            let gradient = objective.path_gradient(&at, &[0, 2, 2], path);
            assert_gradient(&at.inputs, &gradient.inputs, |inputs| {
                let at = WordFactors { inputs: inputs.clone(), ..at.clone() };
                objective.path_loss(&at, &[0, 2, 2], path)
            });
            assert_gradient(&at.outputs, &gradient.outputs, |outputs| {
                let at = WordFactors { outputs: outputs.clone(), ..at.clone() };
                objective.path_loss(&at, &[0, 2, 2], path)
            });
        }
    }
}
