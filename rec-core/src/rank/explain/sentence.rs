//! An explanation as a sentence.

mod english;
mod mandarin;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ItemName, Match, Reasons};
use crate::text::Filter;
use crate::{Error, Result};

/// The language of a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "en" => Ok(Self::En),
            "zh" => Ok(Self::Zh),
            _ => Err(Error::parameter("language", name, "choose en or zh")),
        }
    }
}

/// What users do with items: the words of a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// Anything.
    #[default]
    General,
    /// Goods that are bought.
    Shop,
    /// Articles that are read.
    News,
    /// Pieces or artists that are listened to.
    Music,
    /// Films that are watched.
    Video,
}

impl FromStr for Domain {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "general" => Ok(Self::General),
            "shop" => Ok(Self::Shop),
            "news" => Ok(Self::News),
            "music" => Ok(Self::Music),
            "video" => Ok(Self::Video),
            _ => {
                Err(Error::parameter("domain", name, "choose general, shop, news, music or video"))
            }
        }
    }
}

/// Past items, labels and recommenders that a sentence names at most.
const MOST: usize = 3;
/// Characters of a title that a sentence shows.
const TITLE: usize = 60;

impl Reasons {
    /// A natural sentence: the past items that speak most for the item, the tags or keywords they all
    /// share with it, other interests it fits, and the shares of the recommenders where there are
    /// several. It names three of each at most, and past items only that add at least a quarter of
    /// what the first adds; titles lose their HTML, and are cut past 60 characters.
    pub fn to_sentence(&self, language: Language, domain: Domain) -> String {
        let told = Told::of(self);
        match language {
            Language::En => english::sentence(&told, domain),
            Language::Zh => mandarin::sentence(&told, domain),
        }
    }
}

/// What a sentence names.
struct Told<'a> {
    past: Vec<&'a ItemName>,
    /// Tags that all of `past` share with the item, or else keywords.
    shared: Vec<&'a str>,
    shared_are_tags: bool,
    /// Interests not among `shared`, with their shares.
    interests: Vec<&'a Match>,
    recommenders: Vec<(&'a str, f32)>,
}

impl<'a> Told<'a> {
    fn of(reasons: &'a Reasons) -> Self {
        let others = || reasons.past.iter().filter(|past| past.item.id != reasons.item.id);
        let most = others().map(|past| past.part).next().unwrap_or(0.0);
        let enough = |past: &&super::PastItem| past.part > 0.0 && past.part >= most / 4.0;
        let past: Vec<_> = others().filter(enough).take(MOST).collect();
        let common = |labels: fn(&super::PastItem) -> &[String]| -> Vec<&'a str> {
            let Some((first, rest)) = past.split_first() else { return Vec::new() };
            let all = |label: &&String| rest.iter().all(|past| labels(past).contains(label));
            labels(first).iter().filter(all).take(MOST).map(String::as_str).collect()
        };
        let tags = common(|past| &past.shared_tags);
        let shared_are_tags = !tags.is_empty();
        let shared = if shared_are_tags { tags } else { common(|past| &past.shared_keywords) };
        let interests = reasons.tags.iter().chain(&reasons.keywords);
        let others = |found: &&Match| found.share > 0.0 && !shared.contains(&&found.label[..]);
        let shares = reasons.recommenders.iter().map(|share| (&share.name[..], share.share));
        Self {
            interests: interests.filter(others).take(MOST).collect(),
            recommenders: shares.filter(|(_, share)| *share >= 0.005).take(MOST).collect(),
            past: past.iter().map(|past| &past.item).collect(),
            shared_are_tags,
            shared,
        }
    }
}

/// A title short enough for a sentence, without HTML.
fn short(title: &str) -> String {
    let title = Filter::Html {}.apply(title);
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.chars().count() <= TITLE {
        return title;
    }
    let cut: String = title.chars().take(TITLE - 1).collect();
    format!("{}…", cut.trim_end())
}

/// `a`, `a last b`, `a, b last c`.
fn list(parts: &[String], comma: &str, last: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{}{last}{end}", first.join(comma)),
    }
}

fn percent(share: f32) -> u32 {
    (100.0 * share).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_plain_and_short() {
        assert_eq!(short("<b>手机壳</b>&nbsp;新款"), "手机壳 新款");
        assert_eq!(short("a < b"), "a < b");
        let long = short(&"长".repeat(61));
        assert!(long.ends_with('…') && long.chars().count() == TITLE);
    }
}
