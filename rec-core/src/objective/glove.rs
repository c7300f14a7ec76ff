//! Weighted least squares on logarithms of co-occurrence counts.

use ndarray::{Array1, Array2};

/// The objective of GloVe (J. Pennington, R. Socher, C. D. Manning, "GloVe: global vectors for word
/// representation", EMNLP 2014, equations 8 and 9) over counts `X_ij > 0`,
///
/// `J = ½ Σ_ij f(X_ij) (⟨w_i, c_j⟩ + b_i + b̃_j − ln X_ij)²`, `f(x) = min(1, (x / x_max)^a)`
///
/// The half is that of the authors' program, and spares the gradient a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glove {
    /// The count from which on all weigh the same.
    pub x_max: f64,
    /// `a`: ¾ in the paper.
    pub exponent: f64,
}

/// Parameters of the model, or the gradient by them.
#[derive(Clone, Debug, PartialEq)]
pub struct GloveFactors {
    /// `w`: `[words, dim]`.
    pub words: Array2<f64>,
    /// `c`: `[words, dim]`.
    pub contexts: Array2<f64>,
    /// `b`: `[words]`.
    pub word_bias: Array1<f64>,
    /// `b̃`: `[words]`.
    pub context_bias: Array1<f64>,
}

impl Glove {
    /// `f(x)`.
    pub fn weight(self, x: f64) -> f64 {
        if x < self.x_max { (x / self.x_max).powf(self.exponent) } else { 1.0 }
    }

    /// `J` over counts `(i, j, X_ij)`, whose words must be within the factors.
    pub fn loss(self, at: &GloveFactors, counts: &[(u32, u32, f64)]) -> f64 {
        let of =
            |&(i, j, x): &(u32, u32, f64)| 0.5 * self.weight(x) * difference(at, (i, j), x).powi(2);
        counts.iter().map(of).sum()
    }

    /// The gradient of [`Glove::loss`]: with `e = f(X_ij) (⟨w_i, c_j⟩ + b_i + b̃_j − ln X_ij)`, a
    /// count adds `e c_j` to that of `w_i`, `e w_i` to that of `c_j`, and `e` to those of the biases.
    pub fn gradient(self, at: &GloveFactors, counts: &[(u32, u32, f64)]) -> GloveFactors {
        let mut gradient = GloveFactors {
            words: Array2::zeros(at.words.raw_dim()),
            contexts: Array2::zeros(at.contexts.raw_dim()),
            word_bias: Array1::zeros(at.word_bias.raw_dim()),
            context_bias: Array1::zeros(at.context_bias.raw_dim()),
        };
        for &(i, j, x) in counts {
            let error = self.weight(x) * difference(at, (i, j), x);
            let (i, j) = (i as usize, j as usize);
            gradient.words.row_mut(i).scaled_add(error, &at.contexts.row(j));
            gradient.contexts.row_mut(j).scaled_add(error, &at.words.row(i));
            gradient.word_bias[i] += error;
            gradient.context_bias[j] += error;
        }
        gradient
    }
}

fn difference(at: &GloveFactors, (i, j): (u32, u32), x: f64) -> f64 {
    let (i, j) = (i as usize, j as usize);
    at.words.row(i).dot(&at.contexts.row(j)) + at.word_bias[i] + at.context_bias[j] - x.ln()
}

#[cfg(test)]
mod tests {
    use super::super::numeric::assert_gradient;
    use super::*;
    use ndarray::array;

    const GLOVE: Glove = Glove { x_max: 10.0, exponent: 0.75 };

    fn factors() -> GloveFactors {
        GloveFactors {
            words: array![[0.3, -0.2], [1.1, 0.4]],
            contexts: array![[0.5, 0.1], [-0.7, 0.9]],
            word_bias: array![0.1, -0.3],
            context_bias: array![0.2, 0.4],
        }
    }

    #[test]
    fn the_loss_by_hand() {
        // ⟨w_0, c_1⟩ = −.21 − .18 = −.39; + .1 + .4 − ln 5 = .11 − 1.609438 = −1.499438.
        let want = 0.5 * 0.5f64.powf(0.75) * 1.499_437_912_434_1_f64.powi(2);
        assert!((GLOVE.loss(&factors(), &[(0, 1, 5.0)]) - want).abs() < 1e-12);
        assert_eq!(GLOVE.weight(10.0), 1.0);
        assert_eq!(GLOVE.weight(1e9), 1.0);
        assert_eq!(GLOVE.loss(&factors(), &[]), 0.0);
    }

    #[test]
    fn gradients_match_finite_differences() {
        let counts = [(0, 1, 5.0), (1, 1, 0.25), (1, 0, 40.0), (0, 0, 3.0), (0, 1, 2.0)];
        let at = factors();
        let gradient = GLOVE.gradient(&at, &counts);
        assert_gradient(&at.words, &gradient.words, |words| {
            GLOVE.loss(&GloveFactors { words: words.clone(), ..at.clone() }, &counts)
        });
        assert_gradient(&at.contexts, &gradient.contexts, |contexts| {
            GLOVE.loss(&GloveFactors { contexts: contexts.clone(), ..at.clone() }, &counts)
        });
        assert_gradient(&at.word_bias, &gradient.word_bias, |bias| {
            GLOVE.loss(&GloveFactors { word_bias: bias.clone(), ..at.clone() }, &counts)
        });
        assert_gradient(&at.context_bias, &gradient.context_bias, |bias| {
            GLOVE.loss(&GloveFactors { context_bias: bias.clone(), ..at.clone() }, &counts)
        });
    }
}
