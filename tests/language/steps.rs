//! Gradients and a step of causal models, of pairs of texts, of SimCSE and of replaced tokens are those
//! of torch on the same weights and texts.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor};
use rec_core::rng;
use rec_core::sampling::Masked;
use rec_core::text::Tokenizer;
use rec_models::language::train::{Objective, ReplacedPass, TrainingData};
use rec_models::language::{
    Backbone, CausalModel, CausalObjective, Corpus, DropoutRates, ElectraPair, EncoderModel, Noise,
    PairObjective, Pairs, PoolingMode, ReplacedTokens, SimCse,
};
use rec_models::ops::{AdamW, AdamWConfig, Packed};
use serde_json::Value;

use crate::{Arrays, devices, peer};

/// The gradient of each parameter, by its name in a checkpoint.
#[derive(Default)]
struct ByName<'a> {
    path: Vec<String>,
    gradients: Option<&'a Gradients>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for ByName<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.trim_end_matches('_').to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // A model of any family has the family's name before the checkpoint's, one of a pair its part.
        let name = self.path[1..].join(".");
        let gradient = self.gradients.and_then(|gradients| param.val().grad(gradients));
        let Some(gradient) = gradient else { return };
        // GPT-2's checkpoints hold these turned.
        let turned = ["c_attn.weight", "c_proj.weight", "c_fc.weight"];
        let turned = turned.iter().any(|end| name.ends_with(end));
        let gradient = if turned { gradient.transpose() } else { gradient };
        self.found.insert(name, gradient.into_data().iter().collect());
    }
}

/// The loss of all rows in one pass, its gradients, and the model after a step.
fn step<M: Backbone + Module, O: Objective<M>>(
    model: M,
    objective: &O,
    data: &O::Data,
) -> (f64, BTreeMap<String, Vec<f32>>, M) {
    let rows: Vec<usize> = (0..data.len()).collect();
    let pass = objective.prepare(data, &rows, &mut rng::stream(1, "a pass", 0));
    step_of(model, objective, &pass)
}

/// The loss of a pass, its gradients, and the model after a step.
fn step_of<M: Backbone + Module, O: Objective<M>>(
    model: M,
    objective: &O,
    pass: &O::Pass,
) -> (f64, BTreeMap<String, Vec<f32>>, M) {
    let loss = objective.loss(&model, pass, Noise::none());
    let value = loss.clone().into_data().iter::<f64>().next().unwrap();
    let mut gradients = loss.backward();
    let mut by_name = ByName { gradients: Some(&gradients), ..ByName::default() };
    model.visit(&mut by_name);
    let found = by_name.found;
    let config = AdamWConfig { epsilon: 1e-3, weight_decay: 0.1, ..AdamWConfig::default() };
    let model = AdamW::new(config).unwrap().step(model, &mut gradients, 1e-3);
    (value, found, model)
}

/// Gradients within 1e-4 of the largest, weights within 1e-5.
fn compare<M>(
    out: &Path,
    case: &str,
    (loss, gradients, model): (f64, BTreeMap<String, Vec<f32>>, M),
    save: impl Fn(&M, &Path),
) {
    let told = told(out, case);
    let expected = told["loss"].as_f64().unwrap();
    assert!((loss - expected).abs() < 1e-5, "{case}: {loss} for {expected}");
    let theirs = Arrays::read(&out.join(format!("{case}.safetensors")));
    let saved = out.join(format!("{case}-after"));
    save(&model, &saved);
    let ours = Arrays::read(&saved.join("model.safetensors"));
    let mut compared = [0, 0];
    for name in theirs.names() {
        let want = theirs.get(&name).unwrap();
        let (got, bound) = match name.strip_prefix("gradient.") {
            Some(weight) => {
                compared[0] += 1;
                let largest = want.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
                (gradients[weight].clone(), 1e-4 * largest.max(0.1))
            }
            None => {
                compared[1] += 1;
                (ours.get(&name).unwrap(), 1e-5)
            }
        };
        let off = got.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(0.0, f32::max);
        assert!(got.len() == want.len() && off <= bound, "{case} {name}: off by {off:e}");
    }
    assert!(compared[0] > 20 && compared[1] >= compared[0], "{case}: {compared:?}");
}

fn told(out: &Path, case: &str) -> Value {
    serde_json::from_slice(&std::fs::read(out.join(format!("{case}.json"))).unwrap()).unwrap()
}

fn list(told: &Value, name: &str) -> Vec<String> {
    serde_json::from_value(told[name].clone()).unwrap()
}

fn causal(out: &Path, case: &str, device: &Device) {
    let folder = out.join(case);
    let tokenizer = Tokenizer::from_folder(&folder).unwrap();
    let texts = list(&told(out, case), "texts");
    let corpus = Corpus::encode(&tokenizer, &texts, None).unwrap();
    let (model, _) = CausalModel::load(&folder, device, DType::F32).unwrap();
    compare(out, case, step(model, &CausalObjective, &corpus), |model, to| {
        model.save(to).unwrap();
    });
}

fn contrastive(out: &Path, case: &str, device: &Device) {
    let (folder, told) = (out.join("bert"), told(out, case));
    let tokenizer = Tokenizer::from_folder(&folder).unwrap();
    let (model, _) = EncoderModel::load(&folder, device, DType::F32).unwrap();
    let pooling = PoolingMode::Mean;
    let stepped = if case == "simcse" {
        let corpus = Corpus::encode(&tokenizer, &list(&told, "texts"), None).unwrap();
        let none = DropoutRates::default();
        step(model, &SimCse { dropout: none, ..SimCse::new(pooling) }, &corpus)
    } else {
        let [anchors, positives, negatives] =
            ["anchors", "positives", "negatives"].map(|name| list(&told, name));
        let pairs =
            Pairs::with_negatives(&tokenizer, &anchors, &positives, &negatives, None).unwrap();
        let symmetric = case == "symmetric";
        step(model, &PairObjective { symmetric, ..PairObjective::new(pooling) }, &pairs)
    };
    compare(out, case, stepped, |model, to| model.save(to).unwrap());
}

/// The discriminator's gradients go by its checkpoint's names, the generator's lack its encoder's.
fn replaced(out: &Path, device: &Device) {
    let folder = out.join("electra");
    let told = told(out, "replaced");
    let numbers = |name: &str| -> Vec<u32> { serde_json::from_value(told[name].clone()).unwrap() };
    let texts: Vec<Vec<u32>> = serde_json::from_value(told["ids"].clone()).unwrap();
    let masked = Masked {
        ids: texts.concat(),
        positions: numbers("positions"),
        targets: numbers("targets"),
    };
    let rows = Packed::from_lengths(texts.iter().map(Vec::len));
    let draws: Vec<f64> = serde_json::from_value(told["draws"].clone()).unwrap();
    let pass = ReplacedPass::new(masked, rows, draws).unwrap();
    let tokenizer = Tokenizer::from_folder(&folder).unwrap();
    let model = ElectraPair::load(&folder, device, DType::F32, 1).unwrap();
    let objective = ReplacedTokens::new(&tokenizer).unwrap();
    let (loss, gradients, model) = step_of(model, &objective, &pass);
    let mut of_generator = gradients.clone();
    for (name, gradient) in &gradients {
        of_generator.insert(format!("electra.{name}"), gradient.clone());
    }
    compare(out, "replaced", (loss, gradients, model.clone()), |model, to| model.save(to).unwrap());
    compare(out, "replaced-generator", (loss, of_generator, model), |model, to| {
        model.masked_lm().save(to).unwrap();
    });
}

#[test]
fn a_step_is_that_of_torch() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let out = scratch.path();
    if peer::run("steps.py", &[out.to_str().unwrap()]).is_none() {
        return;
    }
    for device in devices() {
        let device = device.autodiff();
        for case in ["gpt2", "llama", "qwen3"] {
            causal(out, case, &device);
        }
        for case in ["pairs", "symmetric", "simcse"] {
            contrastive(out, case, &device);
        }
        replaced(out, &device);
    }
}
