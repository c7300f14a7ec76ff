use super::*;

/// The vector of a text: how often it has each of four characters.
struct Letters;

impl Embed for Letters {
    fn dim(&self) -> usize {
        4
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<f32>> {
        let count = |text: &str, c| text.chars().filter(|&x| x == c).count() as f32;
        Ok(texts.iter().flat_map(|t| ['a', 'b', 'c', 'd'].map(|c| count(t, c))).collect())
    }
}

struct Wrong(Vec<f32>);

impl Embed for Wrong {
    fn dim(&self) -> usize {
        2
    }

    fn embed(&self, _texts: &[&str]) -> Result<Vec<f32>> {
        Ok(self.0.clone())
    }
}

fn words() -> KeywordExtractor {
    let options = KeywordOptions {
        unit: KeywordUnit::Words,
        stop_words: Default::default(),
        ..Default::default()
    };
    KeywordExtractor::new(options).unwrap()
}

const TEXT: &str = "aaab aab bbb ccd dd aaab aab";

fn choose(diversity: f32, k: usize) -> Vec<String> {
    let how = Diversify { diversity, candidates: 10 };
    let chosen = words().extract_with(TEXT, k, &Letters, how).unwrap();
    chosen.into_iter().map(|keyword| keyword.text).collect()
}

/// KeyBERT's rule, written down again from its definition.
fn reference(diversity: f32, k: usize) -> Vec<String> {
    let candidates: Vec<String> =
        words().extract(TEXT, 10).unwrap().into_iter().map(|keyword| keyword.text).collect();
    let vector = |text: &str| Letters.embed(&[text]).unwrap();
    let cosine = |a: &str, b: &str| {
        let (a, b) = (vector(a), vector(b));
        let dot: f32 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
        let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
        dot / (norm(&a) * norm(&b))
    };
    let mut chosen: Vec<String> = Vec::new();
    while chosen.len() < k {
        let value = |c: &String| {
            let near = chosen.iter().map(|s| cosine(c, s)).fold(f32::NEG_INFINITY, f32::max);
            let near = if chosen.is_empty() { 0.0 } else { near };
            (1.0 - diversity) * cosine(c, TEXT) - diversity * near
        };
        let left = candidates.iter().filter(|c| !chosen.contains(c));
        let next = left.max_by(|a, b| value(a).total_cmp(&value(b))).unwrap().clone();
        chosen.push(next);
    }
    chosen
}

#[test]
fn keybert_order() {
    for diversity in [0.0, 0.3, 0.5, 0.7] {
        assert_eq!(choose(diversity, 5), reference(diversity, 5), "diversity {diversity}");
    }
    assert_eq!(choose(0.0, 2), ["aab", "aaab"], "nearest to the text");
    assert!(!choose(0.7, 2).contains(&"aaab".to_owned()), "too near to the first");
}

#[test]
fn scores_are_cosines() {
    let how = Diversify { diversity: 0.0, candidates: 10 };
    let chosen = words().extract_with(TEXT, 1, &Letters, how).unwrap();
    // The text has a 10, b 7, c 2, d 3 times; `aab` has 2 and 1.
    let cosine = (20.0 + 7.0) / (162.0f64.sqrt() * 5.0f64.sqrt());
    assert!((chosen[0].score - cosine).abs() < 1e-6, "{chosen:?}");
}

#[test]
fn wrong_vectors_and_parameters_are_refused() {
    let how = Diversify { diversity: 0.5, candidates: 10 };
    let words = words();
    let run = |encoder: &dyn Embed, k, how| words.extract_with(TEXT, k, encoder, how);
    assert!(matches!(run(&Wrong(vec![0.0; 3]), 2, how), Err(Error::Shape { .. })));
    assert!(matches!(run(&Wrong(vec![f32::NAN; 12]), 2, how), Err(Error::Data { .. })));
    assert!(matches!(run(&Letters, 0, how), Err(Error::Parameter { .. })));
    assert!(matches!(run(&Letters, 11, how), Err(Error::Parameter { .. })));
    let how = Diversify { diversity: 1.5, ..how };
    assert!(matches!(run(&Letters, 2, how), Err(Error::Parameter { .. })));
    let none = words.extract_with("", 2, &Letters, Diversify::default()).unwrap();
    assert!(none.is_empty());
}
