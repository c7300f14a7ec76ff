//! The stages that train recommenders, learn their fusion, and measure them.

use std::path::Path;
use std::sync::Arc;

use rand::seq::SliceRandom as _;
use rec_core::data::split::Split;
use rec_core::data::{Dataset, Interactions};
use rec_core::metrics::{
    EvaluateOptions, Leaderboard, LeaderboardOptions, Metric, VectorCosine, leaderboard,
};
use rec_core::rank::{Fusion, FusionLearner, LearntFusion, Recommend};
use rec_core::rng::stream;
use serde_json::json;

use super::super::config::Recommender;
use super::super::model::{CONTENT, PipelineModel, PipelineReport, plain};
use super::super::stages::{Key, Work, read_json, write_json};
use super::Run;
use crate::Result;
use crate::fit::Model;

/// A recommender and what it depends on.
pub(super) struct Trained {
    pub(super) model: Arc<dyn Model>,
    pub(super) key: Key,
}

impl Run<'_> {
    /// Every recommender on these events.
    pub(super) fn train(
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
    pub(super) fn fusion(
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
    pub(super) fn measure(
        &mut self,
        tried: &[Trained],
        shown: &PipelineModel,
        parts: &Split,
        about: &Key,
    ) -> Result<Leaderboard> {
        let (config, fused) = (self.config, shown.fused());
        let most = config.max_test_users;
        let shape = (&config.rerank, &config.rules, &config.metrics, most, config.seed);
        let names = &shown.report().recommenders;
        let options = (fused.fusion(), fused.candidates(), names, shape);
        // Lists are put in order by what items are about, whether a recommender reads it or not.
        let inputs: Vec<&Key> = tried.iter().map(|one| &one.key).chain([about]).collect();
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

/// Recommenders that fit the data: by popularity, by what is had together, by what follows, by factors,
/// by item vectors of behaviour, and by content where there is any.
pub(super) fn defaults(data: &Dataset) -> Result<Vec<Recommender>> {
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
