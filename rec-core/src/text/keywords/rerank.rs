//! Candidates in order of meaning, once texts can be made vectors.

use super::{Keyword, KeywordExtractor};
use crate::rank::{Mmr, Normalize, TopK, cosine};
use crate::{Error, Result};

/// Makes texts vectors.
pub trait Embed {
    /// Components of a vector.
    fn dim(&self) -> usize;

    /// The vectors of texts, row-major `[texts, dim]`.
    ///
    /// # Errors
    /// Where the texts cannot be encoded.
    fn embed(&self, texts: &[&str]) -> Result<Vec<f32>>;
}

/// How KeyBERT (M. Grootendorst 2020) chooses keywords: by the cosine of a candidate's vector with
/// the document's, one by one,
///
/// `argmax_c (1 − diversity) · cos(c, document) − diversity · max_{s chosen} cos(c, s)`,
///
/// the maximal marginal relevance of Carbonell and Goldstein (1998).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diversify {
    /// In `[0, 1]`: 0 looks at the document alone, 1 at the keywords chosen so far.
    pub diversity: f32,
    /// Candidates that are looked at: the best by the extractor's own score.
    pub candidates: usize,
}

impl Default for Diversify {
    fn default() -> Self {
        Self { diversity: 0.5, candidates: 50 }
    }
}

impl KeywordExtractor {
    /// The best `k` of the extractor's candidates by meaning, in order of choice; scores are the
    /// cosines with the document.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `k` of 0, fewer candidates than `k` or a `diversity` outside
    /// `[0, 1]`; [`Error::Shape`] and [`Error::Data`] for vectors that are not as announced;
    /// whatever the encoder returns.
    pub fn extract_with(
        &self,
        text: &str,
        k: usize,
        encoder: &dyn Embed,
        how: Diversify,
    ) -> Result<Vec<Keyword>> {
        if k == 0 {
            return Err(Error::parameter("k", k, "ask for at least 1 keyword"));
        }
        if how.candidates < k {
            let why = format!("at least k = {k} have to be looked at");
            return Err(Error::parameter("candidates", how.candidates, why));
        }
        if !(0.0..=1.0).contains(&how.diversity) {
            return Err(Error::parameter("diversity", how.diversity, "choose a value in [0, 1]"));
        }
        let candidates = self.extract(text, how.candidates)?;
        if candidates.is_empty() {
            return Ok(candidates);
        }
        let mut texts: Vec<&str> = candidates.iter().map(|c| c.text.as_str()).collect();
        texts.push(text);
        choose(&candidates, k, &vectors(encoder, &texts)?, encoder.dim(), how.diversity)
    }
}

fn vectors(encoder: &dyn Embed, texts: &[&str]) -> Result<Vec<f32>> {
    let vectors = encoder.embed(texts)?;
    if vectors.len() != texts.len() * encoder.dim() {
        let expected = format!("[{}, {}]", texts.len(), encoder.dim());
        return Err(Error::shape("the encoder's vectors", expected, vectors.len()));
    }
    if vectors.iter().any(|x| !x.is_finite()) {
        let why = "a component is not a finite number; look at the encoder";
        return Err(Error::data("the encoder's vectors", why));
    }
    Ok(vectors)
}

/// Chooses from candidates whose vectors are followed by the document's.
fn choose(
    candidates: &[Keyword],
    k: usize,
    vectors: &[f32],
    dim: usize,
    diversity: f32,
) -> Result<Vec<Keyword>> {
    let similarity = cosine(vectors, dim)?;
    let document = candidates.len() as u32;
    let mut row: Vec<(u32, f32)> = (0..document).map(|c| (c, similarity(c, document))).collect();
    row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let row = TopK::from_rows(&[row], candidates.len())?;
    let mmr = Mmr { lambda: 1.0 - diversity, normalize: Normalize::None };
    let chosen = mmr.rerank(&row, k.min(candidates.len()), &similarity)?;
    let (items, scores) = chosen.row(0);
    let keyword = |(&item, &score): (&u32, &f32)| Keyword {
        text: candidates[item as usize].text.clone(),
        score: f64::from(score),
    };
    Ok(items.iter().zip(scores).map(keyword).collect())
}
