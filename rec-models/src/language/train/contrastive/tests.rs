use burn::tensor::Device;
use rec_core::rng;
use rec_core::text::{TokenizerModel, TrainOptions};

use super::*;
use crate::fit::FitContext;
use crate::language::train::{LanguageTraining, TrainingData};
use crate::language::{Bert, BertConfig};
use rec_core::text::Tokenizer;

const GOODS: [&str; 6] = ["手机", "耳机", "鞋子", "咖啡", "键盘", "相机"];

fn tokenizer() -> Tokenizer {
    let texts = GOODS.map(|goods| format!("这款{goods}很好，我要买{goods}。"));
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(80);
    Tokenizer::train(texts, options).unwrap()
}

fn bert(tokenizer: &Tokenizer) -> Bert {
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 64,
        max_position_embeddings: 32,
        ..BertConfig::default()
    };
    Bert::init(config, &Device::flex().autodiff(), 1).unwrap()
}

fn training() -> LanguageTraining {
    LanguageTraining { epochs: 30, learning_rate: 2e-3, batch_rows: Some(6), ..Default::default() }
}

fn cosines(model: &Bert, pairs: &Pairs) -> (f32, f32) {
    let objective = PairObjective::new(PoolingMode::Mean);
    let rows: Vec<usize> = (0..pairs.len()).collect();
    let pass = prepared(&objective, pairs, &rows);
    let x = vectors(model, &pass.batch, PoolingMode::Mean);
    let take = |at: &[u32]| x.clone().select(0, id_tensor(at, &x.device()));
    let all = take(&pass.anchors).matmul(take(&pass.positives).transpose()).into_data();
    let all: Vec<f32> = all.iter().collect();
    let n = pairs.len();
    let own: f32 = (0..n).map(|i| all[i * n + i]).sum();
    (own / n as f32, (all.iter().sum::<f32>() - own) / (n * n - n) as f32)
}

fn prepared(objective: &PairObjective, pairs: &Pairs, rows: &[usize]) -> PairPass {
    let mut rng = rng::stream(1, "pairs", 0);
    <PairObjective as Objective<Bert>>::prepare(objective, pairs, rows, &mut rng)
}

fn pairs(tokenizer: &Tokenizer) -> Pairs {
    let anchors = GOODS.map(|goods| format!("这款{goods}很好"));
    let positives = GOODS.map(|goods| format!("我要买{goods}。"));
    Pairs::encode(tokenizer, &anchors, &positives, Some(32)).unwrap()
}

#[test]
fn pairs_come_together_and_the_others_apart() {
    let tokenizer = tokenizer();
    let (model, data) = (bert(&tokenizer), pairs(&tokenizer));
    let (own, others) = cosines(&model, &data);
    let objective = PairObjective { symmetric: true, ..PairObjective::new(PoolingMode::Mean) };
    let ctx = FitContext::default();
    let trained = training().fit(model, &objective, &data, None, &ctx).unwrap();
    let (after, others_after) = cosines(&trained.model, &data);
    assert!(
        after - others_after > 0.4 && own - others < 0.2,
        "{own} {others} {after} {others_after}"
    );
    assert!(trained.losses[29] < 0.2 * trained.losses[0], "{:?}", trained.losses);
}

#[test]
fn simcse_spreads_texts_and_needs_dropout() {
    let tokenizer = tokenizer();
    let texts: Vec<String> = GOODS.iter().map(|goods| format!("这款{goods}很好")).collect();
    let corpus = Corpus::encode(&tokenizer, &texts, None).unwrap();
    let data = pairs(&tokenizer);
    let model = bert(&tokenizer);
    let (_, before) = cosines(&model, &data);
    let objective = SimCse::new(PoolingMode::Mean);
    let ctx = FitContext::default();
    let trained = training().fit(model.clone(), &objective, &corpus, None, &ctx).unwrap();
    let (_, after) = cosines(&trained.model, &data);
    assert!(after < before - 0.3, "{before} {after}");
    let none = SimCse { dropout: DropoutRates::default(), ..objective.clone() };
    let error = training().fit(model.clone(), &none, &corpus, None, &ctx).unwrap_err();
    assert!(error.to_string().contains("0.1"), "{error}");
    let cold = SimCse { temperature: 0.0, ..objective };
    let error = training().fit(model, &cold, &corpus, None, &ctx).unwrap_err();
    assert!(error.to_string().contains("temperature"), "{error}");
}

/// The loss by hand, from cosines in double precision.
#[test]
fn the_loss_is_that_of_the_formula() {
    let tokenizer = tokenizer();
    let model = bert(&tokenizer);
    let anchors = ["手机很好", "耳机很好", "咖啡很好"];
    let positives = ["买手机", "买耳机", "买手机"];
    let negatives = ["鞋子", "键盘", "手机很好", "相机", "手机", "咖啡"];
    let data = Pairs::with_negatives(&tokenizer, &anchors, &positives, &negatives, None).unwrap();
    let objective = PairObjective { temperature: 0.1, ..PairObjective::new(PoolingMode::Cls) };
    let pass = prepared(&objective, &data, &[0, 1, 2]);
    // Each of the ten texts once.
    assert_eq!(pass.batch.rows.len(), 10);
    let got: f32 = objective.loss(&model, &pass, Noise::none()).into_scalar();
    let one = |text: &str| -> Vec<f64> {
        let corpus = Corpus::encode(&tokenizer, &[text], None).unwrap();
        let hidden = model.hidden(&Batch::new(&[corpus.text(0).ids])).into_data();
        let first: Vec<f64> = hidden.iter::<f64>().take(32).collect();
        let length = first.iter().map(|x| x * x).sum::<f64>().sqrt();
        first.iter().map(|x| x / length).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let candidates: Vec<&str> = positives.iter().chain(&negatives).copied().collect();
    let mut expected = 0.0;
    for i in 0..3 {
        let a = one(anchors[i]);
        let score = |text: &str| (dot(&a, &one(text)) / 0.1).exp();
        let own = score(positives[i]);
        let others = candidates.iter().filter(|&&text| text != positives[i] && text != anchors[i]);
        expected -= (own / (own + others.map(|text| score(text)).sum::<f64>())).ln() / 3.0;
    }
    assert!((f64::from(got) - expected).abs() < 1e-4, "{got} {expected}");
}

#[test]
fn bad_pairs_say_what_to_do() {
    let tokenizer = tokenizer();
    let says = |result: crate::Result<Pairs>, part: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    let encode =
        |a: &[&str], p: &[&str], n: &[&str]| Pairs::with_negatives(&tokenizer, a, p, n, None);
    says(encode(&["a"], &["b", "c"], &[]), "positives");
    says(encode(&[], &[], &[]), "belong together");
    says(encode(&["a", "b"], &["c", "d"], &["e"]), "multiple of the 2 pairs");
    let corpus = Corpus::encode(&tokenizer, &["a", "b"], None).unwrap();
    says(Pairs::of_corpus(corpus, vec![[0, 2]], Vec::new()), "2 texts");
    let data = encode(&["手机很好"], &["鞋子"], &["手机", "鞋"]).unwrap();
    assert_eq!((data.len(), data.longest(0) < data.tokens(0)), (1, true));
}
