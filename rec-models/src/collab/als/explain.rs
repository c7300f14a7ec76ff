//! Why an item scored as it did (Hu, Koren and Volinsky 2008, section 5).

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};
use rec_core::rank::{Explain, Explanation};

use super::AlsModel;
use crate::{Error, Result};

impl Explain for AlsModel {
    /// `score(u, i) = Σ_j c_uj y_iᵀ A_u⁻¹ y_j` over the user's past items `j`, with the user's
    /// matrix `A_u = YᵀY + λI + Σ_j (c_uj - 1) y_j y_jᵀ`: each term is `j`'s part.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        let dim = self.config.factors;
        let n_items = self.items.len() / dim;
        if user as usize >= self.weights.n_rows() {
            return Err(Error::shape("dense user", format!("< {}", self.weights.n_rows()), user));
        }
        if item as usize >= n_items {
            return Err(Error::shape("dense item", format!("< {n_items}"), item));
        }
        let past: Vec<(u32, f64)> = self
            .weights
            .iter_row(user as usize)
            .map(|(j, w)| (j, f64::from(self.config.alpha) * f64::from(w)))
            .collect();
        let pull = self.pull(&past, item)?;
        let mut contributions: Vec<(u32, f32)> = past
            .iter()
            .map(|&(j, c)| {
                let y = self.item(j).iter().zip(&pull);
                (j, (c * y.map(|(&y, p)| f64::from(y) * p).sum::<f64>()) as f32)
            })
            .collect();
        contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let x = &self.users[user as usize * dim..][..dim];
        let score = x.iter().zip(self.item(item)).map(|(x, y)| x * y).sum();
        Ok(Explanation { score, contributions, exact: true })
    }
}

impl AlsModel {
    fn item(&self, item: u32) -> &[f32] {
        let dim = self.config.factors;
        &self.items[item as usize * dim..][..dim]
    }

    /// `A_u⁻¹ y_i`, in double precision.
    fn pull(&self, past: &[(u32, f64)], item: u32) -> Result<Vec<f64>> {
        let dim = self.config.factors;
        let mut a = Mat::from_fn(dim, dim, |r, c| f64::from(self.gram[r * dim + c]));
        for &(j, confidence) in past {
            let y = self.item(j);
            for c in 0..dim {
                let t = (confidence - 1.0) * f64::from(y[c]);
                for r in c..dim {
                    a[(r, c)] += t * f64::from(y[r]);
                }
            }
        }
        let llt = a.llt(Side::Lower).map_err(|_| {
            Error::data("the user's equations", "they are singular; train with l2 above 0")
        })?;
        let y = self.item(item);
        let solved = llt.solve(&Mat::from_fn(dim, 1, |r, _| f64::from(y[r])));
        Ok((0..dim).map(|r| solved[(r, 0)]).collect())
    }
}
