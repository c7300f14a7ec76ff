//! A run of LightGCN-S: one of LightGCN along another matrix.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};

use super::{SocialLightGcn, SocialLightGcnModel};
use crate::Result;
use crate::fit::Cancel;
use crate::graph::lightgcn;
use crate::train::{Epochs, Snapshot, TrainingLog};

pub(super) struct State {
    config: SocialLightGcn,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    friends: Arc<Csr>,
    inner: lightgcn::State,
}

impl State {
    pub(super) fn new(
        config: &SocialLightGcn,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        friends: Arc<Csr>,
        seed: u64,
    ) -> Result<Self> {
        let graph = config.graph(&seen, &friends)?;
        let (inner_ids, inner_seen) = (ids.clone(), seen.clone());
        let inner =
            lightgcn::State::along(graph, config.base(), inner_ids, inner_seen, None, seed)?;
        Ok(Self { config: config.clone(), ids, seen, friends, inner })
    }
}

impl Epochs for State {
    type Model = SocialLightGcnModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        self.inner.epoch(epoch, cancel)
    }

    fn snapshot(&self) -> Snapshot {
        self.inner.snapshot()
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<()> {
        self.inner.restore(snapshot)
    }

    fn model(&self, log: TrainingLog) -> Result<SocialLightGcnModel> {
        let (edges, initial) = self.inner.learned();
        SocialLightGcnModel::propagated(
            self.config.clone(),
            log,
            self.ids.clone(),
            self.seen.clone(),
            self.friends.clone(),
            edges.matrix(),
            initial,
        )
    }
}
