//! The marks of the web in text: addresses, mentions, hashtags.

use std::sync::LazyLock;

use memchr::{memchr, memmem};
use regex::Regex;

use super::Hashtags;

/// Characters an address may hold (RFC 3986), and those it may end with: a full stop or bracket
/// behind an address belongs to the sentence.
const URL: &str = r"(?-u:\b)(?:(?:https?|HTTPS?|ftp|FTP)://|(?:www|WWW)\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*[A-Za-z0-9\-_~/#@$&*+=%]";

const EMAIL: &str =
    r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,24}(?-u:\b)";

/// The longest name of a mention (Weibo's limit).
const LONGEST_NAME: usize = 30;

/// The longest hashtag, in characters.
const LONGEST_TAG: usize = 140;

type Pattern = LazyLock<Result<Regex, regex::Error>>;

static URLS: Pattern = LazyLock::new(|| Regex::new(URL));
static EMAILS: Pattern = LazyLock::new(|| Regex::new(EMAIL));

pub(super) fn urls(text: &str, with: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let may = memmem::find(bytes, b"://").is_some()
        || memmem::find(bytes, b"www.").is_some()
        || memmem::find(bytes, b"WWW.").is_some();
    may.then(|| replaced(&URLS, text, with)).flatten()
}

pub(super) fn emails(text: &str, with: &str) -> Option<String> {
    memchr(b'@', text.as_bytes())?;
    replaced(&EMAILS, text, with)
}

fn replaced(pattern: &Pattern, text: &str, with: &str) -> Option<String> {
    let found = pattern.as_ref().ok()?.replace_all(text, regex::NoExpand(with));
    match found {
        std::borrow::Cow::Borrowed(_) => None,
        std::borrow::Cow::Owned(changed) => Some(changed),
    }
}

/// What stands in place of a mark, piece by piece, and where the mark ends.
type Instead<'t> = ([&'t str; 3], usize);

/// Replaces what `mark` recognises at the places where `sign` stands.
fn rewrite<'t>(
    text: &'t str,
    sign: u8,
    mark: impl Fn(usize) -> Option<Instead<'t>>,
) -> Option<String> {
    let (mut out, mut done, mut from) = (String::new(), 0, 0);
    while let Some(step) = memchr(sign, &text.as_bytes()[from..]) {
        let at = from + step;
        from = at + 1;
        if let Some((pieces, end)) = mark(at) {
            out.push_str(&text[done..at]);
            out.extend(pieces);
            (done, from) = (end, end);
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

fn follows_word(text: &str, at: usize) -> bool {
    text[..at].bytes().next_back().is_some_and(|b| b.is_ascii_alphanumeric())
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

pub(super) fn mentions(text: &str, with: &str) -> Option<String> {
    rewrite(text, b'@', |at| {
        let name = &text[at + 1..];
        let letters = name.chars().take_while(|&c| is_name(c)).take(LONGEST_NAME);
        let (chars, end) = letters.fold((0, 0), |(n, end), c| (n + 1, end + c.len_utf8()));
        let is_mention = chars >= 2
            && !follows_word(text, at)
            && !name[end..].starts_with('@')
            && name[..end].contains(char::is_alphanumeric);
        is_mention.then_some(([with, "", ""], at + 1 + end))
    })
}

pub(super) fn hashtags(text: &str, mode: Hashtags) -> Option<String> {
    if mode == Hashtags::Keep {
        return None;
    }
    rewrite(text, b'#', |at| {
        let (words, end) = hashtag(text, at)?;
        let instead = if mode == Hashtags::Text { [" ", words, " "] } else { [" ", "", ""] };
        Some((instead, end))
    })
}

/// The words of the hashtag that begins at `at`, and where it ends.
fn hashtag(text: &str, at: usize) -> Option<(&str, usize)> {
    if follows_word(text, at) {
        return None;
    }
    let rest = &text[at + 1..];
    let longest = rest.char_indices().nth(LONGEST_TAG).map_or(rest.len(), |(end, _)| end);
    let line = rest[..longest].find('\n').unwrap_or(longest);
    if let Some(end) = memchr(b'#', &rest.as_bytes()[..line]) {
        let words = &rest[..end];
        if !words.is_empty() && words.trim() == words && words.contains(char::is_alphanumeric) {
            return Some((words, at + 2 + end));
        }
    }
    let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len()).min(longest);
    let words = &rest[..end];
    // "#1" counts, it does not tag.
    words.contains(char::is_alphabetic).then_some((words, at + 1 + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_where_chinese_begins() {
        let text = "见https://a.com/b?c=1&d=%E4真好，www.x.cn。或 (http://y.org/z).";
        assert_eq!(urls(text, "").unwrap(), "见真好，。或 ().");
        assert_eq!(urls("中文 http https:// www", " "), None);
        assert_eq!(urls("awww.x.com xhttp://", " "), None);
    }

    #[test]
    fn emails_go_and_at_signs_stay() {
        assert_eq!(emails("写信给a.b+c@mail.qq.com吧", "✉").unwrap(), "写信给✉吧");
        assert_eq!(emails("@_@ 5@3", ""), None);
    }

    #[test]
    fn mentions_are_names() {
        assert_eq!(mentions("@小明 你好 @user_1:回复", "").unwrap(), " 你好 :回复");
        assert_eq!(mentions("a@b.com @_@ @ x", ""), None);
    }

    #[test]
    fn hashtags_of_both_kinds() {
        assert_eq!(
            hashtags("#新品 手机#很好 #iPhone, C+", Hashtags::Text).unwrap(),
            " 新品 手机 很好  iPhone , C+"
        );
        assert_eq!(hashtags("买#话题#了", Hashtags::Drop).unwrap(), "买 了");
        assert_eq!(hashtags("C# 和 F# 第#1", Hashtags::Text), None);
        assert_eq!(hashtags("#a", Hashtags::Keep), None);
    }

    #[test]
    fn long_input_takes_linear_time() {
        let start = std::time::Instant::now();
        for unit in ["#", "@", "# a", "#a", "a@", "http://", "www.", "a.", "a@a.", "##x "] {
            let text = unit.repeat((1 << 20) / unit.len());
            let _ = (urls(&text, ""), emails(&text, ""), mentions(&text, ""));
            let _ = hashtags(&text, Hashtags::Text);
        }
        assert!(start.elapsed().as_secs() < 60);
    }
}
