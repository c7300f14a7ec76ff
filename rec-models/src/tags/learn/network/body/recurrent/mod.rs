//! Gated recurrent units both ways.

mod gates;
mod pool;

pub(super) use pool::Kept;

use self::gates::{Known, Made, Seen, Slope};
use super::Draw;
use crate::ops::gemm::{Matrix, Packed, product};
use crate::tags::learn::network::batch::Batch;

/// The units of [`TextGru`](crate::tags::TextGru). The columns of the kernels are `[2, 3, hidden]`: both
/// ways, gates `r`, `z` and `n`.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Recurrent {
    pub(in super::super) hidden: usize,
    /// `b`: `[2, 3, hidden]`.
    pub(in super::super) bias: Vec<f32>,
    /// `U`, by the number of the state: `[2, hidden, 3, hidden]`.
    pub(in super::super) recurrent: Vec<f32>,
    /// `c`: `[2, hidden]`.
    pub(in super::super) inner_bias: Vec<f32>,
}

/// The texts of a step from the longest to the shortest: step `t` is of the first `active[t]` of them, in
/// rows from `offsets[t]` on.
struct Plan {
    order: Vec<usize>,
    active: Vec<usize>,
    offsets: Vec<usize>,
}

/// What one way computed, `[rows, hidden]` each.
struct Way {
    states: Vec<f32>,
    r: Vec<f32>,
    z: Vec<f32>,
    n: Vec<f32>,
    /// `U_n h + c`.
    inner: Vec<f32>,
}

/// What both ways computed of the texts of a step.
pub(in super::super) struct States {
    plan: Plan,
    ways: [Way; 2],
}

/// The gradients of one way: of its gates before `σ` and `tanh`, `[rows, 3, hidden]`, once as the kernels
/// and once as the states have part in them, and of `U`.
struct Slopes {
    of_inputs: Vec<f32>,
    of_states: Vec<f32>,
    of_recurrent: Vec<f32>,
}

impl Plan {
    fn new(batch: &Batch) -> Self {
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by_key(|&text| std::cmp::Reverse(batch.text(text).len()));
        let longest = order.first().map_or(0, |&text| batch.text(text).len());
        let longer = |t| order.partition_point(|&text| batch.text(text).len() > t);
        let active: Vec<usize> = (0..longest).map(longer).collect();
        let mut offsets = vec![0];
        offsets.extend(active.iter().scan(0, |sum, active| {
            *sum += active;
            Some(*sum)
        }));
        Self { order, active, offsets }
    }

    fn rows(&self) -> usize {
        self.offsets[self.active.len()]
    }

    /// The token of a text at a step of one way, as a place in the batch's tokens.
    fn place(&self, batch: &Batch, way: usize, t: usize, rank: usize) -> usize {
        let text = batch.text(self.order[rank]);
        text[if way == 0 { t } else { text.len() - 1 - t }] as usize
    }
}

impl States {
    /// The states of one way: `[rows, hidden]`.
    pub(in super::super) fn of(&self, way: usize) -> &[f32] {
        &self.ways[way].states
    }

    /// The rows of one way after which it reads another token of the text, and that token.
    pub(in super::super) fn followed(&self, way: usize, batch: &Batch) -> (Vec<usize>, Vec<u32>) {
        let plan = &self.plan;
        let steps = plan.active.iter().enumerate().skip(1);
        let rows = steps.flat_map(|(t, &rows)| (0..rows).map(move |rank| (t, rank)));
        rows.map(|(t, rank)| {
            let token = batch.tokens[plan.place(batch, way, t, rank)];
            (plan.offsets[t - 1] + rank, token)
        })
        .unzip()
    }
}

impl Recurrent {
    pub(in super::super) fn new(hidden: usize, draw: Draw<'_>) -> Self {
        Self {
            hidden,
            bias: vec![0.0; 6 * hidden],
            recurrent: draw(6 * hidden * hidden, (hidden as f32).sqrt().recip()),
            inner_bias: vec![0.0; 2 * hidden],
        }
    }

    pub(super) fn pooled(&self) -> usize {
        4 * self.hidden
    }

    pub(super) fn columns(&self) -> usize {
        6 * self.hidden
    }

    pub(super) fn arrays(&self) -> [(&'static str, usize, &Vec<f32>); 3] {
        [
            ("kernels.bias", 6 * self.hidden, &self.bias),
            ("recurrent", 3 * self.hidden, &self.recurrent),
            ("recurrent.bias", self.hidden, &self.inner_bias),
        ]
    }

    pub(super) fn arrays_mut(&mut self) -> [&mut Vec<f32>; 3] {
        [&mut self.bias, &mut self.recurrent, &mut self.inner_bias]
    }

    /// `U` of one way, `[hidden, 3 · hidden]`.
    fn matrix(&self, way: usize) -> Matrix<'_> {
        let size = 3 * self.hidden * self.hidden;
        Matrix::new(&self.recurrent[way * size..][..size], [self.hidden, 3 * self.hidden])
    }

    /// The states of texts whose tokens are rows of `projected`, `[tokens, columns]`.
    pub(in super::super) fn states(&self, projected: &[f32], batch: &Batch) -> States {
        let plan = Plan::new(batch);
        let way = |way| self.forward(way, projected, batch, &plan);
        let (there, back) = rayon::join(|| way(0), || way(1));
        States { plan, ways: [there, back] }
    }

    fn forward(&self, way: usize, projected: &[f32], batch: &Batch, plan: &Plan) -> Way {
        let (hidden, columns) = (self.hidden, self.columns());
        let array = || vec![0.0; plan.rows() * hidden];
        let mut out = Way { states: array(), r: array(), z: array(), n: array(), inner: array() };
        let bias = &self.bias[way * 3 * hidden..][..3 * hidden];
        let inner_bias = &self.inner_bias[way * hidden..][..hidden];
        let zeros = vec![0.0; hidden];
        let matrix = Packed::new(self.matrix(way));
        let mut recurrent = vec![0.0; plan.active.first().map_or(0, |rows| rows * 3 * hidden)];
        for (t, &rows) in plan.active.iter().enumerate() {
            let (before, now) = out.states.split_at_mut(plan.offsets[t] * hidden);
            let before = match t {
                0 => None,
                _ => Some(&before[plan.offsets[t - 1] * hidden..][..rows * hidden]),
            };
            if let Some(before) = before {
                recurrent = matrix.product(Matrix::new(before, [rows, hidden]));
            }
            for (rank, state) in now[..rows * hidden].chunks_exact_mut(hidden).enumerate() {
                let row = (plan.offsets[t] + rank) * hidden..(plan.offsets[t] + rank + 1) * hidden;
                let token = plan.place(batch, way, t, rank);
                let seen = Seen {
                    inputs: &projected[token * columns + way * 3 * hidden..][..3 * hidden],
                    bias,
                    recurrent: &recurrent[rank * 3 * hidden..][..3 * hidden],
                    inner_bias,
                    last: before.map_or(&zeros[..], |all| &all[rank * hidden..][..hidden]),
                };
                let made = Made {
                    state,
                    r: &mut out.r[row.clone()],
                    z: &mut out.z[row.clone()],
                    n: &mut out.n[row.clone()],
                    inner: &mut out.inner[row],
                };
                gates::forward(&seen, made);
            }
        }
        out
    }

    /// From the gradients of the states of each way, `[rows, hidden]`, those of the rows of `projected`,
    /// which are added to `of_projected`, and of the arrays.
    pub(in super::super) fn states_back(
        &self,
        kept: &States,
        of_states: &[Vec<f32>; 2],
        batch: &Batch,
        of_projected: &mut [f32],
    ) -> [Vec<f32>; 3] {
        let way = |way| self.backward(way, kept, &of_states[way]);
        let (there, back) = rayon::join(|| way(0), || way(1));
        let (hidden, columns) = (self.hidden, self.columns());
        let mut of_bias = vec![0.0; self.bias.len()];
        let mut of_inner_bias = vec![0.0; self.inner_bias.len()];
        let mut of_recurrent = Vec::with_capacity(self.recurrent.len());
        for (way, slopes) in [there, back].iter().enumerate() {
            let (plan, part) = (&kept.plan, way * 3 * hidden);
            for (t, &rows) in plan.active.iter().enumerate() {
                for rank in 0..rows {
                    let row = (plan.offsets[t] + rank) * 3 * hidden;
                    let slope = &slopes.of_inputs[row..row + 3 * hidden];
                    let to = plan.place(batch, way, t, rank) * columns + part;
                    add(&mut of_projected[to..to + 3 * hidden], slope);
                    add(&mut of_bias[part..part + 3 * hidden], slope);
                    let inner = &slopes.of_states[row + 2 * hidden..row + 3 * hidden];
                    add(&mut of_inner_bias[way * hidden..][..hidden], inner);
                }
            }
            of_recurrent.extend_from_slice(&slopes.of_recurrent);
        }
        [of_bias, of_recurrent, of_inner_bias]
    }

    /// `arriving`: the gradients of the states, as far as what reads them has part in them.
    fn backward(&self, way: usize, kept: &States, arriving: &[f32]) -> Slopes {
        let (hidden, plan) = (self.hidden, &kept.plan);
        let Way { states, r, z, n, inner } = &kept.ways[way];
        let first = plan.active.first().copied().unwrap_or(0);
        let mut of_inputs = vec![0.0; plan.rows() * 3 * hidden];
        let mut of_states = of_inputs.clone();
        // Of the states of the step before, as far as the step after has part in it.
        let mut carried = vec![0.0; first * hidden];
        let zeros = vec![0.0; hidden];
        let matrix = Packed::new(self.matrix(way).transposed());
        for (t, &rows) in plan.active.iter().enumerate().rev() {
            for rank in 0..rows {
                let row = (plan.offsets[t] + rank) * hidden..(plan.offsets[t] + rank + 1) * hidden;
                let wide = 3 * row.start..3 * row.end;
                let last = match t {
                    0 => &zeros[..],
                    _ => &states[(plan.offsets[t - 1] + rank) * hidden..][..hidden],
                };
                let known = Known {
                    last,
                    r: &r[row.clone()],
                    z: &z[row.clone()],
                    n: &n[row.clone()],
                    inner: &inner[row.clone()],
                };
                let slope = Slope {
                    of_inputs: &mut of_inputs[wide.clone()],
                    of_states: &mut of_states[wide],
                    carried: &mut carried[rank * hidden..][..hidden],
                };
                gates::backward(&known, &arriving[row], slope);
            }
            if t > 0 {
                let of_states = &of_states[3 * plan.offsets[t] * hidden..][..3 * rows * hidden];
                let of_states = Matrix::new(of_states, [rows, 3 * hidden]);
                add(&mut carried, &matrix.product(of_states));
            }
        }
        // `U` saw the states of the step before; at the first step there were none.
        let steps = 1..plan.active.len();
        let before: Vec<f32> = steps
            .flat_map(|t| &states[plan.offsets[t - 1] * hidden..][..plan.active[t] * hidden])
            .copied()
            .collect();
        let rows = before.len() / hidden;
        let after = Matrix::new(&of_states[3 * first * hidden..], [rows, 3 * hidden]);
        let of_recurrent = product(Matrix::new(&before, [rows, hidden]).transposed(), after);
        Slopes { of_inputs, of_states, of_recurrent }
    }
}

fn add(to: &mut [f32], values: &[f32]) {
    to.iter_mut().zip(values).for_each(|(to, x)| *to += x);
}
