//! Parts that learn at rates of their own, or not at all.

use super::*;

#[test]
fn frozen_parts_stay_and_lower_layers_learn_more_slowly() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(30), None).unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let model = bert(&tokenizer, 3);
    // One step: AdamW moves every number with a gradient by the rate.
    let once = LanguageTraining {
        epochs: 1,
        batch_tokens: 10_000,
        warmup: 0.0,
        schedule: Schedule::Constant,
        optimizer: AdamWConfig { weight_decay: 0.0, max_norm: None, ..AdamWConfig::default() },
        ..training()
    };
    let ctx = FitContext::default();
    let fit =
        |training: &LanguageTraining| training.fit(model.clone(), &objective, &corpus, None, &ctx);
    let held = ["embeddings".to_string(), "encoder.layer.0".to_string()];
    let frozen = LanguageTraining { frozen: held.to_vec(), ..once.clone() };
    let trained = fit(&frozen).unwrap().model;
    for (path, far) in moved(&model, &trained) {
        let stays = path.contains("embeddings.") || path.contains("layer.0.");
        // The keys' bias and the pooler get no gradient from masked tokens.
        let learns = path.contains("layer.1.output.dense") || path.starts_with("cls");
        assert!(!(stays && far > 0.0) && (!learns || far > 0.0), "{path} {far}");
    }
    let again = fit(&once).unwrap();
    let all = once.fit(trained, &objective, &corpus, None, &ctx).unwrap().model;
    assert!(
        moved(&fit(&frozen).unwrap().model, &all)
            .iter()
            .any(|(path, far)| path.contains("layer.0.output.dense.weight") && *far > 0.0),
        "what was frozen learns in the next run"
    );
    let slow = fit(&LanguageTraining { layer_decay: 0.5, ..once.clone() }).unwrap();
    let fast: std::collections::BTreeMap<_, _> = moved(&model, &again.model).into_iter().collect();
    for (path, far) in moved(&model, &slow.model) {
        let share = match path.as_str() {
            p if p.contains("embeddings.") => 0.125,
            p if p.contains("layer.0.") => 0.25,
            p if p.contains("layer.1.") => 0.5,
            _ => 1.0,
        };
        let expected = fast[&path] * share;
        assert!((far - expected).abs() <= 1e-6 + 1e-3 * expected, "{path}: {far} {expected}");
    }
    let says = |training: LanguageTraining, part: &str| {
        let message = fit(&training).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    let part = |part: &str| LanguageTraining { frozen: vec![part.into()], ..once.clone() };
    says(part("encoder.layer.2"), "encoder.layer.2");
    says(part("encoder.layer.2"), "bert.encoder.layer.0");
    says(
        LanguageTraining { frozen: vec!["bert".into(), "cls".into()], ..once.clone() },
        "nothing is left",
    );
    says(LanguageTraining { layer_decay: 0.0, ..once.clone() }, "layer_decay");
}
