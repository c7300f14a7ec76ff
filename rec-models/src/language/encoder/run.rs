//! Encoding: block by block, batch by batch.

use std::collections::HashMap;
use std::path::Path;

use rec_core::parallel;
use rec_core::text::EncodeOptions;

use super::batches::by_budget;
use super::output::Writer;
use super::vectors::normalize;
use super::{Encode, MappedVectors, TextEncoder, Vectors};
use crate::device::limit_threads;
use crate::language::{Batch, Noise};
use crate::ops::Packed;
use crate::{Error, Result};

/// Texts that are tokenised and sorted together.
const BLOCK: usize = 8192;

/// One call's settings, made definite.
struct Plan<'a> {
    options: &'a Encode,
    prompt: &'a str,
    /// Tokens at the start of a text that pooling leaves out.
    skip: usize,
    batch_tokens: usize,
    normalize: bool,
}

/// A part of a text that goes through the model at once.
struct Window {
    /// Which of the texts.
    text: usize,
    ids: Vec<u32>,
    skip: usize,
}

impl TextEncoder {
    /// Vectors of the texts, in their order: `[texts, dim]`. A text without a token (an empty one,
    /// under a tokenizer that adds no special tokens) has a vector of zeros.
    ///
    /// # Errors
    /// An unknown prompt, [`Error::TooLarge`] for a memory limit that is too small,
    /// [`Error::Cancelled`], [`Error::Data`] where the model gives NaN.
    pub fn encode<T: AsRef<str> + Sync>(&self, texts: &[T], options: &Encode) -> Result<Vectors> {
        let plan = self.plan(options, texts.len())?;
        let progress = &options.progress;
        progress.begin("encode", texts.len() as u64);
        let mut values = Vec::with_capacity(texts.len() * self.dim());
        let outcome = texts.chunks(BLOCK).try_for_each(|block| {
            let block: Vec<&str> = block.iter().map(AsRef::as_ref).collect();
            values.extend(self.block(&block, &plan, values.len() / self.dim())?);
            Ok(())
        });
        progress.end();
        outcome?;
        Vectors::new(self.dim(), values)
    }

    /// As [`TextEncoder::encode`], for more texts than fit in memory: vectors go to a NumPy file
    /// (`.npy`, `[texts, dim]`, f32), which appears at `path` once it is whole, and is read back
    /// memory-mapped.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`], whatever `texts` yields, and what the disk refuses.
    pub fn encode_to_file(
        &self,
        texts: impl IntoIterator<Item = Result<String>>,
        path: impl AsRef<Path>,
        options: &Encode,
    ) -> Result<MappedVectors> {
        let path = path.as_ref();
        let plan = self.plan(options, BLOCK)?;
        let mut writer = Writer::create(path, self.dim())?;
        let mut texts = texts.into_iter();
        let progress = &options.progress;
        progress.begin("encode", texts.size_hint().1.unwrap_or(0) as u64);
        let outcome = loop {
            let block: Result<Vec<String>> = texts.by_ref().take(BLOCK).collect();
            let step = block.and_then(|block| {
                let borrowed: Vec<&str> = block.iter().map(String::as_str).collect();
                writer.push(&self.block(&borrowed, &plan, writer.rows())?)?;
                Ok(block.len() == BLOCK)
            });
            match step {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        progress.end();
        outcome?;
        writer.finish()?;
        MappedVectors::open(path)
    }

    /// The texts by similarity (cosine) to the query, the nearest first: `(position, cosine)`.
    /// The prompts named `query` and `document` (or `passage`) are used where the model has them.
    ///
    /// # Errors
    /// As [`TextEncoder::encode`].
    pub fn rank<T: AsRef<str> + Sync>(
        &self,
        query: &str,
        texts: &[T],
        options: &Encode,
    ) -> Result<Vec<(usize, f32)>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let prompted = |names: &[&str]| {
            let known = names.iter().find(|name| self.prompts.contains_key(**name));
            let prompt =
                known.map_or(options.prompt.clone(), |name| super::Prompt::Named(name.to_string()));
            Encode { prompt, ..options.clone() }
        };
        let query = self.encode(&[query], &prompted(&["query"]))?;
        let texts = self.encode(texts, &prompted(&["document", "passage"]))?;
        let cosines = query.similarity(&texts)?;
        let mut ranked: Vec<(usize, f32)> = cosines.into_iter().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(ranked)
    }

    fn plan<'a>(&'a self, options: &'a Encode, texts: usize) -> Result<Plan<'a>> {
        if options.batch_tokens == 0 {
            return Err(Error::parameter("batch_tokens", 0, "at least 1 token; try 4096"));
        }
        let prompt = self.prompt(&options.prompt)?;
        let skip = if self.head.include_prompt || prompt.is_empty() {
            0
        } else {
            let bare = EncodeOptions { special_tokens: false, ..EncodeOptions::default() };
            self.frame.before.len() + self.tokenizer.encode(prompt, &bare)?.len()
        };
        Ok(Plan {
            options,
            prompt,
            skip,
            batch_tokens: self.batch_tokens(options, texts)?,
            normalize: options.normalize.unwrap_or(false),
        })
    }

    /// Tokens a batch may have under the memory limit.
    fn batch_tokens(&self, options: &Encode, texts: usize) -> Result<usize> {
        let Some(limit) = options.memory_limit else { return Ok(options.batch_tokens) };
        let output = 4 * (texts * self.dim()) as u64;
        // Hidden states, a layer's intermediate values and the copies between operations: measured
        // at under 16 hidden vectors a token for the usual fourfold feed-forward layer.
        let token = 4 * 16 * self.backbone.hidden_size() as u64;
        let fits = limit.saturating_sub(output) / token;
        if fits < self.max_len as u64 {
            return Err(Error::TooLarge {
                what: format!("encoding {texts} texts of up to {} tokens", self.max_len),
                needs: output + token * self.max_len as u64,
                limit,
                why: "raise the limit, lower max_len, or write the vectors to a file".into(),
            });
        }
        Ok(options.batch_tokens.min(fits as usize))
    }

    /// Vectors of a block of texts, row-major.
    fn block(&self, texts: &[&str], plan: &Plan<'_>, done: usize) -> Result<Vec<f32>> {
        let dim = self.dim();
        let (distinct, places) = distinct(texts);
        let mut vectors = vec![0.0; distinct.len() * dim];
        let missing = match &self.cache {
            Some(cache) => cache.fill(plan.prompt, &distinct, &mut vectors)?,
            None => (0..distinct.len()).collect(),
        };
        if !missing.is_empty() {
            let wanted: Vec<&str> = missing.iter().map(|&i| distinct[i]).collect();
            let share = texts.len() as f64 / wanted.len() as f64;
            let report = |texts: usize| {
                let texts = done + (texts as f64 * share) as usize;
                plan.options.progress.step(texts as u64, "");
            };
            let fresh = self.fresh(&wanted, plan, &report)?;
            for (&i, vector) in missing.iter().zip(fresh.chunks_exact(dim)) {
                vectors[i * dim..(i + 1) * dim].copy_from_slice(vector);
            }
            if let Some(cache) = &self.cache {
                cache.insert(plan.prompt, &wanted, &fresh)?;
            }
        }
        plan.options.progress.step((done + texts.len()) as u64, "");
        if plan.normalize {
            normalize(&mut vectors, dim);
        }
        let rows = places.iter().flat_map(|&i| &vectors[i * dim..(i + 1) * dim]);
        Ok(rows.copied().collect())
    }

    /// Vectors of distinct texts by the model.
    fn fresh(
        &self,
        texts: &[&str],
        plan: &Plan<'_>,
        report: &(dyn Fn(usize) + Sync),
    ) -> Result<Vec<f32>> {
        limit_threads(&self.backbone.device(), plan.options.threads);
        parallel::install(plan.options.threads, || {
            let windows = self.windows(texts, plan)?;
            let lengths: Vec<usize> = windows.iter().map(|window| window.ids.len()).collect();
            let mut sums = Sums::new(texts.len(), self.dim());
            let mut done = 0;
            for batch in by_budget(&lengths, plan.batch_tokens) {
                plan.options.cancel.check("encoding texts")?;
                let batch: Vec<&Window> = batch.iter().map(|&i| &windows[i]).collect();
                done += batch.len();
                let batch: Vec<&Window> =
                    batch.into_iter().filter(|window| !window.ids.is_empty()).collect();
                if batch.is_empty() {
                    continue;
                }
                let vectors = self.forward(&batch)?;
                for (window, vector) in batch.iter().zip(vectors.chunks_exact(self.dim())) {
                    sums.add(window.text, vector, window.ids.len() - self.frame.len());
                }
                report(done * texts.len() / windows.len());
            }
            Ok(sums.finish(self.normalizes()))
        })
    }

    /// The windows of every text, in order.
    fn windows(&self, texts: &[&str], plan: &Plan<'_>) -> Result<Vec<Window>> {
        let bare = EncodeOptions { special_tokens: false, ..EncodeOptions::default() };
        let packed = if plan.prompt.is_empty() && !self.lower_case {
            self.tokenizer.encode_packed(texts, &bare)?
        } else {
            let texts: Vec<String> = texts.iter().map(|text| self.prepared(text, plan)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            self.tokenizer.encode_packed(&texts, &bare)?
        };
        let room = self.max_len - self.frame.len();
        let mut windows = Vec::with_capacity(texts.len());
        for text in 0..texts.len() {
            let tokens = packed.row(text);
            for (i, range) in self.long_texts.windows(tokens.len(), room).into_iter().enumerate() {
                let mut ids = Vec::with_capacity(range.len() + self.frame.len());
                self.frame.put(&tokens[range], &mut ids);
                let skip = if i == 0 { plan.skip } else { 0 };
                windows.push(Window { text, ids, skip });
            }
        }
        Ok(windows)
    }

    fn prepared(&self, text: &str, plan: &Plan<'_>) -> String {
        let whole = format!("{}{text}", plan.prompt);
        if self.lower_case { whole.to_lowercase() } else { whole }
    }

    fn forward(&self, windows: &[&Window]) -> Result<Vec<f32>> {
        let batch = Batch {
            ids: windows.iter().flat_map(|window| window.ids.iter().copied()).collect(),
            type_ids: None,
            rows: Packed::from_lengths(windows.iter().map(|window| window.ids.len())),
            noise: Noise::none(),
        };
        let skip: Vec<usize> = windows.iter().map(|window| window.skip).collect();
        let pooled = self.head.forward(self.backbone.hidden(&batch), &batch, &skip);
        let values: Vec<f32> = pooled.into_data().iter::<f32>().collect();
        if values.iter().all(|value| value.is_finite()) {
            return Ok(values);
        }
        let why = "the model gives NaN or infinite values; check its weights, or use float32";
        Err(Error::data("vectors of the texts", why))
    }
}

/// Each text once, and where each of `texts` is among them.
fn distinct<'a>(texts: &[&'a str]) -> (Vec<&'a str>, Vec<usize>) {
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(texts.len());
    let mut distinct = Vec::with_capacity(texts.len());
    let place = |&text: &&'a str| {
        *seen.entry(text).or_insert_with(|| {
            distinct.push(text);
            distinct.len() - 1
        })
    };
    let places = texts.iter().map(place).collect();
    (distinct, places)
}

/// Averages of windows, each weighted by its tokens.
struct Sums {
    dim: usize,
    values: Vec<f32>,
    windows: Vec<u32>,
    weights: Vec<f32>,
}

impl Sums {
    fn new(texts: usize, dim: usize) -> Self {
        Self {
            dim,
            values: vec![0.0; texts * dim],
            windows: vec![0; texts],
            weights: vec![0.0; texts],
        }
    }

    fn add(&mut self, text: usize, vector: &[f32], tokens: usize) {
        let weight = tokens.max(1) as f32;
        self.windows[text] += 1;
        self.weights[text] += weight;
        let row = &mut self.values[text * self.dim..(text + 1) * self.dim];
        for (sum, value) in row.iter_mut().zip(vector) {
            *sum += weight * value;
        }
    }

    /// Texts of one window keep its vector; `unit` averages have length 1 again.
    fn finish(mut self, unit: bool) -> Vec<f32> {
        for (i, row) in self.values.chunks_exact_mut(self.dim).enumerate() {
            if self.windows[i] > 0 {
                row.iter_mut().for_each(|sum| *sum /= self.weights[i]);
            }
            if unit && self.windows[i] > 1 {
                normalize(row, self.dim);
            }
        }
        self.values
    }
}

/// Keywords may be re-ranked by the encoder's vectors.
impl rec_core::text::Embed for TextEncoder {
    fn dim(&self) -> usize {
        TextEncoder::dim(self)
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<f32>> {
        Ok(self.encode(texts, &Encode::default())?.into_vec())
    }
}
