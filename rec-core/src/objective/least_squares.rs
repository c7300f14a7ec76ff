//! Weighted least squares over all user–item pairs, the objective of implicit ALS.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::data::Csr;

/// How a strength of feedback `r > 0` becomes a confidence (Hu, Koren and Volinsky 2008).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Confidence {
    /// `c = 1 + α r`, in the paper's text before eq. 3.
    Linear {
        /// `α`.
        alpha: f64,
    },
    /// `c = 1 + α ln(1 + r / ε)`, eq. 6.
    Log {
        /// `α`.
        alpha: f64,
        /// `ε`.
        epsilon: f64,
    },
    /// `c = α r`, as the Python library `implicit` takes it. Below 1 a stored pair counts less
    /// than an absent one.
    Scaled {
        /// `α`.
        alpha: f64,
    },
}

impl Confidence {
    /// `c` of a stored `r`.
    pub fn of(&self, r: f64) -> f64 {
        match *self {
            Self::Linear { alpha } => 1.0 + alpha * r,
            Self::Log { alpha, epsilon } => 1.0 + alpha * (r / epsilon).ln_1p(),
            Self::Scaled { alpha } => alpha * r,
        }
    }
}

/// Collaborative filtering for implicit feedback (Y. Hu, Y. Koren, C. Volinsky, "Collaborative
/// filtering for implicit feedback datasets", ICDM 2008, eq. 3):
///
/// `L = Σ_u Σ_i c_ui (p_ui − ⟨x_u, y_i⟩)² + λ (Σ_u |x_u|² + Σ_i |y_i|²)`
///
/// over **all** pairs: a stored pair has preference `p = 1` and confidence `c` from its strength,
/// any other `p = 0` and `c = 1`. Sums over all pairs go through the Gram matrices `XᵀX` and `YᵀY`,
/// so nothing here costs users × items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImplicitLeastSquares {
    /// Strength to confidence.
    pub confidence: Confidence,
    /// `λ`.
    pub l2: f64,
}

/// Parameters, or the gradient by them.
#[derive(Clone, Debug, PartialEq)]
pub struct ImplicitFactors {
    /// `x`: `[users, dim]`.
    pub users: Array2<f64>,
    /// `y`: `[items, dim]`.
    pub items: Array2<f64>,
}

/// `A x = b`, solved by the best row of factors while the other side is fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalEquations {
    /// `A = YᵀY + Σ (c − 1) y yᵀ + λ I`: `[dim, dim]`.
    pub a: Array2<f64>,
    /// `b = Σ c y`: `[dim]`.
    pub b: Array1<f64>,
}

impl ImplicitLeastSquares {
    /// The loss of factors on strengths `[users, items]`, whose sizes must fit.
    pub fn loss(&self, strengths: &Csr, at: &ImplicitFactors) -> f64 {
        let (x, y) = (&at.users, &at.items);
        // Σ_ui ⟨x_u, y_i⟩² = tr(XᵀX YᵀY), as if every pair were unobserved …
        let mut loss = (x.t().dot(x) * y.t().dot(y)).sum();
        for u in 0..strengths.n_rows() {
            for (i, r) in strengths.iter_row(u) {
                let (c, s) = (self.confidence.of(f64::from(r)), x.row(u).dot(&y.row(i as usize)));
                // … then each observed pair put right.
                loss += c * (1.0 - s).powi(2) - s * s;
            }
        }
        loss + self.l2 * (x.mapv(|v| v * v).sum() + y.mapv(|v| v * v).sum())
    }

    /// The gradient of [`ImplicitLeastSquares::loss`]:
    /// `∂L/∂x_u = 2 (YᵀY x_u + Σ_i ((c_ui − 1) ⟨x_u, y_i⟩ − c_ui) y_i + λ x_u)` over the stored `i`,
    /// and the same for `y_i` with the sides exchanged.
    pub fn gradient(&self, strengths: &Csr, at: &ImplicitFactors) -> ImplicitFactors {
        let (x, y) = (&at.users, &at.items);
        let mut users = x.dot(&y.t().dot(y)) + x * self.l2;
        let mut items = y.dot(&x.t().dot(x)) + y * self.l2;
        for u in 0..strengths.n_rows() {
            for (i, r) in strengths.iter_row(u) {
                let (c, i) = (self.confidence.of(f64::from(r)), i as usize);
                let slope = (c - 1.0) * x.row(u).dot(&y.row(i)) - c;
                users.row_mut(u).scaled_add(slope, &y.row(i));
                items.row_mut(i).scaled_add(slope, &x.row(u));
            }
        }
        ImplicitFactors { users: users * 2.0, items: items * 2.0 }
    }

    /// The normal equations of one row (eq. 4 for users, eq. 5 for items): `row` holds the other
    /// side's indices with strengths, `other` is that side's factors `[n, dim]`, `gram` is
    /// `otherᵀ other`.
    pub fn normal_equations(
        &self,
        row: impl IntoIterator<Item = (u32, f32)>,
        other: ArrayView2<'_, f64>,
        gram: ArrayView2<'_, f64>,
    ) -> NormalEquations {
        let mut a = gram.to_owned();
        let mut b = Array1::zeros(other.ncols());
        for k in 0..other.ncols() {
            a[[k, k]] += self.l2;
        }
        for (i, r) in row {
            let (c, y) = (self.confidence.of(f64::from(r)), other.row(i as usize));
            let column = y.insert_axis(Axis(1));
            a.scaled_add(c - 1.0, &column.dot(&column.t()));
            b.scaled_add(c, &y);
        }
        NormalEquations { a, b }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dense;
    use super::super::numeric::assert_gradient;
    use super::*;
    use ndarray::array;

    fn strengths() -> Csr {
        Csr::from_rows([vec![(0, 1.0), (2, 3.0)], vec![], vec![(1, 0.5), (2, 1.0), (3, 2.0)]], 4)
    }

    fn factors() -> ImplicitFactors {
        ImplicitFactors {
            users: array![[0.3, -0.2], [1.1, 0.4], [-0.6, 0.8]],
            items: array![[0.5, 0.1], [-0.7, 0.9], [0.2, -1.3], [0.4, 0.3]],
        }
    }

    const LINEAR: ImplicitLeastSquares =
        ImplicitLeastSquares { confidence: Confidence::Linear { alpha: 40.0 }, l2: 0.3 };
    const LOG: ImplicitLeastSquares =
        ImplicitLeastSquares { confidence: Confidence::Log { alpha: 2.0, epsilon: 0.5 }, l2: 0.1 };

    const SCALED: ImplicitLeastSquares =
        ImplicitLeastSquares { confidence: Confidence::Scaled { alpha: 3.0 }, l2: 0.2 };

    /// Eq. 3 as it is written.
    fn written_out(objective: &ImplicitLeastSquares, r: &Csr, at: &ImplicitFactors) -> f64 {
        let mut loss = 0.0;
        for u in 0..r.n_rows() {
            for i in 0..r.n_cols() {
                let stored = r.iter_row(u).find(|&(c, _)| c as usize == i);
                let (p, c) =
                    stored.map_or((0.0, 1.0), |(_, r)| (1.0, objective.confidence.of(r.into())));
                loss += c * (p - at.users.row(u).dot(&at.items.row(i))).powi(2);
            }
        }
        loss + objective.l2 * at.users.iter().chain(&at.items).map(|v| v * v).sum::<f64>()
    }

    #[test]
    fn the_loss_is_the_sum_over_all_pairs() {
        for objective in [LINEAR, LOG, SCALED] {
            let loss = objective.loss(&strengths(), &factors());
            let want = written_out(&objective, &strengths(), &factors());
            assert!((loss - want).abs() < 1e-10 * want, "{loss} is not {want}");
        }
        assert_eq!(LINEAR.confidence.of(2.0), 81.0);
        assert_eq!(LOG.confidence.of(0.5), 1.0 + 2.0 * std::f64::consts::LN_2);
    }

    #[test]
    fn gradients_match_finite_differences() {
        let (r, at) = (strengths(), factors());
        for objective in [LINEAR, LOG, SCALED] {
            let gradient = objective.gradient(&r, &at);
            assert_gradient(&at.users, &gradient.users, |users| {
                objective.loss(&r, &ImplicitFactors { users: users.clone(), ..at.clone() })
            });
            assert_gradient(&at.items, &gradient.items, |items| {
                objective.loss(&r, &ImplicitFactors { items: items.clone(), ..at.clone() })
            });
        }
    }

    #[test]
    fn solving_the_normal_equations_leaves_no_gradient() {
        let (r, mut at) = (strengths(), factors());
        let gram = at.items.t().dot(&at.items);
        for u in 0..r.n_rows() {
            let equations = LINEAR.normal_equations(r.iter_row(u), at.items.view(), gram.view());
            let best = dense::solve(equations.a.view(), equations.b.view()).unwrap();
            at.users.row_mut(u).assign(&best);
        }
        assert!(LINEAR.gradient(&r, &at).users.iter().all(|g| g.abs() < 1e-9));
        let (columns, gram) = (r.transpose(), at.users.t().dot(&at.users));
        for i in 0..columns.n_rows() {
            let row = columns.iter_row(i);
            let equations = LINEAR.normal_equations(row, at.users.view(), gram.view());
            let best = dense::solve(equations.a.view(), equations.b.view()).unwrap();
            at.items.row_mut(i).assign(&best);
        }
        assert!(LINEAR.gradient(&r, &at).items.iter().all(|g| g.abs() < 1e-9));
    }
}
