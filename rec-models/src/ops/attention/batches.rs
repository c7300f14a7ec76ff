//! Attention by LibTorch where the numbers are not in this process's memory, or are doubles:
//! sequences of like length padded into batches.

use tch::{Kind, Tensor};

use super::Plan;
use super::libtorch::Parts;

/// Scores a batch may have over all heads: what bounds memory.
const SCORES: usize = 1 << 26;

/// The mixed values, `[query rows, heads · head_dim]`.
pub(super) fn forward(parts: &Parts, plan: &Plan) -> Tensor {
    let out = parts.q.zeros_like().contiguous();
    for batch in batches(plan) {
        let padded = batch.gather(parts, plan);
        if let Some(factors) = batch.factors(plan, &parts.q) {
            let mixed = (padded.weights(plan) * factors).matmul(&padded.v);
            batch.queries.add_to(&out, &mixed);
            continue;
        }
        let mixed = Tensor::scaled_dot_product_attention(
            &padded.q,
            &padded.k,
            &padded.v,
            Some(&padded.mask),
            0.0,
            false,
            plan.shape.scale,
            false,
        );
        batch.queries.add_to(&out, &mixed.masked_fill(&padded.blind, 0.0));
    }
    out
}

/// Gradients of the operands, from probabilities computed again: with `p` the softmax's output,
/// `dv = pᵀ g`, `ds = p ⊙ (g vᵀ − Σ p ⊙ g vᵀ)`, `dq = scale · ds k`, `dk = scale · dsᵀ q`.
pub(super) fn backward(grad: &Tensor, parts: &Parts, plan: &Plan, with_bias: bool) -> Parts {
    let zeros = |x: &Tensor| x.zeros_like().contiguous();
    let gradients = Parts {
        q: zeros(&parts.q),
        k: zeros(&parts.k),
        v: zeros(&parts.v),
        bias: parts.bias.as_ref().filter(|_| with_bias).map(zeros),
    };
    for batch in batches(plan) {
        let padded = batch.gather(parts, plan);
        let grad = batch.queries.take(grad, plan.shape.heads);
        let weights = padded.weights(plan);
        let factors = batch.factors(plan, &parts.q);
        let drop = |x: Tensor| match &factors {
            Some(factors) => x * factors,
            None => x,
        };
        let towards = drop(grad.matmul(&padded.v.transpose(2, 3)));
        let inner = (&weights * &towards).sum_dim_intlist([-1i64].as_slice(), true, None);
        let slopes = &weights * (towards - inner);
        batch.queries.add_to(&gradients.q, &(slopes.matmul(&padded.k) * plan.shape.scale));
        let by_key = |tile: &Tensor, rows: &Tensor| {
            batch.shared(&tile.transpose(2, 3).matmul(rows), plan.shape.kv_heads)
        };
        batch.keys.add_to(&gradients.k, &(by_key(&slopes, &padded.q) * plan.shape.scale));
        batch.keys.add_to(&gradients.v, &by_key(&drop(weights), &grad));
        if let Some(bias) = &gradients.bias {
            let sum = slopes.sum_dim_intlist([0i64].as_slice(), false, None);
            let mut part =
                bias.narrow(1, 0, batch.queries.longest).narrow(2, 0, batch.keys.longest);
            let _ = part.g_add_(&sum);
        }
    }
    gradients
}

/// Rows of some sequences, padded to the longest.
struct Padded {
    /// The row of every position, `[sequences · longest]`; some row past the end.
    rows: Tensor,
    /// Where a sequence has a position, `[sequences, longest]`.
    real: Tensor,
    sequences: i64,
    longest: i64,
}

/// Sequences of like length.
struct Batch {
    queries: Padded,
    keys: Padded,
    /// How many queries and keys each sequence has, `[sequences, 1]`.
    counts: [Tensor; 2],
    /// The row of each sequence's first query.
    starts: Vec<usize>,
}

/// A batch's tensors, `[sequences, heads, positions, head_dim]`, keys and values for every head.
struct Gathered {
    q: Tensor,
    k: Tensor,
    v: Tensor,
    /// What is added to the scores: the bias, and −∞ where a query sees no key; nothing is hidden
    /// from a query that would see none.
    mask: Tensor,
    /// Queries that see no key, `[sequences, 1, queries, 1]`.
    blind: Tensor,
}

impl Gathered {
    /// The softmax's output, `[sequences, heads, queries, keys]`.
    fn weights(&self, plan: &Plan) -> Tensor {
        let scores = self.q.matmul(&self.k.transpose(2, 3)) * plan.shape.scale + &self.mask;
        scores.softmax(-1, None).masked_fill(&self.blind, 0.0)
    }
}

fn batches(plan: &Plan) -> Vec<Batch> {
    let length = |i: usize| (plan.keys.range(i).len(), plan.queries.range(i).len());
    let mut order: Vec<usize> =
        (0..plan.queries.len()).filter(|i| length(*i).0 > 0 && length(*i).1 > 0).collect();
    order.sort_by_key(|i| length(*i));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match groups.last_mut() {
            Some(group) if joins(plan, group, i) => group.push(i),
            _ => groups.push(vec![i]),
        }
    }
    groups.iter().map(|group| Batch::new(plan, group)).collect()
}

/// Whether sequence `i` wastes little in `group` and leaves it small enough.
fn joins(plan: &Plan, group: &[usize], i: usize) -> bool {
    let (keys, queries) = (plan.keys.range(i).len(), plan.queries.range(i).len());
    let first = group[0];
    let alike = |new: usize, old: usize| 4 * new <= 5 * old + 16;
    let longest = group.iter().map(|i| plan.queries.range(*i).len()).max().unwrap_or(0);
    alike(keys, plan.keys.range(first).len())
        && alike(longest.max(queries), plan.queries.range(first).len())
        && (group.len() + 1) * plan.shape.heads * longest.max(queries) * keys <= SCORES
}

impl Batch {
    fn new(plan: &Plan, group: &[usize]) -> Self {
        let counts = [&plan.queries, &plan.keys].map(|packed| {
            let counts: Vec<i64> = group.iter().map(|i| packed.range(*i).len() as i64).collect();
            Tensor::from_slice(&counts).unsqueeze(1)
        });
        Self {
            queries: Padded::new(group.iter().map(|i| plan.queries.range(*i))),
            keys: Padded::new(group.iter().map(|i| plan.keys.range(*i))),
            counts,
            starts: group.iter().map(|i| plan.queries.range(*i).start).collect(),
        }
    }

    fn gather(&self, parts: &Parts, plan: &Plan) -> Gathered {
        let (heads, kv_heads) = (plan.shape.heads as i64, plan.shape.kv_heads);
        let spread = |x: &Tensor| {
            let x = self.keys.take(x, kv_heads);
            x.repeat_interleave_self_int(heads / kv_heads as i64, 1, None)
        };
        let seen = self.seen(plan.shape.causal).to_device(parts.q.device());
        let blind = seen.any_dim(-1, true).logical_not();
        let hidden = seen.logical_or(&blind).logical_not();
        let mut mask = match &parts.bias {
            Some(bias) => {
                bias.narrow(1, 0, self.queries.longest).narrow(2, 0, self.keys.longest).unsqueeze(0)
            }
            None => Tensor::zeros([1, 1, 1, 1], (parts.q.kind(), parts.q.device())),
        };
        mask = mask.masked_fill(&hidden, f64::NEG_INFINITY);
        Gathered {
            q: self.queries.take(&parts.q, plan.shape.heads),
            k: spread(&parts.k),
            v: spread(&parts.v),
            mask,
            blind,
        }
    }

    /// What dropout multiplies the weights by, as `like` is; none where nothing is dropped.
    fn factors(&self, plan: &Plan, like: &Tensor) -> Option<Tensor> {
        let draw = plan.draw()?;
        let [queries, keys] = [&self.queries, &self.keys].map(|padded| padded.longest);
        let heads = plan.shape.heads;
        let planes = self.starts.iter().flat_map(|start| {
            (0..heads).map(move |head| {
                draw.plane(head).factors(*start, [queries as usize, keys as usize])
            })
        });
        let factors: Vec<f32> = planes.flatten().collect();
        let size = [self.starts.len() as i64, heads as i64, queries, keys];
        Some(Tensor::from_slice(&factors).view(size).to_device(like.device()).to_kind(like.kind()))
    }

    /// Which keys each query sees, `[sequences, 1, queries, keys]`.
    fn seen(&self, causal: bool) -> Tensor {
        let real = self.keys.real.unsqueeze(1);
        let seen = if causal {
            let int = (Kind::Int64, tch::Device::Cpu);
            let query = Tensor::arange(self.queries.longest, int).view([1, -1, 1]);
            let key = Tensor::arange(self.keys.longest, int).view([1, 1, -1]);
            let ahead = (&self.counts[1] - &self.counts[0]).unsqueeze(2);
            key.le_tensor(&(query + ahead)).logical_and(&real)
        } else {
            real.expand([-1, self.queries.longest, -1], false)
        };
        seen.unsqueeze(1)
    }

    /// Sums over the query heads that share a key head.
    fn shared(&self, by_head: &Tensor, kv_heads: usize) -> Tensor {
        let size = by_head.size();
        let group = size[1] / kv_heads as i64;
        by_head.view([size[0], kv_heads as i64, group, size[2], size[3]]).sum_dim_intlist(
            [2i64].as_slice(),
            false,
            None,
        )
    }
}

impl Padded {
    fn new(ranges: impl Iterator<Item = std::ops::Range<usize>> + Clone) -> Self {
        let longest = ranges.clone().map(|range| range.len()).max().unwrap_or(0);
        let (mut rows, mut real) = (Vec::new(), Vec::new());
        let mut sequences = 0;
        for range in ranges {
            rows.extend((0..longest).map(|i| range.start as i64 + i.min(range.len() - 1) as i64));
            real.extend((0..longest).map(|i| i < range.len()));
            sequences += 1;
        }
        let (sequences, longest) = (sequences, longest as i64);
        let real = Tensor::from_slice(&real).view([sequences, longest]);
        Self { rows: Tensor::from_slice(&rows), real, sequences, longest }
    }

    /// `[rows, heads · d] → [sequences, heads, longest, d]`, zeros past the end.
    fn take(&self, x: &Tensor, heads: usize) -> Tensor {
        let past = self.real.logical_not().view([self.sequences, 1, self.longest, 1]);
        x.index_select(0, &self.rows.to_device(x.device()))
            .view([self.sequences, self.longest, heads as i64, -1])
            .transpose(1, 2)
            .masked_fill(&past.to_device(x.device()), 0.0)
    }

    /// Adds `[sequences, heads, longest, d]`, what is past the end left out, to the rows of `out`.
    fn add_to(&self, out: &Tensor, x: &Tensor) {
        let real = self.real.view([-1]).nonzero().view([-1]);
        let rows = self.rows.index_select(0, &real).to_device(out.device());
        let x = x.transpose(1, 2).reshape([self.sequences * self.longest, -1]);
        let x = x.index_select(0, &real.to_device(x.device()));
        let _ = out.shallow_clone().index_add_(0, &rows, &x);
    }
}
