//! The kernels against 64-bit sums and against each other.

use rand::RngExt as _;

use super::*;

fn table(rows: usize, dim: usize, lane: u64) -> Vec<f32> {
    let mut rng = crate::rng::stream(11, "table", lane);
    (0..rows * dim).map(|_| rng.random_range(-1.0..1.0)).collect()
}

#[test]
fn products_are_right_and_the_same_alone_and_in_a_block() {
    for dim in [1, 3, 7, 8, 9, 64, 100, 257] {
        for (n, m) in [(1, 1), (4, 3), (5, 67), (9, 130), (3, 2)] {
            let (users, items) = (table(n, dim, 0), table(m, dim, 1));
            let mut out = vec![f32::NAN; n * m];
            scores_block(&users, &items, dim, &mut out).unwrap();
            let mut plain = vec![f32::NAN; n * m];
            portable::block(&users, &items, dim, &mut plain);
            for (at, (&got, &plain)) in out.iter().zip(&plain).enumerate() {
                let (u, i) = (&users[at / m * dim..][..dim], &items[at % m * dim..][..dim]);
                let exact: f64 = u.iter().zip(i).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                assert!((f64::from(got) - exact).abs() < 1e-7 * (dim as f64 + 8.0), "dim {dim}");
                assert!((f64::from(plain) - exact).abs() < 1e-7 * (dim as f64 + 8.0), "dim {dim}");
                assert_eq!(got, dot(u, i), "dim {dim}, {n} × {m}, at {at}");
                assert_eq!(plain, portable::dot(u, i));
            }
        }
    }
}

#[test]
fn sizes_must_fit() {
    assert!(scores_block(&[1.0; 4], &[1.0; 6], 2, &mut [0.0; 6]).is_ok());
    assert!(scores_block(&[1.0; 4], &[1.0; 6], 2, &mut [0.0; 5]).is_err());
    assert!(scores_block(&[1.0; 4], &[1.0; 5], 2, &mut [0.0; 6]).is_err());
    assert!(scores_block(&[1.0; 4], &[1.0; 6], 0, &mut []).is_err());
    assert!(scores_block(&[], &[1.0; 6], 2, &mut []).is_ok());
    assert_eq!(dot(&[1.0, 2.0, 3.0], &[4.0, 5.0]), 14.0);
    assert_eq!(dot(&[], &[]), 0.0);
}
