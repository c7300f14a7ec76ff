//! The stages that look at the items alone: words, vectors, keywords, tags.

use std::path::Path;

use rayon::prelude::*;
use rec_core::data::{Csr, Id, IdMap, Items};
use rec_core::parallel;
use rec_core::rng::stream;
use rec_core::store::{ModelReader, ModelWriter};
use rec_core::text::{Cleaner, Pipeline, Segmenter, StopWords, TokenFilter};

use super::config::{ContentVectors, Keywords, TagPrediction, TextOptions};
use crate::fit::FitContext;
use crate::language::{Encode, EncoderOptions, TextEncoder};
use crate::tags::{Labelled, TagClassifier};
use crate::vectors::{CorpusBuilder, Sif};
use crate::{Error, Result};

/// A vector an item, by the rows of the table.
#[derive(Clone)]
pub(super) struct Dense {
    pub(super) dim: usize,
    pub(super) values: Vec<f32>,
}

/// Labels an item, by the rows of the table, with their names.
#[derive(Clone)]
pub(super) struct Labels {
    pub(super) names: IdMap,
    pub(super) rows: Csr,
}

/// The words of each item, parted by spaces.
pub(super) fn words(
    items: &Items,
    options: &TextOptions,
    ctx: &FitContext<'_>,
) -> Result<Vec<String>> {
    let stop: Vec<&str> = options.stop_words.iter().map(String::as_str).collect();
    let pipeline = Pipeline::cleaning(&Cleaner::default())?
        .then(Segmenter::chinese())?
        .then(TokenFilter::Words {})?
        .then(StopWords::of(&stop)?)?;
    let columns = columns(items, &options.fields)?;
    let one = |row: usize| {
        let mut all = String::new();
        for texts in &columns {
            let tokens = pipeline.tokens(&texts[row])?;
            if !all.is_empty() && !tokens.is_empty() {
                all.push(' ');
            }
            all.push_str(&tokens.join(" ").to_lowercase());
        }
        Ok(all)
    };
    parallel::install(ctx.threads, || (0..items.len()).into_par_iter().map(one).collect())
}

/// The named text fields.
fn columns<'i>(items: &'i Items, fields: &[String]) -> Result<Vec<&'i [String]>> {
    let known = || items.texts().iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
    if fields.is_empty() {
        return Ok(items.texts().iter().map(|field| &field.texts[..]).collect());
    }
    let of = |name: &String| {
        let why = || format!("the items' texts are {}", known().join(", "));
        items.text(name).ok_or_else(|| Error::parameter("fields", name, why()))
    };
    fields.iter().map(of).collect()
}

pub(super) fn save_words(words: &[String], path: &Path) -> Result<()> {
    let mut writer = ModelWriter::new("words", &())?;
    writer.texts("words", words);
    writer.save(path)
}

pub(super) fn load_words(path: &Path) -> Result<Vec<String>> {
    ModelReader::open(path)?.texts("words")
}

/// Content vectors, at length 1; zeros for items without a known word.
pub(super) fn vectors(
    items: &Items,
    words: &[String],
    text: &TextOptions,
    how: &ContentVectors,
    ctx: &FitContext<'_>,
) -> Result<Dense> {
    let Dense { dim, mut values } = match how {
        ContentVectors::Words { word2vec, min_count } => {
            let mut corpus = CorpusBuilder::new().min_count(*min_count);
            words
                .iter()
                .try_for_each(|words| corpus.add(words.split(' ').filter(|w| !w.is_empty())))?;
            let table = word2vec.fit(&corpus.build()?, ctx)?.into_vectors();
            let sentences: Vec<Vec<&str>> = words.iter().map(|w| w.split(' ').collect()).collect();
            let sif = Sif::fit(&table, &sentences, 1e-3)?;
            Dense { dim: table.dim(), values: sif.transform(&table, &sentences)? }
        }
        ContentVectors::Encoder { folder, max_len } => {
            let options = EncoderOptions {
                device: ctx.device,
                max_len: *max_len,
                long_texts: crate::language::LongTexts::Truncate,
                ..EncoderOptions::default()
            };
            let encoder = TextEncoder::from_pretrained(folder, &options)?;
            let cleaner = Pipeline::cleaning(&Cleaner::default())?;
            let columns = columns(items, &text.fields)?;
            let clean = |row: usize| {
                let parts = columns.iter().map(|texts| cleaner.clean(&texts[row]));
                parts.collect::<Vec<_>>().join("\n")
            };
            let texts: Vec<String> = (0..items.len()).into_par_iter().map(clean).collect();
            let encode = Encode {
                progress: ctx.progress.clone(),
                cancel: ctx.cancel.clone(),
                ..Encode::default()
            };
            Dense { dim: encoder.dim(), values: encoder.encode(&texts, &encode)?.into_vec() }
        }
    };
    values.par_chunks_mut(dim).for_each(|row| {
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        if norm > 0.0 {
            row.iter_mut().for_each(|x| *x /= norm);
        }
    });
    Ok(Dense { dim, values })
}

pub(super) fn save_dense(dense: &Dense, path: &Path) -> Result<()> {
    let mut writer = ModelWriter::new("vectors", &())?;
    writer.f32("vectors", &[dense.values.len() / dense.dim.max(1), dense.dim], &dense.values)?;
    writer.save(path)
}

pub(super) fn load_dense(path: &Path) -> Result<Dense> {
    let (shape, values) = ModelReader::open(path)?.f32("vectors")?;
    match shape[..] {
        [_, dim] if dim > 0 => Ok(Dense { dim, values }),
        _ => Err(Error::shape("vectors", "[items, dim]", format!("{shape:?}"))),
    }
}

/// The words of each item that tell most: `tf · ln((1 + n) / (1 + df))`, best first.
pub(super) fn keywords(words: &[String], options: &Keywords) -> Labels {
    let mut names = IdMap::strings();
    let counts: Vec<Vec<(u32, f32)>> = words
        .iter()
        .map(|words| {
            let own = words.split(' ').filter(|word| word.chars().count() > 1);
            counted(own.map(|word| names.intern_str(word)).collect())
        })
        .collect();
    let mut df = vec![0u32; names.len()];
    counts.iter().flatten().for_each(|&(word, _)| df[word as usize] += 1);
    let n = words.len() as f32;
    let fits = |word: u32| {
        let df = df[word as usize];
        df >= options.min_items && df as f32 <= options.max_share * n
    };
    let rows = counts.into_iter().map(|row| {
        let score = |(word, tf): (u32, f32)| {
            (word, tf * ((1.0 + n) / (1.0 + df[word as usize] as f32)).ln())
        };
        let mut row: Vec<(u32, f32)> =
            row.into_iter().filter(|&(w, _)| fits(w)).map(score).collect();
        row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        row.truncate(options.most);
        row
    });
    let rows: Vec<Vec<(u32, f32)>> = rows.collect();
    compact(&names, &rows)
}

/// How often each word occurs, ascending.
fn counted(mut words: Vec<u32>) -> Vec<(u32, f32)> {
    words.sort_unstable();
    words.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f32)).collect()
}

/// Labels that some row has, numbered anew.
fn compact(names: &IdMap, rows: &[Vec<(u32, f32)>]) -> Labels {
    let mut kept = IdMap::strings();
    let mut number = |label: u32| names.id(label).map(|name| kept.intern(name));
    let rows: Vec<Vec<(u32, f32)>> = rows
        .iter()
        .map(|row| row.iter().filter_map(|&(label, x)| Some((number(label)?, x))).collect())
        .collect();
    Labels { rows: Csr::from_rows(rows, kept.len()), names: kept }
}

/// The table's tags, and those predicted for items that have texts and no tags.
pub(super) fn tags(
    items: &Items,
    words: &[String],
    options: &TagPrediction,
    seed: u64,
    ctx: &FitContext<'_>,
) -> Result<Labels> {
    let Some(known) = items.tags() else {
        let why = "none has any to learn from; give some items tags, or leave the stage out";
        return Err(Error::empty("the items' tags", why));
    };
    let names = items.tag_names();
    let own = Labels { names: names.clone(), rows: known.clone() };
    let has = |row: usize| !words[row].is_empty();
    let missing: Vec<usize> =
        (0..items.len()).filter(|&row| known.row(row).is_empty() && has(row)).collect();
    if missing.is_empty() {
        return Ok(own);
    }
    let model = learn_tags(known, names, words, options, seed, ctx)?;
    let texts: Vec<&str> = missing.iter().map(|&row| words[row].as_str()).collect();
    let mut rows: Vec<Vec<(u32, f32)>> = (0..items.len())
        .map(|row| known.row(row).iter().map(|&tag| (tag, 1.0)).collect())
        .collect();
    let labels = model.labels().len();
    for (texts, at) in texts.chunks(4096).zip(missing.chunks(4096)) {
        let probabilities = model.predict_proba(texts)?;
        for (row, &at) in probabilities.chunks_exact(labels).zip(at) {
            let given = (0u32..).zip(row).filter(|&(_, &p)| p >= options.min_probability);
            let named = given.filter_map(|(label, _)| names.get(model.labels().name(label)?));
            rows[at] = named.map(|tag| (tag, 1.0)).collect();
        }
    }
    Ok(Labels { rows: Csr::from_rows(rows, names.len()).binary(), ..own })
}

fn learn_tags(
    known: &Csr,
    names: &IdMap,
    words: &[String],
    options: &TagPrediction,
    seed: u64,
    ctx: &FitContext<'_>,
) -> Result<TagClassifier> {
    use rand::seq::SliceRandom as _;
    let counts = known.column_counts();
    let frequent = |row: usize| -> Vec<Id> {
        let often = known.row(row).iter().filter(|&&tag| counts[tag as usize] >= options.min_items);
        often.filter_map(|&tag| names.id(tag).map(|name| name.to_owned())).collect()
    };
    let taught = |&row: &usize| !words[row].is_empty() && !frequent(row).is_empty();
    let mut rows: Vec<usize> = (0..words.len()).filter(taught).collect();
    if rows.len() > options.max_items {
        rows.shuffle(&mut stream(seed, "pipeline.tags", 0));
        rows.truncate(options.max_items);
        rows.sort_unstable();
    }
    let texts: Vec<&str> = rows.iter().map(|&row| words[row].as_str()).collect();
    let sets: Vec<Vec<Id>> = rows.iter().map(|&row| frequent(row)).collect();
    options.tagger.fit(&texts, &Labelled::multi(&sets)?, ctx)
}

pub(super) fn save_labels(labels: &Labels, path: &Path) -> Result<()> {
    let mut writer = ModelWriter::new("labels", &())?;
    writer.map("names", &labels.names).csr("rows", &labels.rows)?;
    writer.save(path)
}

pub(super) fn load_labels(path: &Path) -> Result<Labels> {
    let reader = ModelReader::open(path)?;
    Ok(Labels { names: reader.map("names")?, rows: reader.csr("rows")? })
}
