//! Training the encoder of a folder, into another folder.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device};
use rec_core::text::segment::Segmenter;
use rec_core::text::{SpecialRole, Tokenizer};

use super::PoolingMode;
use super::modules::{self, Layout, Step};
use super::publish::{check_free, publish};
use crate::device::check_dtype;
use crate::fit::FitContext;
use crate::language::train::{
    CausalObjective, Corpus, Evaluation, LanguageTraining, MaskedObjective, Objective,
    PairObjective, Pairs, ReplacedTokens, SimCse, Trained,
};
use crate::language::{
    Backbone, CausalModel, DropoutRates, ElectraPair, EncoderModel, LoraConfig, MaskedLmModel,
    is_causal, is_detector,
};
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
    /// Texts of the domain, some of whose tokens a small generator that learns beside it replaces:
    /// which, it tells ([`ReplacedTokens`]). Of ELECTRA alone.
    Replaced {
        /// Texts to learn from.
        texts: &'a [&'a str],
        /// Texts to measure on; may be empty.
        validation: &'a [&'a str],
        /// Replace the words that jieba finds whole, not single characters.
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
    /// Texts each of whose tokens it predicts from those before; of decoders alone.
    Causal {
        /// Texts to learn from.
        texts: &'a [&'a str],
        /// Texts to measure on; may be empty.
        validation: &'a [&'a str],
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

/// Where the adapters of a trained encoder lie in its folder.
const ADAPTERS: &str = "lora";

/// Trains the encoder in `from` (sentence-transformers or Hugging Face layout) and writes it with
/// its tokenizer and modules to `to`, in the same layout, whole or not at all: both this library
/// and its peers load it. The prediction head of a masked model is kept, so that training may go
/// on.
///
/// With [`LanguageTraining::lora`], the encoder in `to` has the adapters merged; they lie apart in
/// its folder `lora`, for `peft` and for [`EncoderOptions::adapter`](super::EncoderOptions).
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
    check_free(to)?;
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

/// As [`train_encoder`], for the language model in `from`: an encoder predicts tokens behind a mask,
/// an ELECTRA without a head for that tells which tokens were replaced, a decoder predicts the next
/// token, and the end of a text where its tokenizer has a token for it.
///
/// # Errors
/// As [`train_encoder`].
pub fn train_language_model(
    from: &Path,
    to: &Path,
    (texts, validation): (&[&str], &[&str]),
    whole_words: bool,
    how: &EncoderTraining,
    ctx: &FitContext<'_>,
) -> Result<Learnt> {
    let lesson = if is_causal(from)? {
        Lesson::Causal { texts, validation }
    } else if is_detector(from)? {
        Lesson::Replaced { texts, validation, whole_words }
    } else {
        Lesson::Masked { texts, validation, whole_words }
    };
    train_encoder(from, to, lesson, how, ctx)
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
                let objective = MaskedObjective::new(&self.tokenizer)?;
                let (data, held_out) = self.corpora((texts, validation), whole_words, &model)?;
                let trained = self.fit(model, &objective, &data, held_out.as_ref(), ctx)?;
                self.publish(trained, to, MaskedLmModel::save, MaskedLmModel::save_adapters)
            }
            Lesson::Replaced { texts, validation, whole_words } => {
                if self.how.training.lora.is_some() {
                    let why = "train it whole, or by masking";
                    return Err(Error::unsupported("lora", "telling replaced tokens", why));
                }
                let (folder, dtype) = (&self.layout.transformer, self.how.dtype);
                let model = ElectraPair::load(folder, &self.device, dtype, ctx.seed)?;
                let objective = ReplacedTokens::new(&self.tokenizer)?;
                let (data, held_out) = self.corpora((texts, validation), whole_words, &model)?;
                let trained = self.fit(model, &objective, &data, held_out.as_ref(), ctx)?;
                self.publish(trained, to, ElectraPair::save, |_, _, _, _| Ok(()))
            }
            Lesson::SimCse { texts, validation, temperature } => {
                let model = self.encoder(ctx.seed)?;
                let max_len = self.max_len(&model)?;
                let corpus = |texts: &[&str]| Corpus::encode(&self.tokenizer, texts, max_len);
                let set = self.how.training.dropout;
                let none = set == DropoutRates::default();
                let dropout = if none { DropoutRates::all(0.1) } else { set };
                let objective = SimCse { pooling: self.pooling()?, temperature, dropout };
                let held_out = some(validation).map(corpus).transpose()?;
                let trained =
                    self.fit(model, &objective, &corpus(texts)?, held_out.as_ref(), ctx)?;
                self.publish(trained, to, EncoderModel::save, EncoderModel::save_adapters)
            }
            Lesson::Causal { texts, validation } => {
                let (folder, dtype) = (&self.layout.transformer, self.how.dtype);
                let adapters = self.how.training.adapters(ctx.seed);
                let (model, _) =
                    CausalModel::adapted(folder, &self.device, dtype, adapters.as_ref())?;
                let max_len = self.max_len(&model)?;
                let end = self.tokenizer.special_tokens().get(SpecialRole::Eos);
                let corpus = |texts: &[&str]| match end {
                    Some(end) => Corpus::with_end(&self.tokenizer, texts, max_len, end.id),
                    None => Corpus::encode(&self.tokenizer, texts, max_len),
                };
                let held_out = some(validation).map(corpus).transpose()?;
                let data = corpus(texts)?;
                let trained = self.fit(model, &CausalObjective, &data, held_out.as_ref(), ctx)?;
                self.publish(trained, to, CausalModel::save, CausalModel::save_adapters)
            }
            Lesson::Pairs { anchors, positives, negatives, temperature, symmetric } => {
                let model = self.encoder(ctx.seed)?;
                let max_len = self.max_len(&model)?;
                let tokenizer = &self.tokenizer;
                let pairs =
                    Pairs::with_negatives(tokenizer, anchors, positives, negatives, max_len)?;
                let objective = PairObjective { pooling: self.pooling()?, temperature, symmetric };
                let trained = self.fit(model, &objective, &pairs, None, ctx)?;
                self.publish(trained, to, EncoderModel::save, EncoderModel::save_adapters)
            }
        }
    }

    /// The texts to learn from and those to measure on, if there are any.
    fn corpora(
        &self,
        (texts, validation): (&[&str], &[&str]),
        whole_words: bool,
        model: &impl Backbone,
    ) -> Result<(Corpus, Option<Corpus>)> {
        let max_len = self.max_len(model)?;
        let segmenter = whole_words.then(Segmenter::chinese);
        let corpus = |texts: &[&str]| match &segmenter {
            Some(words) => Corpus::with_words(&self.tokenizer, texts, max_len, words),
            None => Corpus::encode(&self.tokenizer, texts, max_len),
        };
        let held_out = some(validation).map(corpus).transpose()?;
        Ok((corpus(texts)?, held_out))
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

    fn encoder(&self, seed: u64) -> Result<EncoderModel> {
        let (folder, dtype) = (&self.layout.transformer, self.how.dtype);
        let adapters = self.how.training.adapters(seed);
        Ok(EncoderModel::adapted(folder, &self.device, dtype, adapters.as_ref())?.0)
    }

    /// With the head it was trained with, or a new one, which learns as a whole.
    fn masked(&self, seed: u64) -> Result<MaskedLmModel> {
        let (folder, dtype) = (&self.layout.transformer, self.how.dtype);
        if !MaskedLmModel::has_head(folder)? {
            return Ok(MaskedLmModel::with_new_head(self.encoder(seed)?, seed));
        }
        let adapters = self.how.training.adapters(seed);
        Ok(MaskedLmModel::adapted(folder, &self.device, dtype, adapters.as_ref())?.0)
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

    /// Writes the folder: the encoder with its adapters merged, and the adapters apart.
    fn publish<M: Module>(
        &self,
        trained: Trained<M>,
        to: &Path,
        save: impl Fn(&M, &Path) -> Result<()>,
        apart: impl Fn(&M, &LoraConfig, &Path, &Path) -> Result<()>,
    ) -> Result<Learnt> {
        let training = &self.how.training;
        publish((self.from, &self.layout), to, |folder, transformer| {
            if let Some(lora) = &training.lora {
                let adapters = folder.join(ADAPTERS);
                apart(&trained.model, lora, &adapters, self.from)?;
            }
            save(&training.merged(trained.model), transformer)
        })?;
        Ok(Learnt { losses: trained.losses, validation: trained.validation })
    }
}

fn some<'a>(texts: &'a [&'a str]) -> Option<&'a [&'a str]> {
    (!texts.is_empty()).then_some(texts)
}

#[cfg(test)]
mod tests;
