//! Bayesian personalised ranking with matrix factorisation.

use ndarray::{Array1, Array2};

/// BPR-Opt (S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme, "BPR: Bayesian
/// personalized ranking from implicit feedback", UAI 2009, section 4.1) of a factor model with
/// item biases, `x_ui = ⟨w_u, h_i⟩ + b_i`, over sampled triples of a user, an item it had and one
/// it had not:
///
/// `L = Σ_(u,i,j) −ln σ(x_ui − x_uj) + λ_w/2 |w_u|² + λ_h/2 (|h_i|² + |h_j|²) + λ_b/2 (b_i² + b_j²)`
///
/// The penalty is paid a triple, as in the paper's LearnBPR, whose step is
/// `Θ ← Θ + η (σ(−x_uij) ∂x_uij/∂Θ − λ Θ)`; one such step is `−η` times this gradient of one
/// triple.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bpr {
    /// `λ_w`.
    pub l2_user: f64,
    /// `λ_h`.
    pub l2_item: f64,
    /// `λ_b`.
    pub l2_bias: f64,
}

/// Parameters of the model, or the gradient by them.
#[derive(Clone, Debug, PartialEq)]
pub struct BprFactors {
    /// `w`: `[users, dim]`.
    pub users: Array2<f64>,
    /// `h`: `[items, dim]`.
    pub items: Array2<f64>,
    /// `b`: `[items]`; zeros for a model without biases.
    pub bias: Array1<f64>,
}

impl BprFactors {
    /// `x_ui`.
    pub fn score(&self, user: usize, item: usize) -> f64 {
        self.users.row(user).dot(&self.items.row(item)) + self.bias[item]
    }

    fn zeros_like(&self) -> Self {
        Self {
            users: Array2::zeros(self.users.raw_dim()),
            items: Array2::zeros(self.items.raw_dim()),
            bias: Array1::zeros(self.bias.raw_dim()),
        }
    }
}

/// `σ(x) = 1 / (1 + e⁻ˣ)`, without overflow.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// `ln σ(x)`, without overflow.
pub fn log_sigmoid(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

impl Bpr {
    /// The loss over triples `(user, positive, negative)`, summed. Indices must be within the
    /// factors.
    pub fn loss(&self, at: &BprFactors, triples: &[(u32, u32, u32)]) -> f64 {
        let mut loss = 0.0;
        for &(u, i, j) in triples {
            let (u, i, j) = (u as usize, i as usize, j as usize);
            let (w, hi, hj) = (at.users.row(u), at.items.row(i), at.items.row(j));
            loss -= log_sigmoid(at.score(u, i) - at.score(u, j));
            loss += self.l2_user / 2.0 * w.dot(&w);
            loss += self.l2_item / 2.0 * (hi.dot(&hi) + hj.dot(&hj));
            loss += self.l2_bias / 2.0 * (at.bias[i].powi(2) + at.bias[j].powi(2));
        }
        loss
    }

    /// The gradient of [`Bpr::loss`]: with `g = σ(−x_uij)`, a triple adds `−g (h_i − h_j) + λ_w w_u`
    /// to that of `w_u`, `∓g w_u + λ_h h` to those of `h_i` and `h_j`, `∓g + λ_b b` to those of
    /// `b_i` and `b_j`.
    pub fn gradient(&self, at: &BprFactors, triples: &[(u32, u32, u32)]) -> BprFactors {
        let mut gradient = at.zeros_like();
        for &(u, i, j) in triples {
            let (u, i, j) = (u as usize, i as usize, j as usize);
            let g = sigmoid(at.score(u, j) - at.score(u, i));
            let (w, hi, hj) = (at.users.row(u), at.items.row(i), at.items.row(j));
            let mut user = gradient.users.row_mut(u);
            user.scaled_add(-g, &hi);
            user.scaled_add(g, &hj);
            user.scaled_add(self.l2_user, &w);
            for (item, h, sign) in [(i, hi, -1.0), (j, hj, 1.0)] {
                let mut row = gradient.items.row_mut(item);
                row.scaled_add(sign * g, &w);
                row.scaled_add(self.l2_item, &h);
                gradient.bias[item] += sign * g + self.l2_bias * at.bias[item];
            }
        }
        gradient
    }
}

#[cfg(test)]
mod tests {
    use super::super::numeric::assert_gradient;
    use super::*;
    use ndarray::array;

    fn factors() -> BprFactors {
        BprFactors {
            users: array![[0.3, -0.2], [1.1, 0.4]],
            items: array![[0.5, 0.1], [-0.7, 0.9], [0.2, -1.3]],
            bias: array![0.1, -0.4, 0.6],
        }
    }

    const TRIPLES: [(u32, u32, u32); 4] = [(0, 0, 1), (1, 2, 0), (1, 1, 2), (0, 0, 2)];

    #[test]
    fn the_loss_of_one_triple_by_hand() {
        // x_00 = .15 − .02 + .1 = .23, x_01 = −.21 − .18 − .4 = −.79; ln(1 + e^−1.02) = .30838…
        let loss = Bpr::default().loss(&factors(), &TRIPLES[..1]);
        assert!((loss - (1.0 + (-1.02f64).exp()).ln()).abs() < 1e-15);
        let penalised = Bpr { l2_user: 2.0, l2_item: 4.0, l2_bias: 6.0 };
        let penalty = 0.13 + 2.0 * (0.26 + 1.30) + 3.0 * (0.01 + 0.16);
        assert!((penalised.loss(&factors(), &TRIPLES[..1]) - loss - penalty).abs() < 1e-14);
    }

    #[test]
    fn gradients_match_finite_differences() {
        let (bpr, at) = (Bpr { l2_user: 0.1, l2_item: 0.2, l2_bias: 0.3 }, factors());
        let gradient = bpr.gradient(&at, &TRIPLES);
        let loss = |with: BprFactors| bpr.loss(&with, &TRIPLES);
        assert_gradient(&at.users, &gradient.users, |users| {
            loss(BprFactors { users: users.clone(), ..at.clone() })
        });
        assert_gradient(&at.items, &gradient.items, |items| {
            loss(BprFactors { items: items.clone(), ..at.clone() })
        });
        assert_gradient(&at.bias, &gradient.bias, |bias| {
            loss(BprFactors { bias: bias.clone(), ..at.clone() })
        });
    }

    #[test]
    fn the_sigmoid_neither_overflows_nor_vanishes() {
        assert_eq!((sigmoid(0.0), log_sigmoid(0.0)), (0.5, -std::f64::consts::LN_2));
        assert_eq!((sigmoid(1e3), sigmoid(-1e3)), (1.0, 0.0));
        assert_eq!((log_sigmoid(1e3), log_sigmoid(-1e3)), (0.0, -1e3));
    }
}
