//! Large matrix products into given memory.

/// `out (+)= a b` for `[m, k] × [k, n]`; each matrix with its strides `[row, column]`.
pub(super) fn product(
    out: &mut [f32],
    [m, k, n]: [usize; 3],
    (a, a_strides): (&[f32], [usize; 2]),
    (b, b_strides): (&[f32], [usize; 2]),
    add: bool,
) {
    assert!(out.len() == m * n && a.len() == m * k && b.len() == k * n, "sizes disagree");
    if out.is_empty() {
        return;
    }
    let parallelism =
        if m * n * k >= 1 << 20 { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    // SAFETY: the sizes are checked above, and every stride walks its own matrix row- or
    // column-major within them.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.as_ptr(),
            a_strides[1] as isize,
            a_strides[0] as isize,
            b.as_ptr(),
            b_strides[1] as isize,
            b_strides[0] as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
