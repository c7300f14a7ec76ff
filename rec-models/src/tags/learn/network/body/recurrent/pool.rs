//! The greatest and the mean of the states over a text.

use super::{Recurrent, States};
use crate::tags::learn::network::batch::Batch;

/// What the way back needs.
pub(in super::super) struct Kept {
    states: States,
    /// The step of each maximum: `[texts, 2, hidden]`.
    at: Vec<u32>,
}

impl Recurrent {
    pub(in super::super) fn read(&self, projected: &[f32], batch: &Batch) -> (Vec<f32>, Kept) {
        let states = self.states(projected, batch);
        let (hidden, plan) = (self.hidden, &states.plan);
        let mut pooled = vec![0.0; batch.len() * 4 * hidden];
        let mut at = vec![0; batch.len() * 2 * hidden];
        for (rank, &text) in plan.order.iter().enumerate() {
            let len = batch.text(text).len();
            if len == 0 {
                continue;
            }
            let (most, mean) = pooled[text * 4 * hidden..][..4 * hidden].split_at_mut(2 * hidden);
            most.fill(f32::MIN);
            for way in 0..2 {
                let part = way * hidden..(way + 1) * hidden;
                let (most, mean) = (&mut most[part.clone()], &mut mean[part]);
                let at = &mut at[(text * 2 + way) * hidden..][..hidden];
                for t in 0..len {
                    let states = &states.of(way)[(plan.offsets[t] + rank) * hidden..][..hidden];
                    for (j, &state) in states.iter().enumerate() {
                        at[j] = if state > most[j] { t as u32 } else { at[j] };
                        most[j] = if state > most[j] { state } else { most[j] };
                        mean[j] += state;
                    }
                }
                mean.iter_mut().for_each(|sum| *sum /= len as f32);
            }
        }
        (pooled, Kept { states, at })
    }

    /// The gradients of the arrays.
    pub(in super::super) fn back(
        &self,
        kept: &Kept,
        of_pooled: &[f32],
        batch: &Batch,
        of_projected: &mut [f32],
    ) -> [Vec<f32>; 3] {
        let of_states = [0, 1].map(|way| self.of_states(way, kept, of_pooled, batch));
        self.states_back(&kept.states, &of_states, batch, of_projected)
    }

    /// The gradients of the states of one way: `[rows, hidden]`.
    fn of_states(&self, way: usize, kept: &Kept, of_pooled: &[f32], batch: &Batch) -> Vec<f32> {
        let (hidden, plan) = (self.hidden, &kept.states.plan);
        let mut of_states = vec![0.0; plan.rows() * hidden];
        for (rank, &text) in plan.order.iter().enumerate() {
            let of_text = &of_pooled[text * 4 * hidden..][..4 * hidden];
            let (of_most, of_mean) = of_text.split_at(2 * hidden);
            let (of_most, of_mean) = (&of_most[way * hidden..], &of_mean[way * hidden..]);
            let at = &kept.at[(text * 2 + way) * hidden..][..hidden];
            let len = batch.text(text).len();
            let share = (len as f32).recip();
            for t in 0..len {
                let row = &mut of_states[(plan.offsets[t] + rank) * hidden..][..hidden];
                for (j, of_state) in row.iter_mut().enumerate() {
                    let most = if at[j] == t as u32 { of_most[j] } else { 0.0 };
                    *of_state = share * of_mean[j] + most;
                }
            }
        }
        of_states
    }
}
