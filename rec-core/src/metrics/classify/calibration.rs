//! Whether probabilities mean what they say.

use super::{check_pairs, ratio};
use crate::{Error, Result};

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Texts whose confidence falls into the bin.
    pub n: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them predicted rightly.
    pub accuracy: f64,
}

impl Calibration {
    /// The reliability diagram: bins of equal width over `(0, 1]`, the first with 0 as well.
    ///
    /// # Errors
    /// [`Error::Shape`] for unequal lengths, [`Error::Parameter`] for no bin, [`Error::Data`] for a
    /// confidence outside 0 to 1.
    pub fn bins(confidence: &[f32], right: &[bool], bins: usize) -> Result<Vec<Self>> {
        check_pairs("outcomes", confidence.len(), right.len())?;
        if bins == 0 {
            return Err(Error::parameter("bins", 0, "at least 1 is needed; 10 or 15 are usual"));
        }
        if let Some(c) = confidence.iter().find(|c| !(0.0..=1.0).contains(*c)) {
            return Err(Error::data(format!("confidence {c}"), "probabilities lie in 0 to 1"));
        }
        let mut all = vec![Self::default(); bins];
        for (&c, &right) in confidence.iter().zip(right) {
            let at = (f64::from(c) * bins as f64).ceil() as usize;
            let bin = &mut all[at.saturating_sub(1)];
            bin.n += 1;
            bin.confidence += f64::from(c);
            bin.accuracy += f64::from(u8::from(right));
        }
        for bin in &mut all {
            bin.confidence = ratio(bin.confidence, bin.n as f64);
            bin.accuracy = ratio(bin.accuracy, bin.n as f64);
        }
        Ok(all)
    }
}

/// ECE: `Σ_b n_b / n · |accuracy_b − confidence_b|` over bins of equal width (Guo et al. 2017, "On
/// Calibration of Modern Neural Networks", eq. 3). `confidence` is the probability of the predicted
/// label, `right` whether it is the true one.
///
/// # Errors
/// As for [`Calibration::bins`].
pub fn expected_calibration_error(confidence: &[f32], right: &[bool], bins: usize) -> Result<f64> {
    let gap = |bin: &Calibration| bin.n as f64 * (bin.accuracy - bin.confidence).abs();
    let bins = Calibration::bins(confidence, right, bins)?;
    Ok(bins.iter().map(gap).sum::<f64>() / confidence.len() as f64)
}
