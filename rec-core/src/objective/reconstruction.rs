//! Words rebuilt from their contexts.

use ndarray::Array2;

/// The objective of context reconstruction: a word's vector is rebuilt from those of the words it
/// stands with, by association weights that are learned as well,
///
/// `J(V, W) = Σ_j ‖v_j − Σ_k w_jk v_k‖² + λ Σ_jk (w_jk − p_jk)²`
///
/// over the pairs `(j, k)` of a sparse pattern, with `p` what the counts say of the association. By
/// itself it is least at `V = 0`, and with vectors of length 1 at `v_j = v` for all words; so it is
/// minimised where the coordinates are uncorrelated, of mean 0 and variance 1,
///
/// `1ᵀ V = 0` and `Vᵀ V / n = I`
///
/// the constraint of locally linear embedding (S. T. Roweis, L. K. Saul, "Nonlinear dimensionality
/// reduction by locally linear embedding", Science 290, 2000): no coordinate can vanish, no two can
/// agree, and none can be the same for all words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reconstruction {
    /// `λ`.
    pub l2: f64,
}

/// A weight of the pattern: word, context, `w`, `p`.
pub type Association = (u32, u32, f64, f64);

impl Reconstruction {
    /// `J`. Words must be within `V`, `[words, dim]`.
    pub fn loss(self, vectors: &Array2<f64>, weights: &[Association]) -> f64 {
        let far: f64 = weights.iter().map(|&(_, _, w, p)| (w - p).powi(2)).sum();
        residuals(vectors, weights).mapv(|r| r * r).sum() + self.l2 * far
    }

    /// The gradient of `J` by `V`: with the residuals `R = V − W V`, `2 (I − W)ᵀ R`.
    pub fn by_vectors(self, vectors: &Array2<f64>, weights: &[Association]) -> Array2<f64> {
        let residuals = residuals(vectors, weights);
        let mut gradient = residuals.clone();
        for &(word, context, w, _) in weights {
            let row = residuals.row(word as usize);
            gradient.row_mut(context as usize).scaled_add(-w, &row);
        }
        gradient * 2.0
    }

    /// The gradient of `J` by the weights, in their order: `−2 ⟨r_j, v_k⟩ + 2 λ (w_jk − p_jk)`.
    pub fn by_weights(self, vectors: &Array2<f64>, weights: &[Association]) -> Vec<f64> {
        let residuals = residuals(vectors, weights);
        let of = |&(word, context, w, p): &Association| {
            let along = residuals.row(word as usize).dot(&vectors.row(context as usize));
            2.0 * (self.l2 * (w - p) - along)
        };
        weights.iter().map(of).collect()
    }
}

/// `V − W V`.
fn residuals(vectors: &Array2<f64>, weights: &[Association]) -> Array2<f64> {
    let mut left = vectors.clone();
    for &(word, context, w, _) in weights {
        left.row_mut(word as usize).scaled_add(-w, &vectors.row(context as usize));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::super::numeric::assert_gradient;
    use super::*;
    use ndarray::{Array1, array};

    const WEIGHTS: [Association; 4] =
        [(0, 1, 0.6, 0.5), (0, 2, 0.3, 0.5), (1, 0, -0.4, 1.0), (2, 2, 0.1, 0.0)];

    #[test]
    fn the_loss_by_hand_and_what_it_falls_to() {
        let vectors = array![[1.0], [2.0], [-1.0]];
        // 1 − 1.2 + .3 = .1; 2 + .4 = 2.4; −1 + .1 = −.9; (.1² + .2² + 1.4² + .1²) 2.
        let want = 0.01 + 5.76 + 0.81 + 2.0 * 2.02;
        let objective = Reconstruction { l2: 2.0 };
        assert!((objective.loss(&vectors, &WEIGHTS) - want).abs() < 1e-12);
        // Without a constraint nothing is left of the vectors.
        let mut at = vectors;
        for _ in 0..2000 {
            at = &at - &(objective.by_vectors(&at, &WEIGHTS) * 0.1);
        }
        assert!(at.iter().all(|x| x.abs() < 1e-6), "{at}");
        // And vectors that are all the same are rebuilt by any weights that add up to 1.
        let same = Array2::from_elem((2, 3), 0.7);
        let loss = objective.loss(&same, &[(0, 1, 1.0, 1.0), (1, 0, 1.0, 1.0)]);
        assert!(loss.abs() < 1e-12);
    }

    #[test]
    fn gradients_match_finite_differences() {
        let objective = Reconstruction { l2: 0.7 };
        let vectors = array![[0.3, -0.2], [1.1, 0.4], [-0.6, 0.5]];
        assert_gradient(&vectors, &objective.by_vectors(&vectors, &WEIGHTS), |at| {
            objective.loss(at, &WEIGHTS)
        });
        let values = Array1::from_iter(WEIGHTS.iter().map(|w| w.2));
        let gradient = Array1::from(objective.by_weights(&vectors, &WEIGHTS));
        assert_gradient(&values, &gradient, |values| {
            let moved = WEIGHTS.iter().zip(values).map(|(&(j, k, _, p), &w)| (j, k, w, p));
            objective.loss(&vectors, &moved.collect::<Vec<_>>())
        });
    }
}
