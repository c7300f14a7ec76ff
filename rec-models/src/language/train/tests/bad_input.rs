//! What cannot be trained on.

use super::*;

#[test]
fn bad_input_says_what_to_do() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(20), None).unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let ctx = FitContext::default();
    let error = |training: LanguageTraining, corpus: &Corpus| {
        let outcome = training.fit(bert(&tokenizer, 1), &objective, corpus, None, &ctx);
        outcome.unwrap_err().to_string()
    };
    let none: Corpus = Corpus::encode(&tokenizer, &["", ""], None).unwrap();
    assert!(error(training(), &none).contains("pass texts with words"));
    let long = Corpus::encode(&tokenizer, &[texts(5).concat()], None).unwrap();
    assert!(error(training(), &long).contains("max_len"));
    let model = bert(&tokenizer, 1);
    let outcome = training().fit(model, &objective, &corpus, Some(&long), &ctx);
    assert!(outcome.unwrap_err().to_string().contains("max_len"), "validation texts too");
    let zero = |change: fn(&mut LanguageTraining)| {
        let mut training = training();
        change(&mut training);
        training
    };
    assert!(error(zero(|t| t.epochs = 0), &corpus).contains("epochs"));
    assert!(error(zero(|t| t.accumulation = 0), &corpus).contains("accumulation"));
    assert!(error(zero(|t| t.learning_rate = f64::NAN), &corpus).contains("learning_rate"));
    let wild = LanguageTraining {
        learning_rate: 1e30,
        warmup: 0.0,
        optimizer: AdamWConfig { max_norm: None, ..training().optimizer },
        ..training()
    };
    let message = error(wild, &corpus);
    assert!(message.contains("step") && message.contains("lower learning_rate"), "{message}");
    // A corpus smaller than one batch is one step an epoch.
    let small = LanguageTraining { batch_tokens: 100_000, epochs: 3, ..training() };
    let trained = small.fit(bert(&tokenizer, 1), &objective, &corpus, Some(&corpus), &ctx).unwrap();
    assert_eq!(trained.validation.iter().map(|e| e.step).collect::<Vec<_>>(), [1, 2, 3]);
}
