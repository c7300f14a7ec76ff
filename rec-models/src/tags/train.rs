//! Training of the n-gram model: held-out scores by cross-validation, then all texts.

use rec_core::parallel;
use serde::{Deserialize, Serialize};

use super::class_weights::ClassWeights;
use super::classifier::TagClassifier;
use super::features::{Bag, NgramOptions, TfIdf};
use super::folds::folds;
use super::labels::Labelled;
use super::learn::{Effort, Fitted, Inputs, Learner, Start};
use super::ngrams::{Head, NgramModel, probabilities};
use super::pooling::Pooling;
use crate::fit::FitContext;
use crate::{Error, Result};

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
    /// Whether the mixture is corrected by what held-out texts tell of the labels that learners confuse,
    /// where that makes other held-out texts likelier ([`Stack`](super::NgramModel::stacked)).
    pub stacking: bool,
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
            stacking: true,
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
    /// Of the mixture; its weights are fitted on these very scores. Where it is stacked, by stacks that were
    /// trained without the text.
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
    /// With every learner a second time, of pairs of labels and auxiliary labels
    /// ([`Labelled::with_auxiliary`]).
    #[must_use]
    pub fn with_joint_learners(mut self) -> Self {
        let plain = self.learners.iter().filter(|l| !matches!(l, Learner::Joint { .. }));
        let joint = plain.map(|l| Learner::Joint { of: Box::new(l.clone()) });
        let joint: Vec<Learner> = joint.collect();
        self.learners.extend(joint);
        self
    }

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
        self.check(texts.len(), labelled)?;
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
            self.finish(labelled, features, fitted, held_out, ctx)
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
        self.check(texts.len(), labelled)?;
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
            let (pooling, scores) = Pooling::fit(self, labelled, &learners, ctx)?;
            let learners = self.learners.iter().zip(learners).zip(&pooling.calibrations);
            let n_labels = labelled.labels.len();
            let of_labels = |((learner, scores), calibration): ((&Learner, _), _)| {
                let (_, pairs) = labelled.target(learner);
                match pairs {
                    None => scores,
                    pairs => logs(probabilities(scores, calibration, pairs, n_labels)),
                }
            };
            let learners = learners.map(of_labels).collect();
            Ok(HeldOut { learners, weights: pooling.weights, mixture: scores })
        })
    }

    fn check(&self, n_texts: usize, labelled: &Labelled) -> Result<()> {
        check_sizes(n_texts, labelled)?;
        self.features.check()?;
        if self.learners.is_empty() {
            return Err(Error::parameter("learners", "none", "choose one or more, such as svm"));
        }
        self.learners.iter().try_for_each(Learner::check)?;
        self.check_joint(labelled)?;
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

    fn check_joint(&self, labelled: &Labelled) -> Result<()> {
        let learned = self.learners.iter().any(|l| matches!(l, Learner::Joint { .. }));
        match (learned, &labelled.joint) {
            (true, None) => {
                let why = "there are no auxiliary labels to learn; give them, or leave it out";
                Err(Error::parameter("learners", "joint", why))
            }
            (false, Some(_)) => {
                let why = r#"none of the learners learns them; add {"learner": "joint", "of": …}"#;
                Err(Error::parameter("auxiliary", "labels of another kind", why))
            }
            _ => Ok(()),
        }
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
        let n = labelled.len();
        let n_folds = self.folds.min(n);
        ctx.progress.begin("tags", n_folds as u64);
        if n_folds < 2 {
            return Ok(None);
        }
        let fold = folds(&labelled.rows, n_folds, ctx.seed);
        let width = |learner: &Learner| labelled.target(learner).0.n_cols();
        let mut scores: Vec<Vec<f32>> =
            self.learners.iter().map(|learner| vec![0f32; n * width(learner)]).collect();
        for held_out in 0..n_folds {
            let (test, train): (Vec<usize>, Vec<usize>) =
                (0..n).partition(|&row| fold[row] == held_out);
            let part =
                |rows: &[usize]| -> Vec<&Bag> { rows.iter().map(|&row| bags[row]).collect() };
            let known = labelled.select(&train);
            let (features, fitted) = self.fit_once(&part(&train), &known, texts, ctx)?;
            let test_bags = part(&test);
            let inputs = Inputs::new(&features, &test_bags);
            for ((learner, fitted), all) in self.learners.iter().zip(&fitted).zip(&mut scores) {
                let found = learner.scores(fitted, &inputs);
                let width = width(learner);
                for (&row, found) in test.iter().zip(found.chunks_exact(width)) {
                    all[row * width..][..width].copy_from_slice(found);
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
        self.check_size(features.n_features(), labelled)?;
        let inputs = Inputs::new(&features, bags).with_unlabelled(texts.unlabelled);
        let weights = self.class_weights.of(labelled)?;
        let fit = |(learner, start): (&Learner, &Option<Start>)| {
            let (rows, pairs) = labelled.target(learner);
            let of_pairs = |pairs: &[u32]| pairs.iter().map(|&l| weights[l as usize]).collect();
            let effort = Effort {
                tolerance: self.tolerance,
                max_iterations: self.max_iterations,
                class_weights: pairs.map_or_else(|| weights.clone(), of_pairs),
                task: labelled.labels.task(),
            };
            learner.fit(&inputs, start.as_ref(), rows, &effort, ctx)
        };
        let fitted = self.learners.iter().zip(texts.starts).map(fit).collect::<Result<_>>()?;
        Ok((features, fitted))
    }

    fn check_size(&self, n_features: usize, labelled: &Labelled) -> Result<()> {
        let linear = self.learners.iter().filter(|l| l.is_linear());
        let classes: usize = linear.map(|l| labelled.target(l).0.n_cols()).sum();
        let needs = 4 * (n_features as u64) * (classes as u64);
        if needs <= MOST_BYTES {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("weights of {n_features} n-grams, of {classes} classes in all"),
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
        ctx: &FitContext<'_>,
    ) -> Result<TagClassifier> {
        let labels = &labelled.labels;
        let pooled =
            held_out.map(|scores| Pooling::fit(self, labelled, &scores, ctx)).transpose()?;
        let (pooling, scores) = match pooled {
            Some((pooling, scores)) => (pooling, Some(scores)),
            None => (Pooling::even(labels, self.learners.len()), None),
        };
        let Pooling { calibrations, weights, stack } = pooling;
        let learned = self.learners.iter().cloned().zip(fitted);
        let heads = learned.zip(calibrations).zip(weights);
        let heads = heads.map(|(((learner, fitted), calibration), weight)| {
            let pairs = labelled.target(&learner).1.map(<[u32]>::to_vec);
            Head { learner, fitted, pairs, calibration, weight }
        });
        let model = NgramModel {
            labels: labels.clone(),
            features,
            options: self.features.clone(),
            heads: heads.collect(),
            stack,
        };
        match scores {
            Some(scores) => TagClassifier::calibrated(Box::new(model), &scores, &labelled.rows),
            None => Ok(TagClassifier::new(Box::new(model))),
        }
    }
}

pub(super) fn check_sizes(n_texts: usize, labelled: &Labelled) -> Result<()> {
    if n_texts == labelled.len() {
        return Ok(());
    }
    Err(Error::shape("labels beside the texts", n_texts, labelled.len()))
}

/// As [`check_sizes`], where nothing learns auxiliary labels.
pub(super) fn check_plain(n_texts: usize, labelled: &Labelled) -> Result<()> {
    if labelled.joint.is_some() {
        let why = "train an NgramTagger with the learner joint, or leave them out";
        return Err(Error::unsupported("auxiliary labels", "models of encoders", why));
    }
    check_sizes(n_texts, labelled)
}

fn logs(mut probabilities: Vec<f32>) -> Vec<f32> {
    probabilities.iter_mut().for_each(|p| *p = p.max(1e-9).ln());
    probabilities
}
