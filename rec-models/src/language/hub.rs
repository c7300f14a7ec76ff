//! Checkpoints from the Hugging Face Hub, where the caller asks for one by name (feature `hub`).
//!
//! Nothing else in this library opens a connection: what a [`Hub`] brings is a folder, and folders
//! are all that is loaded.

use std::path::{Component, Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Repo, RepoType};

use crate::{Error, Result};

#[cfg(test)]
mod tests;

/// Where checkpoints come from, and where they are kept.
///
/// The cache is that of `huggingface_hub`: `HF_HOME`, or `~/.cache/huggingface`; files that are in
/// it are not fetched again. A token is read from it as well, and `HF_ENDPOINT` names another
/// server.
///
/// ```no_run
/// # fn main() -> rec_core::Result<()> {
/// let folder = rec_models::language::hub::Hub::default().folder("bert-base-chinese")?;
/// println!("{}", folder.display());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Hub {
    /// A branch, tag or commit; `main` if none.
    pub revision: Option<String>,
    /// The cache folder, if not the usual one.
    pub cache: Option<PathBuf>,
    /// The server, if not `HF_ENDPOINT` or the Hub's own.
    pub endpoint: Option<String>,
    /// A token for checkpoints that are not public, if not the one in the cache.
    pub token: Option<String>,
    /// Whether to draw progress bars.
    pub progress: bool,
}

impl Hub {
    /// Fetches the checkpoint `name` (`"bert-base-chinese"`, `"sentence-transformers/all-MiniLM-L6-v2"`):
    /// configuration, tokenizer, the modules of sentence-transformers, and weights as safetensors,
    /// or as `pytorch_model*.bin` where there are no others. Returns its folder.
    ///
    /// # Errors
    /// An unknown name, one that needs a token, a server out of reach, and a repository without a
    /// `config.json` or without weights. What was fetched so far stays in the cache.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let api = self.api(name)?;
        let at = |revision: &str| {
            api.repo(Repo::with_revision(name.into(), RepoType::Model, revision.into()))
        };
        let info = at(self.revision.as_deref().unwrap_or("main"))
            .info()
            .map_err(|why| failed(name, "its list of files", &why))?;
        // The commit, not the branch, which can move between two files.
        let repo = at(&info.sha);
        let names: Vec<&str> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
        let wanted = wanted(&names);
        if !wanted.contains(&"config.json") {
            return Err(Error::data(
                about(name),
                "it has no config.json, so it is no checkpoint of a language model",
            ));
        }
        if !wanted.iter().any(|file| is_weights(file)) {
            return Err(Error::data(
                about(name),
                "it has neither *.safetensors nor pytorch_model*.bin; other formats of weights are not read",
            ));
        }
        let mut folder = None;
        for file in wanted {
            let path = repo.get(file).map_err(|why| failed(name, file, &why))?;
            if file == "config.json" {
                folder = path.parent().map(Path::to_path_buf);
            }
        }
        folder.ok_or_else(|| Error::data(about(name), "its config.json was not stored"))
    }

    fn api(&self, name: &str) -> Result<Api> {
        let whole = |part: &str| !part.is_empty() && part != "." && part != "..";
        if name.split('/').count() > 2 || !name.split('/').all(whole) {
            return Err(Error::parameter(
                "name",
                format!("{name:?}"),
                "a checkpoint's name is `model` or `owner/model`; a folder of your own is loaded by its path",
            ));
        }
        let mut builder = ApiBuilder::from_env().with_progress(self.progress);
        if let Some(cache) = &self.cache {
            builder = builder.with_cache_dir(cache.clone());
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        if let Some(token) = &self.token {
            builder = builder.with_token(Some(token.clone()));
        }
        builder.build().map_err(|why| failed(name, "a connection", &why))
    }
}

fn about(name: &str) -> String {
    format!("{name} on the Hugging Face Hub")
}

fn failed(name: &str, what: &str, why: &ApiError) -> Error {
    Error::data(
        about(name),
        format!(
            "{what} could not be fetched ({why}); check the name, the token and the connection, or \
             name a folder that holds the checkpoint"
        ),
    )
}

/// The files of a repository that loading reads.
fn wanted<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let safetensors = names.iter().any(|name| at_top(name) && name.ends_with(".safetensors"));
    let needed = |name: &str| match Path::new(name).extension().and_then(|end| end.to_str()) {
        Some("json" | "txt" | "model") => {
            !name.starts_with("onnx/") && !name.starts_with("openvino/")
        }
        Some("safetensors") => at_top(name) || in_module(name),
        Some("bin") => !safetensors && is_weights(name),
        _ => false,
    };
    names.iter().copied().filter(|name| stays_inside(name) && needed(name)).collect()
}

fn at_top(name: &str) -> bool {
    !name.contains('/')
}

/// Whether it lies in a folder of a sentence-transformers module: `2_Dense/model.safetensors`.
fn in_module(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_digit()) && name.split('/').count() == 2
}

fn is_weights(name: &str) -> bool {
    let bin = name.starts_with("pytorch_model") && name.ends_with(".bin");
    at_top(name) && (bin || name.ends_with(".safetensors"))
}

/// Whether it can name no file outside the checkpoint's folder.
fn stays_inside(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}
