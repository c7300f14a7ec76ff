//! Draws from any discrete distribution in constant time.

use super::draw::{split, unit};
use crate::rng::Rng;
use crate::{Error, Result};

/// The alias method in Vose's construction (M. D. Vose, "A linear algorithm for generating random
/// numbers with a given distribution", IEEE TSE 17(9), 1991): built in O(n), a draw costs one
/// random number and one table look-up. Probabilities are exact to 2⁻³² of a cell.
#[derive(Clone, Debug)]
pub struct AliasTable {
    cells: Vec<Cell>,
}

/// The cell's own outcome below the threshold (of 2³²), its alias above it.
#[derive(Clone, Copy, Debug)]
struct Cell {
    threshold: u32,
    alias: u32,
}

impl AliasTable {
    /// A table that draws `i` in proportion to `weights[i]`.
    ///
    /// # Errors
    /// [`Error::Data`] for a weight that is negative or not finite, [`Error::Empty`] if none is
    /// positive.
    pub fn new(weights: &[f64]) -> Result<Self> {
        if let Some(w) = weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            return Err(Error::data("sampling weights", format!("{w} is not a weight ≥ 0")));
        }
        let total: f64 = weights.iter().sum();
        let scale = weights.len() as f64 / total;
        if !(total.is_finite() && total > 0.0 && scale.is_finite()) {
            return Err(Error::empty("sampling weights", "their sum must be positive and finite"));
        }
        let mut mass: Vec<f64> = weights.iter().map(|w| w * scale).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..weights.len() as u32).partition(|&i| mass[i as usize] < 1.0);
        let heaviest =
            (0..weights.len()).fold(0, |a, b| if weights[b] > weights[a] { b } else { a });
        let mut cells: Vec<Cell> =
            (0..weights.len() as u32).map(|alias| Cell { threshold: u32::MAX, alias }).collect();
        while let (Some(&poor), Some(&rich)) = (small.last(), large.last()) {
            small.pop();
            cells[poor as usize] = Cell { threshold: fixed(mass[poor as usize]), alias: rich };
            mass[rich as usize] -= 1.0 - mass[poor as usize];
            if mass[rich as usize] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        // Left over by rounding: full cells, unless the outcome is impossible.
        for poor in small {
            if weights[poor as usize] == 0.0 {
                cells[poor as usize] = Cell { threshold: 0, alias: heaviest as u32 };
            }
        }
        Ok(Self { cells })
    }

    /// Number of outcomes, impossible ones included.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none; never true of a table that was built.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Draws an outcome.
    #[inline]
    pub fn draw(&self, rng: &mut Rng) -> u32 {
        let (own, fraction) = split(rng, self.cells.len() as u32);
        let cell = self.cells[own as usize];
        if fraction < cell.threshold { own } else { cell.alias }
    }
}

fn fixed(probability: f64) -> u32 {
    (probability * (u64::from(u32::MAX) + 1) as f64) as u32
}

/// Draws from the same distribution restricted to the complement of a few outcomes, exactly.
#[derive(Clone, Debug)]
pub(super) struct Cumulative {
    /// `sums[i]` is the weight of all outcomes before `i`: `[n + 1]`.
    sums: Vec<f64>,
}

impl Cumulative {
    pub(super) fn new(weights: &[f64]) -> Self {
        let mut sums = Vec::with_capacity(weights.len() + 1);
        let mut sum = 0.0;
        sums.push(sum);
        for w in weights {
            sum += w;
            sums.push(sum);
        }
        Self { sums }
    }

    /// Draws an outcome that is not excluded (ascending, distinct); `None` if the others weigh
    /// nothing. Costs O(excluded + log n).
    pub(super) fn draw_except(&self, rng: &mut Rng, excluded: &[u32]) -> Option<u32> {
        let mass = |(from, to): (usize, usize)| self.sums[to] - self.sums[from];
        let total: f64 = self.gaps(excluded).map(mass).sum();
        let mut left = unit(rng) * total;
        let mut last = None;
        for gap in self.gaps(excluded).filter(|&gap| mass(gap) > 0.0) {
            if left < mass(gap) {
                return self.outcome(gap, self.sums[gap.0] + left);
            }
            left -= mass(gap);
            last = Some(gap);
        }
        // Rounding carried the draw past the end: it belongs to the end of the last gap.
        last.and_then(|gap| self.outcome(gap, f64::INFINITY))
    }

    /// Runs `from..to` of outcomes between the excluded ones.
    fn gaps<'a>(&'a self, excluded: &'a [u32]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let n = self.sums.len() - 1;
        let starts = std::iter::once(0).chain(excluded.iter().map(|&e| e as usize + 1));
        let ends = excluded.iter().map(|&e| e as usize).chain(std::iter::once(n));
        starts.zip(ends).filter(|(from, to)| from < to)
    }

    /// The possible outcome of a gap at which the running sum passes `target`.
    fn outcome(&self, (from, to): (usize, usize), target: f64) -> Option<u32> {
        let after = &self.sums[from + 1..=to];
        let at = from + after.partition_point(|&sum| sum <= target).min(after.len() - 1);
        (from..=at).rev().find(|&i| self.sums[i + 1] > self.sums[i]).map(|i| i as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::super::draw::tests::assert_fits;
    use super::*;
    use crate::rng::stream;
    use proptest::prelude::*;

    /// The exact probability that a table gives each outcome.
    fn probabilities(table: &AliasTable) -> Vec<f64> {
        let n = table.len() as f64;
        let mut p = vec![0.0; table.len()];
        for (own, cell) in table.cells.iter().enumerate() {
            let keep = f64::from(cell.threshold) / (u64::from(u32::MAX) + 1) as f64;
            p[own] += keep / n;
            p[cell.alias as usize] += (1.0 - keep) / n;
        }
        p
    }

    proptest! {
        #[test]
        fn the_table_holds_the_distribution(
            weights in proptest::collection::vec(prop_oneof![Just(0.0), 1e-3f64..1e3], 1..200)
        ) {
            prop_assume!(weights.iter().sum::<f64>() > 0.0);
            let table = AliasTable::new(&weights).unwrap();
            let total: f64 = weights.iter().sum();
            for (p, w) in probabilities(&table).iter().zip(&weights) {
                prop_assert!((p - w / total).abs() < 1e-8, "{} for {}", p, w / total);
                prop_assert!(*w > 0.0 || *p == 0.0);
            }
        }
    }

    #[test]
    fn draws_fit_the_weights() {
        let weights = [5.0, 0.0, 1.0, 0.5, 20.0];
        let table = AliasTable::new(&weights).unwrap();
        let sums = Cumulative::new(&weights);
        let mut rng = stream(1, "test", 0);
        let (mut counts, mut except) = ([0; 5], [0; 5]);
        for _ in 0..50_000 {
            counts[table.draw(&mut rng) as usize] += 1;
            except[sums.draw_except(&mut rng, &[2, 4]).unwrap() as usize] += 1;
        }
        assert_fits(&counts, &weights);
        assert_fits(&except, &[5.0, 0.0, 0.0, 0.5, 0.0]);
        assert_eq!(sums.draw_except(&mut rng, &[0, 2, 3, 4]), None);
    }

    #[test]
    fn weights_that_are_none_are_refused() {
        assert!(matches!(AliasTable::new(&[]), Err(Error::Empty { .. })));
        assert!(matches!(AliasTable::new(&[0.0, 0.0]), Err(Error::Empty { .. })));
        assert!(matches!(AliasTable::new(&[1.0, -1.0]), Err(Error::Data { .. })));
        assert!(matches!(AliasTable::new(&[f64::NAN]), Err(Error::Data { .. })));
        assert!(AliasTable::new(&[f64::MAX, f64::MAX]).is_err());
    }
}
