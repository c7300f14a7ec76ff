//! User-based nearest neighbours.

use std::sync::Arc;

use rec_core::data::{Csr, Dataset, IdMaps};
use rec_core::parallel;
use rec_core::rank::{Explain, Explanation, History, Recommend, Scorer};
use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};

use super::super::item_weights::{
    check_block, check_events, check_item, check_loaded, check_not_negative, check_user,
    explanation,
};
use super::super::rows::{KBest, Task};
use super::product::{Accumulator, neighbours};
use super::similarity::{Documents, Similarity};
use crate::fit::{Fit, FitContext, Model};
use crate::{Error, Result};

/// User-based nearest neighbours (Resnick et al. 1994; Herlocker et al. 1999):
/// `score(u, i) = Σ_v sim(u, v) · x_vi` over the `k` users most similar to `u`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserKnn {
    /// Neighbours kept for each user, at least 1.
    pub k: usize,
    /// How similar two users are, by their items.
    pub similarity: Similarity,
    /// Added to the denominator of the similarity, at least 0. For cosine, Jaccard and TF-IDF.
    pub shrinkage: f32,
    /// Makes the similarities of each user's neighbours add up to 1: scores are then weighted
    /// means over the neighbours; the ranking within a user stays.
    pub normalize: bool,
}

impl Default for UserKnn {
    fn default() -> Self {
        Self { k: 100, similarity: Similarity::Cosine, shrinkage: 0.0, normalize: false }
    }
}

/// The model of [`UserKnn`].
#[derive(Clone, Debug)]
pub struct UserKnnModel {
    config: UserKnn,
    ids: Arc<IdMaps>,
    /// `[n_users, n_items]`.
    by_user: Csr,
    docs: Documents,
    /// `[n_users, n_users]`.
    neighbours: Csr,
}

const KIND: &str = "user_knn";

impl Fit for UserKnn {
    type Model = UserKnnModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<UserKnnModel> {
        self.similarity.check(self.k, self.shrinkage)?;
        let events = &data.interactions;
        check_events(events)?;
        if self.similarity.needs_positive() {
            check_not_negative(events, "this similarity")?;
        }
        ctx.cancel.check("user neighbours")?;
        let task = Task::begin(ctx, "user neighbours", events.n_users());
        parallel::install(ctx.cpu_threads("UserKNN")?, || {
            let by_user = events.matrix();
            let docs = self.documents(&by_user);
            let neighbours = neighbours(&task, &by_user, &docs, self.k, self.normalize)?;
            let (config, ids) = (self.clone(), events.ids().clone());
            Ok(UserKnnModel { config, ids, by_user, docs, neighbours })
        })
    }
}

impl UserKnn {
    fn documents(&self, by_user: &Csr) -> Documents {
        Documents::new(self.similarity, self.shrinkage, by_user, &by_user.transpose())
    }
}

impl UserKnnModel {
    /// The users most similar to each, with their similarities: `[n_users, n_users]`.
    pub fn neighbours(&self) -> &Csr {
        &self.neighbours
    }

    /// A model from its folder.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] where the folder does not hold one.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        let (config, ids) = (reader.config::<UserKnn>()?, reader.ids()?);
        let (by_user, neighbours) = (reader.csr("matrix")?, reader.csr("neighbours")?);
        let n = ids.users.len();
        let shape = [neighbours.n_rows(), neighbours.n_cols()];
        check_loaded(&ids, &by_user, "neighbours", &[n, n], &shape)?;
        let docs = config.documents(&by_user);
        Ok(Self { config, ids, by_user, docs, neighbours })
    }

    fn add_scores(&self, neighbours: impl Iterator<Item = (u32, f32)>, out: &mut [f32]) {
        for (user, similarity) in neighbours {
            for (item, x) in self.by_user.iter_row(user as usize) {
                out[item as usize] += similarity * x;
            }
        }
    }

    /// The neighbours of a user who is not in the matrix.
    fn find(&self, history: &[(u32, f32)], sums: &mut Accumulator) -> Result<History> {
        for &(item, x) in history {
            check_item(item, self.n_items())?;
            if x < 0.0 && self.config.similarity.needs_positive() {
                return Err(Error::data("history", format!("weight {x}; give none below 0")));
            }
        }
        let folded = Csr::from_rows([history.to_vec()], self.n_items());
        let row: Vec<_> = folded.iter_row(0).collect();
        let (entries, own) = self.docs.weigh(&row);
        let weight = |t: u32| self.docs.term_weight[t as usize];
        let terms = || entries.iter().map(|&(t, v)| (t, v * weight(t)));
        sums.product(terms, &self.docs.by_term);
        let mut best = KBest::new(self.config.k);
        sums.drain(|user, raw| {
            best.push(user, self.docs.similarity(raw, own, self.docs.document[user as usize]));
        });
        let mut found = Vec::new();
        best.drain_by_column(&mut found);
        if self.config.normalize {
            super::product::normalize_row(&mut found);
        }
        Ok(found)
    }
}

impl Scorer for UserKnnModel {
    fn n_users(&self) -> usize {
        self.by_user.n_rows()
    }
    fn n_items(&self) -> usize {
        self.by_user.n_cols()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        check_block(users.len(), self.n_items(), out)?;
        for (&user, row) in users.iter().zip(out.chunks_exact_mut(self.n_items())) {
            check_user(user, self.n_users())?;
            row.fill(0.0);
            self.add_scores(self.neighbours.iter_row(user as usize), row);
        }
        Ok(())
    }
}

impl Recommend for UserKnnModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    fn seen(&self) -> &Csr {
        &self.by_user
    }
    /// The neighbours are found anew among the trained users. One of these with the same past is
    /// a neighbour too.
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        check_block(histories.len(), self.n_items(), out)?;
        let mut sums = Accumulator::new(self.n_users());
        for (history, row) in histories.iter().zip(out.chunks_exact_mut(self.n_items())) {
            row.fill(0.0);
            self.add_scores(self.find(history, &mut sums)?.into_iter(), row);
        }
        Ok(())
    }
}

impl Explain for UserKnnModel {
    /// A past item's part is what it adds to the similarities with the neighbours who had the
    /// item, the similarities' denominators taken as they are.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_user(user, self.n_users())?;
        check_item(item, self.n_items())?;
        let row: Vec<_> = self.by_user.iter_row(user as usize).collect();
        let (entries, _) = self.docs.weigh(&row);
        let mut parts: Vec<(u32, f32)> = entries.iter().map(|&(t, _)| (t, 0.0)).collect();
        for (other, similarity) in self.neighbours.iter_row(user as usize) {
            let theirs: Vec<_> = self.by_user.iter_row(other as usize).collect();
            let Ok(at) = theirs.binary_search_by_key(&item, |e| e.0) else { continue };
            let products = shared(&entries, &self.docs.weigh(&theirs).0, &self.docs.term_weight);
            let whole: f32 = products.iter().map(|p| p.1).sum();
            if whole != 0.0 {
                let scale = similarity * theirs[at].1 / whole;
                products.iter().for_each(|&(part, product)| parts[part].1 += product * scale);
            }
        }
        Ok(explanation(parts.into_iter().filter(|p| p.1 != 0.0).collect()))
    }
}

/// `g_t · v_at · v_bt` of the terms that two documents share, by position in `a`.
fn shared(a: &[(u32, f32)], b: &[(u32, f32)], term_weight: &[f32]) -> Vec<(usize, f32)> {
    let mut at = 0;
    let mut found = Vec::new();
    for (position, &(term, v)) in a.iter().enumerate() {
        while at < b.len() && b[at].0 < term {
            at += 1;
        }
        if at < b.len() && b[at].0 == term {
            found.push((position, term_weight[term as usize] * v * b[at].1));
        }
    }
    found
}

impl Model for UserKnnModel {
    fn kind(&self) -> &'static str {
        KIND
    }
    fn writer(&self) -> Result<ModelWriter> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.ids(&self.ids).csr("matrix", &self.by_user)?.csr("neighbours", &self.neighbours)?;
        Ok(writer)
    }
    fn as_explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
