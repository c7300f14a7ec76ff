//! Item nodes that start from content, and items that have nothing else.

use faer::linalg::solvers::Solve as _;
use faer::{Mat, Side};
use rec_core::data::Dataset;
use rec_core::parallel;

use crate::ops::gemm::{Matrix, product};
use crate::{Error, Result};

/// Vectors of items, of mean 0 and mean square 1, zeros where unknown: `[items, dim]`.
#[derive(Clone, Debug)]
pub(in crate::graph) struct Content {
    dim: usize,
    values: Vec<f32>,
    known: Vec<bool>,
}

impl Content {
    /// The vectors of this name.
    ///
    /// # Errors
    /// [`Error::Empty`] where the data set has none, or none of its items has.
    pub(super) fn new(data: &Dataset, name: &str) -> Result<Self> {
        let missing = |why: &str| Error::empty(format!("vectors {name:?} of the items"), why);
        let ids = &data.interactions.ids().items;
        let items = data.items.as_ref();
        let found = items.and_then(|items| items.vectors().iter().find(|v| v.name == name));
        let (Some(items), Some(field)) = (items, found) else {
            return Err(missing("the data set has none of this name; see its items"));
        };
        let dim = field.dim;
        let (mut values, mut known) = (vec![0f32; ids.len() * dim], vec![false; ids.len()]);
        let rows = values.chunks_exact_mut(dim).zip(&mut known);
        for (row, (to, known)) in items.rows_of(ids).into_iter().zip(rows) {
            if let Some(row) = row {
                let from = &field.values[row as usize * dim..][..dim];
                *known = from.iter().any(|x| *x != 0.0);
                to.copy_from_slice(from);
            }
        }
        if !known.contains(&true) {
            return Err(missing("no item of the interactions has one; the ids must agree"));
        }
        let mut content = Self { dim, values, known };
        content.standardise();
        Ok(content)
    }

    fn known(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.known.len()).filter(|&item| self.known[item])
    }

    fn row(&self, item: usize) -> &[f32] {
        &self.values[item * self.dim..][..self.dim]
    }

    fn standardise(&mut self) {
        let known: Vec<usize> = self.known().collect();
        let (dim, n) = (self.dim, known.len() as f64);
        let mean = mean(&self.values, dim, &known);
        for item in known {
            let row = &mut self.values[item * dim..][..dim];
            row.iter_mut().zip(&mean).for_each(|(x, m)| *x -= m);
        }
        let squares: f64 = self.values.iter().map(|x| f64::from(x * x)).sum();
        let scale = if squares > 0.0 { (n * dim as f64 / squares).sqrt() as f32 } else { 0.0 };
        self.values.iter_mut().for_each(|x| *x *= scale);
    }

    /// Replaces rows of `[items, d]`, which have this standard deviation, by the vectors' first
    /// principal components, scaled to it; columns past the vectors' length stay.
    pub(super) fn start(&self, rows: &mut [f32], d: usize, deviation: f32) -> Result<()> {
        let (dim, m) = (self.dim, self.known.len());
        let kept = d.min(dim);
        let axes = self.axes(kept)?;
        let values = Matrix::new(&self.values, [m, dim]);
        let components = product(values, Matrix::new(&axes, [dim, kept]));
        let squares: f64 = components.iter().map(|x| f64::from(x * x)).sum();
        let count = (self.known().count() * kept) as f64;
        let scale = if squares > 0.0 { deviation * (count / squares).sqrt() as f32 } else { 0.0 };
        for item in self.known() {
            let from = &components[item * kept..][..kept];
            let to = &mut rows[item * d..][..kept];
            to.iter_mut().zip(from).for_each(|(to, x)| *to = scale * x);
        }
        Ok(())
    }

    /// `XᵀX` of rows `[n, dim]`.
    fn gram(&self, rows: &[f32]) -> Vec<f32> {
        let rows = Matrix::new(rows, [rows.len() / self.dim, self.dim]);
        product(rows.transposed(), rows)
    }

    /// Vectors of items less this one.
    fn rows(&self, items: &[usize], origin: &[f32]) -> Vec<f32> {
        items
            .iter()
            .flat_map(|&item| self.row(item).iter().zip(origin).map(|(x, o)| x - o))
            .collect()
    }

    /// The first principal axes as columns, `[dim, kept]`.
    fn axes(&self, kept: usize) -> Result<Vec<f32>> {
        let dim = self.dim;
        // Unknown rows are zeros, as the mean is.
        let gram = self.gram(&self.values);
        // On one thread, so that the result does not depend on how many there are.
        parallel::install(Some(1), || {
            let square = Mat::from_fn(dim, dim, |r, c| f64::from(gram[r * dim + c]));
            let found = square.self_adjoint_eigen(Side::Lower).map_err(|_| {
                Error::data("vectors of the items", "their principal axes did not converge")
            })?;
            let axes = found.U();
            // Eigenvalues rise with the column.
            let row = |r| (0..kept).map(move |c| axes[(r, dim - 1 - c)] as f32);
            Ok((0..dim).flat_map(row).collect())
        })
    }

    /// Gives each item that is `cold` and has a vector the embedding that a ridge regression of the
    /// others' on their vectors predicts for it.
    pub(super) fn embed_cold(
        &self,
        tables: [&mut [f32]; 2],
        d: usize,
        cold: impl Fn(usize) -> bool,
        l2: f32,
    ) -> Result<()> {
        let (cold, warm): (Vec<usize>, Vec<usize>) = self.known().partition(|&item| cold(item));
        if cold.is_empty() || warm.is_empty() {
            return Ok(());
        }
        let origin = mean(&self.values, self.dim, &warm);
        let rows = self.rows(&warm, &origin);
        let of_cold = self.rows(&cold, &origin);
        for table in tables {
            let mean = mean(table, d, &warm);
            let centred: Vec<f32> = warm
                .iter()
                .flat_map(|&item| table[item * d..][..d].iter().zip(&mean).map(|(y, m)| y - m))
                .collect();
            let map = self.regression(&rows, &centred, d, l2)?;
            let of_cold = Matrix::new(&of_cold, [cold.len(), self.dim]);
            let predicted = product(of_cold, Matrix::new(&map, [self.dim, d]));
            for (&item, row) in cold.iter().zip(predicted.chunks_exact(d)) {
                let to = &mut table[item * d..][..d];
                to.iter_mut().zip(row.iter().zip(&mean)).for_each(|(to, (x, m))| *to = x + m);
            }
        }
        Ok(())
    }

    /// `(XᵀX + λ I)⁻¹ XᵀY` of rows `[n, dim]` and `[n, d]`: `[dim, d]`.
    fn regression(&self, rows: &[f32], targets: &[f32], d: usize, l2: f32) -> Result<Vec<f32>> {
        let (dim, n) = (self.dim, targets.len() / d);
        let gram = self.gram(rows);
        let rows = Matrix::new(rows, [n, dim]);
        let targets = product(rows.transposed(), Matrix::new(targets, [n, d]));
        parallel::install(Some(1), || {
            let penalty = |r, c| if r == c { f64::from(l2) } else { 0.0 };
            let square =
                Mat::from_fn(dim, dim, |r, c| f64::from(gram[r * dim + c]) + penalty(r, c));
            let factor = square.llt(Side::Lower).map_err(|_| {
                let why = "items without interactions cannot be placed; raise it";
                Error::parameter("content_l2", l2, why)
            })?;
            let solved = factor.solve(&Mat::from_fn(dim, d, |r, c| f64::from(targets[r * d + c])));
            let row = |r| (0..d).map(|c| solved[(r, c)] as f32).collect::<Vec<_>>();
            Ok((0..dim).flat_map(row).collect())
        })
    }
}

/// The mean of some rows.
fn mean(table: &[f32], d: usize, rows: &[usize]) -> Vec<f32> {
    let mut mean = vec![0f64; d];
    for &row in rows {
        mean.iter_mut().zip(&table[row * d..][..d]).for_each(|(m, x)| *m += f64::from(*x));
    }
    mean.iter().map(|m| (m / rows.len().max(1) as f64) as f32).collect()
}
