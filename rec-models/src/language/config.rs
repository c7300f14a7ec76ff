//! What a checkpoint's `config.json` says.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ops::Activation;
use crate::{Error, Result};

/// The name of the file.
pub(super) const CONFIG: &str = "config.json";

/// Fields of a `config.json` that a family does not read, kept for saving.
pub type OtherFields = Map<String, Value>;

/// A `config.json`, before it is known what family it is of.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl ConfigFile {
    /// That of a checkpoint folder.
    ///
    /// # Errors
    /// [`Error::Format`] where there is none, or it is no JSON object.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        if !path.is_file() {
            let why = if folder.is_dir() {
                "no config.json; a checkpoint folder has one beside its weights"
            } else {
                "no such folder; give the folder that holds config.json and the weights"
            };
            return Err(Error::format(folder, None, why));
        }
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let fields = serde_json::from_str(&text)
            .map_err(|e| Error::format(&path, Some(e.line() as u64), e.to_string()))?;
        Ok(Self { path, fields })
    }

    /// Fields that are to become one.
    pub(super) fn given(fields: Map<String, Value>) -> Self {
        Self { path: CONFIG.into(), fields }
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The architecture family, `bert` for instance.
    pub fn model_type(&self) -> Option<&str> {
        self.fields.get("model_type").and_then(Value::as_str)
    }

    /// A family's config: the fields given, and `defaults` for those that are not.
    ///
    /// # Errors
    /// [`Error::Format`] where a field is not of its type.
    pub fn over<T: Serialize + DeserializeOwned>(&self, defaults: &T) -> Result<T> {
        let wrong = |e: serde_json::Error| Error::format(&self.path, None, e.to_string());
        let mut all = serde_json::to_value(defaults).map_err(wrong)?;
        if let Value::Object(all) = &mut all {
            all.extend(self.fields.clone());
        }
        serde_json::from_value(all).map_err(wrong)
    }
}

/// An activation by the name that configs give it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum HiddenAct {
    #[default]
    Gelu,
    GeluPython,
    GeluNew,
    GeluFast,
    GeluAccurate,
    GeluPytorchTanh,
    GeluPythonTanh,
    Relu,
    Silu,
    Swish,
    Tanh,
    Linear,
}

impl From<HiddenAct> for Activation {
    fn from(name: HiddenAct) -> Self {
        match name {
            HiddenAct::Gelu | HiddenAct::GeluPython => Self::Gelu,
            HiddenAct::GeluNew
            | HiddenAct::GeluFast
            | HiddenAct::GeluAccurate
            | HiddenAct::GeluPytorchTanh
            | HiddenAct::GeluPythonTanh => Self::GeluTanh,
            HiddenAct::Relu => Self::Relu,
            HiddenAct::Silu | HiddenAct::Swish => Self::Silu,
            HiddenAct::Tanh => Self::Tanh,
            HiddenAct::Linear => Self::Identity,
        }
    }
}

/// Refuses heads that do not share the columns out evenly.
pub(super) fn check_heads(columns: (&str, usize), heads: (&str, usize)) -> Result<()> {
    if heads.1 == 0 || columns.1 == 0 || !columns.1.is_multiple_of(heads.1) {
        let why = format!("must divide {} {} evenly", columns.0, columns.1);
        return Err(Error::parameter(heads.0, heads.1, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, ConfigFile) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(CONFIG), text).unwrap();
        let file = ConfigFile::open(folder.path()).unwrap();
        (folder, file)
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Sample {
        width: usize,
        hidden_act: HiddenAct,
        pad: Option<u32>,
        #[serde(flatten)]
        other: OtherFields,
    }

    fn defaults() -> Sample {
        Sample {
            width: 3,
            hidden_act: HiddenAct::Relu,
            pad: Some(0),
            other: OtherFields::default(),
        }
    }

    #[test]
    fn fields_not_given_are_the_defaults_and_unknown_ones_are_kept() {
        let (_folder, file) = file(r#"{"width": 5, "pad": null, "label2id": {"a": 0}}"#);
        let config = file.over(&defaults()).unwrap();
        assert_eq!((config.width, config.hidden_act, config.pad), (5, HiddenAct::Relu, None));
        let written = serde_json::to_value(&config).unwrap();
        assert_eq!(written["label2id"]["a"], 0);
    }

    #[test]
    fn an_unknown_activation_lists_the_known() {
        let (_folder, file) = file(r#"{"hidden_act": "mish"}"#);
        let message = file.over(&defaults()).unwrap_err().to_string();
        for part in ["config.json", "mish", "gelu_new", "relu", "swish"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_missing_folder_a_missing_file_and_bad_json_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &Path| ConfigFile::open(path).unwrap_err().to_string();
        assert!(message(&folder.path().join("none")).contains("no such folder"));
        assert!(message(folder.path()).contains("no config.json"));
        std::fs::write(folder.path().join(CONFIG), "{\n\"width\": }").unwrap();
        assert!(message(folder.path()).contains("config.json:2"));
    }
}
