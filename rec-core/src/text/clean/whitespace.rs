//! Runs of white space.

/// Each run becomes one space, or with `lines` one line break where it holds one; none is left at
/// the ends.
pub(super) fn collapse(text: &str, lines: bool) -> Option<String> {
    if !needs_work(text, lines) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(from) = rest.find(char::is_whitespace) {
        out.push_str(&rest[..from]);
        let end = rest[from..].find(|c: char| !c.is_whitespace()).map_or(rest.len(), |n| from + n);
        let breaks = lines && rest[from..end].contains(['\n', '\r']);
        out.push(if breaks { '\n' } else { ' ' });
        rest = &rest[end..];
    }
    out.push_str(rest);
    Some(out)
}

fn needs_work(text: &str, lines: bool) -> bool {
    let plain = |c| c == ' ' || (lines && c == '\n');
    let mut space_before = true;
    for c in text.chars() {
        let space = c.is_whitespace();
        if space && (space_before || !plain(c)) {
            return true;
        }
        space_before = space;
    }
    space_before && !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_become_one() {
        assert_eq!(collapse("  a\u{3000}b \n\n c\t", false).unwrap(), "a b c");
        assert_eq!(collapse("  a\u{3000}b \r\n\n c\t", true).unwrap(), "a b\nc");
        assert_eq!(collapse(" \n ", true).unwrap(), "");
        assert_eq!(collapse("手机 壳\n好", true), None);
        assert_eq!(collapse("", false), None);
    }
}
