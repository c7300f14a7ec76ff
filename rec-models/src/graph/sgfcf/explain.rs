//! Why an item scored as it did.

use rec_core::rank::{Explain, Explanation};

use super::SgfcfModel;
use super::model::scale;
use crate::Result;
use crate::graph::filter::explanation;
use crate::graph::paths::check_ids;

impl Explain for SgfcfModel {
    /// Both filters are linear, so each past item has its part, and the parts add up to the score. What
    /// the scores are divided by, and the user's exponent, are held as they are.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_ids(&self.seen, user, item)?;
        let (m, d) = (self.ids.items.len(), self.config.factors);
        let history = self.seen.row(user as usize);
        let vector = |table: &[f32], i: u32| table[i as usize * d..][..d].to_vec();
        let mut along = self.response(Some(user), history);
        along.iter_mut().zip(vector(&self.weighted, item)).for_each(|(x, w)| *x *= w);
        let linear = self.filter.linear_parts(history, item);
        let [of_ideal, of_linear] = self.sums(user, history, m);
        let parts = history.iter().zip(linear).map(|(&j, linear)| {
            let ideal: f32 = vector(&self.vectors, j).iter().zip(&along).map(|(v, x)| v * x).sum();
            let part = ideal * of_ideal + linear * of_linear;
            (j, part / self.filter.divisors[j as usize])
        });
        Ok(explanation(parts.collect()))
    }
}

impl SgfcfModel {
    /// What the two parts of a user's scores are multiplied by.
    fn sums(&self, user: u32, history: &[u32], m: usize) -> [f32; 2] {
        let d = self.config.factors;
        let low = self.filter.low(&[history], &self.vectors, d);
        let response = self.response(Some(user), history);
        let low: Vec<f32> = low.iter().zip(response).map(|(x, r)| x * r).collect();
        let row = |row: &[f32]| row.iter().zip(&low).map(|(w, x)| w * x).sum();
        let ideal: Vec<f32> = self.weighted.chunks_exact(d).map(row).collect();
        let mut linear = vec![0f32; m];
        self.linear(&[history], |_, item, x| linear[item as usize] += x);
        [scale(&ideal, 1.0), scale(&linear, self.config.gamma)]
    }
}
