//! What makes some numbers of the tokens of a text.

mod filters;
mod recurrent;

pub(super) use filters::Filters;
pub(super) use recurrent::{Recurrent, States};

use super::Shape;
use super::batch::Batch;

/// A body, after the product of its tokens' embeddings with its kernels.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Filters(Filters),
    Recurrent(Recurrent),
}

/// What a body made of the texts of a step.
pub(super) struct Trace<'b> {
    /// `[texts, pooled]`.
    pub(super) pooled: Vec<f32>,
    kept: Kept<'b>,
}

/// The body, and what its way back needs.
enum Kept<'b> {
    Filters(&'b Filters, filters::Kept),
    Recurrent(&'b Recurrent, Box<recurrent::Kept>),
}

/// Draws so many numbers within so much of 0.
pub(super) type Draw<'a> = &'a mut dyn FnMut(usize, f32) -> Vec<f32>;

impl Shape {
    /// Uniform within `±1/√inputs`, biases 0.
    pub(super) fn body(self, draw: Draw<'_>) -> Body {
        match self {
            Self::Filters { filters, widths } => Body::Filters(Filters::new(filters, widths)),
            Self::Recurrent { hidden } => Body::Recurrent(Recurrent::new(hidden, draw)),
        }
    }

    /// Kernels for embeddings of `inputs` numbers, `[inputs, columns]`, uniform within `±1/√inputs`.
    pub(super) fn kernels(self, inputs: usize, draw: Draw<'_>) -> Vec<f32> {
        let mut row = || match self {
            Self::Filters { filters, widths } => (widths.0..=widths.1)
                .flat_map(|width| draw(width * filters, ((width * inputs) as f32).sqrt().recip()))
                .collect(),
            Self::Recurrent { hidden } => draw(6 * hidden, (inputs as f32).sqrt().recip()),
        };
        (0..inputs).flat_map(|_| -> Vec<f32> { row() }).collect()
    }
}

impl Body {
    /// Numbers of a text.
    pub(super) fn pooled(&self) -> usize {
        match self {
            Self::Filters(body) => body.pooled(),
            Self::Recurrent(body) => body.pooled(),
        }
    }

    /// Columns of the kernels.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::Filters(body) => body.columns(),
            Self::Recurrent(body) => body.columns(),
        }
    }

    /// Names in a folder, lengths of a row, and numbers of the arrays that learn.
    pub(super) fn arrays(&self) -> Vec<(&'static str, usize, &Vec<f32>)> {
        match self {
            Self::Filters(body) => vec![("kernels.bias", body.pooled(), &body.bias)],
            Self::Recurrent(body) => body.arrays().into(),
        }
    }

    /// The numbers of the same, in that order.
    pub(super) fn arrays_mut(&mut self) -> Vec<&mut Vec<f32>> {
        match self {
            Self::Filters(body) => vec![&mut body.bias],
            Self::Recurrent(body) => body.arrays_mut().into(),
        }
    }

    /// What it makes of texts whose tokens are rows of `projected`, `[tokens, columns]`.
    pub(super) fn read(&self, projected: &[f32], batch: &Batch) -> Trace<'_> {
        match self {
            Self::Filters(body) => {
                let (pooled, kept) = body.read(projected, batch);
                Trace { pooled, kept: Kept::Filters(body, kept) }
            }
            Self::Recurrent(body) => {
                let (pooled, kept) = body.read(projected, batch);
                Trace { pooled, kept: Kept::Recurrent(body, Box::new(kept)) }
            }
        }
    }
}

impl Trace<'_> {
    /// From the gradients of its numbers, `[texts, pooled]`, those of the rows of `projected`, which are added
    /// to `of_projected`, and of the body's arrays.
    pub(super) fn back(
        &self,
        of_pooled: &[f32],
        batch: &Batch,
        of_projected: &mut [f32],
    ) -> Vec<Vec<f32>> {
        match &self.kept {
            Kept::Filters(body, kept) => {
                vec![body.back((&self.pooled, kept), of_pooled, batch, of_projected)]
            }
            Kept::Recurrent(body, kept) => body.back(kept, of_pooled, batch, of_projected).into(),
        }
    }
}
