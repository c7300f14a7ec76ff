//! What a friendship counts by what two friends have in common.

use rec_core::data::Csr;

/// Weights times the cosine of both friends' items: `|R_u ∩ R_v| / √(|R_u| |R_v|)`. Of someone without
/// items nothing is known to tell their friends apart by: theirs stay whole.
pub(super) fn weighed(friends: &Csr, seen: &Csr) -> Csr {
    friends.map_values(|u, v, weight| weight * cosine(seen.row(u), seen.row(v as usize)))
}

/// The cosine of two sets, ascending; 1 where one is empty.
pub(super) fn cosine(a: &[u32], b: &[u32]) -> f32 {
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let common = few.iter().filter(|&item| many.binary_search(item).is_ok()).count();
    common as f32 / (a.len() as f32 * b.len() as f32).sqrt()
}
