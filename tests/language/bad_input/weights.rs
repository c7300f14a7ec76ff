//! Weights that are missing, of another shape, or of another kind.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};

use super::{assert_refused, checkpoint, load};

type Weight = (Dtype, Vec<usize>, Vec<u8>);

/// Rewrites the weights of a checkpoint.
fn change(folder: &Path, change: impl FnOnce(&mut BTreeMap<String, Weight>)) {
    let path = folder.join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let own = |(name, view): (String, TensorView)| {
        (name, (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
    };
    let mut weights = file.tensors().into_iter().map(own).collect();
    change(&mut weights);
    let views = weights.iter().map(|(name, (dtype, shape, data))| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    fs::write(&path, serialize(views, None).unwrap()).unwrap();
}

const QUERY: &str = "encoder.layer.0.attention.self.query.weight";

#[test]
fn a_missing_weight_is_named_with_those_nearest() {
    let folder = checkpoint();
    change(folder.path(), |weights| drop(weights.remove(QUERY)));
    assert_refused(folder.path(), &[QUERY, "nearest", "self.key.weight"]);
}

#[test]
fn a_weight_of_another_shape_is_named_with_both_shapes() {
    let folder = checkpoint();
    change(folder.path(), |weights| weights.get_mut(QUERY).unwrap().1 = vec![4, 16]);
    assert_refused(folder.path(), &[QUERY, "[8, 8]", "[4, 16]"]);
}

#[test]
fn a_vocabulary_that_is_not_the_tables_is_named_with_both_sizes() {
    let folder = checkpoint();
    let path = folder.path().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(r#""vocab_size": 11"#, r#""vocab_size": 12"#)).unwrap();
    assert_refused(folder.path(), &["word_embeddings", "[12, 8]", "[11, 8]"]);
}

#[test]
fn weights_that_are_not_floats_count_as_missing() {
    let folder = checkpoint();
    change(folder.path(), |weights| {
        weights.insert(QUERY.into(), (Dtype::I8, vec![8, 8], vec![1; 64]));
    });
    assert_refused(folder.path(), &[QUERY, "not as floats"]);
}

#[test]
fn optional_and_foreign_weights_are_reported_and_buffers_are_not() {
    let folder = checkpoint();
    change(folder.path(), |weights| {
        weights.remove("pooler.dense.weight");
        weights.remove("pooler.dense.bias");
        let positions = (Dtype::I64, vec![1, 6], vec![0; 48]);
        weights.insert("embeddings.position_ids".into(), positions);
        weights.insert("classifier.bias".into(), (Dtype::F32, vec![1], vec![0; 4]));
    });
    let (_, report) = load(folder.path()).unwrap();
    assert_eq!(report.missing, ["pooler.dense.bias", "pooler.dense.weight"]);
    assert_eq!(report.unexpected, ["classifier.bias"]);
}

/// Half of a pooler is damage, not a model without one.
#[test]
fn half_a_pooler_is_refused() {
    let folder = checkpoint();
    change(folder.path(), |weights| drop(weights.remove("pooler.dense.bias")));
    assert_refused(folder.path(), &["pooler.dense.bias"]);
}
