//! Replaced token detection.

use burn::tensor::{DType, Tensor};
use rec_core::rng;

use super::*;
use crate::language::{
    ElectraConfig, ElectraForMaskedLm, ElectraForPreTraining, ElectraPair, MaskedLm, Noise,
};

fn config(tokenizer: &Tokenizer) -> ElectraConfig {
    let mut config = ElectraConfig { embedding_size: 16, ..ElectraConfig::default() };
    config.bert = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 64,
        max_position_embeddings: 32,
        ..config.bert
    };
    config
}

fn electra(config: ElectraConfig, seed: u64) -> Electra {
    Electra::init(config, &Device::flex().autodiff(), seed).unwrap()
}

fn pair(tokenizer: &Tokenizer) -> ElectraPair {
    let discriminator = ElectraForPreTraining::with_new_head(electra(config(tokenizer), 1), 1);
    ElectraPair::with_new_generator(discriminator, 2).unwrap()
}

fn number(loss: Tensor<1>) -> f64 {
    loss.into_data().iter::<f64>().next().unwrap()
}

/// What words to come says which are out of place: the discriminator ends far below the entropy of
/// the share that is replaced, and the generator learns beside it.
#[test]
fn a_discriminator_and_its_generator_learn() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(200), None).unwrap();
    let objective = ReplacedTokens::new(&tokenizer).unwrap();
    let training = LanguageTraining { epochs: 20, ..training() };
    let ctx = FitContext::default();
    let before = pair(&tokenizer);
    let trained = training.fit(before.clone(), &objective, &corpus, Some(&corpus), &ctx).unwrap();
    let parts = |model: &ElectraPair| {
        let rows: Vec<usize> = (0..50).collect();
        let pass = objective.prepare(&corpus, &rows, &mut rng::stream(1, "parts", 0));
        let both = number(objective.loss(model, &pass, Noise::none()));
        let double = ReplacedTokens { weight: 100.0, ..objective.clone() };
        let detecting = (number(double.loss(model, &pass, Noise::none())) - both) / 50.0;
        [both - 50.0 * detecting, detecting]
    };
    let ([old, _], [generator, detector]) = (parts(&before), parts(&trained.model));
    assert!(generator < 0.7 * old, "{generator} of {old}");
    assert!(detector < 0.2, "{detector}");
    assert!(trained.validation[19].loss < 0.7 * trained.validation[0].loss, "{trained:?}");
}

/// The generator's part is the masked model's own loss, and draws decide what the discriminator
/// sees: a number of 0 takes the first token that is possible, 1 the last.
#[test]
fn the_generator_is_the_masked_model_that_it_is_saved_as() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(8), None).unwrap();
    let (model, rows) = (pair(&tokenizer), Vec::from_iter(0..8));
    let objective = ReplacedTokens { weight: 1e-9, ..ReplacedTokens::new(&tokenizer).unwrap() };
    let pass = objective.prepare(&corpus, &rows, &mut rng::stream(3, "a pass", 0));
    let both = number(objective.loss(&model, &pass, Noise::none()));
    let masked = MaskedObjective { masking: objective.masking.clone() };
    let prepare = Objective::<ElectraForMaskedLm>::prepare;
    let pass = prepare(&masked, &corpus, &rows, &mut rng::stream(3, "a pass", 0));
    let alone = number(masked.loss(&model.masked_lm(), &pass, Noise::none()));
    assert!((both - alone).abs() < 1e-6, "{both} {alone}");

    let folder = tempfile::tempdir().unwrap();
    model.save(folder.path()).unwrap();
    let device = Device::flex().autodiff();
    let again = ElectraPair::load(folder.path(), &device, DType::F32, 9).unwrap();
    assert_eq!(weights(&again), weights(&model));
    assert_eq!(again.masked_lm().mlm_vocabulary().0.dims(), [tokenizer.vocab_size(), 16]);
    // Without its folder the generator is new, of the seed.
    std::fs::remove_dir_all(folder.path().join("generator")).unwrap();
    let load = |seed| ElectraPair::load(folder.path(), &device, DType::F32, seed).unwrap();
    assert_eq!(weights(&load(9)), weights(&load(9)));
    assert_ne!(weights(&load(9)), weights(&load(8)));
    assert_eq!(weights(&load(9).discriminator), weights(&model.discriminator));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let tokenizer = tokenizer();
    let small = ElectraConfig { embedding_size: 8, ..config(&tokenizer) };
    let discriminator = ElectraForPreTraining::with_new_head(electra(config(&tokenizer), 1), 1);
    let other = ElectraForMaskedLm::with_new_head(electra(small, 1), 1);
    let message = ElectraPair::new(discriminator, other).unwrap_err().to_string();
    assert!(message.contains("embedding_size"), "{message}");

    let folder = tempfile::tempdir().unwrap();
    bert(&tokenizer, 1).save(folder.path()).unwrap();
    let device = Device::flex();
    let message = ElectraPair::load(folder.path(), &device, DType::F32, 1).unwrap_err().to_string();
    assert!(message.contains("electra") && message.contains("masking"), "{message}");

    let corpus = Corpus::encode(&tokenizer, &texts(8), None).unwrap();
    for weight in [0.0, f64::NAN] {
        let objective = ReplacedTokens { weight, ..ReplacedTokens::new(&tokenizer).unwrap() };
        let ctx = FitContext::default();
        let outcome = training().fit(pair(&tokenizer), &objective, &corpus, None, &ctx);
        assert!(outcome.unwrap_err().to_string().contains("weight"));
    }
}
