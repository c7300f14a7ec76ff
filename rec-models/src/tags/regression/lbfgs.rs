//! L-BFGS.
//!
//! Our own because the crate that has it (argmin) asks for value and gradient apart: here both come
//! from the same product, which is nearly all the work.

use std::collections::VecDeque;

use crate::Result;

/// Pairs of steps that approximate the inverse Hessian.
const MEMORY: usize = 10;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(in crate::tags) struct Stop {
    /// Where no entry of the gradient is larger.
    pub(in crate::tags) tolerance: f64,
    pub(in crate::tags) max_iterations: usize,
}

/// A pair of steps, and the reciprocal of their product.
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

/// The least point of a smooth convex function from `x` on (Nocedal and Wright 2006, algorithms 7.4
/// and 7.5), steps halved until they descend enough. `evaluate` writes the gradient and returns the
/// value.
pub(super) fn minimise(
    mut x: Vec<f64>,
    stop: Stop,
    mut evaluate: impl FnMut(&[f64], &mut [f64]) -> Result<f64>,
) -> Result<Vec<f64>> {
    let mut gradient = vec![0.0; x.len()];
    let mut value = evaluate(&x, &mut gradient)?;
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    let (mut next, mut slope) = (x.clone(), gradient.clone());
    for _ in 0..stop.max_iterations {
        if gradient.iter().all(|g| g.abs() <= stop.tolerance) {
            break;
        }
        let mut direction = direction(&gradient, &pairs);
        let mut descent = dot(&direction, &gradient);
        if descent >= 0.0 {
            pairs.clear();
            direction = gradient.iter().map(|g| -g).collect();
            descent = -dot(&gradient, &gradient);
        }
        let mut step =
            if pairs.is_empty() { dot(&gradient, &gradient).sqrt().recip() } else { 1.0 };
        let mut descended = false;
        for _ in 0..40 {
            for ((next, x), d) in next.iter_mut().zip(&x).zip(&direction) {
                *next = x + step * d;
            }
            let new = evaluate(&next, &mut slope)?;
            if new <= value + 1e-4 * step * descent {
                value = new;
                descended = true;
                break;
            }
            step *= 0.5;
        }
        if !descended {
            break;
        }
        remember(&mut pairs, difference(&next, &x), difference(&slope, &gradient));
        std::mem::swap(&mut x, &mut next);
        std::mem::swap(&mut gradient, &mut slope);
    }
    Ok(x)
}

/// `−H g` by the two loops over the pairs.
fn direction(gradient: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let alpha = pair.rho * dot(&pair.s, &q);
        add(&mut q, -alpha, &pair.y);
        alphas.push(alpha);
    }
    if let Some(last) = pairs.back() {
        let scale = 1.0 / (last.rho * dot(&last.y, &last.y));
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for (pair, alpha) in pairs.iter().zip(alphas.into_iter().rev()) {
        let beta = pair.rho * dot(&pair.y, &q);
        add(&mut q, alpha - beta, &pair.s);
    }
    q
}

/// Keeps the pair if the function curves upwards along it beyond rounding.
fn remember(pairs: &mut VecDeque<Pair>, s: Vec<f64>, y: Vec<f64>) {
    let curve = dot(&s, &y);
    if curve > 1e-10 * dot(&y, &y) {
        if pairs.len() == MEMORY {
            pairs.pop_front();
        }
        pairs.push_back(Pair { s, y, rho: 1.0 / curve });
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], scale: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += scale * what);
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretched_bowl_is_descended() {
        // Σ 10^(i − 2) (x_i − i)².
        let stop = Stop { tolerance: 1e-9, max_iterations: 200 };
        let found = minimise(vec![10.0; 6], stop, |x, g| {
            let mut value = 0.0;
            for (i, (x, g)) in x.iter().zip(g.iter_mut()).enumerate() {
                let (scale, off) = (10f64.powi(i as i32 - 2), x - i as f64);
                value += scale * off * off;
                *g = 2.0 * scale * off;
            }
            Ok(value)
        });
        for (i, x) in found.unwrap().into_iter().enumerate() {
            assert!((x - i as f64).abs() < 1e-5, "{i}: {x}");
        }
    }
}
