//! Times of single operations. `benches/peers/ops.py` runs this beside PyTorch, turn by turn, and
//! prints the table; by itself it reads one case a line and answers with its time:
//!
//! ```sh
//! echo "linear-gelu 2048 384 1536 training flex f32" | cargo bench --bench ops
//! ```
//!
//! An answer is two numbers, milliseconds a call: the least by the clock, and the mean of processor
//! time over all threads (Linux; else 0). Threads: `RAYON_NUM_THREADS`, `OMP_NUM_THREADS`.
//!
//! To add an operation, add an arm to [`case`] here, and one to `case` in `ops.py`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops at the first failure")]

use std::hint::black_box;
use std::io::{BufRead as _, Write as _};
use std::time::{Duration, Instant};

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Distribution, Int, Tensor};
use rec_models::ops::{
    Activation, AdamW, AdamWConfig, Attention, CrossEntropy, Dropout, Packed, TableAdamW,
    TouchedRows, attention, cross_entropy, embedding, layer_norm, linear, rms_norm,
};

/// How long each case is repeated.
const BUDGET: Duration = Duration::from_millis(300);

type Operation = Box<dyn Fn(&[Tensor<2>]) -> Tensor<2>>;

/// Input shapes of an operation, all of which get gradients, and the operation.
fn case(name: &str, sizes: &[usize]) -> (Vec<[usize; 2]>, Operation) {
    let vector = |x: &Tensor<2>| x.clone().flatten::<1>(0, 1);
    match (name, sizes) {
        ("linear" | "linear-gelu", &[tokens, d_in, d_out]) => {
            let activation = match name {
                "linear" => Activation::Identity,
                _ => Activation::Gelu,
            };
            let op = move |x: &[Tensor<2>]| {
                linear(x[0].clone(), x[1].clone(), Some(vector(&x[2])), activation)
            };
            (vec![[tokens, d_in], [d_out, d_in], [1, d_out]], Box::new(op))
        }
        ("layer-norm-residual", &[tokens, d]) => {
            let op = move |x: &[Tensor<2>]| {
                let [weight, bias] = [2, 3].map(|i| vector(&x[i]));
                layer_norm(x[0].clone(), Some(x[1].clone()), weight, Some(bias), 1e-12)
            };
            (vec![[tokens, d], [tokens, d], [1, d], [1, d]], Box::new(op))
        }
        ("rms-norm", &[tokens, d]) => {
            let op = move |x: &[Tensor<2>]| rms_norm(x[0].clone(), vector(&x[1]), 1e-6);
            (vec![[tokens, d], [1, d]], Box::new(op))
        }
        ("attention" | "attention-causal", &[texts, heads, head_dim]) => {
            let lengths = Packed::from_lengths((0..texts).map(|i| 5 + i * 7919 % 116));
            let causal = name == "attention-causal";
            let scale = 1.0 / (head_dim as f64).sqrt();
            let shape =
                Attention { heads, kv_heads: heads, scale, causal, dropout: Dropout::default() };
            let (rows, d) = (lengths.rows(), heads * head_dim);
            let op = move |x: &[Tensor<2>]| {
                let [q, k, v] =
                    [0, 1, 2].map(|i| x[0].clone().slice([0..rows, i * d..(i + 1) * d]));
                attention(q, k, v, &lengths, &lengths, shape, None)
            };
            (vec![[rows, 3 * d]], Box::new(op))
        }
        ("attention-long" | "attention-decode", &[sequences, length, heads, head_dim]) => {
            let keys = Packed::from_lengths(vec![length; sequences]);
            let queries = match name {
                "attention-decode" => Packed::from_lengths(vec![1; sequences]),
                _ => keys.clone(),
            };
            let scale = 1.0 / (head_dim as f64).sqrt();
            let shape = Attention {
                heads,
                kv_heads: heads,
                scale,
                causal: true,
                dropout: Dropout::default(),
            };
            let shapes = [&queries, &keys, &keys].map(|rows| [rows.rows(), heads * head_dim]);
            let op = move |x: &[Tensor<2>]| {
                attention(x[0].clone(), x[1].clone(), x[2].clone(), &queries, &keys, shape, None)
            };
            (shapes.to_vec(), Box::new(op))
        }
        ("cross-entropy", &[rows, classes, d]) => {
            let op = move |x: &[Tensor<2>]| {
                let targets = ids(rows, classes, &x[0].device());
                let bias = Some(vector(&x[2]));
                let options = CrossEntropy::default();
                cross_entropy(x[0].clone(), x[1].clone(), bias, targets, None, options).unsqueeze()
            };
            (vec![[rows, d], [classes, d], [1, classes]], Box::new(op))
        }
        ("embedding", &[n, rows, d]) => {
            let op = move |x: &[Tensor<2>]| embedding(x[0].clone(), ids(n, rows, &x[0].device()));
            (vec![[rows, d]], Box::new(op))
        }
        _ => panic!("no case {name} {sizes:?}"),
    }
}

fn ids(n: usize, below: usize, device: &Device) -> Tensor<1, Int> {
    let ids: Vec<i64> = (0..n).map(|i| (i * 7919 % below) as i64).collect();
    Tensor::from_data(ids.as_slice(), device)
}

/// Parameters of a model of many sizes.
#[derive(Module, Debug)]
struct Parameters {
    matrices: Vec<Param<Tensor<2>>>,
}

/// An optimiser's step over `n` parameters in matrices of 384 × 1536, or one over `touched` rows of
/// a table: the step alone, without the pass that gives the gradients.
fn optimizer(name: &str, sizes: &[usize], device: &Device) -> (f64, f64) {
    let normal = Distribution::Normal(0.0, 1.0);
    match (name, sizes) {
        ("adamw", &[millions]) => {
            let matrix = || Tensor::<2>::random([384, 1536], normal, device).require_grad();
            let matrices = 0..millions * 1_000_000 / (384 * 1536) + 1;
            let matrices = matrices.map(|_| Param::from_tensor(matrix())).collect();
            let mut model = Some(Parameters { matrices });
            let mut optimizer = AdamW::new(AdamWConfig::default()).unwrap();
            timed(|clock| {
                let before = model.take().unwrap();
                let sums = before.matrices.iter().map(|matrix| matrix.val().powi_scalar(2).sum());
                let mut gradients = sums.reduce(|a, b| a + b).unwrap().backward();
                clock.start();
                model = Some(optimizer.step(before, &mut gradients, 1e-3));
                clock.stop();
            })
        }
        ("adamw-table", &[touched, rows, d]) => {
            let mut table = Tensor::<2>::random([rows, d], normal, device);
            let mut optimizer = TableAdamW::new(&table, AdamWConfig::default()).unwrap();
            let ids: Vec<u32> = (0..touched).map(|i| (i * 7919 % rows) as u32).collect();
            let batch = TouchedRows::gather(&table, &ids);
            timed(|clock| {
                let gradient = batch.rows().clone().inner();
                let whole = std::mem::replace(&mut table, Tensor::zeros([1, 1], device));
                clock.start();
                table = optimizer.step(whole, &batch, gradient, 1e-3);
                clock.stop();
            })
        }
        _ => panic!("no case {name} {sizes:?}"),
    }
}

/// The least time and the sum of processor time between its starts and stops.
struct Clock {
    begun: (Instant, Duration),
    least: Duration,
    spent: Duration,
    calls: u32,
}

impl Clock {
    fn start(&mut self) {
        self.begun = (Instant::now(), processor_time());
    }

    fn stop(&mut self) {
        self.least = self.least.min(self.begun.0.elapsed());
        self.spent += processor_time() - self.begun.1;
        self.calls += 1;
    }
}

/// As [`measure`], of what `run` does between starting and stopping the clock.
fn timed(mut run: impl FnMut(&mut Clock)) -> (f64, f64) {
    let new = || Clock {
        begun: (Instant::now(), Duration::ZERO),
        least: Duration::MAX,
        spent: Duration::ZERO,
        calls: 0,
    };
    (0..3).for_each(|_| run(&mut new()));
    let (begin, mut clock) = (Instant::now(), new());
    while begin.elapsed() < BUDGET || clock.calls < 3 {
        run(&mut clock);
    }
    (clock.least.as_secs_f64() * 1e3, (clock.spent / clock.calls).as_secs_f64() * 1e3)
}

fn device(name: &str) -> Device {
    match name {
        "flex" => Device::flex(),
        #[cfg(feature = "libtorch")]
        "libtorch" => Device::libtorch(),
        _ => panic!("this build has no device {name}"),
    }
}

/// One pass: forward alone, or forward and backward with a gradient of ones.
fn pass(name: &str, sizes: &[usize], [pass, device_name, dtype]: [&str; 3]) -> Box<dyn Fn()> {
    let (shapes, op) = case(name, sizes);
    let dtype = if dtype == "bf16" { DType::BF16 } else { DType::F32 };
    let (device, trains) = (device(device_name), pass == "training");
    let device = if trains { device.autodiff() } else { device };
    let normal = Distribution::Normal(0.0, 1.0);
    let inputs: Vec<Tensor<2>> = shapes
        .iter()
        .map(|shape| Tensor::<2>::random(*shape, normal, &device).cast(dtype))
        .collect();
    if !trains {
        return Box::new(move || drop(black_box(op(&inputs))));
    }
    let leaves: Vec<Tensor<2>> = inputs.into_iter().map(|x| x.detach().require_grad()).collect();
    Box::new(move || drop(black_box(op(&leaves).backward())))
}

/// Processor time of all threads so far.
fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let spent = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

/// The least time and the mean processor time of a call, in milliseconds.
fn measure(run: &dyn Fn()) -> (f64, f64) {
    (0..3).for_each(|_| run());
    let (begin, spent) = (Instant::now(), processor_time());
    let (mut least, mut calls) = (Duration::MAX, 0u32);
    while begin.elapsed() < BUDGET || calls < 3 {
        let start = Instant::now();
        run();
        least = least.min(start.elapsed());
        calls += 1;
    }
    let mean = (processor_time() - spent) / calls;
    (least.as_secs_f64() * 1e3, mean.as_secs_f64() * 1e3)
}

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, sizes @ .., pass_name, device_name, dtype] = words.as_slice() else {
            panic!("write: operation sizes… forward|training|step flex|libtorch f32|bf16")
        };
        let sizes: Vec<usize> = sizes.iter().map(|size| size.parse().unwrap()).collect();
        let (least, processor) = match *pass_name {
            "step" => optimizer(name, &sizes, &device(device_name).autodiff()),
            _ => measure(&pass(name, &sizes, [pass_name, device_name, dtype])),
        };
        println!("{least:.4} {processor:.4}");
        std::io::stdout().flush().unwrap();
    }
}
