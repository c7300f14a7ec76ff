//! Contrastive learning of vectors of texts.

use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Tensor, TensorData};
use rand::RngExt;
use rec_core::rng::Rng;

use super::{Corpus, Objective, Pairs};
use crate::language::batch::id_tensor;
use crate::language::encoder::{PoolingMode, normalized};
use crate::language::{Backbone, Batch, DropoutRates, Noise};
use crate::{Error, Result};

/// `−log exp(cos(aᵢ, pᵢ)/τ) / Σⱼ exp(cos(aᵢ, xⱼ)/τ)`, where `x` are the positives of all pairs of
/// the pass and all their hard negatives (van den Oord et al. 2018; Gao et al. 2021, eq. 5).
///
/// The other pairs of a pass are a pair's negatives: choose
/// [`batch_rows`](super::LanguageTraining::batch_rows) as large as memory allows. What is the same
/// text as a pair's anchor or positive is not among its negatives.
#[derive(Clone, Debug, PartialEq)]
pub struct PairObjective {
    /// From token vectors to the text's.
    pub pooling: PoolingMode,
    /// `τ`: lower, and the nearest negatives count more.
    pub temperature: f64,
    /// Whether the anchors are told apart from the positive's side as well, and the mean of both
    /// losses taken (Radford et al. 2021): for pairs without a direction.
    pub symmetric: bool,
}

impl PairObjective {
    /// `τ` = 0.05, from the anchor's side.
    pub fn new(pooling: PoolingMode) -> Self {
        Self { pooling, temperature: 0.05, symmetric: false }
    }
}

/// Texts of some pairs.
pub struct PairPass {
    batch: Batch,
    /// Which text each anchor, positive and hard negative is.
    anchors: Vec<u32>,
    positives: Vec<u32>,
    negatives: Vec<u32>,
    /// Texts alike: the same number, and only they.
    alike: Vec<u32>,
}

impl<M: Backbone> Objective<M> for PairObjective {
    type Data = Pairs;
    type Pass = PairPass;

    fn name(&self) -> &'static str {
        "pairs of texts"
    }

    fn check(&self, _: &M) -> Result<()> {
        check_temperature(self.temperature)
    }

    fn usable(&self, pairs: &Pairs, row: usize) -> bool {
        let row = pairs.row(row);
        row.anchor != row.positive
            && [row.anchor, row.positive].iter().all(|&at| !pairs.ids(at).is_empty())
    }

    /// Every text passes through the model once, however many pairs hold it.
    fn prepare(&self, pairs: &Pairs, rows: &[usize], _: &mut Rng) -> PairPass {
        let mut places = Vec::new();
        let mut at = |place: u32| match places.iter().position(|&known| known == place) {
            Some(at) => at as u32,
            None => {
                places.push(place);
                places.len() as u32 - 1
            }
        };
        let rows: Vec<_> = rows.iter().map(|&row| pairs.row(row)).collect();
        let anchors: Vec<u32> = rows.iter().map(|row| at(row.anchor)).collect();
        let positives: Vec<u32> = rows.iter().map(|row| at(row.positive)).collect();
        let negatives = rows.iter().flat_map(|row| row.negatives).map(|&p| at(p)).collect();
        let ids: Vec<&[u32]> = places.iter().map(|&place| pairs.ids(place)).collect();
        let alike = ids.iter().map(|text| ids.iter().position(|other| other == text));
        let alike = alike.map(|first| first.unwrap_or(0) as u32).collect();
        PairPass { batch: Batch::new(&ids), anchors, positives, negatives, alike }
    }

    fn predictions(&self, pass: &PairPass) -> usize {
        pass.anchors.len()
    }

    fn loss(&self, model: &M, pass: &PairPass, noise: Noise) -> Tensor<1> {
        let vectors = vectors(model, &pass.batch.clone().with_noise(noise), self.pooling);
        let texts = |at: &[u32]| vectors.clone().select(0, id_tensor(at, &vectors.device()));
        let candidates = [pass.positives.as_slice(), &pass.negatives].concat();
        let alike = |at: u32| pass.alike[at as usize];
        let same = |i: usize, j: usize| {
            let own = [pass.anchors[i], pass.positives[i]];
            own.map(alike).contains(&alike(candidates[j]))
        };
        let (anchors, positives) = (texts(&pass.anchors), texts(&pass.positives));
        let forward = told_apart(anchors.clone(), texts(&candidates), self.temperature, same);
        if !self.symmetric {
            return forward;
        }
        let same = |i: usize, j: usize| {
            let own = [pass.anchors[i], pass.positives[i]];
            own.map(alike).contains(&alike(pass.anchors[j]))
        };
        (forward + told_apart(positives, anchors, self.temperature, same)) / 2.0
    }
}

/// Unsupervised SimCSE (Gao et al. 2021): a text passes twice through the model, other numbers
/// dropped each time; the two vectors are each other's positive, and the other texts of the pass
/// the negatives.
///
/// The paper trains a layer over `[CLS]` and throws it away; this is the variant without it, on
/// whatever pooling is used afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct SimCse {
    /// From token vectors to the text's.
    pub pooling: PoolingMode,
    /// `τ`.
    pub temperature: f64,
    /// What is dropped: the objective's noise, whatever the training's own.
    pub dropout: DropoutRates,
}

impl SimCse {
    /// `τ` = 0.05 and dropout of 0.1, as published.
    pub fn new(pooling: PoolingMode) -> Self {
        Self { pooling, temperature: 0.05, dropout: DropoutRates::all(0.1) }
    }
}

/// Texts, and the noise of both passes.
pub struct TwicePass {
    batch: Batch,
    seeds: [u64; 2],
    alike: Vec<usize>,
}

impl<M: Backbone> Objective<M> for SimCse {
    type Data = Corpus;
    type Pass = TwicePass;

    fn name(&self) -> &'static str {
        "SimCSE"
    }

    fn check(&self, _: &M) -> Result<()> {
        check_temperature(self.temperature)?;
        self.dropout.check()?;
        match self.dropout == DropoutRates::default() {
            true => Err(Error::parameter(
                "dropout",
                0,
                "both vectors of a text would be the same; choose 0.1",
            )),
            false => Ok(()),
        }
    }

    fn usable(&self, corpus: &Corpus, row: usize) -> bool {
        !corpus.text(row).ids.is_empty()
    }

    fn prepare(&self, corpus: &Corpus, rows: &[usize], rng: &mut Rng) -> TwicePass {
        let ids: Vec<&[u32]> = rows.iter().map(|&row| corpus.text(row).ids).collect();
        let alike = ids.iter().map(|text| ids.iter().position(|other| other == text).unwrap_or(0));
        let alike = alike.collect();
        TwicePass { batch: Batch::new(&ids), seeds: [rng.random(), rng.random()], alike }
    }

    fn predictions(&self, pass: &TwicePass) -> usize {
        pass.batch.rows.len()
    }

    fn loss(&self, model: &M, pass: &TwicePass, noise: Noise) -> Tensor<1> {
        let [first, second] = pass.seeds.map(|seed| {
            let noise = self.dropout.noise(seed).with_adapters(noise.adapters());
            let batch = pass.batch.clone().with_noise(noise);
            vectors(model, &batch, self.pooling)
        });
        told_apart(first, second, self.temperature, |i, j| pass.alike[i] == pass.alike[j])
    }
}

fn check_temperature(temperature: f64) -> Result<()> {
    match temperature > 0.0 && temperature.is_finite() {
        true => Ok(()),
        false => {
            let why = "a positive number; usual are 0.02 to 0.1";
            Err(Error::parameter("temperature", temperature, why))
        }
    }
}

/// Vectors of length 1 of the texts: `[texts, hidden_size]`.
fn vectors<M: Backbone>(model: &M, batch: &Batch, pooling: PoolingMode) -> Tensor<2> {
    let skip = vec![0; batch.rows.len()];
    normalized(pooling.apply(model.hidden(batch), &batch.rows, &skip))
}

/// The mean cross-entropy of telling `candidates[i]` from the other candidates, those the `same`
/// left out, by cosine with `anchors[i]` over `temperature`: `[n, d], [m, d] → [1]`.
fn told_apart(
    anchors: Tensor<2>,
    candidates: Tensor<2>,
    temperature: f64,
    same: impl Fn(usize, usize) -> bool,
) -> Tensor<1> {
    let ([n, _], [m, _], device) = (anchors.dims(), candidates.dims(), anchors.device());
    let hidden = |i: usize, j: usize| if i != j && same(i, j) { -1e9f32 } else { 0.0 };
    let mask: Vec<f32> = (0..n * m).map(|at| hidden(at / m, at % m)).collect();
    let mask = Tensor::<2>::from_data(TensorData::new(mask, [n, m]), (&device, DType::F32));
    let scores = anchors.matmul(candidates.transpose()) / temperature + mask;
    let targets: Vec<u32> = (0..n as u32).collect();
    let targets = id_tensor(&targets, &device).unsqueeze_dim(1);
    -log_softmax(scores, 1).gather(1, targets).mean()
}

#[cfg(test)]
mod tests;
