//! The layers of DistilBERT.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{DistilBertConfig, EPSILON};
use crate::Result;
use crate::language::bert::{attend, bidirectional};
use crate::language::init::Init;
use crate::language::layers::{LayerNorm, Linear};
use crate::language::noise::Noise;
use crate::language::recompute;
use crate::language::weights::Scope;
use crate::ops::{Activation, Attention as Shape, Packed};

/// The stack of layers.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Transformer {
    pub layer: Vec<Block>,
}

impl Transformer {
    pub(super) fn load(scope: &Scope, config: &DistilBertConfig) -> Result<Self> {
        let load = |i| Block::load(&scope.at("layer").at(i), config);
        Ok(Self { layer: (0..config.n_layers).map(load).collect::<Result<_>>()? })
    }

    pub(super) fn init(init: &mut Init, config: &DistilBertConfig) -> Self {
        Self { layer: (0..config.n_layers).map(|_| Block::init(init, config)).collect() }
    }

    /// `[tokens, dim] → [tokens, dim]`.
    pub(super) fn forward(&self, x: Tensor<2>, rows: &Packed, noise: Noise) -> Tensor<2> {
        let layers = self.layer.iter().enumerate();
        layers.fold(x, |x, (i, block)| {
            let (rows, noise) = (rows.clone(), noise.at(i));
            recompute::layer(block, x, move |layer, x| layer.forward(x, &rows, noise))
        })
    }
}

/// Attention, then two linear layers, a norm after each sum.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Block {
    pub attention: Attention,
    pub sa_layer_norm: LayerNorm,
    pub ffn: Ffn,
    pub output_layer_norm: LayerNorm,
}

impl Block {
    fn load(scope: &Scope, config: &DistilBertConfig) -> Result<Self> {
        let d = config.dim;
        Ok(Self {
            attention: Attention::load(&scope.at("attention"), config)?,
            sa_layer_norm: LayerNorm::load(&scope.at("sa_layer_norm"), d, EPSILON)?,
            ffn: Ffn::load(&scope.at("ffn"), config)?,
            output_layer_norm: LayerNorm::load(&scope.at("output_layer_norm"), d, EPSILON)?,
        })
    }

    fn init(init: &mut Init, config: &DistilBertConfig) -> Self {
        Self {
            attention: Attention::init(init, config),
            sa_layer_norm: LayerNorm::init(init, config.dim, EPSILON),
            ffn: Ffn::init(init, config),
            output_layer_norm: LayerNorm::init(init, config.dim, EPSILON),
        }
    }

    /// As published, attention's output is not dropped.
    fn forward(&self, x: Tensor<2>, rows: &Packed, noise: Noise) -> Tensor<2> {
        let mixed = self.attention.forward(x.clone(), rows, noise.at(0));
        let x = self.sa_layer_norm.of_sum(mixed, x);
        let fed = noise.at(1).hidden(self.ffn.forward(x.clone(), noise.at(2)));
        self.output_layer_norm.of_sum(fed, x)
    }
}

/// Multi-head self-attention with its output projection.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Attention {
    pub q_lin: Linear,
    pub k_lin: Linear,
    pub v_lin: Linear,
    pub out_lin: Linear,
    #[module(skip)]
    shape: Shape,
}

impl Attention {
    fn load(scope: &Scope, config: &DistilBertConfig) -> Result<Self> {
        let linear = |name: &str| Linear::load(&scope.at(name), config.dim, config.dim);
        Ok(Self {
            q_lin: linear("q_lin")?,
            k_lin: linear("k_lin")?,
            v_lin: linear("v_lin")?,
            out_lin: linear("out_lin")?,
            shape: bidirectional(config.n_heads, config.dim / config.n_heads),
        })
    }

    fn init(init: &mut Init, config: &DistilBertConfig) -> Self {
        let mut linear = || Linear::init(init, config.dim, config.dim);
        Self {
            q_lin: linear(),
            k_lin: linear(),
            v_lin: linear(),
            out_lin: linear(),
            shape: bidirectional(config.n_heads, config.dim / config.n_heads),
        }
    }

    fn forward(&self, x: Tensor<2>, rows: &Packed, noise: Noise) -> Tensor<2> {
        let layers = [&self.q_lin, &self.k_lin, &self.v_lin];
        let mixed = attend(layers, x, rows, noise.attention(self.shape), noise);
        self.out_lin.noisy(mixed, Activation::Identity, noise.at(3))
    }
}

/// The two linear layers.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Ffn {
    pub lin1: Linear,
    pub lin2: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Ffn {
    fn load(scope: &Scope, config: &DistilBertConfig) -> Result<Self> {
        Ok(Self {
            lin1: Linear::load(&scope.at("lin1"), config.dim, config.hidden_dim)?,
            lin2: Linear::load(&scope.at("lin2"), config.hidden_dim, config.dim)?,
            activation: config.activation.into(),
        })
    }

    fn init(init: &mut Init, config: &DistilBertConfig) -> Self {
        Self {
            lin1: Linear::init(init, config.dim, config.hidden_dim),
            lin2: Linear::init(init, config.hidden_dim, config.dim),
            activation: config.activation.into(),
        }
    }

    fn forward(&self, x: Tensor<2>, noise: Noise) -> Tensor<2> {
        let wide = self.lin1.noisy(x, self.activation, noise.at(0));
        self.lin2.noisy(wide, Activation::Identity, noise.at(1))
    }
}
