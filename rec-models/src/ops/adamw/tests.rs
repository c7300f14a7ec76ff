use std::collections::BTreeMap;
use std::process::Command;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::{AdamW, AdamWConfig, TableAdamW};
use crate::ops::TouchedRows;
use crate::ops::check::{Input, devices};

#[derive(Module, Debug)]
struct Affine {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct Net {
    layers: Vec<Affine>,
}

impl Net {
    fn new(device: &Device) -> Self {
        let numbers = |n: usize, seed: usize| -> Vec<f32> {
            (0..n).map(|i| ((i * 7 + seed) % 11) as f32 / 10.0 - 0.5).collect()
        };
        let affine = |seed: usize| {
            let weight = TensorData::new(numbers(6, seed), [2, 3]);
            let bias = TensorData::new(numbers(2, seed + 3), [2]);
            Affine {
                weight: Param::from_tensor(Tensor::from_data(weight, device)),
                bias: Param::from_tensor(Tensor::from_data(bias, device)),
            }
        };
        Self { layers: vec![affine(1), affine(5)] }
    }

    /// `Σ (i + 1) wᵢ² + bⱼ³` over the layers' weights and biases, the second layer twice.
    fn loss(&self) -> Tensor<1> {
        let one = |layer: &Affine| {
            let weight: Tensor<1> = layer.weight.val().reshape([6]);
            let factors = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
            let factors = Tensor::from_data(factors, &weight.device());
            let squares = weight.powi_scalar(2) * factors;
            squares.sum() + layer.bias.val().powi_scalar(3).sum()
        };
        one(&self.layers[0]) + one(&self.layers[1]) * 2.0
    }

    fn numbers(&self) -> Vec<f32> {
        let of = |layer: &Affine| {
            let (weight, bias) = (layer.weight.val().into_data(), layer.bias.val().into_data());
            weight.iter::<f32>().chain(bias.iter::<f32>()).collect::<Vec<_>>()
        };
        self.layers.iter().flat_map(of).collect()
    }
}

fn trained(net: Net, optimizer: &mut AdamW, steps: usize) -> Net {
    (0..steps).fold(net, |net, _| {
        let mut gradients = net.loss().backward();
        optimizer.step(net, &mut gradients, 0.05)
    })
}

fn config() -> AdamWConfig {
    AdamWConfig {
        weight_decay: 0.1,
        no_decay: vec!["bias".into()],
        max_norm: Some(2.0),
        ..AdamWConfig::default()
    }
}

/// One number, g = 4 then 1, η = .1, β = (.5, .75), ε = 1, λ = .5.
#[test]
fn two_steps_worked_by_hand() {
    let config = AdamWConfig {
        betas: [0.5, 0.75],
        epsilon: 1.0,
        weight_decay: 0.5,
        ..AdamWConfig::default()
    };
    for device in devices() {
        let device = device.autodiff();
        let table = Tensor::<2>::from_data([[2.0]], &device);
        let mut optimizer = TableAdamW::new(&table, config.clone()).unwrap();
        let touched = TouchedRows::gather(&table, &[0]);
        let gradient = |g: f32| Tensor::<2>::from_data([[g]], &device.clone().inner());
        // m = 2, v = 4; m̂ = 4, v̂ = 16: 2 · .95 − .1 · 4 / (4 + 1).
        let table = optimizer.step(table, &touched, gradient(4.0), 0.1);
        assert_close(&table, &[1.82]);
        // m = 1.5, v = 3.25; m̂ = 2, v̂ = 3.25 / .4375 = 7.428 571: 1.82 · .95 − .2 / 3.725 541.
        let table = optimizer.step(table, &touched, gradient(1.0), 0.1);
        assert_close(&table, &[1.675_317]);
    }
}

fn assert_close(table: &Tensor<2>, expected: &[f32]) {
    let got: Vec<f32> = table.clone().into_data().iter().collect();
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-6, "{got} for {expected}");
    }
}

const REFERENCE: &str = r"
import sys
try:
    import torch
except ImportError:
    sys.exit(77)
numbers = lambda n, seed: torch.tensor([((i * 7 + seed) % 11) / 10 - 0.5 for i in range(n)])
layers = [(numbers(6, s).requires_grad_(), numbers(2, s + 3).requires_grad_()) for s in (1, 5)]
factors = torch.arange(1.0, 7.0)
optimizer = torch.optim.AdamW([
    {'params': [w for w, _ in layers], 'weight_decay': 0.1},
    {'params': [b for _, b in layers], 'weight_decay': 0.0},
], lr=0.05)
for _ in range(10):
    optimizer.zero_grad()
    one = [(w ** 2 * factors).sum() + (b ** 3).sum() for w, b in layers]
    (one[0] + 2 * one[1]).backward()
    torch.nn.utils.clip_grad_norm_([p for layer in layers for p in layer], 2.0)
    optimizer.step()
print(*(x for w, b in layers for x in w.tolist() + b.tolist()))
";

#[test]
fn ten_steps_equal_those_of_torch() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let output = match Command::new(python).args(["-c", REFERENCE]).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => return eprintln!("skipped: no python3 with torch"),
    };
    let output = String::from_utf8(output).unwrap();
    let expected: Vec<f32> = output.split_whitespace().map(|x| x.parse().unwrap()).collect();
    for device in devices() {
        let mut optimizer = AdamW::new(config()).unwrap();
        let got = trained(Net::new(&device.autodiff()), &mut optimizer, 10).numbers();
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() <= 1e-6, "{got} for {expected}");
        }
    }
}

#[test]
fn an_optimizer_resumes_to_the_bit() {
    for device in devices() {
        let device = device.autodiff();
        let mut whole = AdamW::new(config()).unwrap();
        let expected = trained(Net::new(&device), &mut whole, 7).numbers();
        let mut first = AdamW::new(config()).unwrap();
        let net = trained(Net::new(&device), &mut first, 3);
        let state = first.state();
        let names: Vec<&String> = state.keys().take(3).collect();
        let path = "layers.0.bias";
        assert_eq!(
            names,
            [&format!("{path}.exp_avg"), &format!("{path}.exp_avg_sq"), &format!("{path}.step")]
        );
        let mut second = AdamW::new(config()).unwrap();
        second.load_state(&state, &device).unwrap();
        assert_eq!(trained(net, &mut second, 4).numbers(), expected);
    }
}

#[test]
fn gradient_checkpointing_stays_as_it_was() {
    let device = Device::flex().autodiff();
    let run = |device: &Device| {
        let mut optimizer = AdamW::new(config()).unwrap();
        trained(Net::new(device), &mut optimizer, 3).numbers()
    };
    assert_eq!(run(&device.clone().gradient_checkpointing()), run(&device));
}

#[test]
fn a_state_with_a_part_missing_is_refused_by_name() {
    let mut optimizer = AdamW::new(config()).unwrap();
    trained(Net::new(&Device::flex().autodiff()), &mut optimizer, 1);
    let mut state = optimizer.state();
    state.remove("layers.1.weight.exp_avg");
    let message = optimizer.load_state(&state, &Device::flex()).unwrap_err().to_string();
    assert!(message.contains("layers.1.weight.exp_avg"), "{message}");
}

#[test]
fn values_outside_their_domain_are_refused() {
    let bad = [
        AdamWConfig { betas: [0.9, 1.0], ..AdamWConfig::default() },
        AdamWConfig { epsilon: f64::NAN, ..AdamWConfig::default() },
        AdamWConfig { weight_decay: -0.1, ..AdamWConfig::default() },
        AdamWConfig { max_norm: Some(0.0), ..AdamWConfig::default() },
    ];
    for config in bad {
        assert!(AdamW::new(config).is_err());
    }
}

/// A table's rows go the way that dense AdamW takes each through the steps that touch it.
#[test]
fn a_touched_row_goes_the_way_of_dense_adamw() {
    const ROWS: usize = 700;
    let config = AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() };
    let batches: Vec<Vec<u32>> = (0..6u32)
        .map(|step| (0..ROWS as u32).filter(|id| (id * 31 + step * 17) % 7 < 3).collect())
        .collect();
    let gradient =
        |step: usize, id: u32| Input::normal([1, 64], (step * ROWS) as u64 + u64::from(id));
    for device in devices() {
        let start = Input::normal([ROWS, 64], 1).single(&device);
        let mut table = start.clone();
        let mut optimizer = TableAdamW::new(&table, config.clone()).unwrap();
        for (step, ids) in batches.iter().enumerate() {
            let touched = TouchedRows::gather(&table, ids);
            let rows = ids.iter().map(|id| gradient(step, *id).single(&device)).collect();
            table = optimizer.step(table, &touched, Tensor::cat(rows, 0), 0.01);
        }
        // Some rows, each as a table of its own.
        for id in [0u32, 1, 5, 350, 699] {
            let mut row = start.clone().narrow(0, id as usize, 1);
            let mut alone = TableAdamW::new(&row, config.clone()).unwrap();
            for step in (0..batches.len()).filter(|step| batches[*step].contains(&id)) {
                let touched = TouchedRows::gather(&row, &[0]);
                row = alone.step(row, &touched, gradient(step, id).single(&device), 0.01);
            }
            let got = table.clone().narrow(0, id as usize, 1).into_data();
            assert_eq!(got, row.into_data(), "row {id}");
        }
    }
}

#[test]
fn a_table_resumes_and_refuses_another_shape() {
    let device = Device::flex();
    let table = Input::normal([5, 3], 1).single(&device);
    let mut optimizer = TableAdamW::new(&table, AdamWConfig::default()).unwrap();
    let touched = TouchedRows::gather(&table, &[1, 4, 1]);
    let gradient = Input::normal([2, 3], 2).single(&device);
    let table = optimizer.step(table, &touched, gradient.clone(), 0.1);
    let mut resumed = TableAdamW::new(&table, AdamWConfig::default()).unwrap();
    resumed.load_state(&optimizer.state()).unwrap();
    let step = |optimizer: &mut TableAdamW| {
        optimizer.step(table.clone(), &touched, gradient.clone(), 0.1).into_data()
    };
    assert_eq!(step(&mut resumed), step(&mut optimizer));
    let other = Input::normal([6, 3], 1).single(&device);
    let mut other = TableAdamW::new(&other, AdamWConfig::default()).unwrap();
    assert!(other.load_state(&optimizer.state()).is_err());
    assert!(other.load_state(&BTreeMap::new()).is_err());
}
