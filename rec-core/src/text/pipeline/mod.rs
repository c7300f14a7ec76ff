//! Chains of steps from raw text to clean text or tokens, written down as JSON.

mod step;
mod tokens;

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use step::{Step, TokenFilter};
pub use tokens::{Processed, Tokens};

use super::clean::{Cleaner, Filter, chain};
use super::segment::Segment;
use crate::{Error, Result};

/// A chain of steps: filters on the text, then perhaps a segmenter, then filters on its tokens.
///
/// ```
/// use rec_core::text::{Cleaner, Pipeline, Segmenter, StopWords, TokenFilter};
///
/// let pipeline = Pipeline::cleaning(&Cleaner::default())?
///     .then(Segmenter::chinese())?
///     .then(TokenFilter::Words {})?
///     .then(StopWords::of(&["zh"])?)?;
/// let tokens = pipeline.tokens("<b>手机</b>的屏幕很好！！！ https://a.cn")?;
/// assert_eq!(tokens.iter().collect::<Vec<_>>(), ["手机", "屏幕"]);
///
/// let copy: Pipeline = serde_json::from_str(&serde_json::to_string(&pipeline).unwrap()).unwrap();
/// assert_eq!(copy.tokens("手机的屏幕")?.iter().count(), 2);
/// # Ok::<(), rec_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Pipeline {
    filters: Vec<Filter>,
    segmenter: Option<Step>,
    token_filters: Vec<TokenFilter>,
}

impl Pipeline {
    /// A chain of these steps.
    ///
    /// # Errors
    /// [`Error::Parameter`] where the order makes no sense (a text filter behind the segmenter, a
    /// token filter without one before it, two segmenters), and what the steps' own checks refuse.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Result<Self> {
        steps.into_iter().try_fold(Self::default(), Self::then)
    }

    /// The filters of a cleaner, to go on from.
    ///
    /// # Errors
    /// Those of [`Filter::check`].
    pub fn cleaning(cleaner: &Cleaner) -> Result<Self> {
        Ok(Self { filters: cleaner.filters()?, ..Self::default() })
    }

    /// The chain with one more step.
    ///
    /// # Errors
    /// Those of [`Pipeline::new`].
    pub fn then(mut self, step: impl Into<Step>) -> Result<Self> {
        let step = step.into();
        let refused = |why: &str| Err(Error::parameter("step", step.name(), why));
        match step {
            Step::Filter(_) if self.segmenter.is_some() => {
                refused("filters on the text go before the segmenter")
            }
            Step::Segment(_) | Step::Custom(_) if self.segmenter.is_some() => {
                refused("one segmenter is enough; drop the second")
            }
            Step::Tokens(_) if self.segmenter.is_none() => {
                refused("filters on tokens go behind a segmenter; add a segment step before")
            }
            Step::Filter(filter) => {
                filter.check()?;
                self.filters.push(filter);
                Ok(self)
            }
            Step::Tokens(filter) => {
                filter.check()?;
                self.token_filters.push(filter);
                Ok(self)
            }
            segmenter => {
                self.segmenter = Some(segmenter);
                Ok(self)
            }
        }
    }

    /// The chain with a segmenter of the caller's own, which cannot be serialised.
    ///
    /// # Errors
    /// Those of [`Pipeline::new`].
    pub fn segment_with(self, segmenter: Arc<dyn Segment>) -> Result<Self> {
        self.then(Step::Custom(segmenter))
    }

    /// The steps, in order.
    pub fn steps(&self) -> Vec<Step> {
        let filters = self.filters.iter().cloned().map(Step::Filter);
        let token_filters = self.token_filters.iter().cloned().map(Step::Tokens);
        filters.chain(self.segmenter.clone()).chain(token_filters).collect()
    }

    /// The chain as JSON: a list of steps, each an object with the name of the step.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with a segmenter of the caller's own.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|e| Error::unsupported("serialisation", "this pipeline", e.to_string()))
    }

    /// A chain from its JSON.
    ///
    /// # Errors
    /// [`Error::Data`] naming the step that is refused, and why.
    pub fn from_json(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|e| Error::data("pipeline JSON", e.to_string()))
    }

    /// Whether the chain ends in tokens.
    pub fn segments(&self) -> bool {
        self.segmenter.is_some()
    }

    /// The text after the filters on text.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        chain(&self.filters, text)
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// [`Error::Unsupported`] in a chain without a segmenter, [`Error::TooLarge`] for a text past
    /// 4 GiB.
    pub fn tokens(&self, text: &str) -> Result<Tokens> {
        let segmenter: &dyn Segment = match &self.segmenter {
            Some(Step::Segment(segmenter)) => segmenter,
            Some(Step::Custom(segmenter)) => &**segmenter,
            _ => {
                let why = "add a segment step, or ask for the clean text";
                return Err(Error::unsupported("finding tokens", "this pipeline", why));
            }
        };
        let mut tokens = Tokens::new(self.clean(text).into_owned())?;
        let (text, spans) = tokens.parts();
        segmenter.segment(text, &mut |token| {
            if self.token_filters.iter().all(|filter| filter.keeps(token.text)) {
                spans.push((token.start as u32, token.end() as u32));
            }
        });
        Ok(tokens)
    }

    /// What the whole chain makes of a text.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a text past 4 GiB that is to be segmented.
    pub fn process(&self, text: &str) -> Result<Processed> {
        match self.segments() {
            true => self.tokens(text).map(Processed::Tokens),
            false => Ok(Processed::Text(self.clean(text).into_owned())),
        }
    }

    /// What the chain makes of each text, in their order, on all threads of the pool (choose it with
    /// [`parallel::install`](crate::parallel::install)).
    ///
    /// # Errors
    /// Those of [`Pipeline::process`].
    pub fn process_batch<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<Processed>> {
        texts.par_iter().map(|text| self.process(text.as_ref())).collect()
    }
}

impl TryFrom<Vec<Step>> for Pipeline {
    type Error = Error;

    fn try_from(steps: Vec<Step>) -> Result<Self> {
        Self::new(steps)
    }
}

impl From<Pipeline> for Vec<Step> {
    fn from(pipeline: Pipeline) -> Self {
        pipeline.steps()
    }
}

#[cfg(test)]
mod tests;
