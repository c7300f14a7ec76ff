//! The layers of ALBERT, whose weights groups of layers share.

use burn::module::Module;
use burn::tensor::Tensor;

use super::AlbertConfig;
use crate::Result;
use crate::language::batch::Batch;
use crate::language::bert::{attend, bidirectional};
use crate::language::init::Init;
use crate::language::layers::{LayerNorm, Linear};
use crate::language::noise::Noise;
use crate::language::recompute;
use crate::language::weights::Scope;
use crate::ops::{Activation, Attention as Shape, Packed};

/// A projection from the embeddings' width to the layers', and the groups.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Transformer {
    pub embedding_hidden_mapping_in: Linear,
    pub albert_layer_groups: Vec<LayerGroup>,
}

impl Transformer {
    pub(super) fn load(scope: &Scope, config: &AlbertConfig) -> Result<Self> {
        let mapping = scope.at("embedding_hidden_mapping_in");
        let group = |i| LayerGroup::load(&scope.at("albert_layer_groups").at(i), config);
        Ok(Self {
            embedding_hidden_mapping_in: Linear::load(
                &mapping,
                config.embedding_size,
                config.hidden_size,
            )?,
            albert_layer_groups: (0..config.num_hidden_groups).map(group).collect::<Result<_>>()?,
        })
    }

    pub(super) fn init(init: &mut Init, config: &AlbertConfig) -> Self {
        let mapping = Linear::init(init, config.embedding_size, config.hidden_size);
        let groups = 0..config.num_hidden_groups;
        Self {
            embedding_hidden_mapping_in: mapping,
            albert_layer_groups: groups.map(|_| LayerGroup::init(init, config)).collect(),
        }
    }

    /// `[tokens, embedding_size] → [tokens, hidden_size]`.
    pub(super) fn forward(&self, x: Tensor<2>, batch: &Batch, config: &AlbertConfig) -> Tensor<2> {
        let noise = batch.noise.at(config.num_hidden_layers);
        let x = self.embedding_hidden_mapping_in.noisy(x, Activation::Identity, noise);
        (0..config.num_hidden_layers)
            .flat_map(|i| &self.albert_layer_groups[config.group(i)].albert_layers)
            .enumerate()
            .fold(x, |x, (i, layer)| {
                let (rows, noise) = (batch.rows.clone(), batch.noise.at(i));
                recompute::layer(layer, x, move |layer, x| layer.forward(x, &rows, noise))
            })
    }
}

/// Layers that run one after another, as one.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct LayerGroup {
    pub albert_layers: Vec<Layer>,
}

impl LayerGroup {
    fn load(scope: &Scope, config: &AlbertConfig) -> Result<Self> {
        let load = |i| Layer::load(&scope.at("albert_layers").at(i), config);
        Ok(Self { albert_layers: (0..config.inner_group_num).map(load).collect::<Result<_>>()? })
    }

    fn init(init: &mut Init, config: &AlbertConfig) -> Self {
        let layers = 0..config.inner_group_num;
        Self { albert_layers: layers.map(|_| Layer::init(init, config)).collect() }
    }
}

/// Attention, then two linear layers, a norm after each sum.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Layer {
    pub full_layer_layer_norm: LayerNorm,
    pub attention: Attention,
    pub ffn: Linear,
    pub ffn_output: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Layer {
    fn load(scope: &Scope, config: &AlbertConfig) -> Result<Self> {
        let (d, wide) = (config.hidden_size, config.intermediate_size);
        let norm = scope.at("full_layer_layer_norm");
        Ok(Self {
            full_layer_layer_norm: LayerNorm::load(&norm, d, config.layer_norm_eps)?,
            attention: Attention::load(&scope.at("attention"), config)?,
            ffn: Linear::load(&scope.at("ffn"), d, wide)?,
            ffn_output: Linear::load(&scope.at("ffn_output"), wide, d)?,
            activation: config.hidden_act.into(),
        })
    }

    fn init(init: &mut Init, config: &AlbertConfig) -> Self {
        let (d, wide) = (config.hidden_size, config.intermediate_size);
        Self {
            full_layer_layer_norm: LayerNorm::init(init, d, config.layer_norm_eps),
            attention: Attention::init(init, config),
            ffn: Linear::init(init, d, wide),
            ffn_output: Linear::init(init, wide, d),
            activation: config.hidden_act.into(),
        }
    }

    fn forward(&self, x: Tensor<2>, rows: &Packed, noise: Noise) -> Tensor<2> {
        let x = self.attention.forward(x, rows, noise.at(0));
        let wide = self.ffn.noisy(x.clone(), self.activation, noise.at(2));
        let y = self.ffn_output.noisy(wide, Activation::Identity, noise.at(3));
        let y = noise.at(1).hidden(y);
        self.full_layer_layer_norm.of_sum(y, x)
    }
}

/// Multi-head self-attention with its output projection and norm.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Attention {
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub dense: Linear,
    pub LayerNorm: LayerNorm,
    #[module(skip)]
    shape: Shape,
}

impl Attention {
    fn load(scope: &Scope, config: &AlbertConfig) -> Result<Self> {
        let d = config.hidden_size;
        let linear = |name: &str| Linear::load(&scope.at(name), d, d);
        Ok(Self {
            query: linear("query")?,
            key: linear("key")?,
            value: linear("value")?,
            dense: linear("dense")?,
            LayerNorm: LayerNorm::load(&scope.at("LayerNorm"), d, config.layer_norm_eps)?,
            shape: shape(config),
        })
    }

    fn init(init: &mut Init, config: &AlbertConfig) -> Self {
        let d = config.hidden_size;
        Self {
            query: Linear::init(init, d, d),
            key: Linear::init(init, d, d),
            value: Linear::init(init, d, d),
            dense: Linear::init(init, d, d),
            LayerNorm: LayerNorm::init(init, d, config.layer_norm_eps),
            shape: shape(config),
        }
    }

    fn forward(&self, x: Tensor<2>, rows: &Packed, noise: Noise) -> Tensor<2> {
        let layers = [&self.query, &self.key, &self.value];
        let shape = noise.at(0).attention(self.shape);
        let mixed = attend(layers, x.clone(), rows, shape, noise.at(2));
        let y = self.dense.noisy(mixed, Activation::Identity, noise.at(3));
        self.LayerNorm.of_sum(noise.at(1).hidden(y), x)
    }
}

fn shape(config: &AlbertConfig) -> Shape {
    bidirectional(config.num_attention_heads, config.hidden_size / config.num_attention_heads)
}
