//! One user's (or item's) least-squares problem.
//!
//! With factors `y_i` of the other side, preference `p_i = 1` and confidence `c_i = α r_i` on the
//! row's entries, `p_i = 0` and `c_i = 1` elsewhere, the row's factor minimises
//! `f(x) = Σ_i c_i (p_i - ⟨x, y_i⟩)² + λ‖x‖²`, that is `A x = b` with
//! `A = YᵀY + λI + Σ_{entries} (c_i - 1) y_i y_iᵀ` and `b = Σ_{entries} c_i y_i`
//! (Hu, Koren and Volinsky 2008, eq. 4).

use super::kernel::Arithmetic;

/// The entries of a row, and the factors they point at.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// Columns of the entries.
    pub(super) cols: &'a [u32],
    /// Their weights `r`; 1 where there are none.
    pub(super) weights: Option<&'a [f32]>,
    /// Confidence of a weight of 1.
    pub(super) alpha: f32,
    /// `[n, dim]`, row-major.
    pub(super) factors: &'a [f32],
    /// Length of a factor.
    pub(super) dim: usize,
}

impl<'a> Row<'a> {
    /// Whether every entry is as confident as a missing one, so that `A = YᵀY + λI`.
    pub(super) fn is_unit(&self) -> bool {
        self.weights.is_none() && self.alpha == 1.0
    }

    #[inline(always)]
    fn confidence(&self, at: usize) -> f32 {
        self.alpha * self.weights.map_or(1.0, |w| w[at])
    }

    #[inline(always)]
    fn factor(&self, at: usize) -> &'a [f32] {
        &self.factors[self.cols[at] as usize * self.dim..][..self.dim]
    }

    /// Calls `four` with the entries four at a time and `one` with each of the rest.
    #[inline(always)]
    pub(super) fn each<S>(
        &self,
        state: &mut S,
        four: impl Fn(&mut S, [f32; 4], [&[f32]; 4]),
        one: impl Fn(&mut S, f32, &[f32]),
    ) {
        let whole = self.cols.len() / 4 * 4;
        for at in (0..whole).step_by(4) {
            let at = [at, at + 1, at + 2, at + 3];
            four(state, at.map(|k| self.confidence(k)), at.map(|k| self.factor(k)));
        }
        for at in whole..self.cols.len() {
            one(state, self.confidence(at), self.factor(at));
        }
    }

    /// `b`, added to `out`, and the sum of confidences.
    #[inline(always)]
    pub(super) fn target<A: Arithmetic>(&self, out: &mut [f32]) -> f64 {
        let mut state = (out, 0f64);
        self.each(
            &mut state,
            |(out, sum), c, rows| {
                A::axpy4(c, rows, out);
                *sum += f64::from(c[0] + c[1] + c[2] + c[3]);
            },
            |(out, sum), c, row| {
                A::axpy(c, row, out);
                *sum += f64::from(c);
            },
        );
        state.1
    }

    /// Adds `Σ (c_i - 1) ⟨y_i, v⟩ y_i` to `out`.
    #[inline(always)]
    pub(super) fn add_product<A: Arithmetic>(&self, v: &[f32], out: &mut [f32]) {
        let mut out = out;
        self.each(
            &mut out,
            |out, c, rows| {
                let d = A::dot4(rows, v);
                A::axpy4(std::array::from_fn(|k| (c[k] - 1.0) * d[k]), rows, out);
            },
            |out, c, row| A::axpy((c - 1.0) * A::dot(row, v), row, out),
        );
    }

    /// Adds `b - Σ (c_i - 1) ⟨y_i, x⟩ y_i` to `out` in one pass; returns `⟨x, b⟩` and the sum of
    /// confidences.
    #[inline(always)]
    pub(super) fn add_residual<A: Arithmetic>(&self, x: &[f32], out: &mut [f32]) -> (f64, f64) {
        let mut state = (out, 0f64, 0f64);
        self.each(
            &mut state,
            |(out, xb, sum), c, rows| {
                let d = A::dot4(rows, x);
                A::axpy4(std::array::from_fn(|k| c[k] - (c[k] - 1.0) * d[k]), rows, out);
                *xb += f64::from((c[0] * d[0] + c[1] * d[1]) + (c[2] * d[2] + c[3] * d[3]));
                *sum += f64::from(c[0] + c[1] + c[2] + c[3]);
            },
            |(out, xb, sum), c, row| {
                let d = A::dot(row, x);
                A::axpy(c - (c - 1.0) * d, row, out);
                *xb += f64::from(c * d);
                *sum += f64::from(c);
            },
        );
        (state.1, state.2)
    }

    /// Adds `Σ (c_i - 1) y_i y_iᵀ` to the upper triangle of `out`, row-major `[dim, dim]`.
    #[inline(always)]
    pub(super) fn add_outer<A: Arithmetic>(&self, out: &mut [f32]) {
        let mut state = (out, self.dim);
        self.each(
            &mut state,
            |(out, n), c, rows| {
                let t = c.map(|c| c - 1.0);
                for i in 0..*n {
                    let t = std::array::from_fn(|k| t[k] * rows[k][i]);
                    A::axpy4(t, rows.map(|r| &r[i..]), &mut out[i * *n + i..][..*n - i]);
                }
            },
            |(out, n), c, row| {
                for i in 0..*n {
                    let t = (c - 1.0) * row[i];
                    A::axpy(t, &row[i..], &mut out[i * *n + i..][..*n - i]);
                }
            },
        );
    }
}
