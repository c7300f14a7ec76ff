//! What networks of any body have in common: how they start, read and learn.

use std::path::PathBuf;

use rec_core::data::Csr;

use super::pretrain::Start;
use super::{Network, Tokens};
use crate::fit::FitContext;
use crate::tags::learn::{Effort, Inputs};
use crate::{Error, Result};

/// The parameters of [`TextCnn`](super::TextCnn) and its kin.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// The learner's.
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) dim: usize,
    pub(super) epochs: usize,
    pub(super) learning_rate: f32,
    pub(super) batch_size: usize,
    pub(super) dropout: f32,
    pub(super) embedding_dropout: f32,
    pub(super) min_count: usize,
    pub(super) max_len: usize,
    pub(super) adversary: f32,
    pub(super) tokens: Tokens,
    pub(super) pretraining: usize,
    pub(super) language_passes: usize,
    pub(super) language: Option<PathBuf>,
    pub(super) window: usize,
    pub(super) scale: f32,
    pub(super) fixed_channel: bool,
    pub(super) networks: usize,
}

/// The recipe of a learner: of the parameters that all have, by the same names, and those it has alone.
macro_rules! recipe {
    ($of:ident { $($own:tt)* }) => {
        Recipe {
            dim: $of.dim,
            epochs: $of.epochs,
            learning_rate: $of.learning_rate,
            batch_size: $of.batch_size,
            dropout: $of.dropout,
            embedding_dropout: $of.embedding_dropout,
            min_count: $of.min_count,
            max_len: $of.max_len,
            adversary: $of.adversary,
            tokens: $of.tokens,
            pretraining: $of.pretraining,
            window: $of.window,
            scale: $of.scale,
            fixed_channel: $of.fixed_channel,
            networks: $of.networks,
            $($own)*
        }
    };
}
pub(super) use recipe;

/// The body's sizes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Filters { filters: usize, widths: (usize, usize) },
    Recurrent { hidden: usize },
}

impl Recipe {
    pub(crate) fn check(&self) -> Result<()> {
        let counts = [
            ("dim", self.dim),
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
            ("min_count", self.min_count),
            ("max_len", self.max_len),
            ("window", self.window),
            ("networks", self.networks),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, n)| *n == 0) {
            return Err(Error::parameter(*name, 0, "at least 1 is needed"));
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let why = "choose a number above 0; 0.001 is usual";
            return Err(Error::parameter("learning_rate", self.learning_rate, why));
        }
        for (name, share) in
            [("dropout", self.dropout), ("embedding_dropout", self.embedding_dropout)]
        {
            if !(0.0..1.0).contains(&share) {
                return Err(Error::parameter(name, share, "a share, from 0 to below 1"));
            }
        }
        for (name, value, least) in
            [("adversary", self.adversary, 0.0), ("scale", self.scale, f32::MIN_POSITIVE)]
        {
            if !(value.is_finite() && value >= least) {
                let why = "give a finite number: adversary 0 or more, scale above 0";
                return Err(Error::parameter(name, value, why));
            }
        }
        if self.language.is_some() && self.pretraining > 0 {
            let why = "embeddings are those of language; set pretraining = 0";
            return Err(Error::parameter("pretraining", self.pretraining, why));
        }
        if self.fixed_channel && self.pretraining == 0 && self.language.is_none() {
            let why = "its vectors are those of pretraining; choose 5 or more passes for it";
            return Err(Error::parameter("fixed_channel", true, why));
        }
        Ok(())
    }

    /// How many networks there are.
    pub(crate) fn networks(&self) -> usize {
        self.networks
    }

    /// Whether it learns from texts without labels too.
    pub(crate) fn reads_unlabelled(&self) -> bool {
        self.pretraining > 0 || self.language_passes > 0
    }

    /// Whether its start is that of all texts, whichever of them have their labels held out.
    pub(crate) fn starts_once(&self) -> bool {
        self.language_passes > 0 || self.language.is_some()
    }

    /// Numbers of a token that the body sees.
    pub(super) fn width(&self) -> usize {
        if self.fixed_channel { 2 * self.dim } else { self.dim }
    }

    /// Learns `labels`, `[texts, n_labels]`.
    pub(in crate::tags::learn) fn fit(
        &self,
        inputs: &Inputs<'_>,
        start: Option<&Start>,
        labels: &Csr,
        effort: &Effort,
        ctx: &FitContext<'_>,
    ) -> Result<Vec<Network>> {
        let texts: Vec<&[u64]> = inputs.bags.iter().map(|bag| self.tokens.of(bag)).collect();
        let own;
        let start = match start {
            Some(start) => start,
            None => {
                let unlabelled = inputs.unlabelled.iter().map(|bag| self.tokens.of(bag));
                let unlabelled: Vec<&[u64]> = unlabelled.collect();
                own = self.vocabulary_and_vectors(&texts, &unlabelled, ctx)?;
                &own
            }
        };
        let fit = |at| self.fit_one(&texts, start, labels, effort, at as u64, ctx);
        (0..self.networks).map(fit).collect()
    }
}
