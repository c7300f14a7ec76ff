//! A run's figures, a line of JSON each.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{Error, Result};

/// The file the lines go to, if any.
pub(super) struct Metrics(Option<(File, PathBuf)>);

/// A line: what is not measured is left out.
#[derive(Default, Serialize)]
pub(super) struct Line {
    pub(super) step: usize,
    pub(super) epoch: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) learning_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tokens_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) validation_loss: Option<f64>,
}

impl Metrics {
    /// Opens the file, to write behind what is there.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let open = |path: &Path| {
            let file = File::options().create(true).append(true).open(path);
            Ok((file.map_err(Error::io(path))?, path.to_path_buf()))
        };
        path.map(open).transpose().map(Self)
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<()> {
        let Some((file, path)) = &mut self.0 else { return Ok(()) };
        let text = serde_json::to_string(line)
            .map_err(|e| Error::data("a line of metrics", e.to_string()))?;
        writeln!(file, "{text}").map_err(Error::io(path.as_path()))
    }
}
