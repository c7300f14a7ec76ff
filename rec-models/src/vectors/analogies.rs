//! How many analogies a table solves.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;
use rec_core::text::stream::{TextFile, for_each_text};

use super::Vectors;
use crate::{Error, Result};

/// Which words take part in the evaluation of analogies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnalogyOptions {
    /// Only so many words, the first of the table.
    pub restrict_vocab: usize,
    /// Whether words that differ in case alone are the same; the first of the table stands for all.
    pub case_insensitive: bool,
}

impl Default for AnalogyOptions {
    fn default() -> Self {
        Self { restrict_vocab: 300_000, case_insensitive: true }
    }
}

/// Questions of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalogySection {
    /// Its name.
    pub name: String,
    /// Questions answered rightly.
    pub correct: Vec<[String; 4]>,
    /// Questions answered wrongly.
    pub incorrect: Vec<[String; 4]>,
    /// Questions with a word that takes no part.
    pub skipped: usize,
}

/// How many analogies a table solves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analogies {
    /// The kinds of questions, in the order of the file.
    pub sections: Vec<AnalogySection>,
}

impl Analogies {
    /// The share of the questions asked that were answered rightly; 0 of none.
    pub fn accuracy(&self) -> f64 {
        let count = |f: fn(&AnalogySection) -> usize| self.sections.iter().map(f).sum::<usize>();
        let right = count(|s| s.correct.len());
        right as f64 / (right + count(|s| s.incorrect.len())).max(1) as f64
    }
}

/// A question whose words all take part.
struct Question {
    section: usize,
    words: [String; 4],
    rows: [u32; 4],
}

impl Vectors {
    /// Asks `a : b = c : ?` for each line `a b c d` of a file whose lines `: name` begin sections
    /// (Mikolov, Chen, Corrado and Dean, "Efficient estimation of word representations in vector
    /// space", 2013, section 4.1): the answer is the word of largest cosine with `b − a + c`, at
    /// length 1 each, other than the three, and right if it is `d`. As `gensim`'s
    /// `evaluate_word_analogies`, which looks no further than five words for an answer that takes
    /// part.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] with the line for one that has not four words or stands
    /// before the first section; [`Error::Parameter`] for a vocabulary of 0.
    pub fn evaluate_analogies(
        &self,
        path: impl AsRef<Path>,
        options: &AnalogyOptions,
    ) -> Result<Analogies> {
        if options.restrict_vocab == 0 {
            return Err(Error::parameter("restrict_vocab", 0, "let at least 1 word take part"));
        }
        let known = Known::new(self, options);
        let (mut sections, questions) = known.read(path.as_ref())?;
        let right: Vec<bool> =
            questions.par_iter().map(|question| known.answers(question)).collect();
        for (Question { section, words, .. }, right) in questions.into_iter().zip(right) {
            let section = &mut sections[section];
            let list = if right { &mut section.correct } else { &mut section.incorrect };
            list.push(words);
        }
        Ok(Analogies { sections })
    }
}

/// The words that take part.
struct Known<'a> {
    vectors: &'a Vectors,
    fold: bool,
    /// Rows by the word, folded.
    rows: HashMap<String, u32>,
    /// The row that stands for each row: `[restrict_vocab]`.
    stands_for: Vec<u32>,
}

impl<'a> Known<'a> {
    fn new(vectors: &'a Vectors, options: &AnalogyOptions) -> Self {
        let mut known = Self {
            vectors,
            fold: options.case_insensitive,
            rows: HashMap::new(),
            stands_for: Vec::new(),
        };
        for (row, word) in vectors.words().take(options.restrict_vocab).enumerate() {
            let first = *known.rows.entry(known.folded(word)).or_insert(row as u32);
            known.stands_for.push(first);
        }
        known
    }

    fn folded(&self, word: &str) -> String {
        if self.fold { word.to_uppercase() } else { word.to_owned() }
    }

    fn read(&self, path: &Path) -> Result<(Vec<AnalogySection>, Vec<Question>)> {
        let (mut sections, mut questions) = (Vec::<AnalogySection>::new(), Vec::new());
        let mut line = 0;
        for_each_text(path, &TextFile::lines(), &mut |lines| {
            for text in lines {
                line += 1;
                if let Some(name) = text.strip_prefix(':') {
                    let name = name.trim().to_owned();
                    let (correct, incorrect) = (Vec::new(), Vec::new());
                    sections.push(AnalogySection { name, correct, incorrect, skipped: 0 });
                    continue;
                }
                if text.trim().is_empty() {
                    continue;
                }
                let words: Vec<String> =
                    text.split_whitespace().map(|word| self.folded(word)).collect();
                let (Ok(words), Some(section)) =
                    (<[String; 4]>::try_from(words), sections.len().checked_sub(1))
                else {
                    let why = "a line \": name\" and under it lines of four words are needed";
                    return Err(Error::format(path, Some(line), why));
                };
                match words.each_ref().map(|word| self.rows.get(word).copied()) {
                    [Some(a), Some(b), Some(c), Some(d)] => {
                        questions.push(Question { section, words, rows: [a, b, c, d] });
                    }
                    _ => sections[section].skipped += 1,
                }
            }
            Ok(())
        })?;
        Ok((sections, questions))
    }

    fn answers(&self, question: &Question) -> bool {
        let [a, b, c, expected] = question.rows;
        let mut query = vec![0f32; self.vectors.dim()];
        for (row, sign) in [(a, -1.0), (b, 1.0), (c, 1.0)] {
            let by = sign * self.vectors.scale(row);
            query.iter_mut().zip(self.vectors.row(row)).for_each(|(q, x)| *q += by * x);
        }
        let scores = self.vectors.cosines(&query);
        // The best row that stands for none of the three, itself not among them.
        let best = (0..self.stands_for.len())
            .filter(|&row| ![a, b, c].contains(&self.stands_for[row]))
            .max_by(|&x, &y| scores[x].total_cmp(&scores[y]).then(y.cmp(&x)));
        best.is_some_and(|row| self.stands_for[row] == expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_and_counted_by_section() {
        // Rows: man, king, woman, queen lie on a square; Queen is queen's shadow; far is far.
        let values = vec![
            1.0, 0.0, 0.2, //
            1.0, 1.0, 0.2, //
            -1.0, 0.0, 0.2, //
            -1.0, 1.0, 0.2, //
            -1.0, 1.1, 0.2, //
            0.0, -1.0, 0.2,
        ];
        let words = ["man", "king", "woman", "queen", "Queen", "far"];
        let vectors = Vectors::new(words, 3, values).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("questions.txt");
        let text = ": royal\nMan king woman queen\nman woman king queen\n: odd\nman king woman far\n\
                    man king woman unknown\nking king king king\n\n";
        std::fs::write(&path, text).unwrap();
        let found = vectors.evaluate_analogies(&path, &AnalogyOptions::default()).unwrap();
        let [royal, odd] = &found.sections[..] else { panic!("two sections") };
        assert_eq!((royal.name.as_str(), royal.correct.len(), royal.skipped), ("royal", 2, 0));
        assert_eq!((odd.correct.len(), odd.incorrect.len(), odd.skipped), (0, 2, 1));
        assert_eq!(odd.incorrect[0], ["MAN", "KING", "WOMAN", "FAR"]);
        assert!((found.accuracy() - 0.5).abs() < 1e-12);
        let exact = AnalogyOptions { case_insensitive: false, restrict_vocab: 4 };
        let found = vectors.evaluate_analogies(&path, &exact).unwrap();
        assert_eq!((found.sections[0].skipped, found.sections[0].correct.len()), (1, 1));
        assert_eq!(found.sections[1].skipped, 2);
        for (text, line) in [("a b c d\n", ":1:"), (": x\na b c\n", ":2:")] {
            std::fs::write(&path, text).unwrap();
            let error = vectors.evaluate_analogies(&path, &exact).unwrap_err().to_string();
            assert!(error.contains(line), "{error}");
        }
        let none = AnalogyOptions { restrict_vocab: 0, ..exact };
        assert!(vectors.evaluate_analogies(&path, &none).is_err());
    }
}
