//! The encoder of a classifier, saved: the same vectors in sentence-transformers, and the same hidden
//! states in transformers.

use burn::tensor::Device;
use rec_core::text::{Tokenizer, TokenizerModel, TrainOptions};
use rec_models::language::{
    Backbone, Batch, Bert, BertConfig, ClassifierPooling, Corpus, Encode, EncoderClassifier,
    EncoderModel, EncoderOptions, PoolingMode, TextEncoder,
};

use crate::{Arrays, assert_close, peer, values};

const TEXTS: [&str; 4] = ["手机的屏幕很好", "a light shoe", "感人的书 a book", "x"];

fn classifier(tokenizer: &Tokenizer, pooling: ClassifierPooling) -> EncoderClassifier {
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 40,
        max_position_embeddings: 24,
        initializer_range: 0.3,
        ..BertConfig::default()
    };
    let encoder = EncoderModel::Bert(Bert::init(config, &Device::flex(), 1).unwrap());
    EncoderClassifier::new(encoder, pooling, 3, 1).unwrap()
}

#[test]
fn a_saved_encoder_is_the_same_elsewhere() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(80);
    let tokenizer = Tokenizer::train(TEXTS, options).unwrap();
    let told = scratch.path().join("texts.json");
    std::fs::write(&told, serde_json::to_string(&TEXTS).unwrap()).unwrap();
    let several = ClassifierPooling::Tokens(vec![PoolingMode::Cls, PoolingMode::Mean]);
    for (name, pooling) in [
        ("pooler", ClassifierPooling::Pooler),
        ("mean", ClassifierPooling::Tokens(vec![PoolingMode::Mean])),
        ("several", several),
    ] {
        let model = classifier(&tokenizer, pooling);
        let folder = scratch.path().join(name);
        model.save_encoder(&folder, &tokenizer, (24, false)).unwrap();
        // What is there is not written over, and no half of a folder stays.
        let again = model.save_encoder(&folder, &tokenizer, (24, false)).unwrap_err();
        assert!(again.to_string().contains("choose another folder"), "{again}");

        let corpus = Corpus::encode(&tokenizer, &TEXTS, Some(24)).unwrap();
        let ids: Vec<&[u32]> = (0..TEXTS.len()).map(|text| corpus.text(text).ids).collect();
        let batch = Batch::new(&ids);
        let features = model.features(&batch);
        let encoder = TextEncoder::from_pretrained(&folder, &EncoderOptions::default()).unwrap();
        let vectors = encoder.encode(&TEXTS, &Encode::default()).unwrap();
        assert_close(name, &features, vectors.as_slice());

        let out = scratch.path().join(format!("{name}.safetensors"));
        let arguments = [&folder, &told, &out].map(|path| path.to_str().unwrap().to_owned());
        let arguments = arguments.each_ref().map(String::as_str);
        if peer::run("saved_encoder.py", &arguments).is_none() {
            return;
        }
        let arrays = Arrays::read(&out);
        assert_close(name, &features, &arrays.get("vectors").unwrap());
        let first = PoolingMode::Cls.apply(model.hidden(&batch), &batch.rows, &[0; 4]);
        assert_close(name, &first, &arrays.get("first").unwrap());
        assert!(values(&first).iter().any(|x| x.abs() > 0.1));
    }
}
