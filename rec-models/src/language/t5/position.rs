//! Relative positions in classes.

use burn::tensor::{Int, Tensor, TensorData};

use super::T5Config;
use crate::language::layers::Embedding;

/// The class of `key position − query position` in an encoder (Raffel et al. 2020, §2.1, as
/// published in code): half the classes for each direction; of those, half for one distance each,
/// half for ranges that grow geometrically up to `max_distance`.
pub(super) fn bucket(relative: i64, buckets: usize, max_distance: usize) -> usize {
    let each = buckets / 2;
    let side = if relative > 0 { each } else { 0 };
    let distance = relative.unsigned_abs() as usize;
    let exact = each / 2;
    if distance < exact {
        return side + distance;
    }
    // In single precision, as the models were trained with: at the borders of the ranges the last
    // bit decides.
    let ranges = (each - exact) as f32;
    let growth = (max_distance as f64 / exact as f64).ln() as f32;
    let range = ((distance as f32 / exact as f32).ln() / growth * ranges) as usize;
    side + (exact + range).min(each - 1)
}

/// What is added to each head's scores, by the table's vectors of the classes:
/// `[heads, longest, longest]`.
pub(super) fn bias(table: &Embedding, longest: usize, config: &T5Config) -> Tensor<3> {
    let (buckets, max) =
        (config.relative_attention_num_buckets, config.relative_attention_max_distance);
    let n = longest as i64;
    // Only the difference counts: 2n − 1 of them, each looked up once.
    let classes: Vec<i32> = (1 - n..n).map(|d| bucket(d, buckets, max) as i32).collect();
    let at = |query: i64| (0..n).map(move |key| (key - query + n - 1) as usize);
    let grid: Vec<i32> = (0..n).flat_map(|query| at(query).map(|i| classes[i])).collect();
    let device = table.weight.device();
    let ids = Tensor::<1, Int>::from_data(TensorData::new(grid, [longest * longest]), &device);
    let (_, heads) = table.dims();
    table.forward(ids).transpose().reshape([heads, longest, longest])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_distances_have_a_class_each_and_far_ones_share() {
        let class = |relative| bucket(relative, 32, 128);
        assert_eq!((0..8).map(|i| class(-i)).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
        assert_eq!((1..8).map(class).collect::<Vec<_>>(), (17..24).collect::<Vec<_>>());
        // 8 · 16^(1/8) = 11.3 ends the first range.
        assert_eq!([class(-8), class(-11), class(-12)], [8, 8, 9]);
        assert_eq!([class(-127), class(-5000), class(5000)], [15, 15, 31]);
    }

    /// Buckets, largest distance, and where `_relative_position_bucket` of transformers 5.23 begins
    /// a new class, among distances below 400.
    const BORDERS: [(usize, usize, &[usize]); 5] = [
        (32, 128, &[1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]),
        (12, 40, &[1, 2, 3, 8, 17]),
        (16, 64, &[1, 2, 3, 4, 8, 16, 32]),
        (20, 77, &[1, 2, 3, 4, 5, 9, 15, 26, 45]),
        (
            64,
            256,
            &[
                1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 23, 27, 32, 39, 46, 54,
                64, 77, 91, 108, 128, 153, 182, 216,
            ],
        ),
    ];

    #[test]
    fn classes_begin_where_published() {
        for (buckets, max_distance, borders) in BORDERS {
            for distance in 0..400 {
                let class = borders.iter().filter(|border| **border <= distance).count();
                let got = |sign: i64| bucket(sign * distance as i64, buckets, max_distance);
                let what = format!("{buckets} classes up to {max_distance}, at {distance}");
                assert_eq!(got(-1), class, "{what} before");
                let side = if distance > 0 { buckets / 2 } else { 0 };
                assert_eq!(got(1), side + class, "{what} after");
            }
        }
    }
}
