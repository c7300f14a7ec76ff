//! Encoders train: every weight gets the gradient that a small change of it shows.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use rec_models::language::{
    AlbertConfig, Backbone, Batch, BertConfig, DistilBertConfig, ElectraConfig, EncoderConfig,
    EncoderModel, MaskedLm, MaskedLmModel,
};

use crate::devices;

fn configs() -> Vec<EncoderConfig> {
    let bert = BertConfig {
        vocab_size: 13,
        hidden_size: 6,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 9,
        max_position_embeddings: 8,
        initializer_range: 0.5,
        ..BertConfig::default()
    };
    vec![
        EncoderConfig::Bert(bert.clone()),
        EncoderConfig::Roberta(BertConfig { pad_token_id: Some(1), ..bert.clone() }),
        EncoderConfig::DistilBert(DistilBertConfig {
            vocab_size: 13,
            max_position_embeddings: 8,
            n_layers: 2,
            n_heads: 3,
            dim: 6,
            hidden_dim: 9,
            initializer_range: 0.5,
            ..DistilBertConfig::default()
        }),
        EncoderConfig::Albert(AlbertConfig {
            vocab_size: 13,
            embedding_size: 4,
            hidden_size: 6,
            num_hidden_layers: 3,
            num_attention_heads: 2,
            intermediate_size: 9,
            max_position_embeddings: 8,
            initializer_range: 0.5,
            ..AlbertConfig::default()
        }),
        EncoderConfig::Electra(ElectraConfig { embedding_size: 4, bert }),
    ]
}

/// A weighted sum of some tokens' logits and of the pooled vectors.
fn loss(model: &MaskedLmModel) -> Tensor<1> {
    let batch = Batch::new(&[vec![2, 7, 3, 12], vec![4, 7, 5]]);
    let hidden = model.hidden(&batch);
    let logits = weighted(model.mlm_logits(hidden.clone().narrow(0, 2, 3)));
    match model.clone().into_encoder().pooled(hidden, &batch.rows) {
        Some(pooled) => logits + weighted(pooled),
        None => logits,
    }
}

fn weighted(x: Tensor<2>) -> Tensor<1> {
    let [rows, columns] = x.dims();
    let weights: Vec<f32> = (0..rows * columns).map(|i| (1.7 * i as f32).sin()).collect();
    let weights = Tensor::from_data(TensorData::new(weights, [rows, columns]), &x.device());
    (x * weights).sum()
}

/// The largest entry of each weight's gradient: its place and value.
struct Steepest<'a> {
    gradients: &'a Gradients,
    found: Vec<(usize, f32)>,
}

impl ModuleVisitor for Steepest<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).map(|g| g.into_data());
        let values: Vec<f32> = gradient.map(|data| data.iter().collect()).unwrap_or_default();
        let largest = values.into_iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        self.found.push(largest.unwrap_or((0, f32::NAN)));
    }
}

/// Adds to one entry of one weight.
struct Nudge {
    weights_before: usize,
    entry: usize,
    by: f32,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let here = self.weights_before == 0;
        self.weights_before = self.weights_before.wrapping_sub(1);
        if !here {
            return param;
        }
        param.map(|tensor| {
            let (shape, device) = (tensor.dims(), tensor.device());
            let mut values: Vec<f32> = tensor.into_data().iter().collect();
            values[self.entry] += self.by;
            Tensor::from_data(TensorData::new(values, shape), &device)
        })
    }
}

fn slope(model: &MaskedLmModel, weight: usize, entry: usize) -> f32 {
    const STEP: f32 = 4e-3;
    let at = |by: f32| -> f32 {
        let mut nudge = Nudge { weights_before: weight, entry, by };
        loss(&model.clone().map(&mut nudge)).into_scalar()
    };
    (at(STEP) - at(-STEP)) / (2.0 * STEP)
}

#[test]
fn every_weight_gets_the_gradient_that_a_small_change_shows() {
    for device in devices() {
        for config in configs() {
            let model = new(config, &device);
            let trained = model.clone().train();
            let gradients = loss(&trained).backward();
            let mut steepest = Steepest { gradients: &gradients, found: Vec::new() };
            trained.visit(&mut steepest);
            for (weight, (entry, gradient)) in steepest.found.into_iter().enumerate() {
                let expected = slope(&model, weight, entry);
                let off = (gradient - expected).abs();
                let what = format!("{device:?} weight {weight}[{entry}]");
                assert!(off <= 0.02 * expected.abs() + 2e-3, "{what}: {gradient} for {expected}");
            }
        }
    }
}

fn new(config: EncoderConfig, device: &Device) -> MaskedLmModel {
    MaskedLmModel::with_new_head(EncoderModel::init(config, device, 3).unwrap(), 4)
}
