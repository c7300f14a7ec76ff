//! A run of item2vec, epoch by epoch.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};

use super::sequences::Text;
use super::{Item2Vec, Item2VecModel};
use crate::Result;
use crate::fit::Cancel;
use crate::train::{Epochs, Snapshot, TrainingLog};
use crate::vectors::word2vec::{Tables, Trainer};

pub(super) struct State {
    config: Item2Vec,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    text: Text,
    trainer: Trainer,
    tables: Tables,
    seed: u64,
}

impl State {
    pub(super) fn new(
        config: Item2Vec,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        text: Text,
        seed: u64,
    ) -> Result<Self> {
        let trainer = Trainer::new(&config.word2vec(), &text.counts)?.shuffling(config.shuffle);
        let tables = Tables::new(text.counts.len(), config.vector_size, seed);
        Ok(Self { config, ids, seen, text, trainer, tables, seed })
    }

    fn shape(&self) -> [usize; 2] {
        [self.text.counts.len(), self.config.vector_size]
    }

    /// Vectors of the items; one without events has the mean of its tags', or zeros.
    fn of_items(&self, values: &[f32]) -> Vec<f32> {
        let dim = self.config.vector_size;
        let n = self.seen.n_cols();
        let (items, of_tags) = values.split_at(n * dim);
        let mut items = items.to_vec();
        for (item, row) in items.chunks_exact_mut(dim).enumerate() {
            if self.text.counts[item] > 0 {
                continue;
            }
            row.fill(0.0);
            let tags = self.text.tags.as_ref().map_or(&[][..], |tags| tags.row(item));
            let known: Vec<u32> =
                tags.iter().copied().filter(|&t| self.text.counts[n + t as usize] > 0).collect();
            for &tag in &known {
                let vector = &of_tags[tag as usize * dim..][..dim];
                row.iter_mut().zip(vector).for_each(|(x, v)| *x += v / known.len() as f32);
            }
        }
        items
    }
}

impl Epochs for State {
    type Model = Item2VecModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        let (sentences, tables) = (&self.text.sentences, &mut self.tables);
        self.trainer.epoch(epoch, sentences, tables, self.seed, cancel)?;
        Ok(String::new())
    }

    fn snapshot(&self) -> Snapshot {
        let [inputs, outputs] = self.tables.packed();
        let shape = self.shape();
        Snapshot::new().with("inputs", &shape, inputs).with("outputs", &shape, outputs)
    }

    fn restore(&mut self, mut snapshot: Snapshot) -> Result<()> {
        let shape = self.shape();
        let inputs = snapshot.take("inputs", &shape)?;
        let outputs = snapshot.take("outputs", &shape)?;
        self.tables = Tables::from_packed(&inputs, &outputs, self.config.vector_size);
        Ok(())
    }

    fn model(&self, log: TrainingLog) -> Result<Item2VecModel> {
        let tables = self.tables.packed().map(|values| self.of_items(&values));
        Item2VecModel::new(self.config.clone(), log, self.ids.clone(), self.seen.clone(), tables)
    }
}
