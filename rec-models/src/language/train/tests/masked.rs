//! What is masked, and the loss of it.

use burn::tensor::Tensor;
use rec_core::rng;
use rec_core::text::segment::Segmenter;

use super::*;
use crate::language::{Backbone, Batch, MaskedLm, Noise};

#[test]
fn whole_words_are_masked_together() {
    let tokenizer = tokenizer();
    let corpus = Corpus::with_words(&tokenizer, &texts(5), None, &Segmenter::chinese()).unwrap();
    let text = corpus.text(0);
    let words = text.words.unwrap();
    assert_eq!(text.ids, Corpus::encode(&tokenizer, &texts(5), None).unwrap().text(0).ids);
    // [CLS] 这 款 手 机 的 …: 手 and 机 are one word, [CLS] is none's.
    let joined = |i: usize, j: usize| words[i] == words[j];
    assert!(joined(3, 4) && !joined(4, 5) && !joined(0, 1), "{words:?}");
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let sentence = text.ids.len() as u32;
    for seed in 0..50 {
        let mut rng = rng::stream(seed, "masks", 0);
        let pass = objective.pass(&corpus, &[0, 1, 2, 3, 4], &mut rng);
        let chosen = |position: u32| pass.masked_positions().contains(&position);
        for text in 0..5 {
            let first = text * sentence;
            assert_eq!(chosen(first + 3), chosen(first + 4), "both of 手机 or none");
        }
    }
}

#[test]
fn the_loss_is_the_mean_over_masked_tokens() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(4), None).unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let model = bert(&tokenizer, 5);
    let pass = objective.pass(&corpus, &[0, 1, 2, 3], &mut rng::stream(1, "masks", 0));
    let loss: f32 = objective.loss(&model, &pass, Noise::none()).into_scalar();
    let expected = pass.mean_loss(&model);
    assert!((loss - expected).abs() < 1e-5, "{loss} {expected}");
}

impl MaskedObjective {
    fn pass(&self, corpus: &Corpus, rows: &[usize], rng: &mut rng::Rng) -> MaskedPass {
        <Self as Objective<BertForMaskedLm>>::prepare(self, corpus, rows, rng)
    }
}

impl MaskedPass {
    fn masked_positions(&self) -> &[u32] {
        &self.masked.positions
    }

    /// By the logits of every position, softmax and logarithm in burn's own terms.
    fn mean_loss(&self, model: &BertForMaskedLm) -> f32 {
        let masked = &self.masked;
        let rows = self.rows.clone();
        let hidden = model.hidden(&Batch {
            ids: masked.ids.clone(),
            type_ids: None,
            rows,
            noise: Noise::none(),
        });
        let logits = model.mlm_logits(hidden);
        let logs: Tensor<2> = burn::tensor::activation::log_softmax(logits, 1);
        let logs: Vec<f32> = logs.into_data().iter().collect();
        let width = logs.len() / masked.ids.len();
        let each = masked.positions.iter().zip(&masked.targets);
        let sum: f32 = each.map(|(&p, &t)| -logs[p as usize * width + t as usize]).sum();
        sum / masked.targets.len() as f32
    }
}
