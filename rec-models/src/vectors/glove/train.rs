//! The workers of a training run.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rec_core::{parallel, rng};

use super::kernel::{Scratch, half, table, target};
use super::order::shuffled;
use super::{Glove, GloveModel};
use crate::fit::{Cancel, FitContext};
use crate::ops::simd::{Lanes, Task, dispatch};
use crate::vectors::cooccurrence::Record;
use crate::vectors::rows::{Rows, Shared};
use crate::vectors::{Cooccurrences, Vectors};
use crate::{Error, Result};

/// Records that a worker takes at a time.
const BLOCK: usize = 4096;

/// How many records ahead rows are asked for.
const AHEAD: usize = 2;

pub(super) fn run(
    config: &Glove,
    counts: &Cooccurrences,
    ctx: &FitContext<'_>,
) -> Result<GloveModel> {
    parallel::install(ctx.cpu_threads("Glove")?, || {
        let records = shuffled(counts.records(), config.memory_limit, ctx.seed)?;
        let mut tables = tables(config, counts.vocab().len(), ctx.seed);
        let mut losses = Vec::with_capacity(config.epochs.min(1 << 10));
        ctx.progress.begin("glove", config.epochs as u64);
        let trained = (0..config.epochs).try_for_each(|epoch| {
            let loss = pass(config, &records, counts.symmetric(), &mut tables, &ctx.cancel)?;
            if !loss.is_finite() {
                let why = format!(
                    "the loss of a count is {loss}; lower learning_rate (now {})",
                    config.learning_rate
                );
                return Err(Error::data("glove diverged", why));
            }
            losses.push(loss);
            ctx.progress.step(epoch as u64 + 1, &format!("loss {loss:.4}"));
            Ok(())
        });
        ctx.progress.end();
        trained?;
        let vectors = summed(config, counts, &tables)?;
        Ok(GloveModel::new(config.clone(), vectors, ctx.seed, losses))
    })
}

fn tables(config: &Glove, words: usize, seed: u64) -> [Rows; 2] {
    [false, true].map(|context| {
        let mut rng = rng::stream(seed, "glove.vectors", u64::from(context));
        table(words, config.vector_size, context, config.learning_rate, &mut rng)
    })
}

/// The sum of both vectors of each word.
fn summed(config: &Glove, counts: &Cooccurrences, tables: &[Rows; 2]) -> Result<Vectors> {
    let (dim, row) = (config.vector_size, 2 * half(config.vector_size));
    let rows = tables[0].chunks_exact(row).zip(tables[1].chunks_exact(row));
    let values = rows.flat_map(|(v, c)| v[..dim].iter().zip(c).map(|(v, c)| v + c)).collect();
    let words = counts.vocab().iter().map(|(word, _)| word);
    Vectors::new(words, dim, values)?.with_counts(counts.vocab().counts().to_vec())
}

/// Passes over the records once; gives the mean loss of a count.
fn pass(
    config: &Glove,
    records: &[Record],
    symmetric: bool,
    [words, contexts]: &mut [Rows; 2],
    cancel: &Cancel,
) -> Result<f64> {
    let tables = [words.share(), contexts.share()];
    let next = AtomicUsize::new(0);
    let work = |_| {
        let mut scratch = Scratch::new(config.vector_size);
        let mut sum = (0.0, 0);
        loop {
            let from = next.fetch_add(BLOCK, Ordering::Relaxed);
            if from >= records.len() {
                return Ok(sum);
            }
            cancel.check("training of glove")?;
            let records = &records[from..records.len().min(from + BLOCK)];
            let scratch = &mut scratch;
            let (loss, steps) = dispatch(Walk { config, tables, records, symmetric, scratch });
            sum = (sum.0 + loss, sum.1 + steps);
        }
    };
    let sums: Result<Vec<(f64, usize)>> =
        (0..config.workers).into_par_iter().with_max_len(1).map(work).collect();
    let (loss, steps) = sums?.into_iter().fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    Ok(loss / steps.max(1) as f64)
}

/// A worker's walk through a block; gives the sum of the losses and how many there were.
struct Walk<'a> {
    config: &'a Glove,
    tables: [Shared<'a>; 2],
    records: &'a [Record],
    symmetric: bool,
    scratch: &'a mut Scratch,
}

impl Task for Walk<'_> {
    type Output = (f64, usize);

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> (f64, usize) {
        let Self { config, tables, records, symmetric, scratch } = self;
        let (mut loss, mut steps) = (0.0, 0);
        for (at, record) in records.iter().enumerate() {
            if let Some(coming) = records.get(at + AHEAD) {
                tables[0].row(coming.word).prefetch();
                tables[1].row(coming.context).prefetch();
                if symmetric {
                    tables[0].row(coming.context).prefetch();
                    tables[1].row(coming.word).prefetch();
                }
            }
            let (word, context) = (record.word, record.context);
            let target = target(config, record.count);
            loss += f64::from(scratch.step(s, tables, (word, context), target));
            steps += 1;
            if symmetric && word != context {
                loss += f64::from(scratch.step(s, tables, (context, word), target));
                steps += 1;
            }
        }
        (loss, steps)
    }
}
