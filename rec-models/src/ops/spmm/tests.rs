use burn::tensor::Device;
use rand::RngExt as _;
use rec_core::data::Csr;

use super::cpu::{Into, Only, multiply};
use super::{Sparse, Steps, portable, propagate, spmm};
use crate::ops::check::{Input, agrees, differentiates};

/// A matrix with some rows empty, one full (a hub), and weights of either sign.
fn matrix(rows: usize, columns: usize, weighted: bool) -> Csr {
    let mut rng = rec_core::rng::stream(5, "spmm", 0);
    let rows = (0..rows).map(|i| {
        let share = match i % 4 {
            _ if i == 1 => 1.0,
            3 => 0.0,
            _ => 0.2,
        };
        let had: Vec<u32> = (0..columns as u32).filter(|_| rng.random::<f64>() < share).collect();
        had.into_iter().map(|j| (j, rng.random::<f32>() * 2.0 - 1.0)).collect()
    });
    let matrix = Csr::from_rows(rows.collect::<Vec<_>>(), columns);
    if weighted { matrix } else { matrix.binary() }
}

#[test]
fn kernels_give_what_burn_gives() {
    for (rows, columns, d) in [(1, 1, 1), (9, 5, 3), (40, 31, 17), (65, 300, 64), (30, 30, 130)] {
        for weighted in [true, false] {
            let sparse = Sparse::new(matrix(rows, columns, weighted));
            agrees(
                |x| spmm(&sparse, x[0].clone()),
                |x| portable::steps(&sparse, x[0].clone(), Steps::Product),
                &[Input::normal([columns, d], 1)],
                1e-5,
            );
        }
    }
}

#[test]
fn propagation_gives_what_burn_gives() {
    for (n, d, layers) in [(1, 1, 0), (12, 5, 1), (41, 64, 3), (33, 20, 2)] {
        let scaled = matrix(n, n, true).map_values(|_, _, w| w * 0.3);
        let sparse = Sparse::new(scaled);
        agrees(
            |x| propagate(&sparse, x[0].clone(), layers),
            |x| portable::steps(&sparse, x[0].clone(), Steps::Mean { layers }),
            &[Input::normal([n, d], 1)],
            1e-5,
        );
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let sparse = Sparse::new(matrix(6, 4, true));
    differentiates(
        |x| spmm(&sparse, x[0].clone()),
        |x| portable::steps(&sparse, x[0].clone(), Steps::Product),
        &[Input::normal([4, 3], 1)],
        1e-5,
    );
    let square = Sparse::new(matrix(5, 5, true));
    differentiates(
        |x| propagate(&square, x[0].clone(), 3),
        |x| portable::steps(&square, x[0].clone(), Steps::Mean { layers: 3 }),
        &[Input::normal([5, 3], 1)],
        1e-5,
    );
}

#[test]
fn the_mean_of_powers_by_hand() {
    // 0 → 1 with weight 2: x = (1, 3), A x = (6, 0), A² x = 0; the mean of three.
    let sparse = Sparse::new(Csr::from_rows([vec![(1, 2.0)], vec![]], 2));
    let x = burn::tensor::Tensor::<2>::from_data([[1.0f32], [3.0]], &Device::flex());
    let mean: Vec<f32> = propagate(&sparse, x, 2).into_data().iter::<f32>().collect();
    assert!((mean[0] - 7.0 / 3.0).abs() < 1e-6 && (mean[1] - 1.0).abs() < 1e-6, "{mean:?}");
}

#[test]
fn parts_left_out_change_nothing_else_and_threads_change_nothing() {
    let (n, d) = (3000, 48);
    let matrix = matrix(n, n, true);
    let x: Vec<f32> = (0..n * d).map(|i| ((i * 7919) % 101) as f32 / 50.0 - 1.0).collect();
    let run = |threads, only: Only<'_>, x: &[f32]| {
        let mut out = vec![9.0; n * d];
        rec_core::parallel::install(Some(threads), || {
            multiply(&matrix, x, d, only, Into { product: Some(&mut out), sum: None });
            Ok(())
        })
        .unwrap();
        out
    };
    let whole = run(1, Only::default(), &x);
    assert_eq!(whole, run(2, Only::default(), &x));
    let some: Vec<bool> = (0..n).map(|i| i % 3 == 0).collect();
    let rows = run(2, Only { rows: Some(&some), columns: None }, &x);
    for i in 0..n * d {
        assert_eq!(rows[i], if some[i / d] { whole[i] } else { 9.0 });
    }
    let mut gaps = x;
    gaps.iter_mut().enumerate().filter(|(i, _)| !some[i / d]).for_each(|(_, x)| *x = 0.0);
    let skipped = run(2, Only { rows: None, columns: Some(&some) }, &gaps);
    assert_eq!(skipped, run(1, Only::default(), &gaps));
}

#[cfg(feature = "libtorch")]
#[test]
fn bf16_gives_what_single_precision_gives() {
    let sparse = Sparse::new(matrix(40, 31, true));
    crate::ops::check::agrees_in_bf16(
        |x| spmm(&sparse, x[0].clone()),
        |x| portable::steps(&sparse, x[0].clone(), Steps::Product),
        &[Input::normal([31, 24], 1)],
        0.02,
    );
}
