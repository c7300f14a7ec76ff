//! Ids back to text, at once or as they come.

use rayon::prelude::*;
use tokenizers as hf;

use super::{Tokenizer, refused};
use crate::{Error, Result};

impl Tokenizer {
    /// The text of ids.
    ///
    /// # Errors
    /// [`Error::Data`] for an id that is not in the vocabulary.
    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<String> {
        for &id in ids {
            self.require(id)?;
        }
        self.inner.decode(ids, skip_special_tokens).map_err(refused("the ids"))
    }

    /// The texts of many lists of ids, in parallel.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn decode_batch<R>(&self, rows: &[R], skip_special_tokens: bool) -> Result<Vec<String>>
    where
        R: AsRef<[u32]> + Sync,
    {
        rows.par_iter().map(|row| self.decode(row.as_ref(), skip_special_tokens)).collect()
    }

    /// Decodes ids one at a time, as a model generates them.
    pub fn decode_stream(&self, skip_special_tokens: bool) -> DecodeStream {
        DecodeStream {
            tokenizer: self.clone(),
            skip_special_tokens,
            ids: Vec::new(),
            prefix: String::new(),
            prefix_index: 0,
        }
    }

    /// Whether an id is that of a special token.
    pub fn is_special(&self, id: u32) -> bool {
        let added = self.inner.get_added_vocabulary();
        added.get_added_tokens_decoder().get(&id).is_some_and(|token| token.special)
    }

    fn require(&self, id: u32) -> Result<()> {
        if self.inner.id_to_token(id).is_some() {
            return Ok(());
        }
        let why = format!(
            "no such id in the vocabulary of {} tokens; decode with the tokenizer that made the ids",
            self.vocab_size()
        );
        Err(Error::data(format!("token id {id}"), why))
    }
}

/// Text from ids that come one at a time. A piece of text is handed out once it is certain: a
/// character that spans several tokens waits for the last of them.
#[derive(Clone, Debug)]
pub struct DecodeStream {
    tokenizer: Tokenizer,
    skip_special_tokens: bool,
    ids: Vec<u32>,
    prefix: String,
    prefix_index: usize,
}

impl DecodeStream {
    /// Takes the next id; gives the text that is now certain, if any.
    ///
    /// # Errors
    /// [`Error::Data`] for an id that is not in the vocabulary.
    pub fn step(&mut self, id: u32) -> Result<Option<String>> {
        self.tokenizer.require(id)?;
        if self.skip_special_tokens && self.tokenizer.is_special(id) {
            return Ok(None);
        }
        hf::tokenizer::step_decode_stream(
            &self.tokenizer.inner,
            vec![id],
            self.skip_special_tokens,
            &mut self.ids,
            &mut self.prefix,
            &mut self.prefix_index,
        )
        .map_err(refused("the ids"))
    }

    /// Ends the stream; gives what is left, with a replacement character for cut-off bytes.
    ///
    /// # Errors
    /// [`Error::Data`] where the decoder refuses the ids.
    pub fn finish(self) -> Result<Option<String>> {
        let text = self.tokenizer.decode(&self.ids, self.skip_special_tokens)?;
        let rest = text.strip_prefix(self.prefix.as_str()).unwrap_or(&text);
        Ok((!rest.is_empty()).then(|| rest.to_owned()))
    }
}
