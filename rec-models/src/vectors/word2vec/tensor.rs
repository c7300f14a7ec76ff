//! Training on a tensor device: the same objective, in batches of windows.

use burn::tensor::activation::sigmoid;
use burn::tensor::{Device as TensorDevice, IndexingUpdateOp, Int, Tensor, TensorData};
use rec_core::rng;
use rec_core::sampling::Windows;

use super::Architecture;
use super::batch::Batch;
use super::train::{Outputs, Tables, Trainer};
use crate::fit::FitContext;
use crate::vectors::corpus::{END, Sentences};
use crate::{Error, Result};

/// Rows of a batch, at most.
const MOST_ROWS: usize = 4096;

/// Rows of a batch, at least.
const LEAST_ROWS: usize = 64;

/// Input vectors of a batch, at most: what a device must hold at once.
const MOST_INPUTS: usize = 1 << 17;

/// Words that a bag looks at each way, at most: each of its rows has room for twice as many.
const MOST_WINDOW: usize = 1000;

/// Trains all epochs. A batch has as many rows as there are words, within bounds, so that most words
/// stand in it but a few times.
pub(super) fn run(
    trainer: &Trainer,
    device: &TensorDevice,
    sentences: &Sentences,
    tables: &mut Tables,
    ctx: &FitContext<'_>,
) -> Result<()> {
    let config = &trainer.config;
    if config.architecture != Architecture::SkipGram && config.window > MOST_WINDOW {
        let why = format!("choose at most {MOST_WINDOW} for bags of words on {}", ctx.device);
        return Err(Error::parameter("window", config.window, why));
    }
    let [inputs, outputs] = tables.packed();
    let dim = config.vector_size;
    let mut batch = Batch::new(config.architecture, config.negative, config.window);
    let rows = (inputs.len() / dim).clamp(LEAST_ROWS, MOST_ROWS);
    let rows = rows.min(MOST_INPUTS / batch.sources);
    let mut on = OnDevice::new(device, inputs, outputs, dim);
    ctx.progress.begin("word2vec", config.epochs as u64);
    let trained = (0..config.epochs).try_for_each(|epoch| {
        epoch_of(trainer, (epoch, rows), sentences, (&mut batch, &mut on), ctx)?;
        ctx.progress.step(epoch as u64 + 1, "");
        Ok(())
    });
    ctx.progress.end();
    trained?;
    let [inputs, outputs] = on.packed()?;
    *tables = Tables::from_packed(&inputs, &outputs, dim);
    tables.check(config)
}

fn epoch_of(
    trainer: &Trainer,
    (epoch, rows): (usize, usize),
    sentences: &Sentences,
    (batch, on): (&mut Batch, &mut OnDevice),
    ctx: &FitContext<'_>,
) -> Result<()> {
    let Outputs::Noise(noise) = &trainer.outputs else {
        let why = "hierarchical softmax trains on CPU threads; leave device at cpu";
        return Err(Error::unsupported("hs", format!("device {}", ctx.device), why));
    };
    let (mut kept, mut context) = (Vec::new(), Vec::new());
    for chunk in 0..sentences.chunks() {
        ctx.cancel.check("training of word2vec")?;
        let lane = (epoch * sentences.chunks() + chunk) as u64;
        let mut rng = rng::stream(ctx.seed, "word2vec.windows", lane);
        let rate = trainer.rate(epoch, chunk, sentences);
        for sentence in sentences.chunk(chunk).split(|&id| id == END) {
            kept.clear();
            kept.extend(sentence.iter().filter(|&&word| trainer.subsampling.keeps(word, &mut rng)));
            for (at, &word) in kept.iter().enumerate() {
                let reach = trainer.windows.reach(&mut rng);
                let (before, after) = Windows::around(at, reach, kept.len());
                context.clear();
                context.extend_from_slice(&kept[before]);
                context.extend_from_slice(&kept[after]);
                if !context.is_empty() {
                    batch.push((word, &context), rate, noise, &mut rng);
                }
                if batch.rows() >= rows {
                    on.step(batch);
                    batch.clear();
                }
            }
        }
    }
    if batch.rows() > 0 {
        on.step(batch);
        batch.clear();
    }
    Ok(())
}

/// The vectors on a device, `[words, d]` each.
struct OnDevice {
    inputs: Tensor<2>,
    outputs: Tensor<2>,
    words: usize,
    dim: usize,
    device: TensorDevice,
}

impl OnDevice {
    fn new(device: &TensorDevice, inputs: Vec<f32>, outputs: Vec<f32>, dim: usize) -> Self {
        let words = inputs.len() / dim;
        let table = |values| Tensor::from_data(TensorData::new(values, [words, dim]), device);
        let (inputs, outputs) = (table(inputs), table(outputs));
        Self { inputs, outputs, words, dim, device: device.clone() }
    }

    /// One step against the gradient of the batch's rows. With hidden vectors `h` (`[rows, 1, d]`),
    /// outputs `y` (`[rows, m, d]`) and labels `t` it is `e = η (t − σ(⟨h, y⟩))`, `Δh = Σ_m e y`,
    /// `Δy = e h`, added to the rows of the tables alone.
    fn step(&mut self, batch: &Batch) {
        let (b, s, m, d) = (batch.rows(), batch.sources, batch.outputs(), self.dim);
        let [in_limits, out_limits] = batch.limits(self.words);
        let (sources, targets) = (self.ids(&batch.inputs), self.ids(&batch.targets));
        let labels = (0..b * m).map(|at| if at % m == 0 { 1.0 } else { 0.0 }).collect();
        let shares = batch.shares.iter().zip(&in_limits).map(|(share, limit)| share * limit);
        let shares = self.column([b, s], shares.collect());

        let x = self.inputs.clone().select(0, sources.clone()).reshape([b, s, d]);
        let h = (x * self.column([b, s], batch.weights.clone())).sum_dim(1);
        let y = self.outputs.clone().select(0, targets.clone()).reshape([b, m, d]);
        let guesses = sigmoid((h.clone() * y.clone()).sum_dim(2));
        let errors =
            (self.column([b, m], labels) - guesses) * self.column([b, m], batch.rates.clone());
        let dh = (errors.clone() * y).sum_dim(1);
        let dy = errors * self.column([b, m], out_limits) * h;
        add_rows(&mut self.inputs, sources, (dh * shares).reshape([b * s, d]));
        add_rows(&mut self.outputs, targets, dy.reshape([b * m, d]));
    }

    fn ids(&self, ids: &[u32]) -> Tensor<1, Int> {
        let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
        let n = ids.len();
        Tensor::from_data(TensorData::new(ids, [n]), &self.device)
    }

    fn column(&self, [rows, columns]: [usize; 2], values: Vec<f32>) -> Tensor<3> {
        Tensor::from_data(TensorData::new(values, [rows, columns, 1]), &self.device)
    }

    fn packed(self) -> Result<[Vec<f32>; 2]> {
        let values = |table: Tensor<2>| {
            let values = table.into_data().try_to_vec::<f32>();
            values.map_err(|e| Error::data("reading the vectors from the device", e.to_string()))
        };
        Ok([values(self.inputs)?, values(self.outputs)?])
    }
}

/// Adds to rows of a table, as often as an id stands there. The table is taken out meanwhile, so that
/// a device that can changes it in place.
fn add_rows(table: &mut Tensor<2>, ids: Tensor<1, Int>, by: Tensor<2>) {
    let empty = Tensor::empty([0, 0], &table.device());
    let whole = std::mem::replace(table, empty);
    *table = whole.select_assign(0, ids, by, IndexingUpdateOp::Add);
}

#[cfg(test)]
#[path = "tensor_tests.rs"]
mod tests;
