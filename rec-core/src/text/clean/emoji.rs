//! Emoji, by the tables of Unicode (crate `emojis`).

use unicode_segmentation::UnicodeSegmentation;

use super::Emoji;

pub(super) fn replace(text: &str, mode: Emoji) -> Option<String> {
    if mode == Emoji::Keep || !text.chars().any(may_be_emoji) {
        return None;
    }
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (at, cluster) in candidates(text) {
        let name = match name(cluster) {
            Some(name) => name,
            None if cluster.chars().all(is_component) => "",
            None => continue,
        };
        out.push_str(&text[done..at]);
        out.push(' ');
        if mode == Emoji::Name && !name.is_empty() {
            out.push_str(name);
            out.push(' ');
        }
        done = at + cluster.len();
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Whether an emoji may begin with, or hold, this character: a superset, quick to test.
fn may_be_emoji(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{200d}'..='\u{3299}' | '\u{fe0f}' | '\u{1f000}'..)
        && !matches!(c, '\u{2e80}'..='\u{302f}' | '\u{3031}'..='\u{303c}' | '\u{3040}'..='\u{3296}')
}

/// The grapheme clusters that may be emoji. Runs of plain text are skipped whole: finding their
/// clusters would cost more than everything else here.
fn candidates(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = &text[from..];
        let (step, first) = rest.char_indices().find(|&(_, c)| may_be_emoji(c))?;
        // A keycap begins with the digit before the marks.
        let keycap = first == '\u{fe0f}' || first == '\u{20e3}';
        let step = match rest[..step].chars().next_back() {
            Some(c) if keycap && (c.is_ascii_digit() || matches!(c, '#' | '*')) => step - 1,
            _ => step,
        };
        let cluster = rest[step..].graphemes(true).next()?;
        let at = from + step;
        from = at + cluster.len();
        Some((at, cluster))
    })
}

/// The CLDR short name of a cluster that shows as an emoji. A character that is text by default
/// (`©`, `↔`, `™`) shows as one only with a variation selector; the pictures among them (U+2600 to
/// U+27BF: `☀`, `❤`) are commonly sent without.
fn name(cluster: &str) -> Option<&'static str> {
    let known = emojis::get(cluster)?;
    let first = cluster.chars().next()?;
    let shown = cluster.contains('\u{fe0f}')
        || !known.as_str().contains('\u{fe0f}')
        || matches!(first, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..);
    shown.then(|| known.name())
}

/// What emoji are built from and means nothing alone: selectors, skin tones, halves of
/// flags, tags.
fn is_component(c: char) -> bool {
    matches!(c,
        '\u{20e3}' | '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{1f1e6}'..='\u{1f1ff}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_are_dropped_or_named() {
        let text = "好👍🏽用🇨🇳❤️👨‍👩‍👧1️⃣完";
        assert_eq!(replace(text, Emoji::Drop).unwrap(), "好 用    完");
        let named = replace(text, Emoji::Name).unwrap();
        assert!(named.starts_with("好 thumbs up: medium skin tone 用 flag: China "), "{named}");
        assert_eq!(replace(text, Emoji::Keep), None);
    }

    #[test]
    fn only_emoji_leaves_nothing() {
        assert_eq!(replace("😀😀🎉", Emoji::Drop).unwrap().trim(), "");
    }

    #[test]
    fn text_symbols_stay() {
        for text in ["©2024 ™ ↔ 5#3*2 《书名》…—", "①②㈱、。", "𠮷野家", "a\u{200d}b"]
        {
            assert_eq!(
                replace(text, Emoji::Drop).as_deref().unwrap_or(text).trim(),
                text,
                "{text}"
            );
        }
    }
}
