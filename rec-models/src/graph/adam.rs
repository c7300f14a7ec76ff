//! Adam (Kingma & Ba 2015) on all embeddings, whose gradient is a propagated one and a penalty.

use std::ops::{Deref, DerefMut};

use rayon::prelude::*;

use crate::collab::factors::Table;
use crate::ops::simd::{Lanes, Task, dispatch};
use crate::train::Snapshot;
use crate::{Error, Result};

/// Decay of the mean gradient and of the mean square.
const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;
/// Rows a thread takes at a time.
const ROWS: usize = 256;

/// Embeddings `[n, d]` that Adam trains, with their moments.
pub(in crate::graph) struct Trained {
    d: usize,
    embeddings: Table,
    first: Table,
    second: Table,
    steps: u64,
}

impl Trained {
    /// Rows of `d` values, before the first step.
    pub(in crate::graph) fn new(embeddings: Table, d: usize) -> Self {
        let (first, second) = (Table::zeros(embeddings.len()), Table::zeros(embeddings.len()));
        Self { d, embeddings, first, second, steps: 0 }
    }

    /// Steps taken.
    pub(in crate::graph) fn steps(&self) -> u64 {
        self.steps
    }

    /// The means of the gradients and of their squares.
    pub(in crate::graph) fn moments(&self) -> [&[f32]; 2] {
        [&self.first, &self.second]
    }

    /// Takes over embeddings, both moments, and the steps that led there.
    ///
    /// # Panics
    /// If a table has another length.
    pub(in crate::graph) fn set(&mut self, tables: [Vec<f32>; 3], steps: u64) {
        let places = [&mut self.embeddings, &mut self.first, &mut self.second];
        for (place, table) in places.into_iter().zip(&tables) {
            place.copy_from_slice(table);
        }
        self.steps = steps;
    }

    /// The next step.
    pub(in crate::graph) fn step(&mut self, gradient: Gradient<'_>, rate: f32) {
        self.steps += 1;
        let tables = Tables {
            embeddings: &mut self.embeddings,
            first: &mut self.first,
            second: &mut self.second,
        };
        step(tables, gradient, self.d, rate, self.steps);
    }

    /// Everything, to go on from.
    pub(in crate::graph) fn snapshot(&self) -> Snapshot {
        let shape = self.shape();
        Snapshot::new()
            .with("embeddings", &shape, self.embeddings.to_vec())
            .with("first", &shape, self.first.to_vec())
            .with("second", &shape, self.second.to_vec())
            .with("steps", &[2], parts_of(self.steps))
    }

    /// Takes over what a snapshot of tables of this shape holds.
    ///
    /// # Errors
    /// Those of [`Snapshot::take`]; nothing is changed then.
    pub(in crate::graph) fn restore(&mut self, mut snapshot: Snapshot) -> Result<()> {
        let shape = self.shape();
        let mut take = |name| Ok::<_, Error>(Table::from_slice(&snapshot.take(name, &shape)?));
        let tables = (take("embeddings")?, take("first")?, take("second")?);
        self.steps = from_parts(&snapshot.take("steps", &[2])?);
        (self.embeddings, self.first, self.second) = tables;
        Ok(())
    }

    /// Refuses embeddings that ran away in this epoch, from 0.
    ///
    /// # Errors
    /// [`Error::Data`] for values that are not finite.
    pub(in crate::graph) fn check(&self, model: &str, epoch: usize, rate: f32) -> Result<()> {
        if self.par_chunks(1 << 16).all(|part| part.iter().all(|x| x.is_finite())) {
            return Ok(());
        }
        Err(Error::data(
            format!("{model} diverged in epoch {}", epoch + 1),
            format!("its embeddings are no longer finite; lower learning_rate (now {rate})"),
        ))
    }

    /// Rows, and values of each.
    pub(in crate::graph) fn shape(&self) -> [usize; 2] {
        [self.embeddings.len() / self.d.max(1), self.d]
    }
}

impl Deref for Trained {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.embeddings
    }
}

impl DerefMut for Trained {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.embeddings
    }
}

/// A number of steps in two parts that 32-bit floats hold exactly.
pub(in crate::graph) fn parts_of(steps: u64) -> Vec<f32> {
    vec![(steps >> 20) as f32, (steps & 0xF_FFFF) as f32]
}

/// What [`parts_of`] parted.
pub(in crate::graph) fn from_parts(parts: &[f32]) -> u64 {
    ((parts[0] as u64) << 20) + parts[1] as u64
}

/// Embeddings `[n, d]` with their moments, to be changed in place.
pub(in crate::graph) struct Tables<'a> {
    pub(in crate::graph) embeddings: &'a mut [f32],
    pub(in crate::graph) first: &'a mut [f32],
    pub(in crate::graph) second: &'a mut [f32],
}

/// The gradient: `propagated + penalty · counts · embeddings`, the counts a row's.
#[derive(Clone, Copy)]
pub(in crate::graph) struct Gradient<'a> {
    pub(in crate::graph) propagated: &'a [f32],
    pub(in crate::graph) counts: &'a [u32],
    pub(in crate::graph) penalty: f32,
}

/// Step `step`, from 1.
pub(in crate::graph) fn step(
    tables: Tables<'_>,
    gradient: Gradient<'_>,
    d: usize,
    rate: f32,
    step: u64,
) {
    let unbiased = |beta: f64| 1.0 - beta.powf(step as f64);
    let rates = Rates {
        rate: (f64::from(rate) / unbiased(BETAS.0)) as f32,
        root: unbiased(BETAS.1).sqrt() as f32,
    };
    let chunk = (ROWS * d).max(1);
    let moments = tables.first.par_chunks_mut(chunk).zip(tables.second.par_chunks_mut(chunk));
    let rows = gradient.propagated.par_chunks(chunk).zip(gradient.counts.par_chunks(ROWS));
    let all = tables.embeddings.par_chunks_mut(chunk).zip(moments).zip(rows);
    all.for_each(|((embeddings, (first, second)), (propagated, counts))| {
        let tables = Tables { embeddings, first, second };
        dispatch(Rows { tables, gradient: Gradient { propagated, counts, ..gradient }, d, rates });
    });
}

#[derive(Clone, Copy)]
struct Rates {
    rate: f32,
    root: f32,
}

struct Rows<'a> {
    tables: Tables<'a>,
    gradient: Gradient<'a>,
    d: usize,
    rates: Rates,
}

impl Task for Rows<'_> {
    type Output = ();

    /// Plain loops, which the compiler turns into the vectors of the level it lands in; with no
    /// fused operations, so that every level gives the same bits.
    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        let Self { tables, gradient, d, rates } = self;
        let (keep, new) = (BETAS.0 as f32, (1.0 - BETAS.0) as f32);
        let (keep_square, new_square) = (BETAS.1 as f32, (1.0 - BETAS.1) as f32);
        for (row, &count) in gradient.counts.iter().enumerate() {
            let penalty = gradient.penalty * count as f32;
            let at = row * d..(row + 1) * d;
            let moments = tables.first[at.clone()].iter_mut().zip(&mut tables.second[at.clone()]);
            let embeddings = tables.embeddings[at.clone()].iter_mut();
            for ((x, (m, v)), g) in embeddings.zip(moments).zip(&gradient.propagated[at]) {
                let g = g + penalty * *x;
                *m = keep * *m + new * g;
                *v = keep_square * *v + new_square * g * g;
                *x -= rates.rate * *m / (v.sqrt() / rates.root + EPSILON);
            }
        }
    }
}
