//! Language models against `transformers`, on checkpoints that it saved, and on damaged ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first failure")]

mod bad_input;
mod classifier;
mod decoders;
mod encoders;
mod gradients;
mod killed;
mod lora;
mod peer;
mod saved_encoder;
mod steps;
mod text_encoder;

use std::path::Path;

use burn::tensor::{Device, Tensor};
use rec_models::language::Batch;
use safetensors::SafeTensors;

/// The devices of this build.
fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "libtorch")]
        Device::libtorch(),
    ]
}

/// Token ids, and type ids if the family has them.
#[derive(serde::Deserialize, serde::Serialize)]
struct Texts {
    ids: Vec<Vec<u32>>,
    type_ids: Option<Vec<Vec<u32>>>,
}

impl Texts {
    fn of(folder: &Path) -> Self {
        serde_json::from_slice(&std::fs::read(folder.join("texts.json")).unwrap()).unwrap()
    }

    fn batch(&self) -> Batch {
        let type_ids = self.type_ids.as_ref().map(|types| types.concat());
        Batch { type_ids, ..Batch::new(&self.ids) }
    }
}

/// Arrays of a safetensors file, each with its number of columns.
struct Arrays(Vec<u8>);

impl Arrays {
    fn read(path: &Path) -> Self {
        Self(std::fs::read(path).unwrap())
    }

    /// The names of the arrays.
    fn names(&self) -> Vec<String> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        file.names().into_iter().map(str::to_owned).collect()
    }

    /// The values of an array, if it is there.
    fn get(&self, name: &str) -> Option<Vec<f32>> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let bytes = file.tensor(name).ok()?.data();
        let (chunks, rest) = bytes.as_chunks::<4>();
        assert!(rest.is_empty());
        Some(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect())
    }
}

fn values(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.to_data().convert_dtype(burn::tensor::DType::F32).iter::<f32>().collect()
}

/// Fails if any number is off by more than 1e-4.
fn assert_close(what: &str, got: &Tensor<2>, expected: &[f32]) {
    let got = values(got);
    assert_eq!(got.len(), expected.len(), "{what}: sizes differ");
    let off = got.iter().zip(expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max);
    assert!(off <= 1e-4 && got.iter().all(|g| g.is_finite()), "{what}: off by {off:e}");
}
