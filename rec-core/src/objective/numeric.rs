//! Gradients by finite differences, for tests.

use ndarray::{Array, Dimension};

/// Asserts that `gradient` is that of `loss` at `at`, by central differences.
pub(super) fn assert_gradient<D: Dimension>(
    at: &Array<f64, D>,
    gradient: &Array<f64, D>,
    loss: impl Fn(&Array<f64, D>) -> f64,
) {
    const STEP: f64 = 1e-5;
    assert_eq!(at.shape(), gradient.shape());
    let mut moved = at.clone();
    for (index, &got) in gradient.iter().enumerate() {
        let mut nudged = |by: f64| {
            moved.as_slice_mut().unwrap()[index] += by;
            let value = loss(&moved);
            moved.as_slice_mut().unwrap()[index] = at.as_slice().unwrap()[index];
            value
        };
        let want = (nudged(STEP) - nudged(-STEP)) / (2.0 * STEP);
        assert!((got - want).abs() < 1e-5 * want.abs().max(1.0), "{got} is not {want}");
    }
}
