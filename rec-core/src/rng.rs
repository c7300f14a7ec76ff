//! Seeded random streams: one seed a run, one independent stream a purpose.
//!
//! The generator (xoshiro256++) and the derivation of a stream from its seed and name are part of
//! the library's contract: the same seed gives the same numbers on every platform and release.

use rand::SeedableRng;
pub use rand_xoshiro::Xoshiro256PlusPlus as Rng;

/// The stream of `seed` for one purpose; `lane` tells apart its parallel users (workers, epochs,
/// blocks). Streams of different names or lanes are independent for all practical purposes.
pub fn stream(seed: u64, name: &str, lane: u64) -> Rng {
    let mut state = mix(seed);
    for byte in name.bytes() {
        state = mix(state ^ u64::from(byte));
    }
    Rng::seed_from_u64(mix(state ^ lane.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
pub fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn streams_are_reproducible_and_apart() {
        let first = stream(1, "split", 0).next_u64();
        assert_eq!(first, stream(1, "split", 0).next_u64());
        assert_ne!(first, stream(2, "split", 0).next_u64());
        assert_ne!(first, stream(1, "negatives", 0).next_u64());
        assert_ne!(first, stream(1, "split", 1).next_u64());
    }

    #[test]
    fn splitmix_matches_its_published_first_output() {
        assert_eq!(mix(0), 0xE220_A839_7B1D_CDAF);
    }
}
