//! Checks of parameters and data that several models share.

use rec_core::data::{Csr, IdRef, Interactions};

use crate::{Error, Result};

/// Longest factor: far past any use, and short of exhausting memory by a slip of the keyboard.
const MOST_FACTORS: usize = 16_384;

pub(crate) fn factors(n: usize) -> Result<()> {
    if (1..=MOST_FACTORS).contains(&n) {
        return Ok(());
    }
    Err(Error::parameter("factors", n, format!("choose 1 to {MOST_FACTORS}; 32 to 256 are usual")))
}

pub(crate) fn at_least_one(name: &str, n: usize) -> Result<()> {
    if n > 0 { Ok(()) } else { Err(Error::parameter(name, n, "at least 1 is needed")) }
}

pub(crate) fn not_negative(name: &str, x: f32) -> Result<()> {
    if x.is_finite() && x >= 0.0 {
        return Ok(());
    }
    Err(Error::parameter(name, x, "a finite number of at least 0 is needed"))
}

pub(crate) fn positive(name: &str, x: f32) -> Result<()> {
    if x.is_finite() && x > 0.0 {
        return Ok(());
    }
    Err(Error::parameter(name, x, "a finite number above 0 is needed"))
}

/// Refuses negative weights, naming the first, and data without any interaction.
pub(crate) fn weights(kind: &str, matrix: &Csr, log: &Interactions) -> Result<()> {
    if matrix.nnz() == 0 {
        return Err(Error::empty("training data", "there is no interaction to learn from"));
    }
    for user in 0..matrix.n_rows() {
        if let Some((item, weight)) = matrix.iter_row(user).find(|&(_, w)| w < 0.0) {
            let name = |id: Option<IdRef<'_>>| id.map_or_else(String::new, |id| id.to_string());
            return Err(Error::data(
                format!(
                    "weight {weight} of user {} on item {}",
                    name(log.ids().users.id(user as u32)),
                    name(log.ids().items.id(item))
                ),
                format!("{kind} takes no negative weights; drop such events or shift the scale"),
            ));
        }
    }
    Ok(())
}
