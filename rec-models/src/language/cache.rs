//! Keys and values of the tokens a decoder has seen, kept so that each is computed once.

use burn::tensor::{DType, Device, Tensor};

use super::Batch;
use crate::ops::Packed;
use crate::{Error, Result};

/// Keys and values of several texts, a layer each.
///
/// Every text has room for the same number of tokens; when one outgrows it, the room of all at
/// least doubles, so a token costs amortised constant copying. Tokens that come are written in
/// place.
#[derive(Debug)]
pub struct Cache {
    layers: Vec<Layer>,
    lengths: Vec<usize>,
    room: usize,
    width: usize,
    device: Device,
    dtype: DType,
}

/// `[texts · room, width]` each.
#[derive(Debug)]
struct Layer {
    keys: Tensor<2>,
    values: Tensor<2>,
}

/// Where the tokens of one step go, and what they attend to.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Each new token's position in its text.
    pub(super) positions: Vec<u32>,
    /// The new tokens of each text; between two texts, none for the unused room.
    pub(super) queries: Packed,
    /// The tokens seen of each text, the new ones included; between two texts, the unused room.
    pub(super) keys: Packed,
    writes: Vec<Write>,
}

/// `len` new rows from row `from` go to row `to` of the cache.
#[derive(Clone, Copy, Debug)]
struct Write {
    from: usize,
    to: usize,
    len: usize,
}

impl Cache {
    /// An empty cache of `n_layers` for `texts` texts of `room` tokens at first, with keys and
    /// values of `width` numbers a token.
    pub(super) fn new(
        n_layers: usize,
        width: usize,
        texts: usize,
        room: usize,
        device: &Device,
        dtype: DType,
    ) -> Self {
        let room = room.max(1);
        let empty = || Tensor::zeros([texts * room, width], (device, dtype));
        let layers = (0..n_layers).map(|_| Layer { keys: empty(), values: empty() }).collect();
        let lengths = vec![0; texts];
        Self { layers, lengths, room, width, device: device.clone(), dtype }
    }

    /// Tokens seen of each text.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Tokens seen of text `i`, none where there is no such text.
    pub(super) fn seen(&self, i: usize) -> usize {
        self.lengths.get(i).copied().unwrap_or(0)
    }

    /// Tokens a text may grow to before the cache must.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Takes note that `rows` more tokens of each text come, and makes room for them.
    pub(super) fn step(&mut self, rows: &Packed) -> Result<Step> {
        if rows.len() != self.lengths.len() {
            let expected = format!("{}, some of no tokens perhaps", self.lengths.len());
            return Err(Error::shape("texts of a step with a cache", expected, rows.len()));
        }
        let ends = || self.lengths.iter().zip(rows.ranges()).map(|(seen, new)| seen + new.len());
        let longest = ends().max().unwrap_or(0);
        if longest > self.room {
            self.grow(longest.max(2 * self.room));
        }
        let room = self.room;
        let texts = || self.lengths.iter().zip(rows.ranges()).enumerate();
        let step = Step {
            positions: texts()
                .flat_map(|(_, (&seen, new))| (seen..seen + new.len()).map(|i| i as u32))
                .collect(),
            queries: Packed::from_lengths(texts().flat_map(|(_, (_, new))| [new.len(), 0])),
            keys: Packed::from_lengths(texts().flat_map(|(_, (&seen, new))| {
                let end = seen + new.len();
                [end, room - end]
            })),
            writes: texts()
                .filter(|(_, (_, new))| !new.is_empty())
                .map(|(i, (&seen, new))| Write {
                    from: new.start,
                    to: i * room + seen,
                    len: new.len(),
                })
                .collect(),
        };
        for (seen, new) in self.lengths.iter_mut().zip(rows.ranges()) {
            *seen += new.len();
        }
        Ok(step)
    }

    /// Writes the step's keys and values, `[new tokens, width]`, into a layer; gives all of them,
    /// `[texts · room, width]`.
    pub(super) fn append(
        &mut self,
        layer: usize,
        step: &Step,
        keys: Tensor<2>,
        values: Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let layer = &mut self.layers[layer];
        for write in &step.writes {
            replace(&mut layer.keys, |all| write.apply(all, &keys));
            replace(&mut layer.values, |all| write.apply(all, &values));
        }
        (layer.keys.clone(), layer.values.clone())
    }

    fn grow(&mut self, room: usize) {
        let (texts, old, width) = (self.lengths.len(), self.room, self.width);
        let options = (&self.device, self.dtype);
        let grown = |all: Tensor<2>| {
            Tensor::<3>::zeros([texts, room, width], options)
                .slice_assign([0..texts, 0..old, 0..width], all.reshape([texts, old, width]))
                .reshape([texts * room, width])
        };
        for layer in &mut self.layers {
            replace(&mut layer.keys, grown);
            replace(&mut layer.values, grown);
        }
        self.room = room;
    }
}

impl Step {
    /// Of whole texts, with no cache.
    pub(super) fn whole(batch: &Batch) -> Self {
        Self {
            positions: batch.positions(0),
            queries: batch.rows.clone(),
            keys: batch.rows.clone(),
            writes: Vec::new(),
        }
    }
}

impl Write {
    fn apply(&self, all: Tensor<2>, new: &Tensor<2>) -> Tensor<2> {
        let width = new.dims()[1];
        let new = new.clone().narrow(0, self.from, self.len);
        all.slice_assign([self.to..self.to + self.len, 0..width], new)
    }
}

/// Passes the tensor through `f` with no second handle to it, so that `f` may write in place.
fn replace(slot: &mut Tensor<2>, f: impl FnOnce(Tensor<2>) -> Tensor<2>) {
    let placeholder = Tensor::empty([0, 0], &slot.device());
    *slot = f(std::mem::replace(slot, placeholder));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[f32]) -> Tensor<2> {
        let device = Device::flex();
        Tensor::<1>::from_floats(values, &device).reshape([values.len(), 1])
    }

    fn floats(x: Tensor<2>) -> Vec<f32> {
        x.into_data().iter().collect()
    }

    #[test]
    fn rows_land_behind_their_own_text_and_survive_growth() {
        let mut cache = Cache::new(1, 1, 2, 2, &Device::flex(), DType::F32);
        let step = cache.step(&Packed::from_lengths([2, 1])).unwrap();
        assert_eq!(step.positions, [0, 1, 0]);
        let (keys, _) = cache.append(0, &step, rows(&[1., 2., 5.]), rows(&[0.; 3]));
        assert_eq!(floats(keys), [1., 2., 5., 0.]);
        assert_eq!(step.keys.starts(), [0, 2, 2, 3, 4]);

        let step = cache.step(&Packed::from_lengths([1, 1])).unwrap();
        assert_eq!((step.positions.as_slice(), cache.room()), ([2, 1].as_slice(), 4));
        let (keys, values) = cache.append(0, &step, rows(&[3., 6.]), rows(&[7., 8.]));
        assert_eq!(floats(keys), [1., 2., 3., 0., 5., 6., 0., 0.]);
        assert_eq!(floats(values), [0., 0., 7., 0., 0., 8., 0., 0.]);
        assert_eq!(step.queries.starts(), [0, 1, 1, 2, 2]);
        assert_eq!(step.keys.starts(), [0, 3, 4, 6, 8]);

        let step = cache.step(&Packed::from_lengths([0, 1])).unwrap();
        assert_eq!(step.positions, [2]);
        assert_eq!(cache.lengths(), [3, 3]);
    }

    #[test]
    fn a_step_of_another_number_of_texts_is_refused() {
        let mut cache = Cache::new(1, 1, 2, 2, &Device::flex(), DType::F32);
        let message = cache.step(&Packed::from_lengths([1])).unwrap_err().to_string();
        assert!(message.contains("expected 2"), "{message}");
    }
}
