//! A fitted pipeline as one folder.

use std::sync::Arc;

use rec_core::data::Dataset;
use rec_core::rank::{Fusion, Recommend};
use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};

use super::content::Labels;
use super::model::Found;
use super::{PipelineConfig, PipelineModel, PipelineReport};
use crate::collab::factors::check_kind;
use crate::fit::Model;
use crate::{Error, Result};

const KIND: &str = "pipeline";

/// What the manifest holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    pipeline: PipelineConfig,
    fusion: Fusion,
    recommenders: Vec<String>,
}

impl Model for PipelineModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn as_pipeline(&self) -> Option<&PipelineModel> {
        Some(self)
    }

    fn writer(&self) -> Result<ModelWriter> {
        let saved = Saved {
            pipeline: self.config.clone(),
            fusion: self.lists.fusion().clone(),
            recommenders: self.names.clone(),
        };
        let mut writer = ModelWriter::new(KIND, &saved)?;
        writer.ids(self.ids()).training(&self.report)?;
        for (name, table) in [("keywords", &self.keywords), ("clusters", &self.clusters)] {
            if let Some((table, rows)) = table.as_ref().and_then(|t| Some((t, t.tags()?))) {
                writer.map(name, table.tag_names()).csr(name, rows)?;
            }
        }
        let data = self.data.clone();
        writer.folder("data", move |folder| data.save(folder.join("dataset")));
        let models: Vec<(String, Arc<dyn Model>)> =
            self.names.iter().cloned().zip(self.models.iter().cloned()).collect();
        writer.folder("models", move |folder| {
            models.iter().try_for_each(|(name, model)| model.writer()?.save(folder.join(name)))
        });
        Ok(writer)
    }
}

impl PipelineModel {
    /// Reads a saved pipeline.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole pipeline.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        check_kind(reader, KIND)?;
        let saved: Saved = reader.config()?;
        let data = Dataset::load(reader.folder("data")?.join("dataset"))?;
        let folder = reader.folder("models")?;
        let load = |name: &String| Ok((name.clone(), Arc::from(crate::load(folder.join(name))?)));
        let models: Vec<(String, Arc<dyn Model>)> =
            saved.recommenders.iter().map(load).collect::<Result<_>>()?;
        let labels = |name: &str| match reader.has(&format!("{name}.indptr")) {
            true => Ok(Some(Labels { names: reader.map(name)?, rows: reader.csr(name)? })),
            false => Ok::<_, Error>(None),
        };
        let found = Found { keywords: labels("keywords")?, clusters: labels("clusters")? };
        let report: PipelineReport = serde_json::from_value(reader.manifest().training.clone())
            .map_err(|e| Error::data("the pipeline's report", e.to_string()))?;
        Self::new(saved.pipeline, models, saved.fusion, data, found, report)
    }
}
