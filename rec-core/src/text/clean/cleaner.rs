//! The usual chain of filters, in the order in which they help each other.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Emoji, Filter, Hashtags, NormalForm, chain};
use crate::Result;

/// A chain of filters chosen by name. The order is fixed: markup first, marks of the web while their
/// characters are as typed, then characters, then white space.
///
/// ```
/// use rec_core::text::Cleaner;
///
/// let cleaner = Cleaner::default();
/// let html = "<p>这款手机&amp;耳机，真的太太太太好了！！！！</p><script>x()</script> https://a.cn/1";
/// assert_eq!(cleaner.clean(html)?, "这款手机&耳机,真的太太太好了!!!");
/// # Ok::<(), rec_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cleaner {
    /// Strip tags and decode entities.
    pub html: bool,
    /// Drop NUL and control characters.
    pub control_characters: bool,
    /// What replaces web addresses; `None` keeps them.
    pub urls: Option<String>,
    /// What replaces e-mail addresses; `None` keeps them.
    pub emails: Option<String>,
    /// What replaces `@name`; `None` keeps them.
    pub mentions: Option<String>,
    /// What becomes of `#tag` and `#话题#`.
    pub hashtags: Hashtags,
    /// What becomes of emoji.
    pub emoji: Emoji,
    /// Drop zero-width characters.
    pub zero_width: bool,
    /// The Unicode normal form, if any.
    pub normalize: Option<NormalForm>,
    /// Full-width ASCII to half-width; NFKC does that too, and more.
    pub half_width: bool,
    /// Traditional to simplified Chinese.
    pub simplify: bool,
    /// Lower case.
    pub lowercase: bool,
    /// The longest run of one character; `None` keeps all.
    pub max_repeats: Option<usize>,
    /// Make one space of each run of white space.
    pub whitespace: bool,
}

impl Default for Cleaner {
    fn default() -> Self {
        let space = Some(" ".to_owned());
        Self {
            html: true,
            control_characters: true,
            urls: space.clone(),
            emails: space.clone(),
            mentions: space,
            hashtags: Hashtags::Text,
            emoji: Emoji::Keep,
            zero_width: true,
            normalize: Some(NormalForm::Nfkc),
            half_width: false,
            simplify: false,
            lowercase: false,
            max_repeats: Some(3),
            whitespace: true,
        }
    }
}

impl Cleaner {
    /// The filters, in order.
    ///
    /// # Errors
    /// Those of [`Filter::check`].
    pub fn filters(&self) -> Result<Vec<Filter>> {
        let filters = self.chain();
        filters.iter().try_for_each(Filter::check)?;
        Ok(filters)
    }

    fn chain(&self) -> Vec<Filter> {
        let marks = |with: &Option<String>, filter: fn(String) -> Filter| with.clone().map(filter);
        let hashtags = self.hashtags != Hashtags::Keep;
        let emoji = self.emoji != Emoji::Keep;
        [
            self.html.then_some(Filter::Html {}),
            self.control_characters.then_some(Filter::ControlCharacters {}),
            marks(&self.urls, |with| Filter::Urls { with }),
            marks(&self.emails, |with| Filter::Emails { with }),
            marks(&self.mentions, |with| Filter::Mentions { with }),
            hashtags.then_some(Filter::Hashtags { mode: self.hashtags }),
            emoji.then_some(Filter::Emoji { mode: self.emoji }),
            self.zero_width.then_some(Filter::ZeroWidth {}),
            self.normalize.map(|form| Filter::Normalize { form }),
            self.half_width.then_some(Filter::HalfWidth {}),
            self.simplify.then_some(Filter::Simplify {}),
            self.lowercase.then_some(Filter::Lowercase {}),
            self.max_repeats.map(|max| Filter::Repeats { max }),
            self.whitespace.then_some(Filter::Whitespace { lines: false }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The clean text. For many texts, make a [`Pipeline`](crate::text::Pipeline) of the filters.
    ///
    /// # Errors
    /// Those of [`Filter::check`].
    pub fn clean(&self, text: &str) -> Result<String> {
        Ok(chain(&self.filters()?, text).into_owned())
    }
}

/// The text cleaned by the default [`Cleaner`].
pub fn clean(text: &str) -> String {
    static DEFAULT: LazyLock<Vec<Filter>> = LazyLock::new(|| Cleaner::default().chain());
    chain(DEFAULT.iter(), text).into_owned()
}
