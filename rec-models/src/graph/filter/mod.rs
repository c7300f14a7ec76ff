//! What filters of the graph in closed form share: the normalised matrix and its leading vectors.

pub(super) mod svd;

use rec_core::data::Csr;
use rec_core::rank::History;

use crate::{Error, Result};

/// `R̃ = D_U^-½ R D_I^-½` both ways, and what it was normalised by.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) by_user: Csr,
    pub(super) by_item: Csr,
    /// The square roots of the items' numbers of users; 1 for an item nobody had.
    pub(super) roots: Vec<f32>,
}

impl Filter {
    pub(super) fn new(seen: &Csr) -> Self {
        let root = |n: u32| (n.max(1) as f32).sqrt();
        let roots: Vec<f32> = seen.column_counts().into_iter().map(root).collect();
        let by_user = seen.map_values(|user, item, _| {
            1.0 / (root(seen.row(user).len() as u32) * roots[item as usize])
        });
        Self { by_item: by_user.transpose(), by_user, roots }
    }

    /// `r D_I^-½ V` of users who had these items, `[histories.len(), d]`, with `V` `[n_items, d]`.
    pub(super) fn low(&self, histories: &[&[u32]], vectors: &[f32], d: usize) -> Vec<f32> {
        let mut low = vec![0f32; histories.len() * d];
        for (history, low) in histories.iter().zip(low.chunks_exact_mut(d.max(1))) {
            for &item in *history {
                let scale = 1.0 / self.roots[item as usize];
                let vector = &vectors[item as usize * d..][..d];
                low.iter_mut().zip(vector).for_each(|(low, v)| *low += scale * v);
            }
        }
        low
    }
}

/// Refuses more vectors than the matrix has.
pub(super) fn check_rank(factors: usize, [users, items]: [usize; 2]) -> Result<()> {
    let most = users.min(items);
    if factors <= most {
        return Ok(());
    }
    let why = format!("a matrix of {users} users and {items} items has {most} at most");
    Err(Error::parameter("factors", factors, why))
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

/// What every model is that scores a user's items by a filter: `$score` writes the scores of histories. Its
/// fields are `config`, `ids`, `seen` and `vectors`, the right singular vectors.
macro_rules! filter_model {
    ($model:ident, $score:ident, $without:literal) => {
        impl Scorer for $model {
            fn n_users(&self) -> usize {
                self.ids.users.len()
            }

            fn n_items(&self) -> usize {
                self.ids.items.len()
            }

            fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
                let had: Vec<&[u32]> = users.iter().map(|&u| self.seen.row(u as usize)).collect();
                self.$score(&had, out);
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
                self.$score(&items, out);
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
