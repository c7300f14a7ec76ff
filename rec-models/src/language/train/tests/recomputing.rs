//! Layers computed again in the backward pass.

use burn::tensor::DType;

use super::*;
use crate::language::{CausalModel, ElectraPair, MaskedLmModel, NewModel, PoolingMode};
use crate::train::Snapshot;

/// With so large an epsilon a step goes along the gradient, not its sign.
fn along_the_gradient() -> LanguageTraining {
    let optimizer = AdamWConfig { epsilon: 1.0, max_norm: None, ..training().optimizer };
    LanguageTraining {
        epochs: 1,
        learning_rate: 1.0,
        accumulation: 2,
        dropout: DropoutRates::all(0.1),
        optimizer,
        ..training()
    }
}

/// The greatest difference of two numbers in the same place.
fn farthest(one: Snapshot, other: Snapshot) -> f32 {
    let off = |(a, b): (&f32, &f32)| (a - b).abs();
    let arrays = one.into_arrays().zip(other.into_arrays());
    let each = arrays.map(|((path, _, a), (other, _, b))| {
        assert_eq!((&path, a.len()), (&other, b.len()));
        a.iter().zip(&b).map(off).fold(0.0, f32::max)
    });
    each.fold(0.0, f32::max)
}

#[test]
fn layers_computed_again_give_the_same_step() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(40), None).unwrap();
    let whole = along_the_gradient();
    let again = LanguageTraining { gradient_checkpointing: true, ..whole.clone() };
    let ctx = FitContext::default();
    let same = |one, other| {
        let off = farthest(one, other);
        assert!(off < 1e-6, "off by {off:e}");
    };
    let causal = [&whole, &again].map(|training| {
        training.fit(gpt(&tokenizer), &CausalObjective, &corpus, None, &ctx).unwrap()
    });
    assert_eq!(causal[0].losses, causal[1].losses);
    assert!(farthest(weights(&gpt(&tokenizer)), weights(&causal[0].model)) > 1e-3);
    same(weights(&causal[0].model), weights(&causal[1].model));
    let masked = MaskedObjective::new(&tokenizer).unwrap();
    let models = [&whole, &again].map(|training| {
        let model = bert(&tokenizer, 3);
        weights(&training.fit(model, &masked, &corpus, None, &ctx).unwrap().model)
    });
    let [one, other] = models;
    same(one, other);
    // Two passes for one loss, and embeddings that do not learn.
    let twice = [whole, again].map(|training| {
        let training = LanguageTraining { frozen: vec!["embeddings".into()], ..training };
        let objective = SimCse::new(PoolingMode::Mean);
        let model = bert(&tokenizer, 3).bert;
        weights(&training.fit(model, &objective, &corpus, None, &ctx).unwrap().model)
    });
    let [one, other] = twice;
    same(one, other);
}

/// Weights after an epoch, computed once and with layers computed again: the other families.
#[test]
fn every_family_computes_its_layers_again() {
    let (tokenizer, scratch) = (tokenizer(), tempfile::tempdir().unwrap());
    let corpus = Corpus::encode(&tokenizer, &texts(20), None).unwrap();
    let masked = MaskedObjective::new(&tokenizer).unwrap();
    let replaced = ReplacedTokens { weight: 1.0, ..ReplacedTokens::new(&tokenizer).unwrap() };
    let families = ["roberta", "distilbert", "albert", "electra", "llama", "qwen2", "qwen3"];
    for (at, family) in families.into_iter().enumerate() {
        let new = NewModel {
            family: family.into(),
            hidden_size: 24,
            n_layers: 3,
            n_heads: 2,
            max_len: 32,
            ..NewModel::default()
        };
        let folder = scratch.path().join(family);
        new.write(&tokenizer, &folder, 1).unwrap();
        let trained = [false, true].map(|gradient_checkpointing| {
            let training = LanguageTraining { gradient_checkpointing, ..along_the_gradient() };
            let device = Device::flex().autodiff();
            let ctx = FitContext::default();
            if at < 3 {
                let (model, _) = MaskedLmModel::load(&folder, &device, DType::F32).unwrap();
                let before = weights(&model);
                let fit = training.fit(model, &masked, &corpus, None, &ctx).unwrap();
                (before, weights(&fit.model), fit.losses)
            } else if family == "electra" {
                let model = ElectraPair::load(&folder, &device, DType::F32, 1).unwrap();
                let before = weights(&model);
                let fit = training.fit(model, &replaced, &corpus, None, &ctx).unwrap();
                (before, weights(&fit.model), fit.losses)
            } else {
                let (model, _) = CausalModel::load(&folder, &device, DType::F32).unwrap();
                let before = weights(&model);
                let fit = training.fit(model, &CausalObjective, &corpus, None, &ctx).unwrap();
                (before, weights(&fit.model), fit.losses)
            }
        });
        let [(before, whole, losses), (_, again, same_losses)] = trained;
        assert_eq!(losses, same_losses, "{family}");
        let learned = farthest(before, whole.clone());
        assert!(learned > 1e-3, "{family} learns: {learned:e}");
        let off = farthest(whole, again);
        assert!(off < 1e-6, "{family}: off by {off:e}");
    }
}
