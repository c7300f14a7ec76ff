//! EASE: the best linear item-item model in closed form.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use rec_core::data::{Csr, Dataset};
use rec_core::parallel;
use serde::{Deserialize, Serialize};

use super::item_weights::{ItemItem, ItemItemModel, ItemWeights, check_events};
use super::rows::Task;
use crate::fit::{Fit, FitContext};
use crate::{Error, Result};

/// The embarrassingly shallow autoencoder (Steck 2019): with `X` the user × item matrix,
///
/// ```text
/// min_B ‖X - X B‖² + l2 ‖B‖²,  diag(B) = 0
/// P = (XᵀX + l2·I)⁻¹,   B_ij = -P_ij / P_jj,   B_jj = 0        (equation 8)
/// ```
///
/// The inverse costs about `n_items³` multiplications by its Cholesky factor, and two dense
/// `n_items²` matrices of memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ease {
    /// Weight of the squares, above 0. It grows with the number of users: 200 to 1000 for some ten
    /// thousand.
    pub l2: f64,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

impl Default for Ease {
    fn default() -> Self {
        Self { l2: 1000.0, max_memory: 8 << 30 }
    }
}

/// The model of [`Ease`]: its weights are `B`, in 32-bit floats.
pub type EaseModel = ItemItemModel<Ease>;

impl ItemItem for Ease {
    const KIND: &'static str = "ease";
}

type Real = f64;

impl Fit for Ease {
    type Model = EaseModel;

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<EaseModel> {
        if !(self.l2.is_finite() && self.l2 > 0.0) {
            return Err(Error::parameter("l2", self.l2, "give a number above 0, such as 500"));
        }
        let events = &data.interactions;
        check_events(events)?;
        self.check_memory(events.n_items())?;
        ctx.cancel.check("EASE")?;
        let task = Task::begin(ctx, "EASE", 4);
        parallel::install(ctx.threads, || {
            let matrix = events.matrix();
            let mut gram = gram(&matrix, self.l2 as Real);
            task.advance(1)?;
            let inverse = inverse(&mut gram, events.n_items(), &task)?;
            let weights = weights(gram, inverse, events.n_items());
            task.advance(1)?;
            Ok(ItemItemModel::new(self.clone(), events.ids().clone(), matrix, weights))
        })
    }
}

impl Ease {
    fn check_memory(&self, n: usize) -> Result<()> {
        let needs = 2 * (n as u64).pow(2) * size_of::<Real>() as u64;
        if needs > self.max_memory {
            return Err(Error::TooLarge {
                what: format!("EASE of {n} items"),
                needs,
                limit: self.max_memory,
                why: "raise max_memory if the machine has it, keep the more frequent items only \
                      (k_core), or fit SLIM or ItemKNN, whose cost follows the events"
                    .into(),
            });
        }
        Ok(())
    }
}

/// The upper triangle of `XᵀX + l2·I`, row-major: `[n, n]`.
fn gram(by_user: &Csr, l2: Real) -> Vec<Real> {
    let (n, by_item) = (by_user.n_cols(), by_user.transpose());
    let mut gram = vec![0.0; n * n];
    gram.par_chunks_exact_mut(n).enumerate().for_each(|(item, sums)| {
        for (user, x) in by_item.iter_row(item) {
            let row = by_user.row(user as usize);
            let from = row.partition_point(|&c| (c as usize) < item);
            match by_user.row_values(user as usize) {
                None => row[from..].iter().for_each(|&c| sums[c as usize] += Real::from(x)),
                Some(values) => {
                    let later = row[from..].iter().zip(&values[from..]);
                    later.for_each(|(&c, &v)| sums[c as usize] += Real::from(x * v));
                }
            }
        }
        sums[item] += l2;
    });
    gram
}

/// The inverse of a positive definite matrix by its Cholesky factor, `L⁻ᵀ L⁻¹`; of both only the
/// upper triangle, row-major. What is returned is scratch of the same size.
fn inverse(gram: &mut [Real], n: usize, task: &Task) -> Result<Vec<Real>> {
    let par = Par::rayon(0);
    // Row-major upper is column-major lower, which is what the factorisation wants.
    let mut lower = MatMut::from_column_major_slice_mut(gram, n, n);
    let mut scratch = MemBuffer::new(cholesky_in_place_scratch::<Real>(n, par, Default::default()));
    let stack = MemStack::new(&mut scratch);
    cholesky_in_place(lower.rb_mut(), Default::default(), par, stack, Default::default()).map_err(
        |_| {
            Error::parameter(
                "l2",
                "too small",
                "the regularised Gram matrix is not positive definite to working precision; raise l2",
            )
        },
    )?;
    task.advance(1)?;
    let mut factor = vec![0.0; n * n];
    let mut inverse = MatMut::from_column_major_slice_mut(&mut factor, n, n);
    invert_lower_triangular(inverse.rb_mut(), lower.rb(), par);
    task.advance(1)?;
    let inverse = MatRef::from_column_major_slice(&factor, n, n);
    matmul(
        lower,
        BlockStructure::TriangularLower,
        Accum::Replace,
        inverse.transpose(),
        BlockStructure::TriangularUpper,
        inverse,
        BlockStructure::TriangularLower,
        1.0,
        par,
    );
    Ok(factor)
}

/// `B` from the upper triangle of `P`.
fn weights(p: Vec<Real>, scratch: Vec<Real>, n: usize) -> ItemWeights {
    drop(scratch);
    let scale: Vec<Real> = (0..n).map(|j| -1.0 / p[j * n + j]).collect();
    let mut values = vec![0f32; n * n];
    const TILE: usize = 64;
    values.par_chunks_mut(TILE * n).enumerate().for_each(|(block, rows)| {
        let first = block * TILE;
        for tile in (0..n).step_by(TILE) {
            for (at, row) in rows.chunks_exact_mut(n).enumerate() {
                let i = first + at;
                for j in tile..(tile + TILE).min(n) {
                    let entry = if i <= j { p[i * n + j] } else { p[j * n + i] };
                    row[j] = (entry * scale[j]) as f32;
                }
            }
        }
        for (at, row) in rows.chunks_exact_mut(n).enumerate() {
            row[first + at] = 0.0;
        }
    });
    ItemWeights::Dense { n, values }
}
