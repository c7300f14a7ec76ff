//! Losses over the edges of a graph.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{log_sigmoid, sigmoid};

/// What embeddings `h` of nodes are trained on: for each edge `(i, j)` with target `y`, and
/// non-edges `(i, k)` drawn beside it, with `s` the inner product and `c` the cosine of two nodes,
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeLoss {
    /// `(y − σ(s_ij + b))² + Σ_k σ(s_ik + b)²`: the edge reconstructed, with a bias.
    #[default]
    Squared,
    /// `−y ln σ(s_ij + b) − (1 − y) ln σ(−s_ij − b) − Σ_k ln σ(−s_ik − b)`: binary cross-entropy; with
    /// `y = 1` the unsupervised loss of W. L. Hamilton, R. Ying, J. Leskovec, "Inductive
    /// representation learning on large graphs", NIPS 2017, equation 1, and a bias.
    Bce,
    /// `−Σ_k ln σ(s_ij − s_ik)` (Rendle et al. 2009).
    Bpr,
    /// `−ln (e^(c_ij/τ) / (e^(c_ij/τ) + Σ_k e^(c_ik/τ)))` (InfoNCE, van den Oord, Li & Vinyals 2018).
    InfoNce {
        /// `τ`, above 0.
        temperature: f64,
    },
    /// `(1 − c_ij) + μ/|k| Σ_k max(0, c_ik − m)`: the cosine contrastive loss of K. Mao, J. Zhu, J.
    /// Wang, Q. Dai, Z. Dong, X. Xiao, X. He, "SimpleX: A simple and strong baseline for
    /// collaborative filtering", CIKM 2021, equation 1.
    CosineContrastive {
        /// `m`, from −1 to 1: non-edges less alike than this are let be.
        margin: f64,
        /// `μ`, above 0: what non-edges count.
        weight: f64,
    },
}

/// An edge with non-edges from the same node.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeSample {
    /// `i`.
    pub from: u32,
    /// `j`.
    pub to: u32,
    /// Each `k`.
    pub negatives: Vec<u32>,
    /// `y`, from 0 to 1; looked at by the first two losses.
    pub target: f64,
    /// What the whole sample counts.
    pub weight: f64,
}

/// The loss of one sample and its derivatives.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeTerms {
    /// The loss.
    pub loss: f64,
    /// By the edge's score.
    pub edge: f64,
    /// By each non-edge's.
    pub negatives: Vec<f64>,
}

/// Parameters, or the gradient by them.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeFactors {
    /// `h`: `[nodes, dim]`.
    pub nodes: Array2<f64>,
    /// `b`.
    pub bias: f64,
}

impl EdgeLoss {
    /// Whether scores are cosines, without a bias.
    pub fn is_cosine(self) -> bool {
        matches!(self, Self::InfoNce { .. } | Self::CosineContrastive { .. })
    }

    /// Whether scores bear the bias.
    pub fn has_bias(self) -> bool {
        matches!(self, Self::Squared | Self::Bce)
    }

    /// The loss of a sample by its scores (with bias, or cosines, as the loss has them).
    pub fn terms(self, target: f64, edge: f64, negatives: &[f64]) -> EdgeTerms {
        match self {
            Self::Squared => {
                let pointwise = |target: f64, score: f64| {
                    let p = sigmoid(score);
                    ((target - p).powi(2), 2.0 * (p - target) * p * (1.0 - p))
                };
                summed(pointwise, target, edge, negatives)
            }
            Self::Bce => {
                let pointwise = |target: f64, score: f64| {
                    let missed = target * log_sigmoid(score) + (1.0 - target) * log_sigmoid(-score);
                    (-missed, sigmoid(score) - target)
                };
                summed(pointwise, target, edge, negatives)
            }
            Self::Bpr => {
                let pulls: Vec<f64> = negatives.iter().map(|n| sigmoid(n - edge)).collect();
                EdgeTerms {
                    loss: negatives.iter().map(|n| -log_sigmoid(edge - n)).sum(),
                    edge: -pulls.iter().sum::<f64>(),
                    negatives: pulls,
                }
            }
            Self::InfoNce { temperature } => {
                let most = negatives.iter().copied().fold(edge, f64::max);
                let odds = |score: f64| ((score - most) / temperature).exp();
                let sum = odds(edge) + negatives.iter().map(|&n| odds(n)).sum::<f64>();
                EdgeTerms {
                    loss: sum.ln() - (edge - most) / temperature,
                    edge: (odds(edge) / sum - 1.0) / temperature,
                    negatives: negatives.iter().map(|&n| odds(n) / sum / temperature).collect(),
                }
            }
            Self::CosineContrastive { margin, weight } => {
                let share = weight / negatives.len().max(1) as f64;
                let over = negatives.iter().map(|n| (n - margin).max(0.0));
                EdgeTerms {
                    loss: 1.0 - edge + share * over.sum::<f64>(),
                    edge: -1.0,
                    negatives: negatives
                        .iter()
                        .map(|&n| if n > margin { share } else { 0.0 })
                        .collect(),
                }
            }
        }
    }

    /// The loss over samples, summed by their weights. Nodes must be within the factors.
    pub fn loss(self, at: &EdgeFactors, samples: &[EdgeSample]) -> f64 {
        samples.iter().map(|s| s.weight * self.sample(at, s).loss).sum()
    }

    fn sample(self, at: &EdgeFactors, sample: &EdgeSample) -> EdgeTerms {
        let score = |to: u32| self.score(at, sample.from, to);
        let negatives: Vec<f64> = sample.negatives.iter().map(|&k| score(k)).collect();
        self.terms(sample.target, score(sample.to), &negatives)
    }

    fn score(self, at: &EdgeFactors, from: u32, to: u32) -> f64 {
        let (a, b) = (at.nodes.row(from as usize), at.nodes.row(to as usize));
        let product = a.dot(&b);
        if self.is_cosine() {
            return product / (a.dot(&a) * b.dot(&b)).sqrt().max(f64::MIN_POSITIVE);
        }
        product + if self.has_bias() { at.bias } else { 0.0 }
    }

    /// The gradient of [`Self::loss`].
    pub fn gradient(self, at: &EdgeFactors, samples: &[EdgeSample]) -> EdgeFactors {
        let mut gradient = EdgeFactors { nodes: Array2::zeros(at.nodes.raw_dim()), bias: 0.0 };
        for sample in samples {
            let terms = self.sample(at, sample);
            let negatives = sample.negatives.iter().copied().zip(terms.negatives);
            for (to, pull) in negatives.chain([(sample.to, terms.edge)]) {
                self.add(at, (sample.from, to), sample.weight * pull, &mut gradient);
            }
        }
        gradient
    }

    /// Adds `by` times the gradient of one score.
    fn add(self, at: &EdgeFactors, (i, j): (u32, u32), by: f64, to: &mut EdgeFactors) {
        let (a, b) = (at.nodes.row(i as usize), at.nodes.row(j as usize));
        if self.is_cosine() {
            // ∂c/∂a = (b/‖b‖ − c a/‖a‖)/‖a‖, and likewise by b.
            let (of_a, of_b) = (a.dot(&a).sqrt(), b.dot(&b).sqrt());
            let both = of_a * of_b;
            if both == 0.0 {
                return; // no direction
            }
            let c = a.dot(&b) / both;
            let by_a = &b / both - &a * (c / (of_a * of_a));
            let by_b = &a / both - &b * (c / (of_b * of_b));
            to.nodes.row_mut(i as usize).scaled_add(by, &by_a);
            to.nodes.row_mut(j as usize).scaled_add(by, &by_b);
            return;
        }
        to.nodes.row_mut(i as usize).scaled_add(by, &b);
        to.nodes.row_mut(j as usize).scaled_add(by, &a);
        to.bias += if self.has_bias() { by } else { 0.0 };
    }
}

fn summed(
    pointwise: impl Fn(f64, f64) -> (f64, f64),
    target: f64,
    edge: f64,
    negatives: &[f64],
) -> EdgeTerms {
    let (mut loss, edge) = pointwise(target, edge);
    let of = |&score: &f64| {
        let (lost, by) = pointwise(0.0, score);
        loss += lost;
        by
    };
    let negatives = negatives.iter().map(of).collect();
    EdgeTerms { loss, edge, negatives }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::objective::numeric::assert_gradient;

    const ALL: [EdgeLoss; 5] = [
        EdgeLoss::Squared,
        EdgeLoss::Bce,
        EdgeLoss::Bpr,
        EdgeLoss::InfoNce { temperature: 0.5 },
        EdgeLoss::CosineContrastive { margin: -0.3, weight: 2.0 },
    ];

    fn factors() -> EdgeFactors {
        let nodes = array![[0.5, -0.2, 0.8], [0.3, 0.9, -0.4], [-0.7, 0.2, 0.6], [0.1, 0.4, 0.2]];
        EdgeFactors { nodes, bias: 0.3 }
    }

    fn samples() -> Vec<EdgeSample> {
        let sample = |from, to, negatives: &[u32], target, weight| EdgeSample {
            from,
            to,
            negatives: negatives.to_vec(),
            target,
            weight,
        };
        // One with an edge of another weight, one without negatives, one with a node drawn twice.
        vec![
            sample(0, 1, &[2, 3], 1.0, 1.0),
            sample(2, 0, &[], 0.4, 2.0),
            sample(3, 2, &[0, 0, 1], 0.7, 0.5),
        ]
    }

    #[test]
    fn gradients_are_those_of_the_losses() {
        let at = factors();
        for loss in ALL {
            let gradient = loss.gradient(&at, &samples());
            assert_gradient(&at.nodes, &gradient.nodes, |nodes| {
                loss.loss(&EdgeFactors { nodes: nodes.clone(), bias: at.bias }, &samples())
            });
            assert_gradient(&array![at.bias], &array![gradient.bias], |bias| {
                loss.loss(&EdgeFactors { nodes: at.nodes.clone(), bias: bias[0] }, &samples())
            });
        }
    }

    #[test]
    fn losses_by_hand() {
        let p = |x: f64| 1.0 / (1.0 + (-x).exp());
        let of = |loss: EdgeLoss, target, edge, negatives: &[f64]| {
            loss.terms(target, edge, negatives).loss
        };
        let squared = (0.8 - p(1.5)).powi(2) + p(0.2).powi(2) + p(-1.0).powi(2);
        assert!((of(EdgeLoss::Squared, 0.8, 1.5, &[0.2, -1.0]) - squared).abs() < 1e-12);
        let bce = -0.8 * p(1.5).ln() - 0.2 * (1.0 - p(1.5)).ln() - (1.0 - p(0.2)).ln();
        assert!((of(EdgeLoss::Bce, 0.8, 1.5, &[0.2]) - bce).abs() < 1e-12);
        let bpr = -p(1.3).ln() - p(2.5).ln();
        assert!((of(EdgeLoss::Bpr, 1.0, 1.5, &[0.2, -1.0]) - bpr).abs() < 1e-12);
        let parts = [1.0f64.exp(), 0.4f64.exp(), (-2.0f64).exp()];
        let nce = -(parts[0] / parts.iter().sum::<f64>()).ln();
        let loss = EdgeLoss::InfoNce { temperature: 0.5 };
        assert!((of(loss, 1.0, 0.5, &[0.2, -1.0]) - nce).abs() < 1e-12);
        let loss = EdgeLoss::CosineContrastive { margin: 0.1, weight: 3.0 };
        assert!((of(loss, 1.0, 0.5, &[0.2, -1.0]) - (0.5 + 1.5 * 0.1)).abs() < 1e-12);
        // Far out nothing overflows.
        for loss in ALL {
            let terms = loss.terms(1.0, -800.0, &[800.0]);
            assert!(terms.loss.is_finite() && terms.negatives[0].is_finite(), "{loss:?}");
        }
    }

    #[test]
    fn a_node_of_zeros_is_no_trouble() {
        let at = EdgeFactors { nodes: array![[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], bias: 0.0 };
        let samples = [EdgeSample { from: 0, to: 1, negatives: vec![2], target: 1.0, weight: 1.0 }];
        for loss in ALL {
            let of_zeros = loss.gradient(&at, &samples).nodes;
            assert!(of_zeros.iter().all(|x| x.is_finite()), "{loss:?} {of_zeros}");
        }
    }
}
