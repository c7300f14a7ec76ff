//! Self-supervised contrast of two views of the same nodes.

use rec_core::graph::{Graph, Normalization};
use rec_core::rng::mix;
use serde::{Deserialize, Serialize};

use super::LightGcn;
use super::draws::Triple;
use super::loss::{Directions, info_nce};
use super::noise::Noise;
use crate::collab::checks;
use crate::ops::Sparse;
use crate::{Error, Result};

/// Two views of each user and each item of a batch are to be told from the others' of the batch, by
/// InfoNCE of cosines:
///
/// `L = −1/|B| Σ_{a∈B} ln (e^(c(a′, a″)/τ) / Σ_{b∈B} e^(c(a′, b″)/τ))`,
///
/// over the users and over the items apart, `weight` times their sum beside the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// How the views come about.
    pub views: Views,
    /// Weight `λ` of the contrast.
    pub weight: f32,
    /// `τ`, above 0.
    pub temperature: f32,
}

/// How two views of a node come about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Views {
    /// The final embeddings and those of one layer, of a single pass with noise of length `noise`
    /// on every layer: XSimGCL (J. Yu, X. Xia, T. Chen, L. Cui, N. Q. V. Hung, H. Yin, "XSimGCL:
    /// Towards extremely simple graph contrastive learning for recommendation", TKDE 2023). Its
    /// mean leaves the initial embeddings out: `residual` 0.
    CrossLayer {
        /// `ε`.
        noise: f32,
        /// `l*`, from 1.
        layer: usize,
    },
    /// Two passes with noise of length `noise` on every layer, beside one without for the loss:
    /// SimGCL (J. Yu, H. Yin, X. Xia, T. Chen, L. Cui, Q. V. H. Nguyen, "Are graph augmentations
    /// necessary? Simple graph contrastive learning for recommendation", SIGIR 2022). `residual` 0
    /// here too.
    Noise {
        /// `ε`.
        noise: f32,
    },
    /// Passes along two graphs, each without a share `rate` of the edges, drawn anew every epoch:
    /// SGL with edge dropout (J. Wu, X. Wang, F. Feng, X. He, L. Chen, J. Lian, X. Xie,
    /// "Self-supervised graph learning for recommendation", SIGIR 2021). Negatives are those of the
    /// batch.
    EdgeDropout {
        /// `ρ`, below 1.
        rate: f32,
    },
    /// The same along two graphs in which a share `rate` of the nodes has no edges: SGL with node
    /// dropout.
    NodeDropout {
        /// `ρ`, below 1.
        rate: f32,
    },
    /// As with edge dropout, but each layer of a pass goes along a graph drawn for it: SGL with what
    /// its authors call random walk.
    RandomWalk {
        /// `ρ`, below 1.
        rate: f32,
    },
}

impl Contrast {
    pub(super) fn check(&self, of: &LightGcn) -> Result<()> {
        checks::not_negative("contrast.weight", self.weight)?;
        checks::positive("contrast.temperature", self.temperature)?;
        if of.layers == 0 {
            let why = "views differ by what is propagated: choose at least 1 with a contrast";
            return Err(Error::parameter("layers", 0, why));
        }
        if of.unit_rows {
            let why = "contrasts of views are for propagation without unit rows; leave out one";
            return Err(Error::parameter("unit_rows", true, why));
        }
        match self.views {
            Views::CrossLayer { noise, layer } => {
                checks::not_negative("contrast.noise", noise)?;
                if !(1..=of.layers).contains(&layer) {
                    let why = format!("choose 1 to the number of layers, {}", of.layers);
                    return Err(Error::parameter("contrast.layer", layer, why));
                }
                Ok(())
            }
            Views::Noise { noise } => checks::not_negative("contrast.noise", noise),
            Views::EdgeDropout { rate }
            | Views::NodeDropout { rate }
            | Views::RandomWalk { rate } => {
                if (0.0..1.0).contains(&rate) {
                    return Ok(());
                }
                let why = "a share of at least 0 and below 1 is needed";
                Err(Error::parameter("contrast.rate", rate, why))
            }
        }
    }

    /// Tables of embeddings that a run holds for it.
    pub(super) fn tables(&self) -> usize {
        if self.views.thins() { 5 } else { 2 }
    }

    /// Graphs that it holds, with transposes.
    pub(super) fn graphs(&self, layers: usize) -> usize {
        match self.views {
            Views::RandomWalk { .. } => 4 * layers,
            _ if self.views.thins() => 4,
            _ => 0,
        }
    }
}

impl Views {
    /// Noise of a step for view 0 or 1.
    pub(super) fn noise(self, seed: u64, step: u64, view: u64) -> Option<Noise> {
        match self {
            Self::CrossLayer { noise: size, .. } | Self::Noise { noise: size } => {
                Some(Noise { size, seed: mix(mix(seed ^ mix(step)) ^ view) })
            }
            _ => None,
        }
    }

    /// Whether views go along graphs that lack something.
    pub(super) fn thins(self) -> bool {
        matches!(
            self,
            Self::EdgeDropout { .. } | Self::NodeDropout { .. } | Self::RandomWalk { .. }
        )
    }

    /// The graphs of an epoch's two views, one for all layers or one for each; none where views
    /// differ by noise.
    pub(super) fn thinned(
        self,
        graph: &Graph,
        (by, layers): (Normalization, usize),
        seed: u64,
    ) -> Result<Option<[Vec<Sparse>; 2]>> {
        let draw = |at: u64| -> Result<Option<Sparse>> {
            let seed = mix(seed ^ at);
            let rest = match self {
                Self::EdgeDropout { rate } | Self::RandomWalk { rate } => {
                    graph.edge_dropout(rate.into(), seed)?
                }
                Self::NodeDropout { rate } => graph.node_dropout(rate.into(), seed)?,
                Self::CrossLayer { .. } | Self::Noise { .. } => return Ok(None),
            };
            Ok(Some(Sparse::new(rest.normalized(by)?)))
        };
        let each = if matches!(self, Self::RandomWalk { .. }) { layers as u64 } else { 1 };
        let view = |first: u64| (first..first + each).map(draw).collect::<Result<Option<Vec<_>>>>();
        Ok(view(0)?.zip(view(each)?).map(|(one, other)| [one, other]))
    }
}

/// The nodes of a batch that are contrasted: its users and its positives, each once.
pub(super) struct Nodes([Vec<u32>; 2]);

impl Nodes {
    pub(super) fn new(batch: &[Triple], users: usize) -> Self {
        let once = |mut ids: Vec<u32>| {
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let items = batch.iter().map(|t| users as u32 + t[1]);
        Self([once(batch.iter().map(|t| t[0]).collect()), once(items.collect())])
    }

    /// `weight` times the contrast of two tables `[n, d]`; its gradients by both go to `to`, once
    /// for each kind of nodes.
    pub(super) fn contrast(
        &self,
        by: &Contrast,
        [one, other]: [&[f32]; 2],
        d: usize,
        mut to: impl FnMut(&[u32], [(&Directions, &[f32]); 2], f32),
    ) -> f64 {
        let mut sum = 0.0;
        for ids in &self.0 {
            let gather = |table| Directions::gather(table, ids.iter().copied(), d);
            let (a, b) = (gather(one), gather(other));
            let (loss, of_a, of_b) = info_nce(&a, &b, by.temperature);
            let scale = by.weight / (ids.len() as f32 * by.temperature);
            to(ids, [(&a, of_a.as_slice()), (&b, of_b.as_slice())], scale);
            sum += loss;
        }
        f64::from(by.weight) * sum
    }
}
