//! The layers of BERT and RoBERTa.

use burn::module::Module;
use burn::tensor::Tensor;

use super::BertConfig;
use crate::Result;
use crate::language::init::Init;
use crate::language::layers::{LayerNorm, Linear};
use crate::language::noise::Noise;
use crate::language::recompute;
use crate::language::weights::Scope;
use crate::ops::{self, Activation, Attention as Shape, Dropout, Packed};

/// A stack of layers (Vaswani et al. 2017; Devlin et al. 2019), norms after each sum.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Encoder {
    pub layer: Vec<Layer>,
}

impl Encoder {
    pub(in crate::language) fn load(scope: &Scope, config: &BertConfig) -> Result<Self> {
        let layers = 0..config.num_hidden_layers;
        let load = |i| Layer::load(&scope.at("layer").at(i), config);
        Ok(Self { layer: layers.map(load).collect::<Result<_>>()? })
    }

    pub(in crate::language) fn init(init: &mut Init, config: &BertConfig) -> Self {
        Self { layer: (0..config.num_hidden_layers).map(|_| Layer::init(init, config)).collect() }
    }

    /// `[tokens, hidden] → [tokens, hidden]`.
    pub(in crate::language) fn forward(
        &self,
        x: Tensor<2>,
        rows: &Packed,
        noise: Noise,
    ) -> Tensor<2> {
        let layers = self.layer.iter().enumerate();
        layers.fold(x, |x, (i, layer)| {
            let (rows, noise) = (rows.clone(), noise.at(i));
            recompute::layer(layer, x, move |layer, x| layer.forward(x, &rows, noise))
        })
    }
}

/// Attention, then two linear layers.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Layer {
    pub attention: Attention,
    pub intermediate: Intermediate,
    pub output: Output,
}

impl Layer {
    fn load(scope: &Scope, config: &BertConfig) -> Result<Self> {
        let widths = (config.intermediate_size, config.hidden_size);
        Ok(Self {
            attention: Attention::load(&scope.at("attention"), config)?,
            intermediate: Intermediate::load(&scope.at("intermediate"), config)?,
            output: Output::load(&scope.at("output"), widths, config.layer_norm_eps)?,
        })
    }

    fn init(init: &mut Init, config: &BertConfig) -> Self {
        let widths = (config.intermediate_size, config.hidden_size);
        Self {
            attention: Attention::init(init, config),
            intermediate: Intermediate::init(init, config),
            output: Output::init(init, widths, config.layer_norm_eps),
        }
    }

    fn forward(&self, x: Tensor<2>, rows: &Packed, noise: Noise) -> Tensor<2> {
        let x = self.attention.forward(x, rows, noise.at(0));
        let wide = self.intermediate.forward(x.clone(), noise.at(2));
        self.output.forward(wide, x, noise.at(1))
    }
}

/// Self-attention and its output.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Attention {
    pub self_: SelfAttention,
    pub output: Output,
}

impl Attention {
    fn load(scope: &Scope, config: &BertConfig) -> Result<Self> {
        let d = config.hidden_size;
        Ok(Self {
            self_: SelfAttention::load(&scope.at("self"), config)?,
            output: Output::load(&scope.at("output"), (d, d), config.layer_norm_eps)?,
        })
    }

    fn init(init: &mut Init, config: &BertConfig) -> Self {
        let d = config.hidden_size;
        Self {
            self_: SelfAttention::init(init, config),
            output: Output::init(init, (d, d), config.layer_norm_eps),
        }
    }

    fn forward(&self, x: Tensor<2>, rows: &Packed, noise: Noise) -> Tensor<2> {
        self.output.forward(self.self_.forward(x.clone(), rows, noise.at(0)), x, noise.at(1))
    }
}

/// Multi-head self-attention, before its output projection.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct SelfAttention {
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    #[module(skip)]
    shape: Shape,
}

impl SelfAttention {
    fn load(scope: &Scope, config: &BertConfig) -> Result<Self> {
        let d = config.hidden_size;
        Ok(Self {
            query: Linear::load(&scope.at("query"), d, d)?,
            key: Linear::load(&scope.at("key"), d, d)?,
            value: Linear::load(&scope.at("value"), d, d)?,
            shape: bidirectional(config.num_attention_heads, config.head_dim()),
        })
    }

    fn init(init: &mut Init, config: &BertConfig) -> Self {
        let d = config.hidden_size;
        Self {
            query: Linear::init(init, d, d),
            key: Linear::init(init, d, d),
            value: Linear::init(init, d, d),
            shape: bidirectional(config.num_attention_heads, config.head_dim()),
        }
    }

    fn forward(&self, x: Tensor<2>, rows: &Packed, noise: Noise) -> Tensor<2> {
        let shape = noise.attention(self.shape);
        attend([&self.query, &self.key, &self.value], x, rows, shape, noise)
    }
}

/// Attention that looks both ways.
pub(in crate::language) fn bidirectional(heads: usize, head_dim: usize) -> Shape {
    Shape {
        heads,
        kv_heads: heads,
        scale: (head_dim as f64).powf(-0.5),
        causal: false,
        dropout: Dropout::default(),
    }
}

/// Self-attention of `x` by its query, key and value layers; `noise` is that of their adapters.
pub(in crate::language) fn attend(
    [query, key, value]: [&Linear; 3],
    x: Tensor<2>,
    rows: &Packed,
    shape: Shape,
    noise: Noise,
) -> Tensor<2> {
    let project = |layer: &Linear, place: usize| {
        layer.noisy(x.clone(), Activation::Identity, noise.at(place))
    };
    let (q, k, v) = (project(query, 0), project(key, 1), project(value, 2));
    ops::attention(q, k, v, rows, rows, shape, None)
}

/// The first of the two linear layers.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Intermediate {
    pub dense: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Intermediate {
    fn load(scope: &Scope, config: &BertConfig) -> Result<Self> {
        let dense = Linear::load(&scope.at("dense"), config.hidden_size, config.intermediate_size)?;
        Ok(Self { dense, activation: config.hidden_act.into() })
    }

    fn init(init: &mut Init, config: &BertConfig) -> Self {
        let dense = Linear::init(init, config.hidden_size, config.intermediate_size);
        Self { dense, activation: config.hidden_act.into() }
    }

    fn forward(&self, x: Tensor<2>, noise: Noise) -> Tensor<2> {
        self.dense.noisy(x, self.activation, noise)
    }
}

/// A linear layer, and the norm of its output with what went around it.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Output {
    pub dense: Linear,
    pub LayerNorm: LayerNorm,
}

impl Output {
    fn load(scope: &Scope, (d_in, d_out): (usize, usize), epsilon: f64) -> Result<Self> {
        Ok(Self {
            dense: Linear::load(&scope.at("dense"), d_in, d_out)?,
            LayerNorm: LayerNorm::load(&scope.at("LayerNorm"), d_out, epsilon)?,
        })
    }

    fn init(init: &mut Init, (d_in, d_out): (usize, usize), epsilon: f64) -> Self {
        Self {
            dense: Linear::init(init, d_in, d_out),
            LayerNorm: LayerNorm::init(init, d_out, epsilon),
        }
    }

    fn forward(&self, x: Tensor<2>, around: Tensor<2>, noise: Noise) -> Tensor<2> {
        let y = self.dense.noisy(x, Activation::Identity, noise.at(0));
        self.LayerNorm.of_sum(noise.hidden(y), around)
    }
}
