//! The shallow linear autoencoder EASE.

use ndarray::{Array2, ArrayView2};

use super::dense;
use crate::Result;

/// EASEᴿ (H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, eq. 2–3):
///
/// `L(B) = ‖X − X B‖²_F + λ ‖B‖²_F` subject to `diag(B) = 0`
///
/// for interactions `X: [users, items]` and item–item weights `B: [items, items]`. `X` enters by
/// its Gram matrix `G = XᵀX` alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ease {
    /// `λ`.
    pub l2: f64,
}

impl Ease {
    /// The loss: `tr((I − B)ᵀ G (I − B)) + λ ‖B‖²_F`.
    pub fn loss(&self, gram: ArrayView2<'_, f64>, weights: ArrayView2<'_, f64>) -> f64 {
        let residual = Array2::<f64>::eye(gram.nrows()) - weights;
        (gram.dot(&residual) * &residual).sum() + self.l2 * weights.mapv(|b| b * b).sum()
    }

    /// The gradient `2 (G B − G + λ B)`, 0 on the diagonal, which the constraint holds fixed.
    pub fn gradient(&self, gram: ArrayView2<'_, f64>, weights: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut gradient = (gram.dot(&weights) - gram + weights.mapv(|b| b * self.l2)) * 2.0;
        gradient.diag_mut().fill(0.0);
        gradient
    }

    /// The minimiser from the precision matrix `P = (G + λ I)⁻¹`: `B_ij = −P_ij / P_jj` and 0 on
    /// the diagonal (eq. 8), which is where the Lagrange multipliers `γ_j = 1 / P_jj` of the
    /// constraint put it.
    pub fn weights_from_precision(precision: ArrayView2<'_, f64>) -> Array2<f64> {
        let diagonal = precision.diag();
        let mut weights = -(&precision / &diagonal);
        weights.diag_mut().fill(0.0);
        weights
    }

    /// The minimiser for a Gram matrix, by a plain inverse: O(items³) and slow, for reference.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) if `G + λ I` is not positive definite.
    pub fn solve(&self, gram: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let mut regularised = gram.to_owned();
        regularised.diag_mut().mapv_inplace(|g| g + self.l2);
        Ok(Self::weights_from_precision(dense::inverse(regularised.view())?.view()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::numeric::assert_gradient;
    use super::*;
    use ndarray::array;

    fn interactions() -> Array2<f64> {
        array![
            [1.0, 1.0, 0.0, 0.0],
            [1.0, 0.0, 1.0, 0.0],
            [1.0, 1.0, 1.0, 0.0],
            [0.0, 0.0, 1.0, 1.0],
            [0.0, 1.0, 0.0, 1.0],
        ]
    }

    fn weights() -> Array2<f64> {
        array![
            [0.0, 0.3, -0.1, 0.2],
            [0.5, 0.0, 0.4, -0.3],
            [0.1, 0.2, 0.0, 0.7],
            [-0.2, 0.6, 0.1, 0.0],
        ]
    }

    #[test]
    fn the_loss_is_that_of_the_reconstruction() {
        let (x, b) = (interactions(), weights());
        let residual = &x - &x.dot(&b);
        let want = residual.mapv(|r| r * r).sum() + 0.7 * b.mapv(|b| b * b).sum();
        let loss = Ease { l2: 0.7 }.loss(x.t().dot(&x).view(), b.view());
        assert!((loss - want).abs() < 1e-12);
    }

    #[test]
    fn gradients_match_finite_differences_off_the_diagonal() {
        let (gram, b, ease) =
            (interactions().t().dot(&interactions()), weights(), Ease { l2: 0.7 });
        let gradient = ease.gradient(gram.view(), b.view());
        assert_gradient(&b, &gradient, |moved| {
            let mut free = moved.clone();
            free.diag_mut().fill(0.0);
            ease.loss(gram.view(), free.view())
        });
    }

    #[test]
    fn two_items_by_hand() {
        // G + λI = [[3, 1], [1, 4]]; P = [[4, −1], [−1, 3]] / 11, so B_01 = 1/3 and B_10 = 1/4.
        let b = Ease { l2: 1.0 }.solve(array![[2.0, 1.0], [1.0, 3.0]].view()).unwrap();
        let want = array![[0.0, 1.0 / 3.0], [0.25, 0.0]];
        assert!((b - want).iter().all(|e: &f64| e.abs() < 1e-15));
    }

    #[test]
    fn the_closed_form_leaves_no_gradient_and_a_zero_diagonal() {
        let (gram, ease) = (interactions().t().dot(&interactions()), Ease { l2: 0.7 });
        let best = ease.solve(gram.view()).unwrap();
        assert!(best.diag().iter().all(|&b| b == 0.0));
        assert!(ease.gradient(gram.view(), best.view()).iter().all(|g| g.abs() < 1e-12));
        assert!(ease.loss(gram.view(), best.view()) < ease.loss(gram.view(), weights().view()));
        assert!(Ease { l2: 0.0 }.solve(array![[1.0, 1.0], [1.0, 1.0]].view()).is_err());
    }
}
