//! Jieba's full mode: every word of the dictionary that stands in the text.
//!
//! jieba-rs also hands out single characters that longer words cover, and leaves out words with
//! letters (`T恤`); so this mode reads the dictionary itself, as `jieba.cut(text, cut_all=True)` does.

use super::Token;
use super::dictionary::{Dictionary, joins};

pub(super) fn cut<'t>(dictionary: &Dictionary, text: &'t str, emit: &mut impl FnMut(Token<'t>)) {
    let mut from = 0;
    while let Some(first) = text[from..].chars().next() {
        let inside = joins(first);
        let end = text[from..].find(|c| joins(c) != inside).map_or(text.len(), |n| from + n);
        let run = Token::new(&text[from..end], from);
        if inside {
            words(dictionary, run, emit)
        } else {
            gap(run, emit)
        }
        from = end;
    }
}

/// White space character by character, what lies between whole.
fn gap<'t>(run: Token<'t>, emit: &mut impl FnMut(Token<'t>)) {
    let text = run.text;
    let mut from = 0;
    while let Some(first) = text[from..].chars().next() {
        let end = if text[from..].starts_with("\r\n") {
            from + 2
        } else if is_space(first) {
            from + first.len_utf8()
        } else {
            text[from..].find(is_space).map_or(text.len(), |n| from + n)
        };
        emit(Token::new(&text[from..end], run.start + from));
        from = end;
    }
}

/// White space as Python's `\s` has it.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// The words of a run, in order of their beginnings, the shorter first. A character is a token of
/// its own where no word begins and none before covers it; such letters and digits join, with a
/// word that begins at the last of them.
fn words<'t>(dictionary: &Dictionary, run: Token<'t>, emit: &mut impl FnMut(Token<'t>)) {
    let text = run.text;
    let mut bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    bounds.push(text.len());
    let n = bounds.len() - 1;
    let token = |from: usize, to: usize| {
        Token::new(&text[bounds[from]..bounds[to]], run.start + bounds[from])
    };
    let mut ends = Vec::new();
    let (mut covered, mut letters) = (0, None);
    for at in 0..n {
        let letter = text.as_bytes()[bounds[at]].is_ascii_alphanumeric();
        if let Some((from, to)) = letters.filter(|&(_, to)| !letter || to < at) {
            emit(token(from, to));
            letters = None;
        }
        let word = |&end: &usize| dictionary.knows(&text[bounds[at]..bounds[end]]);
        ends.clear();
        ends.extend((at + 1..=n.min(at + dictionary.longest())).filter(word));
        match ends.as_slice() {
            [] | [_] if at >= covered => {
                covered = ends.first().copied().unwrap_or(at + 1);
                if letter {
                    letters = Some((letters.map_or(at, |(from, _)| from), covered));
                } else {
                    emit(token(at, covered));
                }
            }
            ends => {
                for &end in ends.iter().filter(|&&end| end > at + 1) {
                    emit(token(at, end));
                    covered = end;
                }
            }
        }
    }
    if let Some((from, to)) = letters {
        emit(token(from, to));
    }
}
