use burn::tensor::{Device, Int, Tensor};

use super::{TouchedRows, embedding, portable};
use crate::ops::check::{Input, agrees, devices, differentiates};

fn ids(n: usize, rows: usize) -> Vec<u32> {
    // A few rows often, most never.
    (0..n).map(|i| ((i * i + 3 * i) % 13 * 7 % rows) as u32).collect()
}

fn tensor(ids: &[u32], device: &Device) -> Tensor<1, Int> {
    let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
    Tensor::from_data(ids.as_slice(), device)
}

#[test]
fn kernels_give_what_burn_gives() {
    for [n, rows, d] in [[1, 1, 1], [7, 5, 3], [3000, 40, 17], [40, 3000, 64]] {
        let ids = ids(n, rows);
        agrees(
            |x| embedding(x[0].clone(), tensor(&ids, &x[0].device())),
            |x| portable::embedding(x[0].clone(), tensor(&ids, &x[0].device())),
            &[Input::normal([rows, d], 1)],
            1e-5,
        );
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let ids = [2, 0, 2, 4];
    differentiates(
        |x| embedding(x[0].clone(), tensor(&ids, &x[0].device())),
        |x| portable::embedding(x[0].clone(), tensor(&ids, &x[0].device())),
        &[Input::normal([5, 3], 1)],
        1e-5,
    );
}

#[test]
fn touched_rows_have_the_gradient_of_the_whole_table() {
    let ids = [7, 2, 7, 7, 0, 2];
    for device in devices() {
        let device = device.autodiff();
        let table = Input::normal([9, 4], 1).single(&device).require_grad();
        let loss = |x: Tensor<2>| x.powf_scalar(3.0).sum();
        let dense = loss(embedding(table.clone(), tensor(&ids, &device))).backward();
        let dense =
            table.grad(&dense).unwrap().select(0, tensor(&[0, 2, 7], &device.clone().inner()));
        let touched = TouchedRows::gather(&table, &ids);
        assert_eq!(touched.ids(), [0, 2, 7]);
        let mut gradients = loss(touched.embed()).backward();
        assert!(table.grad(&gradients).is_none());
        let sparse = touched.gradient(&mut gradients).unwrap();
        assert_eq!(sparse.into_data(), dense.into_data());
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let device = Device::flex().autodiff();
    let ids = ids(5000, 40);
    let run = |threads| {
        rec_core::parallel::install(Some(threads), || {
            let table = Input::normal([40, 24], 1).single(&device).require_grad();
            let out = embedding(table.clone(), tensor(&ids, &device));
            let gradients = out.powf_scalar(3.0).sum().backward();
            Ok(table.grad(&gradients).unwrap().into_data())
        })
        .unwrap()
    };
    assert_eq!(run(1), run(2));
}
