//! Configurations as TOML, with advice for what is misspelt.

use std::path::{Path, PathBuf};

use super::PipelineConfig;
use crate::registry::near;
use crate::{Error, Result};

impl PipelineConfig {
    /// Reads a TOML file; paths in it count from its folder.
    ///
    /// # Errors
    /// [`Error::Io`], and as [`PipelineConfig::from_toml_str`] with the file's name.
    pub fn from_toml(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Io { path: path.into(), source })?;
        let mut config = Self::parse(&text, path)?;
        if let (Some(folder), Some(data)) = (path.parent(), &mut config.data) {
            let place = |file: &mut PathBuf| *file = folder.join(&*file);
            place(&mut data.events);
            data.items.iter_mut().chain(&mut data.social).for_each(place);
        }
        if let (Some(folder), Some(super::ContentVectors::Encoder { folder: encoder, .. })) =
            (path.parent(), &mut config.vectors)
        {
            *encoder = folder.join(&*encoder);
        }
        Ok(config)
    }

    /// Reads TOML; paths in it count from the working folder.
    ///
    /// # Errors
    /// [`Error::Format`] with the line, for what is no TOML and for unknown keys, with the near one;
    /// and as [`PipelineConfig::check`].
    pub fn from_toml_str(text: &str) -> Result<Self> {
        Self::parse(text, Path::new("pipeline.toml"))
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// [`Error::Parameter`] for unknown keys, with the near one; and as [`PipelineConfig::check`].
    pub fn from_value(value: serde_json::Value) -> Result<Self> {
        let config: Self = serde_json::from_value(value)
            .map_err(|e| Error::parameter("config", "…", near(&e.to_string())))?;
        config.check()?;
        Ok(config)
    }

    /// The configuration as TOML, with every default written out.
    ///
    /// # Errors
    /// [`Error::Data`] for parameters that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::data("the configuration", e.to_string()))
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let config: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|span| 1 + text[..span.start].matches('\n').count() as u64);
            Error::format(path, line, near(e.message()))
        })?;
        config.check()?;
        Ok(config)
    }
}
