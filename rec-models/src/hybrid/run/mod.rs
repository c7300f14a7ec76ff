//! From a configuration to a fitted pipeline, stage by stage.

mod items;
mod recommenders;

use std::path::{Path, PathBuf};

use rec_core::data::Dataset;

use self::recommenders::{Trained, defaults};
use super::model::{PipelineModel, PipelineReport};
use super::stages::{Key, Stages, Work, hash_files};
use super::{PipelineConfig, read};
use crate::fit::{Fit, FitContext};
use crate::{Error, Result};

/// Runs a [`PipelineConfig`].
///
/// Stages: `read`, `words`, `vectors`, `clusters`, `keywords`, `tags`; then each recommender on the
/// training part (`try-…`), the `fusion` learned on the validation part, `measure` on the test part;
/// and each recommender on everything (`fit-…`). With a working folder, what a stage made is kept there under the
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
                about.found.clone(),
                report,
            )
        };
        let leaderboard = match parts.test.is_empty() {
            true => None,
            false => {
                let shown = model(&tried, report.clone())?;
                Some(run.measure(&tried, &shown, &parts, &about.key)?)
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
