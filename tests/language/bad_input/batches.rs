//! Batches that a model cannot take.

use burn::tensor::Device;
use rec_models::language::{Backbone, Batch, Bert, BertConfig, Roberta};

use super::small;

#[track_caller]
fn assert_says(model: &impl Backbone, batch: &Batch, parts: &[&str]) {
    let message = model.check(batch).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn what_a_model_cannot_take_is_refused_by_check() {
    let model = Bert::init(small(), &Device::flex(), 1).unwrap();
    model.check(&Batch::new(&[vec![10, 0], vec![1; 6]])).unwrap();
    assert_says(&model, &Batch::new(&[[3, 11]]), &["token id = 11", "11, from 0 to 10"]);
    assert_says(&model, &Batch::new(&[[1; 7]]), &["at most 6", "got 7"]);
    assert_says(&model, &Batch::new(&[vec![1], vec![]]), &["no token"]);
    let typed = |types: Vec<u32>| Batch { type_ids: Some(types), ..Batch::new(&[[1, 2]]) };
    model.check(&typed(vec![0, 1])).unwrap();
    assert_says(&model, &typed(vec![0, 2]), &["type id = 2"]);
    assert_says(&model, &typed(vec![0]), &["type ids", "expected 2, got 1"]);
}

#[test]
fn roberta_has_fewer_places_than_rows_of_the_table() {
    let config = BertConfig { max_position_embeddings: 6, pad_token_id: Some(1), ..small() };
    let model = Roberta::init(config, &Device::flex(), 1).unwrap();
    model.check(&Batch::new(&[[2; 4]])).unwrap();
    model.hidden(&Batch::new(&[[2; 4]]));
    assert_says(&model, &Batch::new(&[[2; 5]]), &["at most 4"]);
}
