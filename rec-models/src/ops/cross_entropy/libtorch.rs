//! Cross-entropy by LibTorch: its matrix products on a chunk of rows, and between them the losses
//! and gradients in place, in single precision.

use burn::backend::LibTorch;
use burn::backend::tensor::{FloatTensor, IntTensor};
use tch::{Device, Kind, Tensor};

use super::flex::chunk_rows;
use super::rows::Rows;
use super::{CrossEntropy, CrossEntropyKernels, Scored};
use crate::ops::libtorch::{floats, floats_mut, wrap};
use crate::ops::simd::Level;

impl CrossEntropyKernels for LibTorch {
    fn losses(
        scored: &Scored<Self>,
        targets: &IntTensor<Self>,
        options: CrossEntropy,
        scales: Option<&FloatTensor<Self>>,
    ) -> (FloatTensor<Self>, Option<Scored<Self>>) {
        let _no_grad = tch::no_grad_guard();
        let (hidden, weight) = (&scored.hidden.tensor, &scored.weight.tensor);
        let kind = hidden.kind();
        let exact = if kind == Kind::Double { kind } else { Kind::Float };
        let (rows, classes) = (hidden.size()[0], weight.size()[0]);
        let options_of = (exact, hidden.device());
        let losses = Tensor::empty([rows], options_of);
        let mut gradients = scales.map(|_| Sums {
            hidden: hidden.empty_like().contiguous(),
            weight: Tensor::zeros(weight.size(), options_of),
            bias: scored.bias.as_ref().map(|bias| Tensor::zeros(bias.tensor.size(), options_of)),
        });
        let chunk = chunk_rows(rows as usize, classes as usize).max(1) as i64;
        for from in (0..rows).step_by(chunk as usize) {
            let count = chunk.min(rows - from);
            let hidden = hidden.narrow(0, from, count);
            let bias = scored.bias.as_ref().map(|bias| &bias.tensor);
            let mut part = Part {
                scores: hidden.linear(weight, bias).to_kind(exact).contiguous(),
                targets: targets.tensor.narrow(0, from, count).contiguous(),
                scales: scales.map(|s| s.tensor.narrow(0, from, count).to_kind(exact).contiguous()),
                losses: losses.narrow(0, from, count),
            };
            part.judge(options);
            if let Some(sums) = &mut gradients {
                sums.add(from, &hidden, weight, &part.scores, kind);
            }
        }
        let gradients = gradients.map(|sums| Scored {
            hidden: wrap(sums.hidden),
            weight: wrap(sums.weight.to_kind(kind)),
            bias: sums.bias.map(|bias| wrap(bias.to_kind(kind))),
        });
        (wrap(losses.to_kind(kind)), gradients)
    }

    fn total(losses: FloatTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self> {
        let _no_grad = tch::no_grad_guard();
        wrap((&losses.tensor * &scales.tensor).sum(losses.tensor.kind()).view([1]))
    }

    fn scaled(gradients: Scored<Self>, by: FloatTensor<Self>) -> Scored<Self> {
        let _no_grad = tch::no_grad_guard();
        let by = by.tensor.view([-1]);
        let scale = |x: FloatTensor<Self>| wrap(&x.tensor * &by);
        Scored {
            hidden: scale(gradients.hidden),
            weight: scale(gradients.weight),
            bias: gradients.bias.map(scale),
        }
    }
}

/// Gradients so far; those of the weight and bias in single precision whatever the inputs are.
struct Sums {
    hidden: Tensor,
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Sums {
    fn add(&mut self, from: i64, hidden: &Tensor, weight: &Tensor, slopes: &Tensor, kind: Kind) {
        let exact = slopes.kind();
        let narrow = slopes.to_kind(kind);
        let count = hidden.size()[0];
        self.hidden.narrow(0, from, count).copy_(&narrow.matmul(weight));
        if exact == kind {
            let _ = self.weight.addmm_(&narrow.tr(), hidden);
        } else {
            let _ = self.weight.g_add_(&narrow.tr().matmul(hidden).to_kind(exact));
        }
        if let Some(bias) = &mut self.bias {
            let _ = bias.g_add_(&slopes.sum_dim_intlist([0i64].as_slice(), false, None));
        }
    }
}

/// A chunk of rows.
struct Part {
    /// Scores, then their gradients.
    scores: Tensor,
    targets: Tensor,
    scales: Option<Tensor>,
    losses: Tensor,
}

impl Part {
    fn judge(&mut self, options: CrossEntropy) {
        if self.scores.device() == Device::Cpu && self.scores.kind() == Kind::Float {
            self.judge_in_memory(options);
        } else {
            self.judge_by_torch(options);
        }
    }

    fn judge_in_memory(&mut self, options: CrossEntropy) {
        let targets: Vec<i64> = match Vec::try_from(&self.targets) {
            Ok(targets) => targets,
            Err(_) => return self.judge_by_torch(options),
        };
        Rows {
            classes: self.scores.size()[1] as usize,
            scores: floats_mut(&mut self.scores),
            targets: &targets,
            smoothing: options.label_smoothing as f32,
            scales: self.scales.as_ref().map(floats),
            losses: floats_mut(&mut self.losses),
        }
        .run(Level::best());
    }

    fn judge_by_torch(&mut self, options: CrossEntropy) {
        let smoothing = options.label_smoothing;
        let classes = self.scores.size()[1] as f64;
        let ignored = self.targets.lt(0);
        let targets = self.targets.clamp_min(0).unsqueeze(1);
        let logs = self.scores.log_softmax(-1, None);
        let hit = logs.gather(1, &targets, false).squeeze_dim(1);
        let mean = logs.mean_dim([-1i64].as_slice(), false, None);
        let losses: Tensor = hit * (smoothing - 1.0) - mean * smoothing;
        self.losses.copy_(&losses.masked_fill(&ignored, 0.0));
        let Some(scales) = &self.scales else { return };
        let scales = scales.masked_fill(&ignored, 0.0).unsqueeze(1);
        let target = Tensor::full_like(&targets.to_kind(logs.kind()), smoothing - 1.0);
        let slopes = logs.exp().g_add_scalar(-smoothing / classes);
        self.scores = slopes.scatter_add(1, &targets, &target) * scales;
    }
}
