//! Runs of one character: `太好了！！！！！！`.

/// Runs longer than `max` cut down to it. Digits stay: `1000000` is a number.
pub(super) fn squeeze(text: &str, max: usize) -> Option<String> {
    let (mut out, mut done) = (String::new(), 0);
    let (mut last, mut run) = ('\0', 0);
    for (at, c) in text.char_indices() {
        run = if c == last { run + 1 } else { 1 };
        last = c;
        if run > max && !c.is_ascii_digit() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_cut() {
        assert_eq!(
            squeeze("太好了！！！！！，哈哈哈哈 1000000 !!", 2).unwrap(),
            "太好了！！，哈哈 1000000 !!"
        );
        assert_eq!(squeeze("aab\0\0", 1).unwrap(), "ab\0");
        assert_eq!(squeeze("aabb", 2), None);
        assert_eq!(squeeze("", 1), None);
    }
}
