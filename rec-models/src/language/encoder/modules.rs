//! What a sentence-transformers folder says beyond its transformer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::pooling::PoolingMode;
use crate::ops::Activation;
use crate::{Error, Result};

/// The steps after the transformer, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Pooling { modes: Vec<PoolingMode>, include_prompt: bool },
    Dense { folder: PathBuf, d_in: usize, d_out: usize, bias: bool, activation: Activation },
    Normalize,
}

/// The layout of a folder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// Where the transformer and its tokenizer lie.
    pub(super) transformer: PathBuf,
    pub(super) steps: Vec<Step>,
    pub(super) max_len: Option<usize>,
    pub(super) lower_case: bool,
    pub(super) prompts: BTreeMap<String, String>,
    pub(super) default_prompt: Option<String>,
}

/// Reads the layout; a folder without `modules.json` is a bare transformer, which is pooled by the
/// mean.
pub(super) fn read(folder: &Path) -> Result<Layout> {
    if !folder.is_dir() {
        let why = "no such folder; give the folder that holds config.json";
        return Err(Error::format(folder, None, why));
    }
    let path = folder.join("modules.json");
    let mut layout = Layout {
        transformer: folder.to_path_buf(),
        steps: Vec::new(),
        max_len: None,
        lower_case: false,
        prompts: BTreeMap::new(),
        default_prompt: None,
    };
    if !path.is_file() {
        layout.steps.push(Step::Pooling { modes: vec![PoolingMode::Mean], include_prompt: true });
        return Ok(layout);
    }
    #[derive(Deserialize)]
    struct Entry {
        path: String,
        #[serde(rename = "type")]
        kind: String,
    }
    for entry in json::<Vec<Entry>>(&path)? {
        let part = inside(folder, &path, &entry.path)?;
        match entry.kind.rsplit('.').next().unwrap_or_default() {
            "Transformer" => transformer(&part, &mut layout)?,
            "Pooling" => layout.steps.push(pooling(&part.join("config.json"))?),
            "Dense" => layout.steps.push(dense(part)?),
            "Normalize" => layout.steps.push(Step::Normalize),
            _ => {
                return Err(Error::unsupported(
                    format!("module {:?} of {}", entry.kind, path.display()),
                    "TextEncoder",
                    "it knows Transformer, Pooling, Dense and Normalize",
                ));
            }
        }
    }
    prompts(&folder.join("config_sentence_transformers.json"), &mut layout)?;
    Ok(layout)
}

/// A module's folder, which must lie within the model's.
fn inside(folder: &Path, listed_in: &Path, part: &str) -> Result<PathBuf> {
    use std::path::Component::{CurDir, Normal};
    let stays = Path::new(part).components().all(|c| matches!(c, Normal(_) | CurDir));
    if !stays {
        let why = format!("module path {part:?} leaves the model's folder");
        return Err(Error::format(listed_in, None, why));
    }
    Ok(folder.join(part))
}

fn transformer(folder: &Path, layout: &mut Layout) -> Result<()> {
    #[derive(Deserialize)]
    struct Config {
        max_seq_length: Option<usize>,
        #[serde(default)]
        do_lower_case: bool,
    }
    layout.transformer = folder.to_path_buf();
    let named = |name: &str| folder.join(format!("sentence_{name}_config.json"));
    let kinds = ["bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"];
    if let Some(path) = kinds.iter().map(|name| named(name)).find(|path| path.is_file()) {
        let config: Config = json(&path)?;
        layout.max_len = config.max_seq_length;
        layout.lower_case = config.do_lower_case;
    }
    Ok(())
}

fn pooling(path: &Path) -> Result<Step> {
    let config: BTreeMap<String, Value> = json(path)?;
    let flag = |name: &str| config.get(name).and_then(Value::as_bool);
    let include_prompt = flag("include_prompt").unwrap_or(true);
    let modes = match config.get("pooling_mode") {
        Some(Value::String(name)) => vec![name.parse()?],
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().unwrap_or_default().parse())
            .collect::<Result<_>>()?,
        _ => old_modes(|name| flag(name).unwrap_or(false)),
    };
    Ok(Step::Pooling { modes, include_prompt })
}

/// The modes switched on by the keys of earlier versions, in the order they are concatenated in.
fn old_modes(on: impl Fn(&str) -> bool) -> Vec<PoolingMode> {
    let keys = [
        ("pooling_mode_cls_token", PoolingMode::Cls),
        ("pooling_mode_max_tokens", PoolingMode::Max),
        ("pooling_mode_mean_tokens", PoolingMode::Mean),
        ("pooling_mode_mean_sqrt_len_tokens", PoolingMode::MeanSqrtLenTokens),
        ("pooling_mode_weightedmean_tokens", PoolingMode::WeightedMean),
        ("pooling_mode_lasttoken", PoolingMode::LastToken),
    ];
    let modes: Vec<_> = keys.iter().filter(|(key, _)| on(key)).map(|(_, mode)| *mode).collect();
    if modes.is_empty() { vec![PoolingMode::Mean] } else { modes }
}

fn dense(folder: PathBuf) -> Result<Step> {
    #[derive(Deserialize)]
    struct Config {
        in_features: usize,
        out_features: usize,
        #[serde(default = "yes")]
        bias: bool,
        activation_function: Option<String>,
    }
    fn yes() -> bool {
        true
    }
    let path = folder.join("config.json");
    let config: Config = json(&path)?;
    let name = config.activation_function.unwrap_or_else(|| "Tanh".into());
    let activation = match name.rsplit('.').next().unwrap_or_default() {
        "Tanh" => Activation::Tanh,
        "Identity" => Activation::Identity,
        "ReLU" => Activation::Relu,
        "GELU" => Activation::Gelu,
        "SiLU" => Activation::Silu,
        _ => {
            let why = format!("activation {name:?}; known are Tanh, Identity, ReLU, GELU, SiLU");
            return Err(Error::format(&path, None, why));
        }
    };
    let (d_in, d_out, bias) = (config.in_features, config.out_features, config.bias);
    Ok(Step::Dense { folder, d_in, d_out, bias, activation })
}

fn prompts(path: &Path, layout: &mut Layout) -> Result<()> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(default)]
        prompts: BTreeMap<String, Option<String>>,
        default_prompt_name: Option<String>,
    }
    if !path.is_file() {
        return Ok(());
    }
    let config: Config = json(path)?;
    let given = config.prompts.into_iter().filter_map(|(name, prompt)| Some((name, prompt?)));
    layout.prompts = given.collect();
    layout.default_prompt = config.default_prompt_name;
    Ok(())
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    serde_json::from_str(&text)
        .map_err(|e| Error::format(path, Some(e.line() as u64), e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn modules_are_read_in_order() {
        let folder = folder(&[
            (
                "modules.json",
                r#"[{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
                    {"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
                    {"idx":2,"name":"2","path":"2_Dense","type":"sentence_transformers.models.Dense"},
                    {"idx":3,"name":"3","path":"3_Normalize","type":"sentence_transformers.models.Normalize"}]"#,
            ),
            ("sentence_bert_config.json", r#"{"max_seq_length": 256, "do_lower_case": true}"#),
            (
                "1_Pooling/config.json",
                r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true,
                    "include_prompt": false}"#,
            ),
            (
                "2_Dense/config.json",
                r#"{"in_features": 8, "out_features": 4,
                    "activation_function": "torch.nn.modules.activation.Tanh"}"#,
            ),
            (
                "config_sentence_transformers.json",
                r#"{"prompts": {"query": "query: ", "none": null}, "default_prompt_name": "query"}"#,
            ),
        ]);
        let layout = read(folder.path()).unwrap();
        assert_eq!(layout.max_len, Some(256));
        assert!(layout.lower_case);
        assert_eq!(layout.default_prompt.as_deref(), Some("query"));
        assert_eq!(layout.prompts.len(), 1);
        let modes = vec![PoolingMode::Cls, PoolingMode::Mean];
        assert_eq!(layout.steps[0], Step::Pooling { modes, include_prompt: false });
        assert!(matches!(layout.steps[1], Step::Dense { d_out: 4, bias: true, .. }));
        assert_eq!(layout.steps[2], Step::Normalize);
    }

    #[test]
    fn a_bare_transformer_is_pooled_by_the_mean() {
        let folder = folder(&[("config.json", "{}")]);
        let steps = read(folder.path()).unwrap().steps;
        assert_eq!(steps, [Step::Pooling { modes: vec![PoolingMode::Mean], include_prompt: true }]);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let with = |modules: &str| folder(&[("modules.json", modules)]);
        let message = |folder: &tempfile::TempDir| read(folder.path()).unwrap_err().to_string();
        let unknown = with(r#"[{"path": "", "type": "sentence_transformers.models.CNN"}]"#);
        assert!(message(&unknown).contains("models.CNN"));
        let outside = with(r#"[{"path": "../x", "type": "sentence_transformers.models.Pooling"}]"#);
        assert!(message(&outside).contains("leaves the model's folder"));
        let damaged = with("[{");
        assert!(message(&damaged).contains("modules.json:1"));
        assert!(read(Path::new("no/such/folder")).is_err());
    }
}
