//! An encoder's files, to be kept elsewhere.

use std::path::Path;

use burn::tensor::{DType, Device};

use super::cache::model_files;
use super::modules;
use super::publish::{check_free, publish, whole};
use super::{EncoderOptions, TextEncoder};
use crate::language::{Adapters, EncoderModel, MaskedLmModel};
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

    /// The folder to train it from.
    ///
    /// # Errors
    /// An encoder that was loaded with an adapter, which is no part of the folder.
    pub fn trainable_folder(&self) -> Result<&Path> {
        match &self.options.adapter {
            None => Ok(&self.folder),
            Some(adapter) => Err(Error::parameter(
                "adapter",
                adapter.display(),
                "merge it (merge_adapter, rec.LoRA.merge) and train the encoder of that folder",
            )),
        }
    }

    /// Writes it to a folder that is not there yet, or empty, whole or not at all, as
    /// [`Self::copy_to`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for a folder that holds files, and those of [`Self::copy_to`].
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        check_free(folder.as_ref())?;
        whole(folder.as_ref(), |partial| self.copy_to(partial))
    }

    /// Copies the files it was loaded from, which must still be there; an adapter is merged.
    ///
    /// # Errors
    /// [`Error::Io`] where the files are gone or the disk refuses.
    pub fn copy_to(&self, folder: impl AsRef<Path>) -> Result<()> {
        if let Some(adapter) = &self.options.adapter {
            return merge_adapter(&self.folder, adapter, folder.as_ref());
        }
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

/// Writes the encoder of the folder `from` to `to`, the adapter in `adapter` added to its weights,
/// whole or not at all.
///
/// # Errors
/// As [`TextEncoder::from_pretrained`], a family that is no encoder's, and a `to` that holds files.
pub fn merge_adapter(from: &Path, adapter: &Path, to: &Path) -> Result<()> {
    check_free(to)?;
    let layout = modules::read(from)?;
    let adapters = Adapters::Merged(adapter.to_path_buf());
    let (device, folder) = (Device::flex(), &layout.transformer);
    publish((from, &layout), to, |_, to| match MaskedLmModel::has_head(folder)? {
        true => MaskedLmModel::adapted(folder, &device, DType::F32, Some(&adapters))?.0.save(to),
        false => EncoderModel::adapted(folder, &device, DType::F32, Some(&adapters))?.0.save(to),
    })
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
