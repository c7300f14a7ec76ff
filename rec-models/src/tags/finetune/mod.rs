//! An encoder trained together with its classifier.

mod data;
mod objective;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::DType;
use rec_core::parallel;
use rec_core::text::Tokenizer;
use serde::{Deserialize, Serialize};

pub use data::LabelledCorpus;
pub use objective::{ClassificationLoss, ClassificationObjective, ClassificationPass};

use super::class_weights::ClassWeights;
use super::classifier::TagClassifier;
use super::folds::folds;
use super::heads::{EncoderTags, HeadTagger, check_words};
use super::labels::Labelled;
use super::model::TagModel;
use super::regression::{Columns, Linear};
use super::train::check_plain;
use crate::fit::FitContext;
use crate::language::train::{Evaluation, Trained, TrainingData};
use crate::language::{
    Batch, ClassifierPooling, Corpus, DropoutRates, EncoderClassifier, EncoderModel,
    EncoderOptions, LanguageTraining, PoolingMode, TextEncoder, Vectors, has_pooler,
};
use crate::{Error, Result};

/// Trains an encoder with a linear classifier on the pooled vector of each text.
///
/// The pooled vector of a bare BERT, RoBERTa or ALBERT with a pooler is the pooler's, as in
/// `BertForSequenceClassification`; of other checkpoints it is the folder's pooling, the mean where
/// it names none. Steps of a sentence-transformers folder after the pooling are left out.
///
/// The classifier starts from logistic regression on the vectors of the encoder as it is, so that
/// its first steps do not distort the encoder (Kumar et al. 2022, "Fine-Tuning can Distort
/// Pretrained Features", LP-FT); the vectors are not standardised for it, for large weights on what
/// hardly varies would make much of what dropout takes away. Calibration and thresholds are fitted on the validation texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FineTuneTagger {
    /// Epochs, learning rate and all else about the steps.
    pub training: LanguageTraining,
    /// What an error costs.
    pub loss: ClassificationLoss,
    /// How much an error in a text of each label weighs.
    pub class_weights: ClassWeights,
    /// The share of the texts that is held out for validation where no other texts are given.
    pub validation_share: f64,
    /// The cost `C` of the logistic regression that the classifier starts from, on vectors as they
    /// are; none for a start at random.
    pub probe: Option<f64>,
    /// `pooler`, or a pooling mode (`mean`, `cls`), where it is not to be the checkpoint's.
    pub pooling: Option<String>,
    /// Tokens a text may have, where it is to be less than the model's.
    pub max_len: Option<usize>,
}

impl Default for FineTuneTagger {
    /// Up to four epochs at 2·10⁻⁵, 32 texts a step, dropout of 0.1; the best epoch on the
    /// validation texts is kept.
    fn default() -> Self {
        Self {
            training: LanguageTraining {
                epochs: 4,
                learning_rate: 2e-5,
                warmup: 0.1,
                batch_tokens: 8192,
                batch_rows: Some(32),
                dropout: DropoutRates::all(0.1),
                patience: Some(2),
                ..LanguageTraining::default()
            },
            loss: ClassificationLoss::default(),
            class_weights: ClassWeights::Uniform,
            validation_share: 0.1,
            probe: Some(0.3),
            pooling: None,
            max_len: None,
        }
    }
}

/// A classifier, and how its training went.
#[derive(Debug)]
pub struct FineTuned {
    /// The classifier.
    pub classifier: TagClassifier,
    /// The mean training loss of every epoch.
    pub losses: Vec<f64>,
    /// The losses on the validation texts.
    pub validation: Vec<Evaluation>,
}

impl FineTuneTagger {
    /// Trains the checkpoint in `folder` (bare, or in sentence-transformers layout) on texts and
    /// their labels. Without `validation`, some of the texts are held out for it, of every label
    /// its share.
    ///
    /// Texts without a token are left out of training. Checkpoints and resuming are as for
    /// [`LanguageTraining::fit`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::Shape`] where texts and
    /// labels differ in number, or the labels of the two parts, [`Error::Empty`] where no text has a
    /// word, and those of [`LanguageTraining::fit`] and [`TextEncoder::from_pretrained`].
    pub fn fit<S: AsRef<str> + Sync>(
        &self,
        folder: impl AsRef<Path>,
        (texts, labelled): (&[S], &Labelled),
        validation: Option<(&[S], &Labelled)>,
        ctx: &FitContext<'_>,
    ) -> Result<FineTuned> {
        self.check()?;
        check_plain(texts.len(), labelled)?;
        check_words(texts)?;
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let Some((other, truth)) = validation else {
            let [train, held_out] = self.hold_out(&texts, labelled, ctx.seed)?;
            return self.fit_parts(folder.as_ref(), train, held_out, ctx);
        };
        check_plain(other.len(), truth)?;
        if !truth.labels.names().same_as(labelled.labels.names()) {
            let why = "they are not those of the training texts; encode them with the same Labels";
            return Err(Error::data("the labels of the validation texts", why));
        }
        let other: Vec<&str> = other.iter().map(AsRef::as_ref).collect();
        self.fit_parts(folder.as_ref(), (texts, labelled.clone()), (other, truth.clone()), ctx)
    }

    fn check(&self) -> Result<()> {
        self.loss.check()?;
        if !(self.validation_share > 0.0 && self.validation_share <= 0.5) {
            let why = "a share above 0, at most 0.5; usual is 0.1";
            return Err(Error::parameter("validation_share", self.validation_share, why));
        }
        self.head(1.0).check()?;
        self.probe.map_or(Ok(()), |c| self.head(c).check())
    }

    fn head(&self, c: f64) -> HeadTagger {
        HeadTagger {
            c: vec![c],
            folds: 0,
            class_weights: self.class_weights.clone(),
            ..HeadTagger::default()
        }
    }

    fn hold_out<'t>(
        &self,
        texts: &[&'t str],
        labelled: &Labelled,
        seed: u64,
    ) -> Result<[(Vec<&'t str>, Labelled); 2]> {
        let n_folds = ((1.0 / self.validation_share).round() as usize).min(texts.len());
        if n_folds < 2 {
            let why = "two texts at least are needed, one of them to validate on";
            return Err(Error::data("the training texts", why));
        }
        let fold = folds(&labelled.rows, n_folds, seed);
        let part = |validation: bool| {
            let rows: Vec<usize> =
                (0..texts.len()).filter(|&row| (fold[row] == 0) == validation).collect();
            let labelled = labelled.select(&rows);
            (rows.iter().map(|&row| texts[row]).collect(), labelled)
        };
        Ok([part(false), part(true)])
    }

    fn fit_parts(
        &self,
        folder: &Path,
        (texts, labelled): (Vec<&str>, Labelled),
        (held_out, truth): (Vec<&str>, Labelled),
        ctx: &FitContext<'_>,
    ) -> Result<FineTuned> {
        let options = EncoderOptions { max_len: self.max_len, ..EncoderOptions::default() };
        let source = Source::open(folder, &options, self.pooling.as_deref())?;
        let data = source.data(&texts, &labelled)?;
        let validation = source.data(&held_out, &truth)?;
        let model = self.start(&source, &data, &labelled, ctx)?;
        let objective = ClassificationObjective::new(
            labelled.labels.task(),
            self.class_weights.of(&labelled)?,
            self.loss,
        )?;
        let Trained { model, losses, validation } =
            self.training.fit(model, &objective, &data, Some(&validation), ctx)?;
        let options = EncoderOptions { device: ctx.device, ..options };
        let model = source.finish(self.training.merged(model), &labelled, &options)?;
        let scores = parallel::install(ctx.threads, || model.scores(&held_out))?;
        let classifier = TagClassifier::calibrated(Box::new(model), &scores, &truth.rows)?;
        Ok(FineTuned { classifier, losses, validation })
    }

    /// The checkpoint's encoder with the classifier that training starts from.
    fn start(
        &self,
        source: &Source,
        data: &LabelledCorpus,
        labelled: &Labelled,
        ctx: &FitContext<'_>,
    ) -> Result<EncoderClassifier> {
        let device = ctx.device.tensor()?.autodiff();
        let adapters = self.training.adapters(ctx.seed);
        let folder = source.encoder.transformer_folder();
        let (encoder, _) = EncoderModel::adapted(folder, &device, DType::F32, adapters.as_ref())?;
        let pooling = source.pooling(&encoder);
        let labels = labelled.labels.len();
        let model = EncoderClassifier::new(encoder, pooling, labels, ctx.seed)?;
        let Some(c) = self.probe else { return Ok(model) };
        let Linear { weights, bias, .. } = parallel::install(ctx.threads, || {
            let (vectors, rows) = self.vectors(&model, data, ctx)?;
            let known = labelled.select(&rows);
            self.head(c).train((&vectors, Columns::AsTheyAre), &known, c, ctx)
        })?;
        model.with_classifier(weights, bias)
    }

    /// The vectors of all texts that have tokens, and which these are.
    fn vectors(
        &self,
        model: &EncoderClassifier,
        data: &LabelledCorpus,
        ctx: &FitContext<'_>,
    ) -> Result<(Vectors, Vec<usize>)> {
        // What tracks gradients would keep every layer's output until a backward step.
        let model = model.valid();
        let rows: Vec<usize> = (0..data.len()).filter(|&row| data.tokens(row) > 0).collect();
        let [_, dim] = model.classifier.weight.dims();
        let mut values = Vec::with_capacity(rows.len() * dim);
        for rows in rows.chunks(self.training.batch_rows.unwrap_or(32)) {
            ctx.cancel.check("encoding texts")?;
            let texts: Vec<&[u32]> = rows.iter().map(|&row| data.corpus().text(row).ids).collect();
            let features = model.features(&Batch::new(&texts));
            values.extend(features.into_data().iter::<f32>());
        }
        Ok((Vectors::new(dim, values)?, rows))
    }
}

/// The checkpoint that training starts from.
struct Source {
    encoder: TextEncoder,
    /// What the caller wants pooled.
    wanted: Option<ClassifierPooling>,
}

impl Source {
    fn open(folder: &Path, options: &EncoderOptions, pooling: Option<&str>) -> Result<Self> {
        let wanted = match pooling {
            Some("pooler") => Some(ClassifierPooling::Pooler),
            Some(mode) => Some(ClassifierPooling::Tokens(vec![PoolingMode::from_str(mode)?])),
            None => None,
        };
        Ok(Self { encoder: TextEncoder::from_pretrained(folder, options)?, wanted })
    }

    fn pooling(&self, encoder: &EncoderModel) -> ClassifierPooling {
        match &self.wanted {
            Some(wanted) => wanted.clone(),
            None if self.encoder.is_bare() && has_pooler(encoder) => ClassifierPooling::Pooler,
            None => ClassifierPooling::Tokens(self.encoder.pooling().to_vec()),
        }
    }

    fn tokenizer(&self) -> &Tokenizer {
        self.encoder.tokenizer()
    }

    fn data(&self, texts: &[&str], labelled: &Labelled) -> Result<LabelledCorpus> {
        let max_len = Some(self.encoder.max_len());
        let corpus = if self.encoder.lower_cases() {
            let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
            Corpus::encode(self.tokenizer(), &texts, max_len)?
        } else {
            Corpus::encode(self.tokenizer(), texts, max_len)?
        };
        LabelledCorpus::new(corpus, labelled)
    }

    /// The trained model as a model of tags.
    fn finish(
        &self,
        model: EncoderClassifier,
        labelled: &Labelled,
        options: &EncoderOptions,
    ) -> Result<EncoderTags> {
        let folder = tempfile::Builder::new()
            .prefix("rec-encoder-")
            .tempdir()
            .map_err(Error::io(std::env::temp_dir()))?;
        let told = (self.encoder.max_len(), self.encoder.lower_cases());
        model.save_encoder(folder.path(), self.tokenizer(), told)?;
        let encoder = Arc::new(TextEncoder::from_pretrained(folder.path(), options)?);
        let [_, dim] = model.classifier.weight.dims();
        let weights = model.classifier.weight.val().into_data().iter::<f32>().collect();
        let bias = model.classifier.bias.as_ref().map(|bias| bias.val().into_data());
        let bias = bias.map(|bias| bias.iter::<f32>().collect()).unwrap_or_default();
        let head = Linear { dim, weights, bias };
        Ok(EncoderTags::new(labelled.labels.clone(), encoder, head)?.keeping(folder))
    }
}
