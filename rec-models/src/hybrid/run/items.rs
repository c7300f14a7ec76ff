//! The stages that look at the items alone.

use std::path::Path;
use std::sync::Arc;

use rec_core::data::{Csr, Dataset, Items};

use super::super::ContentVectors;
use super::super::content::Labels;
use super::super::model::{CONTENT, Found};
use super::super::stages::{Key, Work, hash_files};
use super::super::{clusters, content};
use super::Run;
use crate::{Error, Result};

/// What they found.
pub(super) struct About {
    pub(super) items: Option<Arc<Items>>,
    pub(super) found: Found,
    pub(super) predicted: usize,
    /// What all of it depends on.
    pub(super) key: Key,
}

impl Run<'_> {
    /// The stages that look at the items alone.
    pub(super) fn items(&mut self, data: &Dataset) -> Result<About> {
        let (config, ctx) = (self.config, self.ctx);
        let read = self.read.clone();
        let wanted = config.vectors.is_some() || config.keywords.is_some() || config.tags.is_some();
        let Some(items) = data.items.as_ref().filter(|_| wanted) else {
            if wanted {
                let why = "vectors, keywords and tags are asked for, and need the items' texts";
                return Err(Error::empty("the table of items", why));
            }
            return Ok(About {
                items: data.items.clone(),
                found: Found::default(),
                predicted: 0,
                key: read,
            });
        };
        if items.texts().is_empty() {
            let why =
                "vectors, keywords and tags are asked for, and none is given; name the columns";
            return Err(Error::empty("the items' texts", why));
        }
        let text = Key::new("words", &config.text, &[&read])?;
        let words = self.stages.run(
            "words",
            &text,
            Work {
                make: || content::words(items, &config.text, ctx),
                save: |words: &Vec<String>, path: &Path| content::save_words(words, path),
                load: content::load_words,
            },
        )?;
        let mut table = Items::clone(items);
        let (mut keys, mut found, mut predicted) = (vec![text.clone()], Found::default(), 0);
        if let Some(how) = &config.vectors {
            let key = Key::new("vectors", &(how, folder_hash(how)?, config.seed), &[&text])?;
            let inner = self.stages.context("vectors", &key, ctx, config.seed);
            let vectors = self.stages.run(
                "vectors",
                &key,
                Work {
                    make: || content::vectors(items, &words, &config.text, how, &inner),
                    save: content::save_dense,
                    load: content::load_dense,
                },
            )?;
            if let Some(how) = &config.clusters {
                let key = Key::new("clusters", &(how, config.seed), &[&key])?;
                let make = || clusters::clusters(&vectors, &words, how, config.seed, ctx);
                found.clusters = Some(self.labels("clusters", &key, make)?);
            }
            table = table.with_vectors(CONTENT, vectors.dim, vectors.values)?;
            keys.push(key);
        }
        if let Some(how) = &config.keywords {
            let key = Key::new("keywords", how, &[&text])?;
            let make = || Ok(content::keywords(&words, how));
            found.keywords = Some(self.labels("keywords", &key, make)?);
        }
        if let Some(how) = &config.tags {
            let key = Key::new("tags", &(how, config.seed), &[&text])?;
            let inner = self.stages.context("tags", &key, ctx, config.seed);
            let before = items.tags().map_or(0, tagged);
            let make = || content::tags(items, &words, how, config.seed, &inner);
            let tags = self.labels("tags", &key, make)?;
            predicted = tagged(&tags.rows).saturating_sub(before);
            table = table.with_tag_matrix(tags.names, tags.rows)?;
            keys.push(key);
        }
        let key = Key::new("items", &(), &keys.iter().collect::<Vec<_>>())?;
        Ok(About { items: Some(Arc::new(table)), found, predicted, key })
    }

    /// A stage that makes labels.
    fn labels(
        &mut self,
        stage: &str,
        key: &Key,
        make: impl FnOnce() -> Result<Labels>,
    ) -> Result<Labels> {
        let (save, load) = (content::save_labels, content::load_labels);
        self.stages.run(stage, key, Work { make, save, load })
    }
}

/// The hash of an encoder's files.
fn folder_hash(how: &ContentVectors) -> Result<Option<String>> {
    match how {
        ContentVectors::Encoder { folder, .. } => hash_files([folder.as_path()]).map(Some),
        ContentVectors::Words { .. } => Ok(None),
    }
}

fn tagged(tags: &Csr) -> usize {
    (0..tags.n_rows()).filter(|&row| !tags.row(row).is_empty()).count()
}
