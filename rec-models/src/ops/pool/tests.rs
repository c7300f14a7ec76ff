use super::{Packed, Reduction, pool, portable};
use crate::ops::check::{Input, agrees, differentiates};

fn cases() -> [Packed; 3] {
    [
        Packed::from_lengths([1]),
        Packed::from_lengths([2, 1, 4]),
        Packed::from_lengths([3, 0, 5, 0, 1]),
    ]
}

#[test]
fn kernels_give_what_burn_gives() {
    for rows in cases() {
        for d in [1, 3, 64] {
            for reduction in [Reduction::Mean, Reduction::Max] {
                agrees(
                    |x| pool(x[0].clone(), &rows, reduction),
                    |x| portable::pool(x[0].clone(), &rows, reduction),
                    &[Input::normal([rows.rows(), d], 5)],
                    1e-6,
                );
            }
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for rows in cases() {
        for reduction in [Reduction::Mean, Reduction::Max] {
            differentiates(
                |x| pool(x[0].clone(), &rows, reduction),
                |x| portable::pool(x[0].clone(), &rows, reduction),
                &[Input::normal([rows.rows(), 4], 6)],
                1e-6,
            );
        }
    }
}
