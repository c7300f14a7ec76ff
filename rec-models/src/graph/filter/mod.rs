//! What filters of the graph in closed form share: the normalised matrix and its leading vectors.

pub(super) mod svd;

use std::sync::Arc;

use rec_core::data::{Csr, Dataset, IdMaps};
use rec_core::parallel;
use rec_core::rank::{Explanation, History};

use crate::collab::checks;
use crate::collab::rows::Task;
use crate::fit::FitContext;
use crate::{Error, Result};

/// How an edge is divided: by `(d + added)^power` of the degrees `d` of both its ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaling {
    pub(super) power: f32,
    pub(super) added: f32,
}

impl Scaling {
    /// `D_U^-½ R D_I^-½`.
    pub(super) const SYMMETRIC: Self = Self { power: 0.5, added: 0.0 };

    fn divisor(self, degree: u32) -> f32 {
        (degree.max(1) as f32 + self.added).powf(self.power)
    }
}

/// The normalised matrix `R̃` both ways, and what it was normalised by.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) by_user: Csr,
    pub(super) by_item: Csr,
    /// What items' columns were divided by: the roots of their numbers of users where the scaling is
    /// symmetric.
    pub(super) divisors: Vec<f32>,
}

impl Filter {
    pub(super) fn new(seen: &Csr, scaling: Scaling) -> Self {
        let counts = seen.column_counts().into_iter();
        let divisors: Vec<f32> = counts.map(|n| scaling.divisor(n)).collect();
        let by_user = seen.map_values(|user, item, _| {
            1.0 / (scaling.divisor(seen.row(user).len() as u32) * divisors[item as usize])
        });
        Self { by_item: by_user.transpose(), by_user, divisors }
    }

    /// `r D_I^-ε V` of users who had these items, `[histories.len(), d]`, with `V` `[n_items, d]`.
    pub(super) fn low(&self, histories: &[&[u32]], vectors: &[f32], d: usize) -> Vec<f32> {
        let mut low = vec![0f32; histories.len() * d];
        for (history, low) in histories.iter().zip(low.chunks_exact_mut(d.max(1))) {
            for &item in *history {
                let scale = 1.0 / self.divisors[item as usize];
                let vector = &vectors[item as usize * d..][..d];
                low.iter_mut().zip(vector).for_each(|(low, v)| *low += scale * v);
            }
        }
        low
    }

    /// Tells `add` of each history and each of its items' users' items the part of `w R̃ᵀR̃` that comes
    /// this way, `w` being the items' weights, 0 for those not had.
    pub(super) fn linear(
        &self,
        histories: &[&[u32]],
        weight: impl Fn(u32) -> f32,
        mut add: impl FnMut(usize, u32, f32),
    ) {
        let mut shares = vec![0f32; self.by_user.n_rows()];
        let mut users: Vec<u32> = Vec::new();
        for (at, history) in histories.iter().enumerate() {
            for &item in *history {
                let weight = weight(item);
                for (user, share) in self.by_item.iter_row(item as usize) {
                    let sum = &mut shares[user as usize];
                    if *sum == 0.0 {
                        users.push(user);
                    }
                    *sum += weight * share;
                }
            }
            for user in users.drain(..) {
                let share = std::mem::take(&mut shares[user as usize]);
                for (item, x) in self.by_user.iter_row(user as usize) {
                    add(at, item, share * x);
                }
            }
        }
    }

    /// What each past item `j` of weight 1 adds to the linear part of an item's score:
    /// `Σ_v r̃_vj r̃_vi`.
    pub(super) fn linear_parts(&self, history: &[u32], item: u32) -> Vec<f32> {
        let mut having = vec![0f32; self.by_user.n_rows()];
        self.by_item.iter_row(item as usize).for_each(|(v, x)| having[v as usize] = x);
        let part = |&j: &u32| {
            let shared = self.by_item.iter_row(j as usize);
            shared.map(|(v, x)| x * having[v as usize]).sum()
        };
        history.iter().map(part).collect()
    }
}

/// A filter to be fitted: what its kind is called, in a folder and in words, and what it is made of.
pub(super) struct Plan {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) factors: usize,
    pub(super) scaling: Scaling,
    pub(super) max_memory: u64,
}

/// What was fitted.
pub(super) struct Fitted {
    pub(super) ids: Arc<IdMaps>,
    pub(super) seen: Arc<Csr>,
    pub(super) leading: svd::Leading,
}

impl Plan {
    /// Finds the leading singular vectors, and makes the model of them.
    pub(super) fn fit<M: Send>(
        &self,
        data: &Dataset,
        ctx: &FitContext<'_>,
        make: impl FnOnce(Fitted) -> Result<M> + Send,
    ) -> Result<M> {
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(self.kind, &weights, log)?;
        self.check([log.n_users(), log.n_items()], weights.nnz())?;
        ctx.cancel.check(self.name)?;
        let task = Task::begin(ctx, self.name, svd::MOST_ITERATIONS);
        parallel::install(ctx.cpu_threads(self.name)?, || {
            let seen = Arc::new(weights.binary());
            let matrix = Filter::new(&seen, self.scaling).by_user;
            let leading = svd::leading(&matrix, self.factors, ctx.seed, &task)?;
            make(Fitted { ids: log.ids().clone(), seen, leading })
        })
    }

    /// Refuses more vectors than the matrix has, and more memory than is allowed.
    fn check(&self, [users, items]: [usize; 2], interactions: usize) -> Result<()> {
        let most = users.min(items);
        if self.factors > most {
            let why = format!("a matrix of {users} users and {items} items has {most} at most");
            return Err(Error::parameter("factors", self.factors, why));
        }
        let columns = (self.factors + svd::OVERSAMPLING) as u64;
        // Three matrices of the subspace over items, one over users, and the sparse matrix and its
        // transpose.
        let needs = 4 * columns * (3 * items as u64 + users as u64) + 16 * interactions as u64;
        if needs <= self.max_memory {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("{} of {users} users and {items} items", self.name),
            needs,
            limit: self.max_memory,
            why: "raise max_memory if the machine has it, or lower factors".into(),
        })
    }
}

/// Refuses parts of a model that do not fit together.
pub(super) fn check_parts(ids: &IdMaps, seen: &Csr, vectors: &[f32], factors: usize) -> Result<()> {
    for (what, expected, got) in [
        ("rows of the model's matrix", ids.users.len(), seen.n_rows()),
        ("columns of the model's matrix", ids.items.len(), seen.n_cols()),
        ("values of the singular vectors", ids.items.len() * factors, vectors.len()),
    ] {
        if expected != got {
            return Err(Error::shape(what, expected, got));
        }
    }
    Ok(())
}

/// An explanation whose parts are these.
pub(super) fn explanation(mut contributions: Vec<(u32, f32)>) -> Explanation {
    contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let score = contributions.iter().map(|(_, part)| part).sum();
    Explanation { score, contributions, exact: true }
}

/// The items of each history, ascending and once each.
pub(super) fn distinct_items(histories: &[History], n_items: usize) -> Result<Vec<Vec<u32>>> {
    let items = histories.iter().map(|history| {
        let mut had: Vec<u32> = history.iter().map(|&(item, _)| item).collect();
        had.sort_unstable();
        had.dedup();
        match had.last() {
            Some(&item) if item as usize >= n_items => {
                Err(Error::shape("dense item of a history", format!("< {n_items}"), item))
            }
            _ => Ok(had),
        }
    });
    items.collect()
}

/// What every model is that scores a user's items by a filter: `$score` writes the scores of users, known
/// (`Some`) or not, with these items, `$more` what a folder holds beside. Its fields are `config`, `ids`,
/// `seen` and `vectors`, the right singular vectors.
macro_rules! filter_model {
    ($model:ident, $score:ident, $without:literal $(, $more:ident)?) => {
        impl Scorer for $model {
            fn n_users(&self) -> usize {
                self.ids.users.len()
            }

            fn n_items(&self) -> usize {
                self.ids.items.len()
            }

            fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
                let had: Vec<&[u32]> = users.iter().map(|&u| self.seen.row(u as usize)).collect();
                self.$score(Some(users), &had, out);
                Ok(())
            }
        }

        impl Recommend for $model {
            fn ids(&self) -> &Arc<IdMaps> {
                &self.ids
            }

            fn seen(&self) -> &Csr {
                &self.seen
            }

            fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
                let items = distinct_items(histories, self.ids.items.len())?;
                let items: Vec<&[u32]> = items.iter().map(Vec::as_slice).collect();
                self.$score(None, &items, out);
                Ok(())
            }
        }

        impl Similar for $model {
            fn similar_ids(&self) -> &Arc<IdMaps> {
                &self.ids
            }

            /// By the cosine of the items' singular vectors.
            fn similar(&self, items: &[u32], k: usize) -> Result<TopK> {
                if self.config.factors == 0 {
                    let why = "it has no item vectors then; choose factors of at least 1";
                    return Err(Error::unsupported("similar items", $without, why));
                }
                similar_rows(&self.vectors, self.config.factors, items, k, true)
            }
        }

        impl Model for $model {
            fn kind(&self) -> &'static str {
                KIND
            }

            fn writer(&self) -> Result<ModelWriter> {
                let mut writer = ModelWriter::new(KIND, &self.config)?;
                writer.ids(&self.ids);
                writer.f32("vectors", &[self.n_items(), self.config.factors], &self.vectors)?;
                writer.csr("seen", &self.seen)?;
                $(self.$more(&mut writer)?;)?
                Ok(writer)
            }

            fn as_similar(&self) -> Option<&dyn Similar> {
                Some(self)
            }

            fn as_explain(&self) -> Option<&dyn Explain> {
                Some(self)
            }
        }
    };
}
pub(super) use filter_model;
