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

use burn::tensor::{DType, Device, Distribution, Tensor};
use rec_models::ops::{Activation, layer_norm, linear, rms_norm};

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
        _ => panic!("no case {name} {sizes:?}"),
    }
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
fn pass(line: &str) -> Box<dyn Fn()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, sizes @ .., pass, device_name, dtype] = words.as_slice() else {
        panic!("write: operation sizes… forward|training flex|libtorch f32|bf16")
    };
    let sizes: Vec<usize> = sizes.iter().map(|size| size.parse().unwrap()).collect();
    let (shapes, op) = case(name, &sizes);
    let dtype = if *dtype == "bf16" { DType::BF16 } else { DType::F32 };
    let (device, trains) = (device(device_name), *pass == "training");
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
        let (least, processor) = measure(&pass(&line.unwrap()));
        println!("{least:.4} {processor:.4}");
        std::io::stdout().flush().unwrap();
    }
}
