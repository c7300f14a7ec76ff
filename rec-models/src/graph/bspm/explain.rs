//! Why an item scored as it did.

use rec_core::rank::{Explain, Explanation};

use super::BspmModel;
use super::process::{blur, sharpen};
use crate::Result;
use crate::graph::filter::explanation;
use crate::graph::paths::check_ids;

impl BspmModel {
    /// What each item of all would add to the score of this one: the column of the operator that
    /// takes a user's items to their scores.
    fn column(&self, item: u32) -> Vec<f32> {
        let (m, d, filter) = (self.ids.items.len(), self.config.factors, &self.filter);
        let mut alone = vec![0f32; m];
        alone[item as usize] = 1.0;
        // Sharpening is linear in two parts and symmetric, so its columns are those of each part.
        let blurred = sharpen(&self.config, filter, alone.clone(), None, 1);
        let mut column = blur(filter, &blurred, 1);
        if d == 0 || self.config.beta == 0.0 {
            return column;
        }
        let ideal = sharpen(&self.config, filter, vec![0.0; m], Some(&alone), 1);
        let vector = |i: usize| &self.vectors[i * d..][..d];
        let mut low = vec![0f32; d];
        for (i, (x, root)) in ideal.iter().zip(&filter.divisors).enumerate() {
            if *x != 0.0 {
                low.iter_mut().zip(vector(i)).for_each(|(low, v)| *low += x * root * v);
            }
        }
        for (j, (part, root)) in column.iter_mut().zip(&filter.divisors).enumerate() {
            let along: f32 = vector(j).iter().zip(&low).map(|(a, b)| a * b).sum();
            *part += along / root;
        }
        column
    }
}

impl Explain for BspmModel {
    /// The process is linear, so each past item has its part, and the parts add up to the score.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_ids(&self.seen, user, item)?;
        let column = self.column(item);
        let past = self.seen.row(user as usize).iter();
        Ok(explanation(past.map(|&j| (j, column[j as usize])).collect()))
    }
}
