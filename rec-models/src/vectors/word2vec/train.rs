//! The workers of a training run.

use std::sync::atomic::{AtomicUsize, Ordering};

use rand::RngExt as _;
use rayon::prelude::*;
use rec_core::sampling::{AliasTable, Subsampling, Windows};
use rec_core::{parallel, rng};

use super::rows::Rows;
use super::walk::{Bag, Desk, Shop, Walk};
use super::{Architecture, Word2Vec, Word2VecModel};
use crate::fit::FitContext;
use crate::ops::simd::dispatch;
use crate::vectors::{Corpus, Vectors};
use crate::{Error, Result};

pub(super) fn run(
    config: &Word2Vec,
    corpus: &Corpus,
    from: Option<&Word2VecModel>,
    ctx: &FitContext<'_>,
) -> Result<Word2VecModel> {
    parallel::install(ctx.cpu_threads("Word2Vec")?, || {
        let mut tables = Tables::start(config, corpus, from, ctx.seed)?;
        ctx.progress.begin("word2vec", config.epochs as u64);
        let trained = train(config, corpus, &mut tables, ctx);
        ctx.progress.end();
        trained?;
        tables.finish(config, corpus, from, ctx.seed)
    })
}

/// The vectors of the corpus's words, in its order.
struct Tables {
    inputs: Rows,
    outputs: Rows,
}

impl Tables {
    /// As in gensim: vectors uniform in ±1 over their length, zeros as outputs; those of a model
    /// where it has the word.
    fn start(
        config: &Word2Vec,
        corpus: &Corpus,
        from: Option<&Word2VecModel>,
        seed: u64,
    ) -> Result<Self> {
        let (n, dim) = (corpus.vocab().len(), config.vector_size);
        let mut inputs = uniform(n, dim, seed);
        let mut outputs = vec![0.0; n * dim];
        if let Some(model) = from {
            if model.vectors().dim() != dim {
                return Err(Error::shape("vector_size", model.vectors().dim(), dim));
            }
            for (at, (word, _)) in corpus.vocab().iter().enumerate() {
                if let Some(row) = model.vectors().index(word) {
                    let here = at * dim..(at + 1) * dim;
                    inputs[here.clone()].copy_from_slice(model.vectors().row(row));
                    outputs[here].copy_from_slice(model.output(row));
                }
            }
        }
        Ok(Self { inputs: Rows::padded(&inputs, dim), outputs: Rows::padded(&outputs, dim) })
    }

    /// The model of the corpus's words, and after them the words that only `from` knows.
    fn finish(
        self,
        config: &Word2Vec,
        corpus: &Corpus,
        from: Option<&Word2VecModel>,
        seed: u64,
    ) -> Result<Word2VecModel> {
        let (mut values, mut outputs) = (self.inputs.packed(), self.outputs.packed());
        if !values.iter().chain(&outputs).all(|x| x.is_finite()) {
            let why = format!(
                "its vectors are no longer finite; lower alpha (now {}) or negative (now {})",
                config.alpha, config.negative
            );
            return Err(Error::data("word2vec diverged", why));
        }
        let vocab = corpus.vocab();
        let mut words: Vec<&str> = vocab.iter().map(|(word, _)| word).collect();
        let mut counts = vocab.counts().to_vec();
        if let Some(model) = from {
            for (row, word) in model.vectors().words().enumerate() {
                let before = model.vectors().count(row as u32).unwrap_or(0);
                match vocab.get(word) {
                    Some(id) => counts[id as usize] += before,
                    None => {
                        words.push(word);
                        counts.push(before);
                        values.extend_from_slice(model.vectors().row(row as u32));
                        outputs.extend_from_slice(model.output(row as u32));
                    }
                }
            }
        }
        let vectors = Vectors::new(words, config.vector_size, values)?.with_counts(counts)?;
        Word2VecModel::new(config.clone(), vectors, outputs, seed)
    }
}

/// Each row from a stream of its own block, so that the values do not depend on threads.
fn uniform(rows: usize, dim: usize, seed: u64) -> Vec<f32> {
    const BLOCK: usize = 1024;
    let mut values = vec![0f32; rows * dim];
    values.par_chunks_mut(BLOCK * dim).enumerate().for_each(|(block, values)| {
        let mut rng = rng::stream(seed, "word2vec.vectors", block as u64);
        values.iter_mut().for_each(|v| *v = (rng.random::<f32>() * 2.0 - 1.0) / dim as f32);
    });
    values
}

fn train(
    config: &Word2Vec,
    corpus: &Corpus,
    tables: &mut Tables,
    ctx: &FitContext<'_>,
) -> Result<()> {
    let counts = corpus.vocab().counts();
    let subsampling = Subsampling::new(counts, config.sample)?;
    let weights: Vec<f64> = counts.iter().map(|&n| (n as f64).powf(config.ns_exponent)).collect();
    let noise = AliasTable::new(&weights)?;
    let shop = Shop {
        inputs: tables.inputs.share(),
        outputs: tables.outputs.share(),
        subsampling: &subsampling,
        windows: Windows::new(config.window, config.shrink_windows)?,
        noise: &noise,
        negatives: config.negative,
        bag: match config.architecture {
            Architecture::SkipGram => None,
            Architecture::Cbow => Some(Bag::Mean),
            Architecture::CbowSum => Some(Bag::Sum),
        },
    };
    let run = Run { config, corpus, shop, ctx };
    for epoch in 0..config.epochs {
        run.epoch(epoch)?;
        ctx.progress.step(epoch as u64 + 1, "");
    }
    Ok(())
}

struct Run<'a> {
    config: &'a Word2Vec,
    corpus: &'a Corpus,
    shop: Shop<'a>,
    ctx: &'a FitContext<'a>,
}

impl Run<'_> {
    /// Workers take chunks in order, each when it has done its last.
    fn epoch(&self, epoch: usize) -> Result<()> {
        let next = AtomicUsize::new(0);
        (0..self.config.workers)
            .into_par_iter()
            .with_max_len(1)
            .try_for_each(|_| self.work(epoch, &next))
    }

    fn work(&self, epoch: usize, next: &AtomicUsize) -> Result<()> {
        let mut desk = Desk::new(self.config.vector_size, self.config.negative);
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= self.corpus.chunks() {
                return Ok(());
            }
            self.ctx.cancel.check("training of word2vec")?;
            // A chunk's draws and rate depend on the chunk, not on who takes it.
            let lane = (epoch * self.corpus.chunks() + chunk) as u64;
            dispatch(Walk {
                shop: self.shop,
                desk: &mut desk,
                ids: self.corpus.chunk(chunk),
                rng: rng::stream(self.ctx.seed, "word2vec.windows", lane),
                rate: self.rate(epoch, chunk),
            });
        }
    }

    fn rate(&self, epoch: usize, chunk: usize) -> f32 {
        let done = (epoch as f64 + self.corpus.share_before(chunk)) / self.config.epochs as f64;
        let (start, end) = (f64::from(self.config.alpha), f64::from(self.config.min_alpha));
        (start - (start - end) * done) as f32
    }
}
