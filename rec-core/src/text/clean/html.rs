//! HTML to text with html5ever's tokenizer. No tree is built: text needs none.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use memchr::{memchr, memchr_iter, memchr2};

/// Elements that begin and end a line.
const BLOCKS: [&str; 46] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "select",
    "summary",
    "table",
    "textarea",
    "title",
    "tr",
    "ul",
];

/// Elements that part words without ending a line.
const GAPS: [&str; 6] = ["img", "td", "th", "button", "input", "wbr"];

/// How the tokenizer must read what follows a start tag, and whether it is text at all.
fn raw_contents(name: &str) -> Option<(RawKind, bool)> {
    match name {
        "script" => Some((RawKind::ScriptData, false)),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some((RawKind::Rawtext, false)),
        "title" | "textarea" => Some((RawKind::Rcdata, true)),
        _ => None,
    }
}

/// Collects the text.
#[derive(Default)]
struct Text {
    out: RefCell<String>,
    /// Inside an element whose contents are not markup; whether they are text.
    raw: Cell<Option<bool>>,
    /// Whether a tag or comment has ended since this was last asked.
    ended: Cell<bool>,
}

impl Text {
    fn tag(&self, tag: &Tag) -> TokenSinkResult<()> {
        self.ended.set(true);
        let name: &str = &tag.name;
        if BLOCKS.contains(&name) {
            self.out.borrow_mut().push('\n');
        } else if GAPS.contains(&name) {
            self.out.borrow_mut().push(' ');
        }
        match (tag.kind, raw_contents(name)) {
            (TagKind::StartTag, Some((kind, text))) => {
                self.raw.set(Some(text));
                TokenSinkResult::RawData(kind)
            }
            _ => {
                self.raw.set(None);
                TokenSinkResult::Continue
            }
        }
    }
}

impl TokenSink for Text {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => return self.tag(&tag),
            Token::CharacterTokens(_) | Token::NullCharacterToken
                if self.raw.get() == Some(false) => {}
            Token::CharacterTokens(text) => self.out.borrow_mut().push_str(&text),
            Token::NullCharacterToken => self.out.borrow_mut().push('\0'),
            Token::CommentToken(_) | Token::DoctypeToken(_) => self.ended.set(true),
            Token::EOFToken | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

/// The text of a piece of HTML; `None` where it holds no markup.
pub(super) fn strip(html: &str) -> Option<String> {
    memchr2(b'<', b'&', html.as_bytes())?;
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(unclosed) = tokenize(rest, &mut out) {
        rest = recover(unclosed, &mut out);
    }
    Some(out)
}

/// Appends the text of `html`. Returns the part from which on a tag is open that never ends.
fn tokenize<'t>(html: &'t str, out: &mut String) -> Option<&'t str> {
    let sink = Text { out: RefCell::new(std::mem::take(out)), ..Text::default() };
    // The byte order mark is a matter of files: here it is a character.
    let options = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
    let tokenizer = Tokenizer::new(sink, options);
    let queue = BufferQueue::default();
    let mut open = None;
    for (at, piece) in pieces(html) {
        let starts_tag = is_tag_start(piece.as_bytes());
        if starts_tag && open.is_none() && tokenizer.sink.raw.get().is_none() {
            open = Some(at);
        }
        if !starts_tag && piece.starts_with('<') {
            queue.push_back(StrTendril::from_slice("&lt;"));
            queue.push_back(StrTendril::from_slice(&piece[1..]));
        } else {
            queue.push_back(StrTendril::from_slice(piece));
        }
        let _ = tokenizer.feed(&queue);
        if tokenizer.sink.ended.replace(false) {
            open = None;
        }
    }
    tokenizer.end();
    *out = tokenizer.sink.out.take();
    let unclosed = &html[open?..];
    unclosed.as_bytes().get(1).is_some_and(|b| !matches!(b, b'!' | b'?')).then_some(unclosed)
}

/// Text before the first `<`, then pieces that begin with one and hold no other.
fn pieces(html: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = html.as_bytes();
    let starts = std::iter::once(0).chain(memchr_iter(b'<', bytes).filter(|&at| at > 0));
    let ends = memchr_iter(b'<', bytes).filter(|&at| at > 0).chain([bytes.len()]);
    starts.zip(ends).map(|(from, to)| (from, &html[from..to]))
}

fn is_tag_start(piece: &[u8]) -> bool {
    match piece {
        [b'<', b'/', next, ..] => next.is_ascii_alphabetic(),
        [b'<', next, ..] => next.is_ascii_alphabetic() || matches!(next, b'!' | b'?'),
        _ => false,
    }
}

/// A tag that never ends: up to the first `>` it was one, with a quote forgotten; without any `>`
/// its `<` is a less-than sign. Returns what is still to be read.
///
/// Each kind of forgotten quote can happen once, as no such quote follows it, so the text is read
/// at most four times.
fn recover<'t>(unclosed: &'t str, out: &mut String) -> &'t str {
    match memchr(b'>', unclosed.as_bytes()) {
        Some(end) => &unclosed[end + 1..],
        None => {
            let escaped = unclosed.replace('<', "&lt;");
            tokenize(&escaped, out);
            ""
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        strip(html).unwrap_or_else(|| html.to_owned())
    }

    #[test]
    fn tags_go_and_text_stays() {
        assert_eq!(text("这<b>手机</b>很<i class=\"a>b\">好</i>"), "这手机很好");
        assert_eq!(text("<p>一</p><p>二<br>三</p>").trim(), "一\n\n二\n三");
        assert_eq!(text("<td>a</td><td>b</td>").trim(), "a  b");
        assert_eq!(text("a<!-- no -->b<!DOCTYPE html>c"), "abc");
    }

    #[test]
    fn scripts_and_styles_are_no_text() {
        assert_eq!(text("a<script>if (x < 1) { '</b>' }</script>b"), "ab");
        assert_eq!(text("a<style>p > b { }</style>b"), "ab");
        assert_eq!(text("<title>手机 &amp; 壳</title>").trim(), "手机 & 壳");
    }

    #[test]
    fn entities_are_decoded() {
        assert_eq!(
            text("1 &lt; 2 &amp;&amp; 3 &gt; 2&nbsp;&#x597D;&#22909;"),
            "1 < 2 && 3 > 2\u{a0}好好"
        );
        assert_eq!(text("AT&T &unknown; &"), "AT&T &unknown; &");
        assert_eq!(text("&lt<b>x"), "<x");
    }

    #[test]
    fn less_than_is_no_tag() {
        assert_eq!(text("价格<100元, a < b, <3, <<<"), "价格<100元, a < b, <3, <<<");
        assert_eq!(text("喜欢<手机>吗"), "喜欢<手机>吗");
    }

    #[test]
    fn unclosed_tags_survive() {
        assert_eq!(text("<b>粗体 <i>斜"), "粗体 斜");
        assert_eq!(text("a<b and c"), "a<b and c");
        assert_eq!(text("x<<b and c &amp; d"), "x<<b and c & d");
        assert_eq!(text("看 <a href=\"http://x>这里</a> 很好"), "看 这里 很好");
        assert_eq!(text("<p>好</p"), "\n好</p");
        assert_eq!(text("ok<"), "ok<");
        assert_eq!(text("ok</"), "ok</");
    }

    #[test]
    fn nul_and_line_breaks_pass() {
        assert_eq!(text("a\0<b>b\0</b>\r\nc"), "a\0b\0\nc");
    }

    #[test]
    fn hostile_input_takes_linear_time() {
        let start = std::time::Instant::now();
        for unit in ["<a", "<a x=\"", "<a x='>", "<", "&", "</a", "<!--", "<a x=\"><b y='"] {
            text(&unit.repeat((1 << 20) / unit.len()));
        }
        // Quadratic time would be hours.
        assert!(start.elapsed().as_secs() < 60);
    }
}
