//! EASE: the best linear item-item model in closed form.

use std::ops::{AddAssign, Mul};

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::traits::RealField;
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
/// `n_items²` matrices of memory. It is computed in 32-bit floats where the condition number of the
/// regularised Gram matrix is below a bound that keeps `B` within about 1e-3 of itself, in 64-bit
/// floats otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

/// Condition numbers up to which 32-bit floats do: times their precision, 6e-8, it is 1e-3.
const CONDITION_OF_F32: f64 = 16_384.0;

impl Fit for Ease {
    type Model = EaseModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<EaseModel> {
        if !(self.l2.is_finite() && self.l2 > 0.0) {
            return Err(Error::parameter("l2", self.l2, "give a number above 0, such as 500"));
        }
        let events = &data.interactions;
        check_events(events)?;
        ctx.cancel.check("EASE")?;
        let matrix = events.matrix();
        let single = condition_bound(&matrix, self.l2) <= CONDITION_OF_F32;
        self.check_memory(matrix.n_cols(), if single { 4 } else { 8 })?;
        let task = Task::begin(ctx, "EASE", 4);
        let weights = parallel::install(ctx.cpu_threads("EASE")?, || {
            if single {
                solve::<f32>(&matrix, self.l2, &task)
            } else {
                solve::<f64>(&matrix, self.l2, &task)
            }
        })?;
        Ok(ItemItemModel::new(self.clone(), events.ids().clone(), matrix, weights))
    }
}

impl Ease {
    fn check_memory(&self, n: usize, bytes: u64) -> Result<()> {
        let needs = 2 * (n as u64).pow(2) * bytes;
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

/// An upper bound of the condition number of `XᵀX + l2·I`: its largest absolute row sum, which no
/// eigenvalue exceeds, over `l2`, which none is below.
fn condition_bound(matrix: &Csr, l2: f64) -> f64 {
    let mut sums = vec![0f64; matrix.n_cols()];
    for user in 0..matrix.n_rows() {
        let size: f64 = matrix.iter_row(user).map(|(_, x)| f64::from(x.abs())).sum();
        matrix.iter_row(user).for_each(|(i, x)| sums[i as usize] += f64::from(x.abs()) * size);
    }
    1.0 + sums.into_iter().fold(0.0, f64::max) / l2
}

/// A floating-point type to solve in.
trait Real:
    RealField + Copy + Send + Sync + Default + AddAssign + Mul<Output = Self> + From<f32>
{
    fn of(x: f64) -> Self;
    fn single(self) -> f32;
    fn reciprocal(self) -> Self;
}

impl Real for f32 {
    fn of(x: f64) -> Self {
        x as f32
    }
    fn single(self) -> f32 {
        self
    }
    fn reciprocal(self) -> Self {
        1.0 / self
    }
}

impl Real for f64 {
    fn of(x: f64) -> Self {
        x
    }
    fn single(self) -> f32 {
        self as f32
    }
    fn reciprocal(self) -> Self {
        1.0 / self
    }
}

fn solve<R: Real>(matrix: &Csr, l2: f64, task: &Task) -> Result<ItemWeights> {
    let n = matrix.n_cols();
    let mut gram = gram::<R>(matrix, R::of(l2));
    task.advance(1)?;
    invert(&mut gram, n, task)?;
    let weights = weights(&gram, n);
    task.advance(1)?;
    Ok(weights)
}

/// The upper triangle of `XᵀX + l2·I`, row-major: `[n, n]`.
fn gram<R: Real>(by_user: &Csr, l2: R) -> Vec<R> {
    let (n, by_item) = (by_user.n_cols(), by_user.transpose());
    let mut gram = vec![R::default(); n * n];
    gram.par_chunks_exact_mut(n).enumerate().for_each(|(item, sums)| {
        for (user, x) in by_item.iter_row(item) {
            let row = by_user.row(user as usize);
            let from = row.partition_point(|&c| (c as usize) < item);
            match by_user.row_values(user as usize) {
                None => row[from..].iter().for_each(|&c| sums[c as usize] += R::from(x)),
                Some(values) => {
                    let later = row[from..].iter().zip(&values[from..]);
                    later.for_each(|(&c, &v)| sums[c as usize] += R::from(x * v));
                }
            }
        }
        sums[item] += l2;
    });
    gram
}

/// Inverts a positive definite matrix in place by its Cholesky factor, `L⁻ᵀ L⁻¹`; of both only the
/// upper triangle, row-major.
fn invert<R: Real>(gram: &mut [R], n: usize, task: &Task) -> Result<()> {
    let par = Par::rayon(0);
    // Row-major upper is column-major lower, which is what the factorisation wants.
    let mut lower = MatMut::from_column_major_slice_mut(gram, n, n);
    let mut scratch = MemBuffer::new(cholesky_in_place_scratch::<R>(n, par, Default::default()));
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
    let mut factor = vec![R::default(); n * n];
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
        R::of(1.0),
        par,
    );
    Ok(())
}

/// `B` from the upper triangle of `P`.
fn weights<R: Real>(p: &[R], n: usize) -> ItemWeights {
    let scale: Vec<R> = (0..n).map(|j| R::of(-1.0) * p[j * n + j].reciprocal()).collect();
    let mut values = vec![0f32; n * n];
    const TILE: usize = 64;
    values.par_chunks_mut(TILE * n).enumerate().for_each(|(block, rows)| {
        let first = block * TILE;
        for tile in (0..n).step_by(TILE) {
            for (at, row) in rows.chunks_exact_mut(n).enumerate() {
                let i = first + at;
                for j in tile..(tile + TILE).min(n) {
                    let entry = if i <= j { p[i * n + j] } else { p[j * n + i] };
                    row[j] = (entry * scale[j]).single();
                }
            }
        }
        for (at, row) in rows.chunks_exact_mut(n).enumerate() {
            row[first + at] = 0.0;
        }
    });
    ItemWeights::Dense { n, values }
}
