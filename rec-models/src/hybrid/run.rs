//! From a configuration to a fitted pipeline, stage by stage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::seq::SliceRandom as _;
use rec_core::data::split::Split;
use rec_core::data::{Csr, Dataset, Interactions, Items};
use rec_core::metrics::{
    EvaluateOptions, Leaderboard, LeaderboardOptions, Metric, VectorCosine, leaderboard,
};
use rec_core::rank::{Fusion, FusionLearner, LearntFusion, Recommend};
use rec_core::rng::stream;
use serde_json::json;

use super::config::Recommender;
use super::content::{self, Labels};
use super::model::{CONTENT, PipelineModel, PipelineReport, plain};
use super::stages::{Key, Stages, Work, hash_files, read_json, write_json};
use super::{PipelineConfig, read};
use crate::fit::{Fit, FitContext, Model};
use crate::{Error, Result};

/// Runs a [`PipelineConfig`].
///
/// Stages: `read`, `words`, `vectors`, `keywords`, `tags`; then each recommender on the training part
/// (`try-…`), the `fusion` learned on the validation part, `measure` on the test part; and each
/// recommender on everything (`fit-…`). With a working folder, what a stage made is kept there under the
/// hash of its options and of all that it read: a run after a change, or after a kill, does only what is
/// not there yet, and trainers that save their states go on from the last one.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    config: PipelineConfig,
    folder: Option<PathBuf>,
}

impl Pipeline {
    /// A pipeline of these stages.
    pub fn new(config: PipelineConfig) -> Self {
        Self { config, folder: None }
    }

    /// A pipeline written down as TOML.
    ///
    /// # Errors
    /// As [`PipelineConfig::from_toml`].
    pub fn from_toml(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::new(PipelineConfig::from_toml(path)?))
    }

    /// Keeps what stages made in this folder.
    #[must_use]
    pub fn keep_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The configuration.
    pub fn config(&self) -> &PipelineConfig {
        &self.config
    }

    /// Reads the files and does the whole job. Of the context, the device, threads, progress and
    /// cancellation are heeded; the seed is the configuration's.
    ///
    /// # Errors
    /// As [`PipelineConfig::check`]; [`Error::Empty`] without files; [`Error::Stage`] naming the stage
    /// that failed and what was done before it; [`Error::Cancelled`].
    pub fn run(&self, ctx: &FitContext<'_>) -> Result<PipelineModel> {
        self.config.check()?;
        let Some(files) = &self.config.data else {
            return Err(Error::empty("the section data", "name the files, or give a data set"));
        };
        let mut stages = Stages::new(self.folder.clone())?;
        let paths = [Some(&files.events), files.items.as_ref(), files.social.as_ref()];
        let hash = hash_files(paths.into_iter().flatten().map(PathBuf::as_path))?;
        // Where the files lie is no part of what they hold.
        let options = super::DataFiles {
            events: PathBuf::new(),
            items: files.items.as_ref().map(|_| PathBuf::new()),
            social: files.social.as_ref().map(|_| PathBuf::new()),
            ..files.clone()
        };
        let key = Key::new("read", &(options, hash), &[])?;
        let work = Work {
            make: || read::read(files),
            save: |data: &Dataset, path: &Path| data.save(path),
            load: |path: &Path| Dataset::load(path),
        };
        let data = stages.run("read", &key, work)?;
        self.run_on(data, &key, stages, ctx)
    }

    fn run_on(
        &self,
        data: Dataset,
        read: &Key,
        stages: Stages,
        ctx: &FitContext<'_>,
    ) -> Result<PipelineModel> {
        let config = &self.config;
        let mut run = Run { config, stages, ctx, read: read.clone() };
        let about = run.items(&data)?;
        let data = Dataset { items: about.items.clone(), ..data };
        let parts = config.split.split(&data.interactions)?;
        let recommenders = match config.recommenders.is_empty() {
            true => defaults(&data)?,
            false => config.recommenders.clone(),
        };
        let names: Vec<String> = recommenders.iter().map(|one| one.name().to_owned()).collect();
        let train = data.with_interactions(parts.train.clone());
        let split = Key::new("split", &config.split, &[read])?;
        let tried = run.train("try", &recommenders, &train, &split, &about.key)?;
        let (fusion, learnt) = run.fusion(&tried, &parts)?;
        let report = PipelineReport {
            recommenders: names.clone(),
            split: Some(parts.report.clone()),
            fusion: learnt,
            predicted_tags: about.predicted,
            ..PipelineReport::default()
        };
        let model = |named: &[Trained], report| {
            let models = named.iter().map(|one| one.model.clone());
            let named = names.iter().cloned().zip(models).collect();
            PipelineModel::new(
                config.clone(),
                named,
                fusion.clone(),
                data.clone(),
                about.keywords.clone(),
                report,
            )
        };
        let leaderboard = match parts.test.is_empty() {
            true => None,
            false => {
                let shown = model(&tried, report.clone())?;
                Some(run.measure(&tried, &shown, &parts)?)
            }
        };
        let fitted = match config.refit {
            true => run.train("fit", &recommenders, &data, read, &about.key)?,
            false => tried,
        };
        let stages = std::mem::take(&mut run.stages.done);
        model(&fitted, PipelineReport { stages, leaderboard, ..report })
    }
}

impl Fit for Pipeline {
    type Model = PipelineModel;

    /// Does the job on a data set in memory; otherwise as [`Pipeline::run`].
    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<PipelineModel> {
        self.config.check()?;
        let stages = Stages::new(self.folder.clone())?;
        let hash = self.folder.as_ref().map(|_| data.writer()?.fingerprint()).transpose()?;
        self.run_on(data.clone(), &Key::new("data", &hash, &[])?, stages, ctx)
    }
}

/// A run under way.
struct Run<'r> {
    config: &'r PipelineConfig,
    stages: Stages,
    ctx: &'r FitContext<'r>,
    /// What the data set hashes to.
    read: Key,
}

/// A recommender and what it depends on.
struct Trained {
    model: Arc<dyn Model>,
    key: Key,
}

/// What the stages on items found.
struct About {
    items: Option<Arc<Items>>,
    keywords: Option<Labels>,
    predicted: usize,
    /// What all of it depends on.
    key: Key,
}

impl Run<'_> {
    /// The stages that look at the items alone.
    fn items(&mut self, data: &Dataset) -> Result<About> {
        let (config, ctx) = (self.config, self.ctx);
        let read = self.read.clone();
        let wanted = config.vectors.is_some() || config.keywords.is_some() || config.tags.is_some();
        let Some(items) = data.items.as_ref().filter(|_| wanted) else {
            if wanted {
                let why = "vectors, keywords and tags are asked for, and need the items' texts";
                return Err(Error::empty("the table of items", why));
            }
            return Ok(About {
                items: data.items.clone(),
                keywords: None,
                predicted: 0,
                key: read,
            });
        };
        if items.texts().is_empty() {
            let why =
                "vectors, keywords and tags are asked for, and none is given; name the columns";
            return Err(Error::empty("the items' texts", why));
        }
        let text = Key::new("words", &config.text, &[&read])?;
        let words = self.stages.run(
            "words",
            &text,
            Work {
                make: || content::words(items, &config.text, ctx),
                save: |words: &Vec<String>, path: &Path| content::save_words(words, path),
                load: content::load_words,
            },
        )?;
        let mut table = Items::clone(items);
        let (mut keys, mut keywords, mut predicted) = (vec![text.clone()], None, 0);
        if let Some(how) = &config.vectors {
            let key = Key::new("vectors", &(how, folder_hash(how)?, config.seed), &[&text])?;
            let inner = self.stages.context("vectors", &key, ctx, config.seed);
            let vectors = self.stages.run(
                "vectors",
                &key,
                Work {
                    make: || content::vectors(items, &words, &config.text, how, &inner),
                    save: content::save_dense,
                    load: content::load_dense,
                },
            )?;
            table = table.with_vectors(CONTENT, vectors.dim, vectors.values)?;
            keys.push(key);
        }
        if let Some(how) = &config.keywords {
            let key = Key::new("keywords", how, &[&text])?;
            keywords = Some(self.stages.run(
                "keywords",
                &key,
                Work {
                    make: || Ok(content::keywords(&words, how)),
                    save: content::save_labels,
                    load: content::load_labels,
                },
            )?);
        }
        if let Some(how) = &config.tags {
            let key = Key::new("tags", &(how, config.seed), &[&text])?;
            let inner = self.stages.context("tags", &key, ctx, config.seed);
            let before = items.tags().map_or(0, tagged);
            let tags = self.stages.run(
                "tags",
                &key,
                Work {
                    make: || content::tags(items, &words, how, config.seed, &inner),
                    save: content::save_labels,
                    load: content::load_labels,
                },
            )?;
            predicted = tagged(&tags.rows).saturating_sub(before);
            table = table.with_tag_matrix(tags.names, tags.rows)?;
            keys.push(key);
        }
        let key = Key::new("items", &(), &keys.iter().collect::<Vec<_>>())?;
        Ok(About { items: Some(Arc::new(table)), keywords, predicted, key })
    }

    /// Every recommender on these events.
    fn train(
        &mut self,
        prefix: &str,
        recommenders: &[Recommender],
        data: &Dataset,
        events: &Key,
        about: &Key,
    ) -> Result<Vec<Trained>> {
        let (ctx, seed) = (self.ctx, self.config.seed);
        let bare = Dataset { items: None, ..data.clone() };
        let mut trained = Vec::with_capacity(recommenders.len());
        for one in recommenders {
            let stage = format!("{prefix}-{}", one.name());
            let (estimator, all) = crate::estimator(&one.model, &one.parameters)?;
            let (data, inputs) = match estimator.reads_items() {
                true => (data, vec![events, about]),
                false => (&bare, vec![events]),
            };
            let key = Key::new(&one.model, &(all, seed), &inputs)?;
            let mut inner = self.stages.context(&stage, &key, ctx, seed);
            let model = self.stages.run(
                &stage,
                &key,
                Work {
                    make: || Ok(Arc::from(estimator.fit_model(data, &mut inner)?)),
                    save: |model: &Arc<dyn Model>, path: &Path| model.writer()?.save(path),
                    load: |path: &Path| Ok(Arc::from(crate::load(path)?)),
                },
            )?;
            trained.push(Trained { model, key });
        }
        Ok(trained)
    }

    /// The fusion: as given, or learned on the validation part, or of ranks where there is none (the test
    /// part is for measuring).
    fn fusion(
        &mut self,
        tried: &[Trained],
        parts: &Split,
    ) -> Result<(Fusion, Option<LearntFusion>)> {
        let options = &self.config.fusion;
        if let Some(fixed) = &options.fixed {
            return Ok((fixed.clone(), None));
        }
        if parts.valid.is_empty() || tried.len() == 1 {
            return Ok((Fusion::ReciprocalRank { k: options.learn.rank_constant }, None));
        }
        let learner = FusionLearner {
            candidates: options.candidates,
            shortlists: true,
            seed: self.config.seed,
            ..options.learn.clone()
        };
        let inputs: Vec<&Key> = tried.iter().map(|one| &one.key).collect();
        let key = Key::new("fusion", &learner, &inputs)?;
        let models: Vec<Arc<dyn Model>> = tried.iter().map(|one| one.model.clone()).collect();
        let threads = self.ctx.threads;
        let learnt = self.stages.run(
            "fusion",
            &key,
            Work {
                make: || {
                    rec_core::parallel::install(threads, || {
                        learner.learn(&plain(&models), &parts.valid)
                    })
                },
                save: |learnt: &LearntFusion, path: &Path| write_json(path, learnt),
                load: read_json,
            },
        )?;
        Ok((learnt.fusion.clone(), Some(learnt)))
    }

    /// Everyone's figures on the test part, the validation part being known.
    fn measure(
        &mut self,
        tried: &[Trained],
        shown: &PipelineModel,
        parts: &Split,
    ) -> Result<Leaderboard> {
        let (config, fused) = (self.config, shown.fused());
        let most = config.max_test_users;
        let shape = (&config.rerank, &config.rules, &config.metrics, most, config.seed);
        let options = (fused.fusion(), fused.candidates(), shape);
        let inputs: Vec<&Key> = tried.iter().map(|one| &one.key).collect();
        let key = Key::new("measure", &options, &inputs)?;
        let mut named: Vec<(&str, &dyn Recommend)> =
            shown.models().map(|(name, model)| (name, model.as_ref() as &dyn Recommend)).collect();
        named.push(("fusion", fused));
        if !shown.order.is_plain() {
            named.push(("shown", shown));
        }
        let similarity = match shown.order.vectors() {
            Some(vectors) => Some(VectorCosine::new(vectors.dim, &vectors.values)?),
            None => None,
        };
        let evaluation = EvaluateOptions {
            metrics: Metric::parse_all(&config.metrics)?,
            also_seen: vec![&parts.valid],
            similarity: similarity.as_ref().map(|s| s as _),
            protocol: parts.report.protocol.to_string(),
            bootstrap: 200,
            seed: config.seed,
            ..EvaluateOptions::default()
        };
        let compare =
            LeaderboardOptions { baseline: best_alone(shown.report()), ..Default::default() };
        let threads = self.ctx.threads;
        self.stages.run(
            "measure",
            &key,
            Work {
                make: || {
                    rec_core::parallel::install(threads, || {
                        let test = some_users(&parts.test, most, config.seed);
                        leaderboard(&named, &test, &evaluation, &compare)
                    })
                },
                save: |board: &Leaderboard, path: &Path| write_json(path, board),
                load: read_json,
            },
        )
    }
}

/// The events of at most so many users, drawn by the seed.
fn some_users(log: &Interactions, most: usize, seed: u64) -> Interactions {
    let all = (0..log.n_users() as u32).filter(|&user| !log.sequence(user).is_empty());
    let mut users: Vec<u32> = all.collect();
    if users.len() <= most {
        return log.clone();
    }
    users.shuffle(&mut stream(seed, "pipeline.measure", 0));
    let mut kept = vec![false; log.n_users()];
    users[..most].iter().for_each(|&user| kept[user as usize] = true);
    log.filter(|_, event| kept[event.user as usize])
}

/// The recommender that was best by itself on the validation part.
fn best_alone(report: &PipelineReport) -> Option<&str> {
    let alone = report.fusion.as_ref()?.alone.iter().zip(&report.recommenders);
    alone.max_by(|a, b| a.0.total_cmp(b.0)).map(|(_, name)| name.as_str())
}

/// The hash of an encoder's files.
fn folder_hash(how: &super::ContentVectors) -> Result<Option<String>> {
    match how {
        super::ContentVectors::Encoder { folder, .. } => hash_files([folder.as_path()]).map(Some),
        super::ContentVectors::Words { .. } => Ok(None),
    }
}

fn tagged(tags: &Csr) -> usize {
    (0..tags.n_rows()).filter(|&row| !tags.row(row).is_empty()).count()
}

/// Recommenders that fit the data: by popularity, by what is had together, by what follows, by factors,
/// by item vectors of behaviour, and by content where there is any.
fn defaults(data: &Dataset) -> Result<Vec<Recommender>> {
    let mut all = vec![
        Recommender::new("popular", &json!({}))?,
        Recommender::new("item_knn", &json!({ "similarity": "tf_idf" }))?,
        Recommender::new("co_transition", &json!({}))?,
        Recommender::new("als", &json!({}))?,
        Recommender::new("item2vec", &json!({ "window": 5 }))?,
    ];
    let items = data.items.as_deref();
    let features = items.and_then(|items| {
        if items.vectors().iter().any(|table| table.name == CONTENT) {
            Some(json!({ "by": "vectors", "field": CONTENT }))
        } else if !items.texts().is_empty() {
            Some(json!({ "by": "words" }))
        } else {
            items.tags().map(|_| json!({ "by": "tags" }))
        }
    });
    if let Some(features) = features {
        all.push(Recommender::new("content", &json!({ "features": features }))?);
    }
    Ok(all)
}
