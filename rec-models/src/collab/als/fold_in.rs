//! New users and items: their equations solved against the trained other side.

use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::rank::History;

use super::AlsModel;
use super::cholesky::{Equations, Scratch};
use super::gram::gram;
use super::kernel::Level;
use super::row::Row;
use crate::{Error, Result};

impl AlsModel {
    /// Factors of new users from what they had (dense items with weights): row-major
    /// `[histories.len(), factors]`. A repeated item's weights add up; a user without history gets
    /// zeros.
    ///
    /// # Errors
    /// [`Error::Data`] for a weight that is negative or not finite, [`Error::Shape`] for an item
    /// past the catalogue.
    pub fn fold_in_users(&self, histories: &[History]) -> Result<Vec<f32>> {
        self.fold_in("item", histories, &self.items, &self.gram)
    }

    /// Factors of new items from who had them (dense users with weights): row-major
    /// `[histories.len(), factors]`. A repeated user's weights add up; an item without history gets
    /// zeros.
    ///
    /// # Errors
    /// [`Error::Data`] for a weight that is negative or not finite, [`Error::Shape`] for a user the
    /// model does not have.
    pub fn fold_in_items(&self, histories: &[History]) -> Result<Vec<f32>> {
        let gram = gram(Level::detect(), &self.users, self.config.factors, self.config.l2);
        self.fold_in("user", histories, &self.users, &gram)
    }

    fn fold_in(
        &self,
        what: &str,
        histories: &[History],
        factors: &[f32],
        gram: &[f32],
    ) -> Result<Vec<f32>> {
        let (dim, level) = (self.config.factors, Level::detect());
        check(what, histories, factors.len() / dim)?;
        let rows = Csr::from_rows(histories.iter().cloned(), factors.len() / dim);
        let equations = Equations::new(gram, dim, false)?;
        let mut out = vec![0f32; histories.len() * dim];
        out.par_chunks_mut(dim).enumerate().try_for_each_init(
            || Scratch::new(dim),
            |scratch, (at, x)| {
                let (cols, weights) = (rows.row(at), rows.row_values(at));
                if !cols.is_empty() {
                    let row = Row { cols, weights, alpha: self.config.alpha, factors, dim };
                    equations.solve(level, row, x, scratch)?;
                }
                Ok::<_, Error>(())
            },
        )?;
        Ok(out)
    }
}

fn check(what: &str, histories: &[History], n: usize) -> Result<()> {
    for &(id, weight) in histories.iter().flatten() {
        if id as usize >= n {
            return Err(Error::shape(format!("dense {what} of a history"), format!("< {n}"), id));
        }
        if !(weight.is_finite() && weight >= 0.0) {
            return Err(Error::data(
                format!("weight {weight} of {what} {id} in a history"),
                "als takes finite weights of at least 0",
            ));
        }
    }
    Ok(())
}
