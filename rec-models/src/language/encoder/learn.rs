//! Training the encoder of a folder, into another folder.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{DType, Device};
use rec_core::text::Tokenizer;
use rec_core::text::segment::Segmenter;

use super::PoolingMode;
use super::modules::{self, Layout, Step};
use crate::device::check_dtype;
use crate::fit::FitContext;
use crate::language::train::{
    Corpus, Evaluation, LanguageTraining, MaskedObjective, Objective, PairObjective, Pairs, SimCse,
    Trained,
};
use crate::language::{Backbone, DropoutRates, EncoderModel, MaskedLmModel};
use crate::{Error, Result};

/// What an encoder learns from.
#[derive(Clone, Copy, Debug)]
pub enum Lesson<'a> {
    /// Texts of the domain, whose tokens it predicts behind a mask.
    Masked {
        /// Texts to learn from.
        texts: &'a [&'a str],
        /// Texts to measure on; may be empty.
        validation: &'a [&'a str],
        /// Mask the words that jieba finds, not single characters.
        whole_words: bool,
    },
    /// Texts whose vectors it spreads apart, by dropping out twice ([`SimCse`]).
    SimCse {
        /// Texts to learn from.
        texts: &'a [&'a str],
        /// Texts to measure on; may be empty.
        validation: &'a [&'a str],
        /// `τ` of [`SimCse`].
        temperature: f64,
    },
    /// Pairs of texts that belong together ([`PairObjective`]).
    Pairs {
        /// One text of each pair.
        anchors: &'a [&'a str],
        /// The other.
        positives: &'a [&'a str],
        /// Hard negatives, as many for every pair; may be empty.
        negatives: &'a [&'a str],
        /// `τ` of [`PairObjective`].
        temperature: f64,
        /// Whether a pair has no direction.
        symmetric: bool,
    },
}

/// How an encoder is trained from a folder.
#[derive(Clone, Debug)]
pub struct EncoderTraining {
    /// The run. Its `dropout` is also that of SimCSE, which needs some: where none is set, 0.1.
    pub training: LanguageTraining,
    /// Tokens a text may have; none for what the model takes.
    pub max_len: Option<usize>,
    /// The type of weights and activations while training.
    pub dtype: DType,
}

impl Default for EncoderTraining {
    /// One epoch at 3·10⁻⁵, 64 rows a pass, dropout of 0.1, in single precision.
    fn default() -> Self {
        let training = LanguageTraining {
            epochs: 1,
            learning_rate: 3e-5,
            batch_rows: Some(64),
            batch_tokens: 16_384,
            dropout: DropoutRates::all(0.1),
            ..LanguageTraining::default()
        };
        Self { training, max_len: None, dtype: DType::F32 }
    }
}

/// How training went.
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt {
    /// The mean loss of every epoch, in nats a prediction.
    pub losses: Vec<f64>,
    /// The losses on the validation texts.
    pub validation: Vec<Evaluation>,
}

/// Trains the encoder in `from` (sentence-transformers or Hugging Face layout) and writes it with
/// its tokenizer and modules to `to`, in the same layout, whole or not at all: both this library
/// and its peers load it. The prediction head of a masked model is kept, so that training may go
/// on.
///
/// # Errors
/// As [`super::TextEncoder::from_pretrained`] and [`LanguageTraining::fit`]; a `to` that holds
/// files; contrastive lessons for a folder that pools in several ways or has a `Dense` module,
/// which would stay as it is.
pub fn train_encoder(
    from: &Path,
    to: &Path,
    lesson: Lesson<'_>,
    how: &EncoderTraining,
    ctx: &FitContext<'_>,
) -> Result<Learnt> {
    if to.read_dir().is_ok_and(|mut files| files.next().is_some()) {
        return Err(Error::parameter("to", to.display(), "it holds files; choose another folder"));
    }
    check_dtype(ctx.device, how.dtype)?;
    let layout = modules::read(from)?;
    let source = Source {
        tokenizer: Tokenizer::from_folder(&layout.transformer)?,
        device: ctx.device.tensor()?.autodiff(),
        from,
        layout,
        how,
    };
    source.learn(to, lesson, ctx)
}

struct Source<'a> {
    from: &'a Path,
    layout: Layout,
    tokenizer: Tokenizer,
    device: Device,
    how: &'a EncoderTraining,
}

impl Source<'_> {
    fn learn(&self, to: &Path, lesson: Lesson<'_>, ctx: &FitContext<'_>) -> Result<Learnt> {
        match lesson {
            Lesson::Masked { texts, validation, whole_words } => {
                let model = self.masked(ctx.seed)?;
                let max_len = self.max_len(&model)?;
                let segmenter = whole_words.then(Segmenter::chinese);
                let corpus = |texts: &[&str]| match &segmenter {
                    Some(words) => Corpus::with_words(&self.tokenizer, texts, max_len, words),
                    None => Corpus::encode(&self.tokenizer, texts, max_len),
                };
                let objective = MaskedObjective::new(&self.tokenizer)?;
                let held_out = some(validation).map(&corpus).transpose()?;
                let trained =
                    self.fit(model, &objective, &corpus(texts)?, held_out.as_ref(), ctx)?;
                self.publish(trained, to, MaskedLmModel::save)
            }
            Lesson::SimCse { texts, validation, temperature } => {
                let model = self.encoder()?;
                let max_len = self.max_len(&model)?;
                let corpus = |texts: &[&str]| Corpus::encode(&self.tokenizer, texts, max_len);
                let set = self.how.training.dropout;
                let none = set == DropoutRates::default();
                let dropout = if none { DropoutRates::all(0.1) } else { set };
                let objective = SimCse { pooling: self.pooling()?, temperature, dropout };
                let held_out = some(validation).map(corpus).transpose()?;
                let trained =
                    self.fit(model, &objective, &corpus(texts)?, held_out.as_ref(), ctx)?;
                self.publish(trained, to, EncoderModel::save)
            }
            Lesson::Pairs { anchors, positives, negatives, temperature, symmetric } => {
                let model = self.encoder()?;
                let max_len = self.max_len(&model)?;
                let tokenizer = &self.tokenizer;
                let pairs =
                    Pairs::with_negatives(tokenizer, anchors, positives, negatives, max_len)?;
                let objective = PairObjective { pooling: self.pooling()?, temperature, symmetric };
                let trained = self.fit(model, &objective, &pairs, None, ctx)?;
                self.publish(trained, to, EncoderModel::save)
            }
        }
    }

    fn fit<M: Backbone + Module, O: Objective<M> + Sync>(
        &self,
        model: M,
        objective: &O,
        data: &O::Data,
        validation: Option<&O::Data>,
        ctx: &FitContext<'_>,
    ) -> Result<Trained<M>> {
        self.how.training.fit(model, objective, data, validation, ctx)
    }

    fn encoder(&self) -> Result<EncoderModel> {
        Ok(EncoderModel::load(&self.layout.transformer, &self.device, self.how.dtype)?.0)
    }

    /// With the head it was trained with, or a new one.
    fn masked(&self, seed: u64) -> Result<MaskedLmModel> {
        let folder = &self.layout.transformer;
        match MaskedLmModel::has_head(folder)? {
            true => Ok(MaskedLmModel::load(folder, &self.device, self.how.dtype)?.0),
            false => Ok(MaskedLmModel::with_new_head(self.encoder()?, seed)),
        }
    }

    fn max_len(&self, model: &impl Backbone) -> Result<Option<usize>> {
        let known = [model.max_len(), self.layout.max_len, self.tokenizer.model_max_length()];
        let most = known.into_iter().flatten().min();
        match (self.how.max_len, most) {
            (Some(asked), Some(most)) if asked > most => {
                Err(Error::parameter("max_len", asked, format!("the model takes {most} at most")))
            }
            (asked, most) => Ok(asked.or(most)),
        }
    }

    fn pooling(&self) -> Result<PoolingMode> {
        let mut modes = None;
        for step in &self.layout.steps {
            match step {
                Step::Pooling { modes: named, .. } => modes = Some(named.as_slice()),
                Step::Normalize => {}
                Step::Dense { .. } => return Err(self.odd("a Dense module")),
            }
        }
        match modes {
            Some([mode]) => Ok(*mode),
            _ => Err(self.odd("other than one way of pooling")),
        }
    }

    fn odd(&self, what: &str) -> Error {
        let what = format!("{what} in {}", self.from.display());
        Error::unsupported(what, "contrastive training", "train it by masking instead")
    }

    /// Writes the folder beside `to`, and renames it when it is whole.
    fn publish<M>(
        &self,
        trained: Trained<M>,
        to: &Path,
        save: impl Fn(&M, &Path) -> Result<()>,
    ) -> Result<Learnt> {
        let parent = match to.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
        let partial = tempfile::Builder::new()
            .prefix(".partial-")
            .tempdir_in(parent)
            .map_err(Error::io(parent))?;
        copy_small(self.from, partial.path(), &self.dense())?;
        let inner = self.layout.transformer.strip_prefix(self.from).unwrap_or(Path::new(""));
        save(&trained.model, &partial.path().join(inner))?;
        if to.exists() {
            std::fs::remove_dir(to).map_err(Error::io(to))?;
        }
        let whole = partial.keep();
        std::fs::rename(&whole, to).map_err(Error::io(to))?;
        Ok(Learnt { losses: trained.losses, validation: trained.validation })
    }

    /// Folders whose weights stay as they are.
    fn dense(&self) -> Vec<PathBuf> {
        let folder = |step: &Step| match step {
            Step::Dense { folder, .. } => Some(folder.clone()),
            _ => None,
        };
        self.layout.steps.iter().filter_map(folder).collect()
    }
}

fn some<'a>(texts: &'a [&'a str]) -> Option<&'a [&'a str]> {
    (!texts.is_empty()).then_some(texts)
}

/// Copies what is no weights of a transformer: configs, vocabularies, modules.
fn copy_small(from: &Path, to: &Path, whole: &[PathBuf]) -> Result<()> {
    std::fs::create_dir_all(to).map_err(Error::io(to))?;
    let all = whole.iter().any(|folder| folder == from);
    for entry in from.read_dir().map_err(Error::io(from))? {
        let path = entry.map_err(Error::io(from))?.path();
        let Some(name) = path.file_name() else { continue };
        let small =
            ["json", "txt", "model"].iter().any(|end| path.extension() == Some(end.as_ref()));
        let listing = name.to_string_lossy().ends_with(".index.json");
        if path.is_dir() {
            if path.join("config.json").is_file() {
                copy_small(&path, &to.join(name), whole)?;
            }
        } else if all || (small && !listing) {
            std::fs::copy(&path, to.join(name)).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
