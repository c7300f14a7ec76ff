//! The tag model without outside weights: learners on n-grams, mixed.

use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::features::{Bag, NgramOptions, TfIdf};
use super::joint::summed;
use super::labels::{Labels, Task};
use super::learn::{Embeddings, Fitted, Inputs, Learner, Network, Weights};
use super::model::TagModel;
use super::pooling::Stack;
use crate::{Error, Result};

/// Learners on the same texts; scores are `ln p` (one label) or `ln p / (1 − p)` (several) of
/// `p = Σ_m π_m p_m`, the mixture of the learners' calibrated probabilities, corrected where it is stacked.
#[derive(Clone, Debug)]
pub struct NgramModel {
    pub(super) labels: Labels,
    pub(super) features: TfIdf,
    pub(super) options: NgramOptions,
    pub(super) heads: Vec<Head>,
    pub(super) stack: Option<Stack>,
}

/// One learner's part of the mixture.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub learner: Learner,
    pub fitted: Fitted,
    /// Where it scores pairs, the label of each.
    pub pairs: Option<Vec<u32>>,
    pub calibration: Calibration,
    pub weight: f32,
}

/// How a head is written down.
#[derive(Serialize, Deserialize)]
struct HeadConfig {
    #[serde(flatten)]
    learner: Learner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pairs: Option<Vec<u32>>,
    calibration: Calibration,
    weight: f32,
}

#[derive(Serialize, Deserialize)]
struct Config {
    features: NgramOptions,
    heads: Vec<HeadConfig>,
    #[serde(default)]
    stacked: bool,
}

pub(super) const KIND: &str = "ngrams";

impl NgramModel {
    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.features.n_features()
    }

    /// The learners, with the weight of each in the mixture.
    pub fn mixture(&self) -> Vec<(&Learner, f32)> {
        self.heads.iter().map(|head| (&head.learner, head.weight)).collect()
    }

    /// Whether the mixture is corrected by a linear map of the learners' `ln p`, as it is where that made
    /// held-out texts likelier (Wolpert 1992).
    pub fn stacked(&self) -> bool {
        self.stack.is_some()
    }

    fn pooled(&self, inputs: &Inputs<'_>) -> Vec<f32> {
        let n_labels = self.labels.len();
        let of = |head: &Head| {
            let scores = head.learner.scores(&head.fitted, inputs);
            probabilities(scores, &head.calibration, head.pairs.as_deref(), n_labels)
        };
        let weights = self.heads.iter().map(|head| head.weight);
        let len = inputs.rows.n_rows() * n_labels;
        match &self.stack {
            None => mix(weights.zip(self.heads.iter().map(of)), len, self.labels.task()),
            Some(stack) => {
                let parts: Vec<Vec<f32>> = self.heads.iter().map(of).collect();
                let mixed = mix(weights.zip(&parts), len, self.labels.task());
                stack.correct(&parts, mixed, n_labels)
            }
        }
    }

    pub(super) fn load(
        labels: Labels,
        config: serde_json::Value,
        reader: &ModelReader,
        prefix: &str,
    ) -> Result<Self> {
        let config: Config = serde_json::from_value(config)
            .map_err(|e| Error::data("configuration of an n-gram tag model", e.to_string()))?;
        let features = TfIdf::read(reader, prefix, config.features.clone())?;
        let heads = config.heads.into_iter().enumerate().map(|(at, head)| {
            let HeadConfig { learner, pairs, calibration, weight } = head;
            check_pairs(&learner, pairs.as_deref(), &labels)?;
            let n_classes = pairs.as_ref().map_or(labels.len(), Vec::len);
            let size = [features.n_features(), n_classes];
            let fitted = read_head(reader, &format!("{prefix}{at}."), learner.plain(), size)?;
            Ok(Head { learner, fitted, pairs, calibration, weight })
        });
        let heads = heads.collect::<Result<Vec<_>>>()?;
        let read = || Stack::read(reader, prefix, [heads.len(), labels.len()]);
        let stack = config.stacked.then(read).transpose()?;
        Ok(Self { labels, features, options: config.features, heads, stack })
    }
}

/// The probabilities of labels, `[texts, n_labels]`, of a learner's scores; where they are of pairs, a label
/// has the sum of its own.
pub(super) fn probabilities(
    mut scores: Vec<f32>,
    calibration: &Calibration,
    pairs: Option<&[u32]>,
    n_labels: usize,
) -> Vec<f32> {
    calibration.apply(&mut scores, pairs.map_or(n_labels, <[u32]>::len));
    match pairs {
        Some(pairs) => summed(&scores, pairs, n_labels),
        None => scores,
    }
}

/// Refuses pairs that do not go with the learner and the labels.
fn check_pairs(learner: &Learner, pairs: Option<&[u32]>, labels: &Labels) -> Result<()> {
    let fine = match (learner, pairs) {
        (Learner::Joint { .. }, Some(pairs)) => {
            (0..labels.len() as u32).all(|label| pairs.contains(&label))
                && pairs.iter().all(|&label| (label as usize) < labels.len())
        }
        (Learner::Joint { .. }, None) | (_, Some(_)) => false,
        (_, None) => true,
    };
    let why = "they do not go with the learner and the labels";
    fine.then_some(()).ok_or_else(|| Error::data("pairs of labels", why))
}

/// `Σ_m π_m p_m` as scores.
pub(super) fn mix<P: AsRef<[f32]>>(
    parts: impl Iterator<Item = (f32, P)>,
    len: usize,
    task: Task,
) -> Vec<f32> {
    let mut sum = vec![0f32; len];
    for (weight, probabilities) in parts {
        sum.iter_mut().zip(probabilities.as_ref()).for_each(|(sum, p)| *sum += weight * p);
    }
    // Far from 0, where the logarithm would be lost.
    let score = |p: f32| match task {
        Task::Single => p.max(1e-9).ln(),
        Task::Multi => (p.max(1e-9) / (1.0 - p).max(1e-9)).ln(),
    };
    sum.iter_mut().for_each(|p| *p = score(*p));
    sum
}

impl TagModel for NgramModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn scores(&self, texts: &[&str]) -> Result<Vec<f32>> {
        let bags = self.options.bags(texts)?;
        let bags: Vec<&Bag> = bags.iter().collect();
        Ok(self.pooled(&Inputs::new(&self.features, &bags)))
    }

    fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<serde_json::Value> {
        self.features.write(writer, prefix)?;
        let mut heads = Vec::new();
        for (at, head) in self.heads.iter().enumerate() {
            write_head(writer, &format!("{prefix}{at}."), &head.fitted)?;
            let Head { learner, pairs, calibration, weight, .. } = head.clone();
            heads.push(HeadConfig { learner, pairs, calibration, weight });
        }
        if let Some(stack) = &self.stack {
            stack.write(writer, prefix)?;
        }
        let stacked = self.stack.is_some();
        let config = Config { features: self.options.clone(), heads, stacked };
        serde_json::to_value(config).map_err(|e| {
            Error::unsupported("saving", "this tag model", format!("its pipeline: {e}"))
        })
    }
}

fn write_head(writer: &mut ModelWriter, prefix: &str, fitted: &Fitted) -> Result<()> {
    match fitted {
        Fitted::Linear(Weights { n_labels, w, bias }) => {
            writer.f32(&format!("{prefix}weights"), &[w.len() / n_labels, *n_labels], w)?;
            writer.f32(&format!("{prefix}bias"), &[bias.len()], bias)?;
        }
        Fitted::Embedded(Embeddings { dim, input, output, bias }) => {
            writer.f32(&format!("{prefix}input"), &[input.len() / dim, *dim], input)?;
            writer.f32(&format!("{prefix}output"), &[bias.len(), *dim], output)?;
            writer.f32(&format!("{prefix}bias"), &[bias.len()], bias)?;
        }
        Fitted::Networks(networks) => {
            for (at, network) in networks.iter().enumerate() {
                network.write(writer, &network_prefix(prefix, at))?;
            }
        }
    }
    Ok(())
}

/// Where the arrays of one network of several stand; those of the first stand as if it were alone.
fn network_prefix(prefix: &str, at: usize) -> String {
    if at == 0 { prefix.to_owned() } else { format!("{prefix}{at}.") }
}

fn read_head(
    reader: &ModelReader,
    prefix: &str,
    learner: &Learner,
    [n_features, n_labels]: [usize; 2],
) -> Result<Fitted> {
    if let Some(recipe) = learner.network() {
        learner.check()?;
        let read = |at| Network::read(reader, &network_prefix(prefix, at), &recipe, n_labels);
        return (0..recipe.networks()).map(read).collect::<Result<_>>().map(Fitted::Networks);
    }
    let array = |name: &str, columns: usize| {
        let (shape, values) = reader.f32(&format!("{prefix}{name}"))?;
        match shape.as_slice() {
            [_, width] if *width == columns => Ok(values),
            _ => Err(Error::shape(
                format!("saved array {name}"),
                format!("[…, {columns}]"),
                format!("{shape:?}"),
            )),
        }
    };
    let (_, bias) = reader.f32(&format!("{prefix}bias"))?;
    let check = |what: &str, expected: usize, got: usize| {
        if expected == got { Ok(()) } else { Err(Error::shape(what, expected, got)) }
    };
    check("saved bias", n_labels, bias.len())?;
    if let Learner::FastText(fasttext) = learner {
        fasttext.check()?;
        let dim = fasttext.dim;
        let (input, output) = (array("input", dim)?, array("output", dim)?);
        check("saved embeddings", fasttext.buckets.min(n_features.max(1)) * dim, input.len())?;
        check("saved output weights", n_labels * dim, output.len())?;
        return Ok(Fitted::Embedded(Embeddings { dim, input, output, bias }));
    }
    let w = array("weights", n_labels)?;
    check("saved weights", n_features * n_labels, w.len())?;
    Ok(Fitted::Linear(Weights { n_labels, w, bias }))
}
