//! The losses of classification.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Tensor, TensorData};
use rec_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::LabelledCorpus;
use crate::language::train::Objective;
use crate::language::{Batch, EncoderClassifier, Noise};
use crate::tags::labels::Task;
use crate::{Error, Result};

/// What an error costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassificationLoss {
    /// ε: targets `t` become `(1 − ε) t + ε / labels` with one label a text (Szegedy et al. 2016,
    /// §7), `(1 − ε) t + ε / 2` with several.
    pub label_smoothing: f64,
    /// γ of the focal loss (Lin et al. 2017, eq. 4): each `−ln p` is multiplied by `(1 − p)^γ`, so
    /// that what is sure already counts less.
    pub focal_gamma: f64,
}

impl ClassificationLoss {
    /// # Errors
    /// A value outside its domain, or both at once.
    pub fn check(&self) -> Result<()> {
        let Self { label_smoothing: epsilon, focal_gamma: gamma } = *self;
        if !(0.0..1.0).contains(&epsilon) {
            let why = "a share, from 0 to below 1; usual is 0.1";
            return Err(Error::parameter("label_smoothing", epsilon, why));
        }
        if !(gamma >= 0.0 && gamma.is_finite()) {
            return Err(Error::parameter("focal_gamma", gamma, "0 for none; usual is 2"));
        }
        if epsilon > 0.0 && gamma > 0.0 {
            let why = "the focal loss has no smoothed labels; choose one of the two";
            return Err(Error::parameter("focal_gamma", gamma, why));
        }
        Ok(())
    }
}

/// Predicts the labels of texts. Of `n` texts with scores `s` and label weights `w`, in nats:
///
/// With one label `y` a text, `Σ w_y · −Σ_l q_l ln softmax(s)_l / n`, `q` being the smoothed target:
/// PyTorch's `cross_entropy` on equal weights. With several, the mean over texts and labels of
/// `−w_l q_l ln σ(s_l) − (1 − q_l) ln σ(−s_l)`: its `binary_cross_entropy_with_logits` with
/// `pos_weight`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassificationObjective {
    task: Task,
    class_weights: Vec<f32>,
    loss: ClassificationLoss,
}

/// Texts with their targets.
pub struct ClassificationPass {
    batch: Batch,
    /// `[texts, labels]`: 1 where the text has the label.
    targets: Vec<f32>,
}

impl ClassificationObjective {
    /// # Errors
    /// As [`ClassificationLoss::check`].
    pub fn new(task: Task, class_weights: Vec<f32>, loss: ClassificationLoss) -> Result<Self> {
        loss.check()?;
        Ok(Self { task, class_weights, loss })
    }

    /// The loss of scores, `[texts, labels]`, for targets of the same shape: `[1]`.
    pub fn of_scores(&self, scores: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let [_, labels] = scores.dims();
        let weights: Tensor<2> =
            Tensor::<1>::from_floats(self.class_weights.as_slice(), &scores.device()).unsqueeze();
        let epsilon = self.loss.label_smoothing;
        match self.task {
            Task::Single => {
                let weights = (targets.clone() * weights).sum_dim(1);
                let targets = targets * (1.0 - epsilon) + epsilon / labels as f64;
                let logs = log_softmax(scores, 1);
                let losses = (targets * self.focused(logs)).sum_dim(1).neg();
                (losses * weights).mean()
            }
            Task::Multi => {
                let targets = targets * (1.0 - epsilon) + 0.5 * epsilon;
                let with = targets.clone() * weights * self.focused(log_sigmoid(scores.clone()));
                let without = (targets.neg() + 1.0) * self.focused(log_sigmoid(scores.neg()));
                (with + without).neg().mean()
            }
        }
    }

    /// `(1 − p)^γ ln p` of `ln p`.
    fn focused(&self, logs: Tensor<2>) -> Tensor<2> {
        let gamma = self.loss.focal_gamma;
        if gamma == 0.0 {
            return logs;
        }
        // Away from 0, where the slope of a root has no end.
        let rest = (logs.clone().exp().neg() + 1.0).clamp_min(1e-7);
        rest.powf_scalar(gamma) * logs
    }
}

impl Objective<EncoderClassifier> for ClassificationObjective {
    type Data = LabelledCorpus;
    type Pass = ClassificationPass;

    fn name(&self) -> &'static str {
        "classification"
    }

    fn check(&self, model: &EncoderClassifier) -> Result<()> {
        let [labels, _] = model.classifier.weight.dims();
        match labels == self.class_weights.len() {
            true => Ok(()),
            false => Err(Error::shape("class weights", labels, self.class_weights.len())),
        }
    }

    fn usable(&self, data: &LabelledCorpus, row: usize) -> bool {
        !data.corpus().text(row).ids.is_empty()
    }

    fn prepare(&self, data: &LabelledCorpus, rows: &[usize], _: &mut Rng) -> ClassificationPass {
        let texts: Vec<&[u32]> = rows.iter().map(|&row| data.corpus().text(row).ids).collect();
        let labels = self.class_weights.len();
        let mut targets = vec![0.0; rows.len() * labels];
        for (&row, targets) in rows.iter().zip(targets.chunks_exact_mut(labels)) {
            data.labels().row(row).iter().for_each(|&label| targets[label as usize] = 1.0);
        }
        ClassificationPass { batch: Batch::new(&texts), targets }
    }

    fn predictions(&self, pass: &ClassificationPass) -> usize {
        pass.batch.rows.len()
    }

    fn loss(
        &self,
        model: &EncoderClassifier,
        pass: &ClassificationPass,
        noise: Noise,
    ) -> Tensor<1> {
        let scores = model.logits(&pass.batch.clone().with_noise(noise));
        let shape = scores.dims();
        let targets = TensorData::new(pass.targets.clone(), shape);
        let targets = Tensor::from_data(targets, &scores.device());
        self.of_scores(scores, targets)
    }
}
