//! Characters nobody sees.

/// The text without the characters that `drop` names, given the one before.
fn without(text: &str, mut drop: impl FnMut(usize, char) -> bool) -> Option<String> {
    let (mut out, mut done) = (String::new(), 0);
    for (at, c) in text.char_indices() {
        if drop(at, c) {
            out.push_str(&text[done..at]);
            done = at + c.len_utf8();
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

pub(super) fn control_characters(text: &str) -> Option<String> {
    // In UTF-8 they are the bytes below a space, DEL, and 0xC2 with 0x80 to 0x9F.
    text.bytes().any(|b| b < 0x20 || b == 0x7f || b == 0xc2).then_some(())?;
    without(text, |_, c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

pub(super) fn zero_width(text: &str) -> Option<String> {
    // Their first bytes; 0xE2 and 0xEF also begin punctuation.
    text.bytes().any(|b| matches!(b, 0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef)).then_some(())?;
    without(text, |at, c| match c {
        '\u{200d}' => !joins_emoji(text, at),
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' => true,
        '\u{feff}' => true,
        _ => false,
    })
}

fn joins_emoji(text: &str, at: usize) -> bool {
    let picture = |c: char| matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..);
    let before = text[..at].chars().next_back();
    let after = text[at..].chars().nth(1);
    before.is_some_and(picture) && after.is_some_and(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_and_control_go_and_line_breaks_stay() {
        assert_eq!(control_characters("好\0的\u{7}\t\r\n\u{85}x\u{7f}").unwrap(), "好的\t\r\nx");
        assert_eq!(control_characters("好的\n¥"), None);
    }

    #[test]
    fn zero_width_goes_and_emoji_stay_joined() {
        let text = "\u{feff}手\u{200b}机\u{ad}“好”\u{202e}👨‍👩‍👧a\u{200d}b";
        assert_eq!(zero_width(text).unwrap(), "手机“好”👨‍👩‍👧ab");
        assert_eq!(zero_width("“好”，"), None);
    }
}
