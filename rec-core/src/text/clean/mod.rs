//! Cleaning: filters from text to text, one a file, and the usual chain of them.
//!
//! A filter that finds nothing to change returns the text it was given, without a copy. All of them
//! take time linear in the text.

mod cleaner;
mod emoji;
mod html;
mod invisible;
mod marks;
mod normalize;
mod repeats;
mod simplify;
mod whitespace;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use cleaner::{Cleaner, clean};

use crate::{Error, Result};

/// What becomes of emoji.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emoji {
    /// They stay.
    #[default]
    Keep,
    /// Each becomes a space.
    Drop,
    /// Each becomes its CLDR short name between spaces: `👍` is ` thumbs up `.
    Name,
}

/// What becomes of hashtags, `#tag` and `#话题#`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hashtags {
    /// They stay.
    Keep,
    /// Each becomes a space.
    Drop,
    /// The words stay, between spaces; the signs go.
    #[default]
    Text,
}

/// A normal form of Unicode (UAX #15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalForm {
    /// Canonical composition: `e` and an accent become `é`.
    Nfc,
    /// Compatibility composition: also `Ａ` to `A`, `，` to `,`, `①` to `1`, `ﬁ` to `fi`.
    Nfkc,
}

/// A filter from text to text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum Filter {
    /// Tags and comments go, entities are decoded (HTML's own tokenizer). What is between block
    /// tags ends up on lines of its own; the contents of `script` and `style` are dropped. A tag
    /// that is never closed with `>` is text.
    Html {},
    /// `http://`, `https://`, `ftp://` and `www.` addresses. They end where a character stands that
    /// no address may hold, so Chinese text right behind one survives.
    Urls {
        /// What stands in their place.
        #[serde(default = "space")]
        with: String,
    },
    /// E-mail addresses.
    Emails {
        /// What stands in their place.
        #[serde(default = "space")]
        with: String,
    },
    /// `@name` mentions: 2 to 30 letters, digits, `_` and `-`.
    Mentions {
        /// What stands in their place.
        #[serde(default = "space")]
        with: String,
    },
    /// `#tag` and `#话题#`.
    Hashtags {
        /// What becomes of them.
        #[serde(default)]
        mode: Hashtags,
    },
    /// Emoji, sequences such as flags and families included.
    Emoji {
        /// What becomes of them.
        #[serde(default)]
        mode: Emoji,
    },
    /// NUL and the other control characters go; tabs and line breaks stay.
    ControlCharacters {},
    /// Zero-width spaces, byte order marks, soft hyphens and directional marks go. Joiners stay
    /// inside emoji.
    ZeroWidth {},
    /// Unicode normalisation.
    Normalize {
        /// The form.
        form: NormalForm,
    },
    /// Full-width ASCII (`Ａ`, `１`, `，`) and the ideographic space become half-width, and nothing
    /// else changes.
    HalfWidth {},
    /// Traditional Chinese becomes simplified, phrases first (`乾隆` stays, `乾燥` is `干燥`), by the
    /// tables of OpenCC. Needs the feature `traditional`.
    Simplify {},
    /// Lower case.
    Lowercase {},
    /// Runs of one character are cut down to `max`; digits are left alone.
    Repeats {
        /// The longest run that stays.
        max: usize,
    },
    /// Each run of white space becomes one space, and none is left at the ends.
    Whitespace {
        /// Whether a run that holds a line break becomes a line break instead.
        #[serde(default)]
        lines: bool,
    },
}

fn space() -> String {
    " ".to_owned()
}

impl Filter {
    /// The names of all filters, as they are serialised.
    pub const NAMES: [&'static str; 14] = [
        "html",
        "urls",
        "emails",
        "mentions",
        "hashtags",
        "emoji",
        "control_characters",
        "zero_width",
        "normalize",
        "half_width",
        "simplify",
        "lowercase",
        "repeats",
        "whitespace",
    ];

    /// Whether this build and these parameters can run.
    ///
    /// # Errors
    /// [`Error::Parameter`] for runs of at most 0, [`Error::Unsupported`] for `simplify` in a build
    /// without the feature `traditional`.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Repeats { max: 0 } => {
                Err(Error::parameter("max", 0, "choose the longest run that stays, at least 1"))
            }
            Self::Simplify {} => simplify::check(),
            _ => Ok(()),
        }
    }

    /// The text after the filter.
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.changed(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// The text after the filter; `None` where it stays as it is.
    fn changed(&self, text: &str) -> Option<String> {
        match self {
            Self::Html {} => html::strip(text),
            Self::Urls { with } => marks::urls(text, with),
            Self::Emails { with } => marks::emails(text, with),
            Self::Mentions { with } => marks::mentions(text, with),
            Self::Hashtags { mode } => marks::hashtags(text, *mode),
            Self::Emoji { mode } => emoji::replace(text, *mode),
            Self::ControlCharacters {} => invisible::control_characters(text),
            Self::ZeroWidth {} => invisible::zero_width(text),
            Self::Normalize { form: NormalForm::Nfc } => normalize::nfc(text),
            Self::Normalize { form: NormalForm::Nfkc } => normalize::nfkc(text),
            Self::HalfWidth {} => normalize::half_width(text),
            Self::Simplify {} => simplify::simplify(text),
            Self::Lowercase {} => normalize::lowercase(text),
            Self::Repeats { max } => repeats::squeeze(text, *max),
            Self::Whitespace { lines } => whitespace::collapse(text, *lines),
        }
    }
}

/// The text after a chain of filters.
pub(crate) fn chain<'t, 'f>(
    filters: impl IntoIterator<Item = &'f Filter>,
    text: &'t str,
) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    for filter in filters {
        if let Some(changed) = filter.changed(&text) {
            text = Cow::Owned(changed);
        }
    }
    text
}

#[cfg(test)]
mod tests;
