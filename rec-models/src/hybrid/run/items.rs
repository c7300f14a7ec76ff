//! The stages that look at the items alone.

use std::path::Path;
use std::sync::Arc;

use rec_core::data::{Csr, Dataset, Items};

use super::super::ContentVectors;
use super::super::content::{self, Labels};
use super::super::model::CONTENT;
use super::super::stages::{Key, Work, hash_files};
use super::Run;
use crate::{Error, Result};

/// What they found.
pub(super) struct About {
    pub(super) items: Option<Arc<Items>>,
    pub(super) keywords: Option<Labels>,
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
                keywords: None,
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
        let (mut keys, mut keywords, mut predicted) = (vec![text.clone()], None, 0);
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
            table = table.with_vectors(CONTENT, vectors.dim, vectors.values)?;
            keys.push(key);
        }
        if let Some(how) = &config.keywords {
            let key = Key::new("keywords", how, &[&text])?;
            keywords = Some(self.stages.run(
                "keywords",
                &key,
                Work {
                    make: || Ok(content::keywords(&words, how)),
                    save: content::save_labels,
                    load: content::load_labels,
                },
            )?);
        }
        if let Some(how) = &config.tags {
            let key = Key::new("tags", &(how, config.seed), &[&text])?;
            let inner = self.stages.context("tags", &key, ctx, config.seed);
            let before = items.tags().map_or(0, tagged);
            let tags = self.stages.run(
                "tags",
                &key,
                Work {
                    make: || content::tags(items, &words, how, config.seed, &inner),
                    save: content::save_labels,
                    load: content::load_labels,
                },
            )?;
            predicted = tagged(&tags.rows).saturating_sub(before);
            table = table.with_tag_matrix(tags.names, tags.rows)?;
            keys.push(key);
        }
        let key = Key::new("items", &(), &keys.iter().collect::<Vec<_>>())?;
        Ok(About { items: Some(Arc::new(table)), keywords, predicted, key })
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
