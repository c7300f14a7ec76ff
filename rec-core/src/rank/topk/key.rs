//! A scored item as one number, so that the order of ranking is the order of integers.

/// Items must stay below this: a key has 31 bits for them.
pub(super) const MAX_ITEMS: usize = 1 << 31;

/// The key of a scored item: a better item has a larger key. From the top: 32 bits of score (the
/// order of floats, `-0` counted as `0`), one bit set unless the item loses ties, and 31 bits that
/// fall as the id grows. The score is not NaN.
#[inline(always)]
pub(super) fn key(item: u32, score: f32, loses: bool) -> u64 {
    let bits = (score + 0.0).to_bits();
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(ordered) << 32 | u64::from(!(item | u32::from(loses) << 31))
}

/// The item and score of a key.
#[inline(always)]
pub(super) fn parts(key: u64) -> (u32, f32) {
    let ordered = (key >> 32) as u32;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    (!(key as u32) & !(1 << 31), f32::from_bits(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_by_score_then_ties_then_id_and_come_back() {
        let scores = [f32::NEG_INFINITY, -2.5, -1e-40, 0.0, 1e-40, 1.0, 3e38, f32::INFINITY];
        let mut last = 0;
        for score in scores {
            for loses in [true, false] {
                for item in [(1 << 31) - 1, 7, 0] {
                    let key = key(item, score, loses);
                    assert!(key > last || last == 0, "{score} {loses} {item}");
                    assert_eq!(parts(key), (item, score));
                    last = key;
                }
            }
        }
        assert_eq!(key(3, -0.0, false), key(3, 0.0, false));
    }
}
