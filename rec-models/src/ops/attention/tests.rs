use burn::tensor::{Device, Tensor};

use super::{Attention, Dropout, attention, portable};
use crate::ops::Packed;
use crate::ops::check::{Input, agrees, devices, differentiates};

/// A case: lengths of queries and keys, heads, key heads, columns a head.
#[derive(Clone, Copy)]
struct Case<'a> {
    queries: &'a [usize],
    keys: &'a [usize],
    heads: [usize; 2],
    head_dim: usize,
    causal: bool,
    bias: bool,
    dropped: f64,
}

impl Case<'_> {
    fn packed(&self) -> [Packed; 2] {
        [self.queries, self.keys].map(|lengths| Packed::from_lengths(lengths.iter().copied()))
    }

    fn shape(&self) -> Attention {
        let [heads, kv_heads] = self.heads;
        let scale = 1.0 / (self.head_dim as f64).sqrt();
        let dropout = Dropout { probability: self.dropped, seed: 7 };
        Attention { heads, kv_heads, scale, causal: self.causal, dropout }
    }

    fn inputs(&self) -> Vec<Input> {
        let [heads, kv_heads] = self.heads;
        let [queries, keys] = self.packed();
        let mut inputs = vec![
            Input::normal([queries.rows(), heads * self.head_dim], 1),
            Input::normal([keys.rows(), kv_heads * self.head_dim], 2),
            Input::normal([keys.rows(), kv_heads * self.head_dim], 3),
        ];
        if self.bias {
            inputs.push(Input::normal([heads * queries.longest(), keys.longest()], 4));
        }
        inputs
    }

    fn run(&self, portably: bool) -> impl Fn(Vec<Tensor<2>>) -> Tensor<2> {
        let [queries, keys] = self.packed();
        let shape = self.shape();
        move |x| {
            let bias = x.get(3).map(|bias| {
                let dims = [shape.heads, queries.longest(), keys.longest()];
                bias.clone().reshape(dims)
            });
            let run = if portably { portable::attention } else { attention };
            run(x[0].clone(), x[1].clone(), x[2].clone(), &queries, &keys, shape, bias)
        }
    }
}

const PLAIN: Case<'static> = Case {
    queries: &[3, 1, 0, 5, 2],
    keys: &[3, 1, 0, 5, 2],
    heads: [2, 2],
    head_dim: 4,
    causal: false,
    bias: false,
    dropped: 0.0,
};

fn cases() -> Vec<Case<'static>> {
    let mut cases = Vec::new();
    for causal in [false, true] {
        for bias in [false, true] {
            let plain = Case { causal, bias, ..PLAIN };
            cases.push(plain);
            cases.push(Case { dropped: 0.3, ..plain });
            cases.push(Case { heads: [4, 2], head_dim: 7, ..plain });
            // Decoding: the queries are the last positions; one sequence has no cache yet.
            cases.push(Case {
                queries: &[1, 2, 0, 3],
                keys: &[6, 5, 2, 3],
                heads: [6, 2],
                ..plain
            });
        }
    }
    cases
}

#[test]
fn kernels_give_what_burn_gives() {
    let mut cases = cases();
    for causal in [false, true] {
        for (bias, head_dim) in [(false, 32), (true, 64), (false, 80), (true, 33)] {
            // Longer than a tile, in queries and in keys.
            let long: &[usize] = &[70, 17, 300, 1, 5];
            let queries: &[usize] = &[70, 1, 9, 1, 2];
            let dropped = if bias { 0.0 } else { 0.25 };
            let heads = [2, 1];
            let case = Case { queries: long, keys: long, heads, head_dim, causal, bias, dropped };
            cases.push(case);
            cases.push(Case { queries, ..case });
        }
    }
    for case in cases {
        agrees(case.run(false), case.run(true), &case.inputs(), 1e-5);
    }
}

#[cfg(feature = "libtorch")]
#[test]
fn kernels_give_what_burn_gives_in_other_types() {
    use crate::ops::check::{agrees_in_bf16, agrees_in_double};
    let long: &[usize] = &[70, 17, 0, 18, 1, 69];
    let more = Case { queries: &[2, 17, 0, 1, 1, 30], keys: long, heads: [4, 2], ..PLAIN };
    for case in cases().into_iter().chain([more, Case { causal: true, bias: true, ..more }]) {
        agrees_in_double(case.run(false), case.run(true), &case.inputs());
        agrees_in_bf16(case.run(false), case.run(true), &case.inputs(), 2e-2);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for case in cases() {
        differentiates(case.run(false), case.run(true), &case.inputs(), 1e-5);
    }
}

#[test]
fn a_query_without_keys_gives_zeros() {
    let case = Case { queries: &[2, 3], keys: &[0, 1], heads: [2, 2], causal: true, ..PLAIN };
    for device in devices() {
        for portably in [false, true] {
            let inputs = case.inputs();
            let tensors = inputs.iter().map(|input| input.single(&device)).collect();
            let out = case.run(portably)(tensors).into_data();
            let out: Vec<f32> = out.iter().collect();
            // The first sequence's two queries, and all but the last of the second's.
            assert!(out[..4 * 8].iter().all(|x| *x == 0.0), "{device:?}: {out:?}");
            assert!(out[4 * 8..].iter().any(|x| *x != 0.0), "{device:?}: {out:?}");
        }
    }
}

#[test]
fn columns_of_one_projection_are_read_where_they_lie() {
    let [queries, keys] = PLAIN.packed();
    let d = PLAIN.heads[0] * PLAIN.head_dim;
    for device in devices() {
        let fused = Input::normal([queries.rows(), 3 * d], 5).single(&device);
        let part = |i: usize| fused.clone().slice([0..queries.rows(), i * d..(i + 1) * d]);
        let whole = |i: usize| Tensor::<2>::from_data(part(i).into_data(), &device);
        let run = |q, k, v| attention(q, k, v, &queries, &keys, PLAIN.shape(), None).into_data();
        assert_eq!(run(part(0), part(1), part(2)), run(whole(0), whole(1), whole(2)));
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let lengths: &[usize] = &[70, 17, 500, 1, 5];
    let heads = [4, 2];
    let case = Case {
        queries: lengths,
        keys: lengths,
        heads,
        head_dim: 16,
        causal: true,
        bias: true,
        dropped: 0.1,
    };
    let device = Device::flex().autodiff();
    let run = |threads| {
        rec_core::parallel::install(Some(threads), || {
            let leaf = |input: &Input| input.single(&device).require_grad();
            let leaves: Vec<Tensor<2>> = case.inputs().iter().map(leaf).collect();
            let out = case.run(false)(leaves.clone());
            let gradients = out.clone().powf_scalar(2.0).sum().backward();
            let grads = leaves.iter().map(|leaf| leaf.grad(&gradients).unwrap().into_data());
            Ok((out.into_data(), grads.collect::<Vec<_>>()))
        })
        .unwrap()
    };
    assert_eq!(run(1), run(2));
}
