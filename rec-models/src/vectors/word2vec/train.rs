//! The workers of a training run.

use std::sync::atomic::{AtomicUsize, Ordering};

use rand::RngExt as _;
use rayon::prelude::*;
use rec_core::objective::HuffmanTree;
use rec_core::sampling::{AliasTable, Subsampling, Windows};
use rec_core::{parallel, rng};

use super::steps::Views;
use super::walk::{Bag, Desk, Shop, Targets, Walk};
use super::{Architecture, Word2Vec, Word2VecModel, tensor};
use crate::device::limit_threads;
use crate::fit::{Cancel, FitContext};
use crate::ops::simd::{Lanes, Task, dispatch};
use crate::vectors::copies::{Copies, Hot};
use crate::vectors::corpus::Sentences;
use crate::vectors::parts::Parts;
use crate::vectors::rows::{Rows, Shared, stride};
use crate::vectors::{Corpus, Vectors};
use crate::{Device, Error, Result};

pub(super) fn run(
    config: &Word2Vec,
    corpus: &Corpus,
    from: Option<&Word2VecModel>,
    ctx: &FitContext<'_>,
) -> Result<Word2VecModel> {
    parallel::install(ctx.threads, || {
        let mut tables = Tables::start(config, corpus, from, ctx.seed)?;
        let trainer = Trainer::new(config, corpus.vocab().counts())?;
        if ctx.device == Device::Cpu {
            trainer.run("word2vec", corpus.sentences(), &mut tables, ctx)?;
        } else {
            let device = ctx.device.tensor()?;
            limit_threads(&device, ctx.threads);
            tensor::run(&trainer, &device, corpus.sentences(), &mut tables, ctx)?;
        }
        tables.finish(config, corpus, from, ctx.seed)
    })
}

/// The vectors of words, and of words as targets.
pub(in crate::vectors) struct Tables {
    inputs: Rows,
    outputs: Rows,
}

impl Tables {
    /// As in gensim: vectors uniform in ±1 over their length, zeros as outputs.
    pub(in crate::vectors) fn new(words: usize, dim: usize, seed: u64) -> Self {
        Self::with_parts(words, words, dim, seed)
    }

    /// More inputs than words.
    pub(in crate::vectors) fn with_parts(
        inputs: usize,
        words: usize,
        dim: usize,
        seed: u64,
    ) -> Self {
        let inputs = Rows::padded(&uniform(inputs, dim, seed), dim);
        Self { inputs, outputs: Rows::zeros(words, dim) }
    }

    /// The given vectors, packed.
    pub(in crate::vectors) fn from_packed(inputs: &[f32], outputs: &[f32], dim: usize) -> Self {
        Self { inputs: Rows::padded(inputs, dim), outputs: Rows::padded(outputs, dim) }
    }

    /// `[inputs, outputs]`, each row-major `[words, vector_size]`.
    pub(in crate::vectors) fn packed(&self) -> [Vec<f32>; 2] {
        [self.inputs.packed(), self.outputs.packed()]
    }

    pub(super) fn check(&self, config: &Word2Vec) -> Result<()> {
        let finite =
            |rows: &Rows| rows.par_chunks(1 << 16).all(|part| part.iter().all(|x| x.is_finite()));
        if finite(&self.inputs) && finite(&self.outputs) {
            return Ok(());
        }
        let why = format!(
            "its vectors are no longer finite; lower alpha (now {}) or negative (now {})",
            config.alpha, config.negative
        );
        Err(Error::data("word2vec diverged", why))
    }

    /// New vectors for the words of a corpus; those of a model where it has the word.
    pub(super) fn start(
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
                    if keeps_outputs(config, model) {
                        outputs[here].copy_from_slice(model.output(row));
                    }
                }
            }
        }
        Ok(Self::from_packed(&inputs, &outputs, dim))
    }

    /// The model of the corpus's words, and after them the words that only `from` knows.
    pub(super) fn finish(
        self,
        config: &Word2Vec,
        corpus: &Corpus,
        from: Option<&Word2VecModel>,
        seed: u64,
    ) -> Result<Word2VecModel> {
        let [mut values, mut outputs] = self.packed();
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
                        match keeps_outputs(config, model) {
                            true => outputs.extend_from_slice(model.output(row as u32)),
                            false => outputs.resize(values.len(), 0.0),
                        }
                    }
                }
            }
        }
        let vectors = Vectors::new(words, config.vector_size, values)?.with_counts(counts)?;
        Word2VecModel::new(config.clone(), vectors, outputs, seed)
    }
}

/// Whether outputs are words' own: those of a tree's nodes belong to that tree alone.
fn keeps_outputs(config: &Word2Vec, from: &Word2VecModel) -> bool {
    !config.hs && !from.config().hs
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

/// What stays the same from epoch to epoch.
pub(in crate::vectors) struct Trainer {
    pub(super) config: Word2Vec,
    pub(super) subsampling: Subsampling,
    pub(super) outputs: Outputs,
    pub(super) windows: Windows,
    parts: Option<Parts>,
    shuffles: bool,
    hot: [Option<Hot>; 2],
}

pub(super) enum Outputs {
    Noise(AliasTable),
    Tree(HuffmanTree),
}

/// The rows that workers are to have copies of, by how many words they have a part in.
fn hot(config: &Word2Vec, weights: &[u64], counts: &[u64]) -> Hot {
    Hot::new(weights, counts.iter().sum(), stride(config.vector_size), config.workers)
}

/// How often words are seen whose paths pass through each node.
fn of_nodes(tree: &HuffmanTree, counts: &[u64]) -> Vec<u64> {
    let mut weights = vec![0; counts.len()];
    for (word, &count) in counts.iter().enumerate() {
        for &node in tree.path(word as u32).0 {
            weights[node as usize] += count;
        }
    }
    weights
}

impl Trainer {
    /// For words seen so often.
    pub(in crate::vectors) fn new(config: &Word2Vec, counts: &[u64]) -> Result<Self> {
        config.check()?;
        let weight = |&n: &u64| if n == 0 { 0.0 } else { (n as f64).powf(config.ns_exponent) };
        let outputs = match config.hs {
            true => Outputs::Tree(HuffmanTree::new(counts)?),
            false => {
                let weights: Vec<f64> = counts.iter().map(weight).collect();
                Outputs::Noise(AliasTable::new(&weights)?)
            }
        };
        let hot = match config.workers {
            1 => [None, None],
            _ => {
                let hot = |weights: &[u64]| Some(hot(config, weights, counts));
                let of_outputs = match &outputs {
                    Outputs::Noise(_) => hot(counts),
                    Outputs::Tree(tree) => hot(&of_nodes(tree, counts)),
                };
                [hot(counts), of_outputs]
            }
        };
        Ok(Self {
            hot,
            subsampling: Subsampling::new(counts, config.sample)?,
            outputs,
            windows: Windows::new(config.window, config.shrink_windows)?,
            config: config.clone(),
            parts: None,
            shuffles: false,
        })
    }

    /// With words made of parts, rows of the inputs.
    pub(in crate::vectors) fn with_parts(mut self, parts: Parts, counts: &[u64]) -> Self {
        if self.config.workers > 1 {
            let mut weights = vec![0; parts.end()];
            for (word, &count) in counts.iter().enumerate() {
                for &row in parts.of(word as u32) {
                    weights[row as usize] += count;
                }
            }
            self.hot[0] = Some(hot(&self.config, &weights, counts));
        }
        self.parts = Some(parts);
        self
    }

    /// Whether each epoch reads the words of a sentence in another order.
    pub(in crate::vectors) fn shuffling(mut self, shuffles: bool) -> Self {
        self.shuffles = shuffles;
        self
    }

    /// The parts given.
    pub(in crate::vectors) fn into_parts(self) -> Parts {
        self.parts.unwrap_or_else(Parts::new)
    }

    /// All epochs.
    pub(in crate::vectors) fn run(
        &self,
        name: &str,
        sentences: &Sentences,
        tables: &mut Tables,
        ctx: &FitContext<'_>,
    ) -> Result<()> {
        ctx.progress.begin(name, self.config.epochs as u64);
        let trained = (0..self.config.epochs).try_for_each(|epoch| {
            self.epoch(epoch, sentences, tables, ctx.seed, &ctx.cancel)?;
            ctx.progress.step(epoch as u64 + 1, "");
            Ok(())
        });
        ctx.progress.end();
        trained
    }

    /// Passes over the sentences once; workers take chunks in order, each when it has done its last.
    pub(in crate::vectors) fn epoch(
        &self,
        epoch: usize,
        sentences: &Sentences,
        tables: &mut Tables,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<()> {
        let shop = Shop {
            subsampling: &self.subsampling,
            windows: self.windows,
            targets: match &self.outputs {
                Outputs::Noise(noise) => Targets::Negatives(noise, self.config.negative),
                Outputs::Tree(tree) => Targets::Paths(tree),
            },
            bag: match self.config.architecture {
                Architecture::SkipGram => None,
                Architecture::Cbow => Some(Bag::Mean),
                Architecture::CbowSum => Some(Bag::Sum),
            },
            parts: self.parts.as_ref(),
            shuffles: self.shuffles,
        };
        let next = AtomicUsize::new(0);
        let tables_shared = [tables.inputs.share(), tables.outputs.share()];
        let pass = Pass {
            trainer: self,
            epoch,
            sentences,
            shop,
            tables: tables_shared,
            next: &next,
            seed,
        };
        (0..self.config.workers)
            .into_par_iter()
            .with_max_len(1)
            .try_for_each(|_| pass.work(cancel))?;
        tables.check(&self.config)
    }

    /// The learning rate of a chunk.
    pub(super) fn rate(&self, epoch: usize, chunk: usize, sentences: &Sentences) -> f32 {
        let before = epoch as f64 + sentences.share_before(chunk);
        let done = before / self.config.epochs as f64;
        let (start, end) = (self.config.alpha, self.config.min_alpha);
        (start - (start - end) * done) as f32
    }
}

struct Pass<'a> {
    trainer: &'a Trainer,
    epoch: usize,
    sentences: &'a Sentences,
    shop: Shop<'a>,
    tables: [Shared<'a>; 2],
    next: &'a AtomicUsize,
    seed: u64,
}

impl Pass<'_> {
    fn work(&self, cancel: &Cancel) -> Result<()> {
        let Trainer { config, hot, .. } = self.trainer;
        let [hot_inputs, hot_outputs] = [&hot[0], &hot[1]].map(Option::as_ref);
        let copies = |hot| Copies::new(hot, config.vector_size);
        let (mut inputs, mut outputs) = (copies(hot_inputs), copies(hot_outputs));
        let views = Views::new([
            inputs.view(self.tables[0], hot_inputs),
            outputs.view(self.tables[1], hot_outputs),
        ]);
        let mut desk = Desk::new(views, config.vector_size);
        dispatch(MergeAll(&mut desk.tables));
        loop {
            let chunk = self.next.fetch_add(1, Ordering::Relaxed);
            if chunk >= self.sentences.chunks() {
                dispatch(MergeAll(&mut desk.tables));
                return Ok(());
            }
            cancel.check("training of word2vec")?;
            // A chunk's draws and rate depend on the chunk, not on who takes it.
            let lane = (self.epoch * self.sentences.chunks() + chunk) as u64;
            dispatch(Walk {
                shop: self.shop,
                desk: &mut desk,
                ids: self.sentences.chunk(chunk),
                rng: rng::stream(self.seed, "word2vec.windows", lane),
                rate: self.trainer.rate(self.epoch, chunk, self.sentences),
            });
        }
    }
}

/// Merges all copies; before the first step that is to read them.
struct MergeAll<'a, 'b>(&'b mut Views<'a>);

impl Task for MergeAll<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        self.0.inputs.merge_all(s);
        self.0.outputs.merge_all(s);
    }
}
