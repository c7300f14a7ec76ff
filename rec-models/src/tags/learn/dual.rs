//! L2-regularised linear classifiers with two classes, trained in the dual, a coordinate at a time.
//!
//! The classifier is `f(x) = w·x + b`, the bias being the weight of a feature that is always 1, and
//! regularised like the others, as in LIBLINEAR (Fan et al. 2008).

use rand::seq::SliceRandom;
use rec_core::data::Csr;
use rec_core::rng::Rng;

/// What a margin `m = y f(x)` costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// `max(0, 1 − m)²`: a linear SVM.
    SquaredHinge,
    /// `ln(1 + exp(−m))`: logistic regression.
    Logistic,
}

/// One problem with two classes.
pub(super) struct Problem<'a> {
    pub rows: &'a Csr,
    /// Beside the stored entries of `rows`.
    pub values: &'a [f32],
    pub positive: &'a [bool],
    /// Cost of an error in a text with the label, and in one without.
    pub cost: [f64; 2],
    pub tolerance: f64,
    pub max_iterations: usize,
}

/// Weights and bias.
pub(super) struct Solution {
    pub weights: Vec<f32>,
    pub bias: f32,
}

impl Problem<'_> {
    pub(super) fn solve(&self, loss: Loss, rng: &mut Rng) -> Solution {
        match loss {
            Loss::SquaredHinge => self.squared_hinge(rng),
            Loss::Logistic => self.logistic(rng),
        }
    }

    fn n(&self) -> usize {
        self.positive.len()
    }

    fn row(&self, i: usize) -> (&[u32], &[f32]) {
        let indptr = self.rows.indptr();
        (self.rows.row(i), &self.values[indptr[i]..indptr[i + 1]])
    }

    fn side(&self, i: usize) -> (f64, f64) {
        if self.positive[i] { (1.0, self.cost[0]) } else { (-1.0, self.cost[1]) }
    }

    fn zero(&self) -> Solution {
        Solution { weights: vec![0.0; self.rows.n_cols()], bias: 0.0 }
    }

    /// `‖x_i‖² + 1`.
    fn squares(&self) -> Vec<f64> {
        let of = |i| self.row(i).1.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() + 1.0;
        (0..self.n()).map(of).collect()
    }

    fn margin(&self, w: &Solution, i: usize) -> f64 {
        let (columns, values) = self.row(i);
        let products = columns.iter().zip(values).map(|(&c, x)| w.weights[c as usize] * x);
        f64::from(products.sum::<f32>() + w.bias)
    }

    fn add(&self, w: &mut Solution, i: usize, step: f64) {
        let (columns, values) = self.row(i);
        for (&c, x) in columns.iter().zip(values) {
            w.weights[c as usize] += step as f32 * x;
        }
        w.bias += step as f32;
    }

    /// Hsieh et al. 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM", algorithm 3
    /// (with shrinking), for the L2 loss: `D_ii = 1 / 2C_i`, no upper bound.
    fn squared_hinge(&self, rng: &mut Rng) -> Solution {
        let (mut w, squares) = (self.zero(), self.squares());
        let mut alpha = vec![0f64; self.n()];
        let mut active: Vec<u32> = (0..self.n() as u32).collect();
        let mut shrink_above = f64::INFINITY;
        for _ in 0..self.max_iterations {
            active.shuffle(rng);
            let (mut largest, mut smallest) = (f64::NEG_INFINITY, f64::INFINITY);
            active.retain(|&i| {
                let i = i as usize;
                let (y, cost) = self.side(i);
                let diagonal = 0.5 / cost;
                let gradient = y * self.margin(&w, i) - 1.0 + diagonal * alpha[i];
                if alpha[i] == 0.0 && gradient > shrink_above {
                    return false;
                }
                let projected = if alpha[i] == 0.0 { gradient.min(0.0) } else { gradient };
                largest = largest.max(projected);
                smallest = smallest.min(projected);
                if projected.abs() > 1e-12 {
                    let old = alpha[i];
                    alpha[i] = (old - gradient / (squares[i] + diagonal)).max(0.0);
                    self.add(&mut w, i, (alpha[i] - old) * y);
                }
                true
            });
            if active.is_empty() || largest - smallest <= self.tolerance {
                if active.len() == self.n() {
                    break;
                }
                active = (0..self.n() as u32).collect();
                shrink_above = f64::INFINITY;
            } else {
                shrink_above = if largest > 0.0 { largest } else { f64::INFINITY };
            }
        }
        w
    }

    /// Yu, Huang and Lin 2011, "Dual Coordinate Descent Methods for Logistic Regression and Maximum
    /// Entropy Models", algorithm 5: the one-variable problem by Newton's method, on whichever of
    /// `α` and `C − α` is the smaller.
    fn logistic(&self, rng: &mut Rng) -> Solution {
        let (mut w, squares) = (self.zero(), self.squares());
        // alpha[i] and cost − alpha[i], both kept: their difference would lose the small one.
        let mut alpha: Vec<[f64; 2]> = (0..self.n())
            .map(|i| {
                let cost = self.side(i).1;
                let small = (1e-3 * cost).min(1e-8);
                [small, cost - small]
            })
            .collect();
        for (i, a) in alpha.iter().enumerate() {
            self.add(&mut w, i, self.side(i).0 * a[0]);
        }
        let mut order: Vec<u32> = (0..self.n() as u32).collect();
        let mut inner_tolerance = 1e-2;
        for _ in 0..self.max_iterations {
            order.shuffle(rng);
            let (mut steps, mut worst) = (0, 0f64);
            for &i in &order {
                let i = i as usize;
                let (y, cost) = self.side(i);
                let one = OneVariable { a: squares[i], b: y * self.margin(&w, i), cost };
                let old = alpha[i][0];
                let (new, gradient, n) = one.minimise(alpha[i], inner_tolerance);
                worst = worst.max(gradient.abs());
                steps += n;
                if n > 0 {
                    alpha[i] = new;
                    self.add(&mut w, i, y * (new[0] - old));
                }
            }
            if worst < self.tolerance {
                break;
            }
            if steps <= self.n() / 10 {
                inner_tolerance = (inner_tolerance * 0.1).max(1e-8);
            }
        }
        w
    }
}

/// `min_z  z ln z + (C − z) ln(C − z) + a/2 (z − α)² + b (z − α)` over `0 < z < C`.
struct OneVariable {
    a: f64,
    b: f64,
    cost: f64,
}

impl OneVariable {
    /// The new `[α, C − α]`, the gradient at the old one, and the number of Newton steps.
    fn minimise(&self, alpha: [f64; 2], tolerance: f64) -> ([f64; 2], f64, usize) {
        let (at, other, sign) = if self.a * (0.5 * self.cost - alpha[0]) + self.b < 0.0 {
            (1, 0, -1.0)
        } else {
            (0, 1, 1.0)
        };
        let old = alpha[at];
        let mut z = old;
        // A start in the right half, where Newton's method converges.
        if self.cost - z < 0.5 * self.cost {
            z *= 0.1;
        }
        let slope = |z: f64| self.a * (z - old) + sign * self.b + (z / (self.cost - z)).ln();
        let first = slope(old);
        let mut steps = 0;
        while steps < 100 {
            let gradient = slope(z);
            if gradient.abs() < tolerance {
                break;
            }
            let curvature = self.a + self.cost / (self.cost - z) / z;
            let next = z - gradient / curvature;
            z = if next <= 0.0 { z * 0.1 } else { next.min(self.cost * (1.0 - 1e-12)) };
            steps += 1;
        }
        let mut new = [0.0; 2];
        new[at] = z;
        new[other] = self.cost - z;
        (new, first, steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt as _;
    use rec_core::rng::stream;

    fn data(n: usize) -> (Csr, Vec<bool>) {
        let mut rng = stream(3, "data", 0);
        let rows: Vec<Vec<(u32, f32)>> =
            (0..n).map(|_| (0..6).map(|c| (c, rng.random_range(-1.0..1.0))).collect()).collect();
        let positive = rows
            .iter()
            .map(|row| row[0].1 + 0.5 * row[1].1 - 0.2 > rng.random_range(-0.5..0.5))
            .collect();
        (Csr::from_rows(rows, 6), positive)
    }

    /// `‖w‖²/2 + Σ C_i loss(m_i)`, and the greatest slope of it in any direction of `w` and `b`.
    fn primal(problem: &Problem<'_>, w: &Solution, loss: Loss) -> (f64, f64) {
        let mut gradient: Vec<f64> = w.weights.iter().map(|&w| f64::from(w)).collect();
        gradient.push(f64::from(w.bias));
        let mut value = gradient.iter().map(|w| w * w / 2.0).sum::<f64>();
        for i in 0..problem.n() {
            let (y, cost) = problem.side(i);
            let m = y * problem.margin(w, i);
            let (l, slope) = match loss {
                Loss::SquaredHinge => ((1.0 - m).max(0.0).powi(2), -2.0 * (1.0 - m).max(0.0)),
                Loss::Logistic => ((-m).exp().ln_1p(), -1.0 / (1.0 + m.exp())),
            };
            value += cost * l;
            let (columns, values) = problem.row(i);
            for (&c, &x) in columns.iter().zip(values) {
                gradient[c as usize] += cost * slope * y * f64::from(x);
            }
            *gradient.last_mut().unwrap() += cost * slope * y;
        }
        (value, gradient.iter().fold(0.0, |m, g| m.max(g.abs())))
    }

    #[test]
    fn the_primal_gradient_vanishes_at_the_solution() {
        let (rows, positive) = data(300);
        let values = rows.values().unwrap().to_vec();
        for loss in [Loss::SquaredHinge, Loss::Logistic] {
            let problem = Problem {
                rows: &rows,
                values: &values,
                positive: &positive,
                cost: [2.0, 0.5],
                tolerance: 1e-6,
                max_iterations: 20_000,
            };
            let found = problem.solve(loss, &mut stream(1, "dual", 0));
            let (value, slope) = primal(&problem, &found, loss);
            let (at_zero, slope_at_zero) = primal(&problem, &problem.zero(), loss);
            assert!(slope < 1e-3 * slope_at_zero && value < at_zero, "{loss:?}: {slope} {value}");
        }
    }
}
