//! Texts that end a text.

/// Looks for stop texts in a text that comes in pieces, and holds back what may yet become one.
#[derive(Clone, Debug)]
pub(super) struct StopTexts {
    texts: Vec<String>,
    held: String,
}

/// What a piece brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// Text that is certain to stay.
    pub(super) text: String,
    /// Whether a stop text came.
    pub(super) stopped: bool,
}

impl StopTexts {
    pub(super) fn new(texts: &[String]) -> Self {
        Self { texts: texts.to_vec(), held: String::new() }
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &str) -> Passed {
        self.held.push_str(piece);
        let found = self.texts.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = found {
            self.held.truncate(at);
            return Passed { text: std::mem::take(&mut self.held), stopped: true };
        }
        let kept = self.held.split_off(self.certain());
        Passed { text: std::mem::replace(&mut self.held, kept), stopped: false }
    }

    /// The text still held back, when no more comes.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Where the longest end of what is held begins that a stop text begins with.
    fn certain(&self) -> usize {
        let may_become = |end: &str| self.texts.iter().any(|stop| stop.starts_with(end));
        let starts = self.held.char_indices().map(|(at, _)| at);
        let longest = self.texts.iter().map(String::len).max().unwrap_or(0);
        let near = self.held.len().saturating_sub(longest);
        let mut starts = starts.skip_while(|at| *at < near);
        starts.find(|&at| may_become(&self.held[at..])).unwrap_or(self.held.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(stops: &[&str], pieces: &[&str]) -> Vec<(String, bool)> {
        let stops: Vec<String> = stops.iter().map(|s| s.to_string()).collect();
        let mut texts = StopTexts::new(&stops);
        let mut out: Vec<(String, bool)> = Vec::new();
        for piece in pieces {
            let passed = texts.push(piece);
            out.push((passed.text, passed.stopped));
        }
        out.push((texts.finish(), false));
        out
    }

    #[test]
    fn the_beginning_of_a_stop_text_waits_until_it_is_told_apart() {
        let got = pieces(&["\n\n", "。停"], &["一", "\n", "二", "。", "停止"]);
        let expected = ["一", "", "\n二", "", "", ""].map(String::from);
        assert_eq!(got.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>(), expected);
        assert!(got[4].1 && got.iter().filter(|(_, stopped)| *stopped).count() == 1);
    }

    #[test]
    fn the_earliest_stop_text_cuts() {
        let got = pieces(&["cd", "b"], &["abcd"]);
        assert_eq!(got[0], ("a".to_string(), true));
    }

    #[test]
    fn what_was_held_comes_in_the_end() {
        let got = pieces(&["aab"], &["a", "a", "a"]);
        let texts: Vec<&str> = got.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, ["", "", "a", "aa"]);
    }

    #[test]
    fn without_stop_texts_everything_passes_at_once() {
        assert_eq!(pieces(&[], &["好"])[0], ("好".to_string(), false));
    }
}
