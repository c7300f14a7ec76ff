//! Texts of several scripts: jieba for runs that hold ideographs, Unicode word boundaries (UAX #29)
//! for the rest.

use unicode_segmentation::UnicodeSegmentation;

use super::Token;
use super::dictionary::{Dictionary, is_han};
use super::precise;

/// The words of UAX #29, without white space and punctuation.
pub(super) fn words<'t>(text: &'t str, emit: &mut impl FnMut(Token<'t>)) {
    for (start, word) in text.unicode_word_indices() {
        emit(Token::new(word, start));
    }
}

/// Runs of ideographs, with ASCII letters and digits that touch them (`T恤`, `5G手机`), by jieba;
/// other words as UAX #29 has them (`café`, `don't`, `안녕`).
pub(super) fn cut<'t>(
    dictionary: &'t Dictionary,
    text: &'t str,
    hmm: bool,
    mut emit: impl FnMut(Token<'t>),
) {
    let mut run: Option<(usize, usize)> = None;
    let mut flush = |run: &mut Option<(usize, usize)>| {
        let Some((from, to)) = run.take() else { return };
        if text[from..to].contains(is_han) {
            precise::cut(dictionary, &text[from..to], hmm, false, |token| {
                emit(Token { start: from + token.start, ..token });
            });
        } else {
            words(&text[from..to], &mut |token| {
                emit(Token { start: from + token.start, ..token });
            });
        }
    };
    for (at, word) in text.split_word_bound_indices() {
        let end = at + word.len();
        let joins = word.bytes().all(|b| b.is_ascii_alphanumeric()) || word.contains(is_han);
        match &mut run {
            Some((_, to)) if joins && *to == at => *to = end,
            _ => {
                flush(&mut run);
                run = Some((at, end));
                if !joins {
                    flush(&mut run);
                }
            }
        }
    }
    flush(&mut run);
}
