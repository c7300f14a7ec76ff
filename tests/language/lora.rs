//! Adapters of peft do here what they do there, and those saved here load there.

use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rec_models::language::{Adapters, Backbone, Causal, CausalModel, EncoderModel, LoraConfig};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

use crate::{Arrays, Texts, assert_close, devices, peer, values};

const CASES: [&str; 3] = ["bert", "gpt2", "qwen3"];

/// A model with adapters.
#[allow(clippy::large_enum_variant, reason = "there are six of them")]
enum Adapted {
    Encoder(EncoderModel),
    Decoder(CausalModel),
}

impl Adapted {
    fn load(case: &str, folder: &Path, device: &Device, adapters: Option<&Adapters>) -> Self {
        let dtype = DType::F32;
        let (model, report) = match case {
            "bert" => {
                let loaded = EncoderModel::adapted(folder, device, dtype, adapters).unwrap();
                (Self::Encoder(loaded.0), loaded.1)
            }
            _ => {
                let loaded = CausalModel::adapted(folder, device, dtype, adapters).unwrap();
                (Self::Decoder(loaded.0), loaded.1)
            }
        };
        assert!(report.unexpected.is_empty(), "{report:?}");
        model
    }

    /// Hidden vectors of an encoder, scores of a decoder.
    fn outputs(&self, folder: &Path) -> Tensor<2> {
        let batch = Texts::of(folder).batch();
        match self {
            Self::Encoder(model) => model.hidden(&batch),
            Self::Decoder(model) => model.logits(model.hidden(&batch)),
        }
    }

    /// With numbers in place of the zeros of every `B`.
    fn perturbed(self) -> Self {
        match self {
            Self::Encoder(model) => Self::Encoder(model.map(&mut Waves)),
            Self::Decoder(model) => Self::Decoder(model.map(&mut Waves)),
        }
    }

    /// Writes the adapters, and the model with them merged.
    fn save(self, lora: &LoraConfig, folder: &Path) {
        let (ours, merged) = (folder.join("ours"), folder.join("merged"));
        match self {
            Self::Encoder(model) => {
                model.save_adapters(lora, &ours, folder).unwrap();
                lora.merge(model).save(&merged).unwrap();
            }
            Self::Decoder(model) => {
                model.save_adapters(lora, &ours, folder).unwrap();
                lora.merge(model).save(&merged).unwrap();
            }
        }
    }
}

/// Puts waves where a whole parameter is zero.
struct Waves;

impl ModuleMapper for Waves {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let zero = D == 2 && tensor.to_data().iter::<f32>().all(|value| value == 0.0);
            if !zero {
                return tensor;
            }
            let (shape, device) = (tensor.dims(), tensor.device());
            let wave = |i: usize| (0.7 * i as f32).sin();
            let waves: Vec<f32> = (0..shape.iter().product()).map(wave).collect();
            Tensor::from_data(TensorData::new(waves, shape), &device)
        })
    }
}

#[test]
fn adapters_are_those_of_peft() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let out = scratch.path();
    if peer::run("lora.py", &["make", out.to_str().unwrap()]).is_none() {
        return;
    }
    for case in CASES {
        let folder = out.join(case);
        let expected = Arrays::read(&folder.join("expected.safetensors")).get("outputs").unwrap();
        let theirs = folder.join("theirs");
        for device in devices() {
            let bare = values(&Adapted::load(case, &folder, &device, None).outputs(&folder));
            let off = bare.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            assert!(off.fold(0.0, f32::max) > 1e-2, "{case}: adapters that do something");
            for adapters in [Adapters::Saved(theirs.clone()), Adapters::Merged(theirs.clone())] {
                let model = Adapted::load(case, &folder, &device, Some(&adapters));
                let what = format!("{case} on {device:?}, {adapters:?}");
                assert_close(&what, &model.outputs(&folder), &expected);
            }
        }
        let config = LoraConfig { rank: 5, alpha: 7.0, ..LoraConfig::default() };
        let adapters = Adapters::New { config: config.clone(), seed: 3 };
        let model = Adapted::load(case, &folder, &Device::flex(), Some(&adapters)).perturbed();
        let bytes: Vec<u8> =
            values(&model.outputs(&folder)).iter().flat_map(|x| x.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], &bytes).unwrap();
        let file = folder.join("ours.safetensors");
        serialize_to_file([("outputs", view)], None, &file).unwrap();
        model.save(&config, &folder);
    }
    peer::run("lora.py", &["check", out.to_str().unwrap()]).unwrap();
}
