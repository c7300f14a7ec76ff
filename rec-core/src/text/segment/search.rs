//! Jieba's search mode: the tokens of the precise mode, each after the two- and three-character
//! words inside it.

use super::Token;
use super::dictionary::Dictionary;

/// Hands out the tokens that `jieba.cut_for_search` makes of one of `jieba.cut`.
pub(super) fn expand<'t>(
    dictionary: &Dictionary,
    token: Token<'t>,
    bounds: &mut Vec<usize>,
    emit: &mut impl FnMut(Token<'t>),
) {
    let text = token.text;
    // A word of two characters has at most 8 bytes, one of three ideographs 9.
    if text.len() > 2 {
        bounds.clear();
        bounds.extend(text.char_indices().map(|(at, _)| at));
        bounds.push(text.len());
        let n = bounds.len() - 1;
        for width in [2, 3].into_iter().filter(|&width| width < n) {
            for pair in bounds.windows(width + 1) {
                let inner = &text[pair[0]..pair[width]];
                if dictionary.knows(inner) {
                    emit(Token { text: inner, start: token.start + pair[0], tag: token.tag });
                }
            }
        }
    }
    emit(token);
}
