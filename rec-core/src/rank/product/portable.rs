//! The kernels in plain Rust: what machines without AVX2 run, and what the others are tested
//! against.

const LANES: usize = 8;

/// The inner product of two rows of equal length.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let (a_body, a_tail) = a.as_chunks::<LANES>();
    let (b_body, b_tail) = b.as_chunks::<LANES>();
    for (a, b) in a_body.iter().zip(b_body) {
        for j in 0..LANES {
            lanes[j] = a[j].mul_add_or_not(b[j], lanes[j]);
        }
    }
    for (j, (a, b)) in a_tail.iter().zip(b_tail).enumerate() {
        lanes[j] = a.mul_add_or_not(*b, lanes[j]);
    }
    let half = [0, 1, 2, 3].map(|j| lanes[j] + lanes[j + 4]);
    (half[0] + half[1]) + (half[2] + half[3])
}

/// `out = users · itemsᵀ`.
pub(super) fn block(users: &[f32], items: &[f32], dim: usize, out: &mut [f32]) {
    /// Items that stay in the first-level cache while all users pass over them.
    const CHUNK: usize = 64;
    let n_items = items.len() / dim;
    for (c, chunk) in items.chunks(CHUNK * dim).enumerate() {
        for (user, row) in users.chunks_exact(dim).zip(out.chunks_exact_mut(n_items)) {
            for (item, to) in chunk.chunks_exact(dim).zip(&mut row[c * CHUNK..]) {
                *to = dot(user, item);
            }
        }
    }
}

trait MulAdd {
    fn mul_add_or_not(self, b: f32, c: f32) -> f32;
}

impl MulAdd for f32 {
    /// Fused where the target always has the instruction: elsewhere `mul_add` is a slow call.
    #[inline(always)]
    fn mul_add_or_not(self, b: f32, c: f32) -> f32 {
        if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
            self.mul_add(b, c)
        } else {
            self * b + c
        }
    }
}
