//! An encoder's files, to be kept elsewhere.

use std::path::Path;

use super::cache::model_files;
use super::{EncoderOptions, TextEncoder};
use crate::{Error, Result};

impl TextEncoder {
    /// The settings it was loaded with.
    pub fn options(&self) -> &EncoderOptions {
        &self.options
    }

    /// The folder it was loaded from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Copies the files it was loaded from, which must still be there.
    ///
    /// # Errors
    /// [`Error::Io`] where the files are gone or the disk refuses.
    pub fn copy_to(&self, folder: impl AsRef<Path>) -> Result<()> {
        let mut files = Vec::new();
        model_files(&self.folder, 0, &mut files)?;
        for from in files {
            let to = folder.as_ref().join(from.strip_prefix(&self.folder).unwrap_or(&from));
            if let Some(parent) = to.parent() {
                std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
            }
            std::fs::copy(&from, &to).map_err(Error::io(&from))?;
        }
        Ok(())
    }
}

impl TextEncoder {
    /// Where the transformer itself lies.
    pub(crate) fn transformer_folder(&self) -> &Path {
        &self.transformer
    }

    /// Whether the folder has no layout but that of the transformer.
    pub(crate) fn is_bare(&self) -> bool {
        !self.folder.join("modules.json").is_file()
    }

    /// Whether texts are put into lower case before the tokenizer.
    pub(crate) fn lower_cases(&self) -> bool {
        self.lower_case
    }
}
