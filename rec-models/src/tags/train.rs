//! Training of the n-gram model: held-out scores by cross-validation, then all texts.

use rec_core::data::Csr;
use rec_core::parallel;
use serde::{Deserialize, Serialize};

use super::calibrate::{Calibration, mixture_weights};
use super::classifier::TagClassifier;
use super::features::{Bag, NgramOptions, TfIdf};
use super::folds::{folds, select};
use super::labels::{Labelled, Labels};
use super::learn::{Effort, Fitted, Inputs, Learner, Start};
use super::ngrams::{Head, NgramModel, mix};
use crate::fit::FitContext;
use crate::{Error, Result};

/// How much an error in a text of each label weighs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All the same.
    #[default]
    Uniform,
    /// `n / (labels · n_label)`: rare labels weigh more.
    Balanced,
    /// As given, in the order of the labels.
    Each(Vec<f32>),
}

/// Trains an [`NgramModel`]: each learner on the same texts (TF-IDF rows; [`Learner::Cnn`] and
/// [`Learner::Gru`] tokens in their order), its probabilities calibrated and its weight in the mixture
/// found on scores of texts that were held out, fold by fold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct NgramTagger {
    /// What counts as a feature.
    pub features: NgramOptions,
    /// The learners; one or more.
    pub learners: Vec<Learner>,
    /// Parts of the training texts that are held out in turn; 0 trains once, takes scores as logits
    /// and mixes learners evenly.
    pub folds: usize,
    /// How much an error in a text of each label weighs.
    pub class_weights: ClassWeights,
    /// Linear learners stop at a projected gradient of this size.
    pub tolerance: f64,
    /// And after so many passes.
    pub max_iterations: usize,
}

impl Default for NgramTagger {
    fn default() -> Self {
        Self {
            features: NgramOptions::default(),
            learners: vec![
                Learner::Svm { c: 1.0 },
                Learner::NbSvm { c: 0.5, alpha: 1.0 },
                Learner::NaiveBayes { alpha: 0.1 },
            ],
            folds: 4,
            class_weights: ClassWeights::Uniform,
            tolerance: 0.1,
            max_iterations: 200,
        }
    }
}

/// Scores of texts by models that were trained without them.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// Of each learner.
    pub learners: Vec<Vec<f32>>,
    /// The weight of each learner in the mixture.
    pub weights: Vec<f32>,
    /// Of the mixture; its few parameters are fitted on these very scores.
    pub mixture: Vec<f32>,
}

/// What is known beside the texts with labels.
#[derive(Clone, Copy)]
struct Texts<'a> {
    unlabelled: &'a [Bag],
    /// Of each learner.
    starts: &'a [Option<Start>],
}

/// Weights past this size are refused.
const MOST_BYTES: u64 = 8 << 30;

impl NgramTagger {
    /// Trains on texts and their labels. Empty texts are no error as long as others have words.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::Shape`] where texts and
    /// labels differ in number, [`Error::Empty`] where no text has a word, [`Error::TooLarge`] for
    /// more weights than 8 GiB, [`Error::Cancelled`] when told to stop.
    pub fn fit<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        labelled: &Labelled,
        ctx: &FitContext<'_>,
    ) -> Result<TagClassifier> {
        self.fit_with_unlabelled(texts, labelled, &[] as &[&str], ctx)
    }

    /// As [`NgramTagger::fit`], with further texts whose labels nobody knows: learners that pretrain
    /// ([`super::TextCnn::pretraining`]) read them too.
    ///
    /// # Errors
    /// As for [`NgramTagger::fit`]; [`Error::Parameter`] where no learner reads them.
    pub fn fit_with_unlabelled<S: AsRef<str> + Sync, U: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        labelled: &Labelled,
        unlabelled: &[U],
        ctx: &FitContext<'_>,
    ) -> Result<TagClassifier> {
        self.check()?;
        check_pairs(texts.len(), labelled)?;
        parallel::install(ctx.cpu_threads("NgramTagger")?, || {
            let bags = self.features.bags(texts)?;
            let bags: Vec<&Bag> = bags.iter().collect();
            let unlabelled = self.unlabelled(unlabelled)?;
            let starts = self.starts(&bags, &unlabelled, ctx)?;
            let texts = Texts { unlabelled: &unlabelled, starts: &starts };
            let (features, fitted) = self.fit_once(&bags, labelled, texts, ctx)?;
            if features.n_features() == 0 {
                let why = "no text has a word that counts as a feature; check the texts, the \
                           pipeline, and min_df";
                return Err(Error::empty("the training texts", why));
            }
            let held_out = self.cross_validate(&bags, labelled, texts, ctx)?;
            ctx.progress.end();
            self.finish(labelled, features, fitted, held_out)
        })
    }

    /// Cross-validation alone: the scores of every text by models trained without it, of each
    /// learner as a classifier of its own and of the mixture, all as logits: `[texts, labels]` each.
    ///
    /// # Errors
    /// As for [`NgramTagger::fit`]; [`Error::Parameter`] where there is nothing to hold out.
    pub fn held_out<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        labelled: &Labelled,
        ctx: &FitContext<'_>,
    ) -> Result<HeldOut> {
        self.held_out_with_unlabelled(texts, labelled, &[] as &[&str], ctx)
    }

    /// As [`NgramTagger::held_out`], with further texts as in [`NgramTagger::fit_with_unlabelled`].
    ///
    /// # Errors
    /// As both.
    pub fn held_out_with_unlabelled<S: AsRef<str> + Sync, U: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        labelled: &Labelled,
        unlabelled: &[U],
        ctx: &FitContext<'_>,
    ) -> Result<HeldOut> {
        self.check()?;
        check_pairs(texts.len(), labelled)?;
        parallel::install(ctx.cpu_threads("NgramTagger")?, || {
            let bags = self.features.bags(texts)?;
            let bags: Vec<&Bag> = bags.iter().collect();
            let unlabelled = self.unlabelled(unlabelled)?;
            let starts = self.starts(&bags, &unlabelled, ctx)?;
            let texts = Texts { unlabelled: &unlabelled, starts: &starts };
            let held_out = self.cross_validate(&bags, labelled, texts, ctx)?;
            let learners = held_out.ok_or_else(|| {
                Error::parameter("folds", self.folds, "choose 2 or more, and give 2 texts or more")
            })?;
            ctx.progress.end();
            let mixture = Mixture::fit(&labelled.labels, learners.clone(), &labelled.rows);
            Ok(HeldOut { learners, weights: mixture.weights, mixture: mixture.scores })
        })
    }

    fn check(&self) -> Result<()> {
        self.features.check()?;
        if self.learners.is_empty() {
            return Err(Error::parameter("learners", "none", "choose one or more, such as svm"));
        }
        self.learners.iter().try_for_each(Learner::check)?;
        if !(self.tolerance.is_finite() && self.tolerance > 0.0) {
            return Err(Error::parameter(
                "tolerance",
                self.tolerance,
                "choose above 0; 0.1 is usual",
            ));
        }
        if self.max_iterations == 0 {
            return Err(Error::parameter("max_iterations", 0, "at least 1 is needed"));
        }
        if self.folds == 1 {
            let why = "choose 2 or more parts to hold out in turn, or 0 for none";
            return Err(Error::parameter("folds", 1, why));
        }
        Ok(())
    }

    /// The words of texts without labels.
    fn unlabelled<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<Bag>> {
        if texts.is_empty() || self.learners.iter().any(Learner::reads_unlabelled) {
            return self.features.sequences(texts);
        }
        let why = "none of the learners reads texts without labels; add a cnn with pretraining = 10, or a gru with language_passes = 10";
        Err(Error::parameter("unlabelled", format!("{} texts", texts.len()), why))
    }

    /// What each learner starts from, if that does not depend on the texts that are held out.
    fn starts(
        &self,
        bags: &[&Bag],
        unlabelled: &[Bag],
        ctx: &FitContext<'_>,
    ) -> Result<Vec<Option<Start>>> {
        let begin = |learner: &Learner| learner.begin(&self.features, bags, unlabelled, ctx);
        self.learners.iter().map(begin).collect()
    }

    /// Each learner's scores of every text, made without it: `[texts, labels]` each.
    fn cross_validate(
        &self,
        bags: &[&Bag],
        labelled: &Labelled,
        texts: Texts<'_>,
        ctx: &FitContext<'_>,
    ) -> Result<Option<Vec<Vec<f32>>>> {
        let (n, n_labels) = (labelled.len(), labelled.labels.len());
        let n_folds = self.folds.min(n);
        ctx.progress.begin("tags", n_folds as u64);
        if n_folds < 2 {
            return Ok(None);
        }
        let fold = folds(&labelled.rows, n_folds, ctx.seed);
        let mut scores = vec![vec![0f32; n * n_labels]; self.learners.len()];
        for held_out in 0..n_folds {
            let (test, train): (Vec<usize>, Vec<usize>) =
                (0..n).partition(|&row| fold[row] == held_out);
            let part =
                |rows: &[usize]| -> Vec<&Bag> { rows.iter().map(|&row| bags[row]).collect() };
            let known =
                Labelled { labels: labelled.labels.clone(), rows: select(&labelled.rows, &train) };
            let (features, fitted) = self.fit_once(&part(&train), &known, texts, ctx)?;
            let test_bags = part(&test);
            let inputs = Inputs::new(&features, &test_bags);
            for ((learner, fitted), all) in self.learners.iter().zip(&fitted).zip(&mut scores) {
                let found = learner.scores(fitted, &inputs);
                for (&row, found) in test.iter().zip(found.chunks_exact(n_labels)) {
                    all[row * n_labels..][..n_labels].copy_from_slice(found);
                }
            }
            ctx.progress.step(held_out as u64 + 1, "");
        }
        Ok(Some(scores))
    }

    fn fit_once(
        &self,
        bags: &[&Bag],
        labelled: &Labelled,
        texts: Texts<'_>,
        ctx: &FitContext<'_>,
    ) -> Result<(TfIdf, Vec<Fitted>)> {
        let features = TfIdf::fit(&self.features, bags);
        self.check_size(features.n_features(), labelled.labels.len())?;
        let inputs = Inputs::new(&features, bags).with_unlabelled(texts.unlabelled);
        let effort = Effort {
            tolerance: self.tolerance,
            max_iterations: self.max_iterations,
            class_weights: self.class_weights.of(labelled)?,
            task: labelled.labels.task(),
        };
        let fit = |(learner, start): (&Learner, &Option<Start>)| {
            learner.fit(&inputs, start.as_ref(), &labelled.rows, &effort, ctx)
        };
        let fitted = self.learners.iter().zip(texts.starts).map(fit).collect::<Result<_>>()?;
        Ok((features, fitted))
    }

    fn check_size(&self, n_features: usize, n_labels: usize) -> Result<()> {
        let linear = self.learners.iter().filter(|l| l.is_linear()).count();
        let needs = 4 * (n_features as u64) * (n_labels as u64) * (linear as u64);
        if needs <= MOST_BYTES {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("weights of {n_features} n-grams for {n_labels} labels"),
            needs,
            limit: MOST_BYTES,
            why: "raise min_df, shorten the n-grams, or use the learner fasttext alone".into(),
        })
    }

    fn finish(
        &self,
        labelled: &Labelled,
        features: TfIdf,
        fitted: Vec<Fitted>,
        held_out: Option<Vec<Vec<f32>>>,
    ) -> Result<TagClassifier> {
        let labels = &labelled.labels;
        let mixture = held_out.map(|scores| Mixture::fit(labels, scores, &labelled.rows));
        let heads = self.learners.iter().cloned().zip(fitted).enumerate();
        let heads = heads.map(|(at, (learner, fitted))| {
            let (calibration, weight) = match &mixture {
                Some(mixture) => (mixture.calibrations[at].clone(), mixture.weights[at]),
                None => (Calibration::none(labels), 1.0 / self.learners.len() as f32),
            };
            Head { learner, fitted, calibration, weight }
        });
        let model = NgramModel {
            labels: labels.clone(),
            features,
            options: self.features.clone(),
            heads: heads.collect(),
        };
        match mixture {
            Some(mixture) => {
                TagClassifier::calibrated(Box::new(model), &mixture.scores, &labelled.rows)
            }
            None => Ok(TagClassifier::new(Box::new(model))),
        }
    }
}

pub(super) fn check_pairs(n_texts: usize, labelled: &Labelled) -> Result<()> {
    if n_texts == labelled.len() {
        return Ok(());
    }
    Err(Error::shape("labels beside the texts", n_texts, labelled.len()))
}

/// What the held-out scores tell of each learner, and the scores of all together.
struct Mixture {
    calibrations: Vec<Calibration>,
    weights: Vec<f32>,
    scores: Vec<f32>,
}

impl Mixture {
    fn fit(labels: &Labels, mut scores: Vec<Vec<f32>>, truth: &Csr) -> Self {
        let calibrations: Vec<Calibration> =
            scores.iter().map(|scores| Calibration::fit(labels, scores, truth)).collect();
        for (calibration, scores) in calibrations.iter().zip(&mut scores) {
            calibration.apply(scores, labels.len());
        }
        let weights = mixture_weights(&scores, truth, labels.task());
        let len = truth.n_rows() * labels.len();
        let scores = mix(weights.iter().copied().zip(scores), len, labels.task());
        Self { calibrations, weights, scores }
    }
}

impl ClassWeights {
    pub(super) fn of(&self, labelled: &Labelled) -> Result<Vec<f32>> {
        let n_labels = labelled.labels.len();
        match self {
            Self::Uniform => Ok(vec![1.0; n_labels]),
            Self::Balanced => {
                let mut counts = vec![0usize; n_labels];
                labelled.rows.indices().iter().for_each(|&label| counts[label as usize] += 1);
                let weight = |&n: &usize| labelled.len() as f32 / (n_labels * n.max(1)) as f32;
                Ok(counts.iter().map(weight).collect())
            }
            Self::Each(weights) if weights.len() != n_labels => {
                Err(Error::shape("class weights", n_labels, weights.len()))
            }
            Self::Each(weights) => match weights.iter().find(|w| !(w.is_finite() && **w > 0.0)) {
                Some(w) => {
                    Err(Error::parameter("class_weights", w, "finite numbers above 0 are needed"))
                }
                None => Ok(weights.clone()),
            },
        }
    }
}
