use burn::tensor::{Device, Tensor};

use super::{Dropout, dropout, portable};
use crate::ops::check::{Input, agrees, devices, differentiates};

fn tenth(seed: u64) -> Dropout {
    Dropout { probability: 0.1, seed }
}

fn numbers(x: Tensor<2>) -> Vec<f32> {
    x.into_data().iter().collect()
}

#[test]
fn kernels_give_what_burn_gives() {
    for shape in [[1, 1], [3, 7], [130, 33]] {
        agrees(
            |x| dropout(x[0].clone(), tenth(5)),
            |x| portable::dropout(x[0].clone(), tenth(5)),
            &[Input::normal(shape, 5)],
            1e-6,
        );
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let half = Dropout { probability: 0.5, seed: 3 };
    differentiates(
        |x| dropout(x[0].clone(), half),
        |x| portable::dropout(x[0].clone(), half),
        &[Input::normal([4, 5], 6)],
        1e-6,
    );
}

#[test]
fn the_share_is_dropped_everywhere_alike_and_the_mean_stays() {
    const SIDE: usize = 500;
    for device in devices() {
        let ones = Tensor::<2>::ones([SIDE, SIDE], &device);
        let dropped = numbers(dropout(ones, tenth(1)));
        let kept = 1.0 / 0.9;
        assert!(dropped.iter().all(|x| *x == 0.0 || (x - kept).abs() < 1e-6));
        let share = |row: &mut dyn Iterator<Item = f32>| {
            let (zeros, all) = row.fold((0, 0), |(z, n), x| (z + usize::from(x == 0.0), n + 1));
            zeros as f64 / f64::from(all)
        };
        // Five standard deviations of the mean of so many draws.
        let near = |share: f64, draws: usize| {
            assert!((share - 0.1).abs() < 5.0 * (0.09 / draws as f64).sqrt(), "{share}");
        };
        near(share(&mut dropped.iter().copied()), SIDE * SIDE);
        for i in 0..SIDE {
            near(share(&mut dropped[i * SIDE..][..SIDE].iter().copied()), SIDE);
            near(share(&mut dropped.iter().skip(i).step_by(SIDE).copied()), SIDE);
        }
        // Neighbours are independent, along rows and columns.
        let both = |step: usize| {
            let pairs = dropped.iter().zip(dropped.iter().skip(step));
            pairs.filter(|(a, b)| **a == 0.0 && **b == 0.0).count() as f64 / (SIDE * SIDE) as f64
        };
        for step in [1, 2, SIDE, SIDE + 1] {
            assert!((both(step) - 0.01).abs() < 0.001, "{step}: {}", both(step));
        }
    }
}

#[test]
fn seeds_differ_and_nothing_dropped_is_nothing_done() {
    let device = Device::flex();
    let x = Input::normal([20, 30], 2).single(&device);
    let of = |d| numbers(dropout(x.clone(), d));
    assert_eq!(of(tenth(1)), of(tenth(1)));
    assert_ne!(of(tenth(1)), of(tenth(2)));
    assert_eq!(of(Dropout::default()), numbers(x.clone()));
}
