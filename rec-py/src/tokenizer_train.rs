//! Training of `rec.Tokenizer`.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyString};
use rec_core::parallel;
use rec_core::text::segment::{Segment, Segmenter};
use rec_core::text::{
    SpecialRole, Tokenizer, TokenizerModel, TokenizerTrainer, TrainOptions, WordEnds,
};

use crate::errors::{OrRaise, parameter};
use crate::interrupt;
use crate::progress::reporter;
use crate::texts::text_from_py;

/// Texts taken from Python at a time.
const BLOCK: usize = 4096;

/// The keyword arguments of `Tokenizer.train`, beside its texts.
pub(crate) struct Training {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) options: TrainOptions,
    pub(crate) num_threads: Option<usize>,
    pub(crate) progress: Option<Py<PyAny>>,
}

/// The kind of tokenizer by name.
pub(crate) fn model(name: &str) -> PyResult<TokenizerModel> {
    match name {
        "wordpiece" => Ok(TokenizerModel::WordPiece),
        "bpe" => Ok(TokenizerModel::Bpe),
        "unigram" => Ok(TokenizerModel::Unigram),
        _ => Err(parameter("model", name, "choose wordpiece, bpe or unigram")),
    }
}

/// Learns a tokenizer from an iterable of texts, or from files with a text a line.
pub(crate) fn train(
    py: Python<'_>,
    texts: Option<&Bound<'_, PyAny>>,
    training: Training,
) -> PyResult<Tokenizer> {
    let Training { files, options, num_threads, progress } = training;
    let mut trainer = TokenizerTrainer::new(options).or_raise()?;
    let progress = reporter(progress);
    if let Some(texts) = texts {
        progress.begin("counting words", texts.len().unwrap_or(0) as u64);
        feed(py, &mut trainer, texts, num_threads, &|done| progress.step(done, "texts"))?;
        progress.end();
    }
    progress.begin("learning", 1 + files.len() as u64);
    let learned = interrupt::run(py, |cancel| {
        parallel::install(num_threads, || {
            for (done, file) in (1..).zip(&files) {
                trainer.feed_file(file)?;
                progress.step(done, "files");
                cancel.check("training the tokenizer")?;
            }
            trainer.train()
        })
    });
    progress.end();
    learned
}

/// Roles by the names of `tokenizer_config.json`.
pub(crate) fn roles(special: &Bound<'_, PyDict>) -> PyResult<Vec<(SpecialRole, String)>> {
    let mut roles = Vec::with_capacity(special.len());
    for (name, token) in special {
        let name: String = name.extract()?;
        let role = SpecialRole::ALL.into_iter().find(|role| role.key() == name);
        let known = SpecialRole::ALL.map(SpecialRole::key).join(", ");
        let unknown = || parameter("special_tokens", &name, &format!("the roles are {known}"));
        roles.push((role.ok_or_else(unknown)?, token.extract()?));
    }
    Ok(roles)
}

/// Word ends as a segmenter tells them.
pub(crate) fn word_ends(segmenter: Segmenter) -> Arc<WordEnds> {
    Arc::new(move |text: &str| {
        let mut ends = Vec::new();
        segmenter.segment(text, &mut |token| ends.push(token.end()));
        ends
    })
}

/// Counts the words of all texts of an iterable, the GIL released while counting.
fn feed(
    py: Python<'_>,
    trainer: &mut TokenizerTrainer,
    texts: &Bound<'_, PyAny>,
    num_threads: Option<usize>,
    done: &dyn Fn(u64),
) -> PyResult<()> {
    if texts.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("texts: pass a list or an iterator of strings"));
    }
    let mut block: Vec<PyBackedStr> = Vec::with_capacity(BLOCK);
    for text in texts.try_iter()? {
        block.push(text_from_py(&text?)?);
        if block.len() == BLOCK {
            py.detach(|| parallel::install(num_threads, || trainer.feed(&block))).or_raise()?;
            block.clear();
            py.check_signals()?;
            done(trainer.n_texts());
        }
    }
    py.detach(|| parallel::install(num_threads, || trainer.feed(&block))).or_raise()
}
