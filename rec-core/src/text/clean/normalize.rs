//! Unicode normal forms, half-width forms, lower case.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

pub(super) fn nfc(text: &str) -> Option<String> {
    (is_nfc_quick(text.chars()) != IsNormalized::Yes).then(|| text.nfc().collect())
}

/// What NFKC makes of a character by itself, for characters that never compose with the one before
/// them. `None` for all others.
///
/// Ideographs, ASCII, full-width forms and common punctuation make up nearly all Chinese text;
/// the general algorithm spends tens of nanoseconds on each.
#[inline]
fn simple_nfkc(c: char) -> Option<char> {
    match c {
        '\0'..='\x7f' | '\u{4e00}'..='\u{9fff}' => Some(c),
        '\u{ff01}'..='\u{ff5e}' => half(c),
        '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' => Some(c),
        '\u{2013}' | '\u{2014}' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => Some(c),
        _ => None,
    }
}

pub(super) fn nfkc(text: &str) -> Option<String> {
    let same = |c: char| simple_nfkc(c) == Some(c);
    let first = text.char_indices().find(|&(_, c)| !same(c)).map(|(at, _)| at)?;
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(c) = rest.chars().next() {
        if let Some(simple) = simple_nfkc(c) {
            out.push(simple);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        // What follows may be a mark that composes with the character written last.
        let end = rest.find(|c| simple_nfkc(c).is_some()).unwrap_or(rest.len());
        let last = out.pop();
        out.extend(last.into_iter().chain(rest[..end].chars()).nfkc());
        rest = &rest[end..];
    }
    (out != text).then_some(out)
}

#[inline]
fn half(c: char) -> Option<char> {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
        '\u{3000}' => Some(' '),
        _ => None,
    }
}

pub(super) fn half_width(text: &str) -> Option<String> {
    text.contains(|c| half(c).is_some())
        .then(|| text.chars().map(|c| half(c).unwrap_or(c)).collect())
}

pub(super) fn lowercase(text: &str) -> Option<String> {
    let upper = |c: char| match c {
        '\0'..='\x7f' => c.is_ascii_uppercase(),
        '\u{2e80}'..='\u{9fff}' => false,
        _ => c.is_uppercase(),
    };
    text.contains(upper).then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms() {
        assert_eq!(nfkc("ＡＢＣ１２３，①ﬁ㎏…　e\u{301}").unwrap(), "ABC123,1fikg... é");
        assert_eq!(nfc("e\u{301}Ａ").unwrap(), "éＡ");
        assert_eq!(nfkc("手机, “好”"), None);
        assert_eq!(half_width("Ａ１，　①ﾊ").unwrap(), "A1, ①ﾊ");
        assert_eq!(half_width("手机"), None);
        assert_eq!(lowercase("IPhone手机É").unwrap(), "iphone手机é");
        assert_eq!(lowercase("iphone手机é"), None);
    }

    proptest! {
        #[test]
        fn nfkc_is_that_of_unicode(
            text in "([a-zＡ-Ｚ０-９，。、“”…手机\u{300}-\u{36f}\u{1100}-\u{11ff}\u{ac00}-\u{d7a3}\u{ff9e}ｶ①-⑳\u{f900}-\u{faff}\u{1161}]|\\PC){0,24}"
        ) {
            let expected: String = text.nfkc().collect();
            prop_assert_eq!(nfkc(&text).unwrap_or_else(|| text.clone()), expected);
        }
    }
}
