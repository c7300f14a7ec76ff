//! The steps of a chain, and how they are written down: `{"step": "stop_words", "languages": ["zh"]}`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::Value;

use crate::text::clean::Filter;
use crate::text::segment::{Segment, Segmenter};
use crate::text::stopwords::StopWords;
use crate::{Error, Result};

/// A filter that keeps some tokens and drops the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum TokenFilter {
    /// Keeps tokens with a letter, an ideograph or a digit in them: no punctuation, no spaces.
    Words {},
    /// Drops stop words.
    StopWords(StopWords),
    /// Keeps tokens of so many characters.
    Length {
        /// At least.
        #[serde(default = "one")]
        min: usize,
        /// At most.
        #[serde(default = "any")]
        max: usize,
    },
}

fn one() -> usize {
    1
}

fn any() -> usize {
    usize::MAX
}

impl TokenFilter {
    const NAMES: [&'static str; 3] = ["words", "stop_words", "length"];

    pub(super) fn check(&self) -> Result<()> {
        match *self {
            Self::Length { min, max } if min > max => {
                Err(Error::parameter("max", max, format!("choose at least min = {min}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether a token stays.
    #[inline]
    pub fn keeps(&self, token: &str) -> bool {
        match self {
            Self::Words {} => token.contains(is_word),
            Self::StopWords(words) => !words.contains(token),
            Self::Length { min, max } => (*min..=*max).contains(&token.chars().count()),
        }
    }
}

/// Letters, ideographs and digits, the common ones tested first.
#[inline]
fn is_word(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}') || c.is_alphanumeric()
}

/// One step of a chain.
#[derive(Clone)]
pub enum Step {
    /// A filter on the text.
    Filter(Filter),
    /// The segmenter.
    Segment(Segmenter),
    /// A segmenter of the caller's own.
    Custom(Arc<dyn Segment>),
    /// A filter on the tokens.
    Tokens(TokenFilter),
}

impl Step {
    /// The step's name, as it is serialised.
    pub fn name(&self) -> String {
        let named = |value: serde_json::Result<Value>| {
            let value = value.unwrap_or_default();
            value.get("step").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        match self {
            Self::Filter(filter) => named(serde_json::to_value(filter)),
            Self::Tokens(filter) => named(serde_json::to_value(filter)),
            Self::Segment(_) => "segment".to_owned(),
            Self::Custom(_) => "custom segmenter".to_owned(),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(filter) => filter.fmt(f),
            Self::Segment(segmenter) => segmenter.fmt(f),
            Self::Custom(_) => f.write_str("Custom"),
            Self::Tokens(filter) => filter.fmt(f),
        }
    }
}

impl From<Filter> for Step {
    fn from(filter: Filter) -> Self {
        Self::Filter(filter)
    }
}

impl From<Segmenter> for Step {
    fn from(segmenter: Segmenter) -> Self {
        Self::Segment(segmenter)
    }
}

impl From<TokenFilter> for Step {
    fn from(filter: TokenFilter) -> Self {
        Self::Tokens(filter)
    }
}

impl From<StopWords> for Step {
    fn from(words: StopWords) -> Self {
        Self::Tokens(TokenFilter::StopWords(words))
    }
}

#[derive(Serialize)]
struct Named<'a> {
    step: &'static str,
    #[serde(flatten)]
    segmenter: &'a Segmenter,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Filter(filter) => filter.serialize(serializer),
            Self::Segment(segmenter) => Named { step: "segment", segmenter }.serialize(serializer),
            Self::Custom(_) => {
                Err(ser::Error::custom("a segmenter of the caller's own cannot be written down"))
            }
            Self::Tokens(filter) => filter.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let name = value.get("step").and_then(Value::as_str).unwrap_or_default().to_owned();
        let refused = |e: serde_json::Error| de::Error::custom(format!("step {name:?}: {e}"));
        if Filter::NAMES.contains(&name.as_str()) {
            serde_json::from_value(value).map(Self::Filter).map_err(refused)
        } else if TokenFilter::NAMES.contains(&name.as_str()) {
            serde_json::from_value(value).map(Self::Tokens).map_err(refused)
        } else if name == "segment" {
            value.as_object_mut().map(|object| object.remove("step"));
            serde_json::from_value(value).map(Self::Segment).map_err(refused)
        } else {
            let known = [&Filter::NAMES[..], &["segment"], &TokenFilter::NAMES].concat().join(", ");
            Err(de::Error::custom(format!("no step {name:?}; there are {known}")))
        }
    }
}
