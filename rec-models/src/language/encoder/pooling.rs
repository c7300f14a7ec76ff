//! From a vector a token to a vector a text.

use std::ops::Range;
use std::str::FromStr;

use burn::tensor::{Int, Tensor};

use crate::ops::{Packed, Reduction, pool};
use crate::{Error, Result};

/// How the vectors of a text's tokens become one. Names are those of sentence-transformers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolingMode {
    /// The first token's (`cls`).
    Cls,
    /// The largest value of each column (`max`).
    Max,
    /// The mean over tokens, special ones included (`mean`).
    Mean,
    /// The sum over tokens divided by the root of their number (`mean_sqrt_len_tokens`).
    MeanSqrtLenTokens,
    /// The mean weighted by position, 1 for the first token (`weightedmean`; Muennighoff 2022).
    #[serde(rename = "weightedmean")]
    WeightedMean,
    /// The last token's (`lasttoken`), for decoders.
    #[serde(rename = "lasttoken")]
    LastToken,
}

const NAMES: [(&str, PoolingMode); 6] = [
    ("cls", PoolingMode::Cls),
    ("max", PoolingMode::Max),
    ("mean", PoolingMode::Mean),
    ("mean_sqrt_len_tokens", PoolingMode::MeanSqrtLenTokens),
    ("weightedmean", PoolingMode::WeightedMean),
    ("lasttoken", PoolingMode::LastToken),
];

impl FromStr for PoolingMode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, mode)| *mode).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
            Error::parameter("pooling", name, format!("choose one of {}", names.join(", ")))
        })
    }
}

impl std::fmt::Display for PoolingMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = NAMES.iter().find(|(_, mode)| mode == self).map_or("", |(name, _)| *name);
        f.write_str(name)
    }
}

impl PoolingMode {
    /// `[tokens, d] → [texts, d]`. The first `skip[i]` tokens of text `i` are left out, where the
    /// text has more than those. Every text has a token.
    pub fn apply(self, hidden: Tensor<2>, rows: &Packed, skip: &[usize]) -> Tensor<2> {
        match self {
            Self::Cls => select(hidden, kept(rows, skip).map(|r| r.start)),
            Self::LastToken => select(hidden, rows.ranges().map(|r| r.end - 1)),
            Self::WeightedMean => weighted(hidden, rows, skip),
            Self::Max => {
                let (hidden, rows) = without_start(hidden, rows, skip);
                pool(hidden, &rows, Reduction::Max)
            }
            Self::Mean => {
                let (hidden, rows) = without_start(hidden, rows, skip);
                pool(hidden, &rows, Reduction::Mean)
            }
            Self::MeanSqrtLenTokens => {
                let (hidden, rows) = without_start(hidden, rows, skip);
                let roots: Vec<f32> = rows.ranges().map(|r| (r.len() as f32).sqrt()).collect();
                scale(pool(hidden, &rows, Reduction::Mean), &roots)
            }
        }
    }
}

/// The rows of each text that are pooled: all of them where it has none but those to skip.
fn kept<'a>(rows: &'a Packed, skip: &'a [usize]) -> impl Iterator<Item = Range<usize>> + 'a {
    let numbered = rows.ranges().zip(skip);
    numbered.map(|(r, &skip)| if r.len() > skip { r.start + skip..r.end } else { r })
}

fn select(hidden: Tensor<2>, rows: impl Iterator<Item = usize>) -> Tensor<2> {
    let rows: Vec<i32> = rows.map(|row| row as i32).collect();
    let rows = Tensor::<1, Int>::from_ints(rows.as_slice(), &hidden.device());
    hidden.select(0, rows)
}

fn without_start(hidden: Tensor<2>, rows: &Packed, skip: &[usize]) -> (Tensor<2>, Packed) {
    if skip.iter().all(|&skip| skip == 0) {
        return (hidden, rows.clone());
    }
    let lengths = Packed::from_lengths(kept(rows, skip).map(|r| r.len()));
    (select(hidden, kept(rows, skip).flatten()), lengths)
}

/// Each row times its factor.
fn scale(x: Tensor<2>, factors: &[f32]) -> Tensor<2> {
    let column = Tensor::<1>::from_floats(factors, &x.device()).cast(x.dtype());
    x * column.unsqueeze_dim(1)
}

/// `Σ i·xᵢ / Σ i` over the positions `i`, from 1, that are not skipped.
fn weighted(hidden: Tensor<2>, rows: &Packed, skip: &[usize]) -> Tensor<2> {
    let weights = rows.ranges().zip(kept(rows, skip)).flat_map(|(all, kept)| {
        let positions = kept.start - all.start + 1..=all.len();
        let scale = kept.len() as f32 / positions.clone().sum::<usize>() as f32;
        positions.map(move |i| i as f32 * scale)
    });
    let weights: Vec<f32> = weights.collect();
    let (hidden, rows) = without_start(hidden, rows, skip);
    pool(scale(hidden, &weights), &rows, Reduction::Mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn pooled(mode: PoolingMode, skip: usize) -> Vec<f32> {
        let hidden = [[1.0, 8.0], [3.0, 2.0], [5.0, 5.0], [7.0, -1.0]];
        let hidden = Tensor::<2>::from_floats(hidden, &Device::flex());
        let rows = Packed::from_lengths([3, 1]);
        mode.apply(hidden, &rows, &[skip, skip]).into_data().iter::<f32>().collect()
    }

    #[test]
    fn every_mode_by_hand() {
        let root = 3f32.sqrt();
        let close = |mode, expected: [f32; 4]| {
            for (got, expected) in pooled(mode, 0).iter().zip(expected) {
                assert!((got - expected).abs() < 1e-5, "{mode}: {got} for {expected}");
            }
        };
        close(PoolingMode::Cls, [1.0, 8.0, 7.0, -1.0]);
        close(PoolingMode::LastToken, [5.0, 5.0, 7.0, -1.0]);
        close(PoolingMode::Max, [5.0, 8.0, 7.0, -1.0]);
        close(PoolingMode::Mean, [3.0, 5.0, 7.0, -1.0]);
        close(PoolingMode::MeanSqrtLenTokens, [9.0 / root, 15.0 / root, 7.0, -1.0]);
        close(PoolingMode::WeightedMean, [22.0 / 6.0, 27.0 / 6.0, 7.0, -1.0]);
    }

    #[test]
    fn a_prompt_is_left_out_where_something_else_is_there() {
        assert_eq!(pooled(PoolingMode::Mean, 1), [4.0, 3.5, 7.0, -1.0]);
        assert_eq!(pooled(PoolingMode::Cls, 2), [5.0, 5.0, 7.0, -1.0]);
        assert_eq!(pooled(PoolingMode::Max, 1), [5.0, 5.0, 7.0, -1.0]);
        let weighted = pooled(PoolingMode::WeightedMean, 1);
        assert!((weighted[0] - 21.0 / 5.0).abs() < 1e-5, "{weighted:?}");
    }

    #[test]
    fn names_read_back() {
        for (name, mode) in NAMES {
            assert_eq!(name.parse::<PoolingMode>().unwrap(), mode);
            assert_eq!(mode.to_string(), name);
        }
        assert!("average".parse::<PoolingMode>().unwrap_err().to_string().contains("mean"));
    }
}
