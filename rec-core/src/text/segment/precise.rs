//! Jieba's precise mode: the most probable path through the dictionary's words, and a hidden Markov
//! model for what lies between.
//!
//! jieba-rs does the work. It departs from Python's jieba 0.42.1 in two ways, undone here: with the
//! HMM it keeps `iPhone-12` and `5.4.5` whole, and it takes in ideographs outside U+4E00–U+9FD5.

use super::Token;
use super::dictionary::Dictionary;

/// Hands out the tokens of `jieba.cut(text, HMM=hmm)`; with `tags` also their parts of speech.
pub(super) fn cut<'t>(
    dictionary: &'t Dictionary,
    text: &'t str,
    hmm: bool,
    tags: bool,
    mut emit: impl FnMut(Token<'t>),
) {
    let mut from = 0;
    for (at, c) in foreign_ideographs(text) {
        part(dictionary, &text[from..at], from, hmm, tags, &mut emit);
        from = at + c.len_utf8();
        emit(Token { text: &text[at..from], start: at, tag: tags.then_some("x") });
    }
    part(dictionary, &text[from..], from, hmm, tags, &mut emit);
}

fn part<'t>(
    dictionary: &'t Dictionary,
    text: &'t str,
    base: usize,
    hmm: bool,
    tags: bool,
    emit: &mut impl FnMut(Token<'t>),
) {
    let mut split = |token: Token<'t>| {
        if hmm && is_compound(token.text) && !dictionary.knows(token.text) {
            split_compound(token, emit);
        } else {
            emit(token);
        }
    };
    if tags {
        for tag in dictionary.jieba.tag(text, hmm) {
            split(Token { text: tag.word, start: base + tag.byte_start, tag: Some(tag.tag) });
        }
    } else {
        for token in dictionary.jieba.cut(text, hmm) {
            split(Token::new(token.word, base + token.byte_start));
        }
    }
}

/// Ideographs that jieba-rs joins to words and jieba does not.
fn foreign_ideographs(text: &str) -> impl Iterator<Item = (usize, char)> {
    // Their first bytes in UTF-8, without those of the ideographs in common use.
    let may = |b: u8| matches!(b, 0xe3 | 0xe4 | 0xe9 | 0xef | 0xf0 | 0xf3);
    let found = text.bytes().any(may) && text.chars().any(is_foreign);
    let text = if found { text } else { "" };
    text.char_indices().filter(|&(_, c)| is_foreign(c))
}

fn is_foreign(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{9fd6}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2ebef}' | '\u{2f800}'..='\u{2fa1f}')
}

/// Alphanumeric runs with `.`, `_` or `-` between.
fn is_compound(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() > 2
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().any(|b| matches!(b, b'.' | b'_' | b'-'))
}

/// Splits as jieba does, at the matches of `[a-zA-Z0-9]+(?:\.\d+)?%?`.
fn split_compound<'t>(token: Token<'t>, emit: &mut impl FnMut(Token<'t>)) {
    let bytes = token.text.as_bytes();
    let mut from = 0;
    while from < bytes.len() {
        let end = match match_len(&bytes[from..]) {
            0 => from + bytes[from..].iter().take_while(|b| !b.is_ascii_alphanumeric()).count(),
            len => from + len,
        };
        let tag = token.tag.map(|tag| if bytes[from].is_ascii_alphanumeric() { tag } else { "x" });
        emit(Token { text: &token.text[from..end], start: token.start + from, tag });
        from = end;
    }
}

fn match_len(bytes: &[u8]) -> usize {
    let run = |from: usize, test: fn(&u8) -> bool| {
        from + bytes[from..].iter().take_while(|b| test(b)).count()
    };
    let mut end = run(0, u8::is_ascii_alphanumeric);
    if end == 0 {
        return 0;
    }
    if bytes.get(end) == Some(&b'.') {
        let digits = run(end + 1, u8::is_ascii_digit);
        if digits > end + 1 {
            end = digits;
        }
    }
    end + usize::from(bytes.get(end) == Some(&b'%'))
}
