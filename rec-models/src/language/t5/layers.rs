//! T5's layers, their fields named as the weights.
#![allow(non_snake_case)]

use burn::module::Module;
use burn::tensor::Tensor;

use super::T5Config;
use super::position;
use crate::Result;
use crate::language::Init;
use crate::language::batch::Batch;
use crate::language::layers::{Embedding, Linear, RmsNorm};
use crate::language::noise::Noise;
use crate::language::weights::Scope;
use crate::ops::{self, Activation, Attention, Dropout, Packed};

#[derive(Module, Debug)]
pub(super) struct Stack {
    block: Vec<Block>,
    final_layer_norm: RmsNorm,
}

#[derive(Module, Debug)]
struct Block {
    layer: (AttentionLayer, FeedForwardLayer),
}

impl Stack {
    pub(super) fn load(scope: &Scope, config: &T5Config) -> Result<Self> {
        let block = |i: usize| -> Result<Block> {
            let layer = scope.at("block").at(i).at("layer");
            let attention = AttentionLayer::load(&layer.at(0), config, i == 0)?;
            Ok(Block { layer: (attention, FeedForwardLayer::load(&layer.at(1), config)?) })
        };
        Ok(Self {
            block: (0..config.num_layers).map(block).collect::<Result<_>>()?,
            final_layer_norm: norm(&scope.at("final_layer_norm"), config)?,
        })
    }

    pub(super) fn init(init: &mut Init, config: &T5Config) -> Result<Self> {
        let mut block = |i: usize| -> Result<Block> {
            let attention = AttentionLayer::init(init, config, i == 0);
            Ok(Block { layer: (attention, FeedForwardLayer::init(init, config)?) })
        };
        Ok(Self {
            block: (0..config.num_layers).map(&mut block).collect::<Result<_>>()?,
            final_layer_norm: RmsNorm::init(init, config.d_model, config.layer_norm_epsilon),
        })
    }

    /// `[tokens, d_model] → [tokens, d_model]`.
    pub(super) fn forward(&self, x: Tensor<2>, batch: &Batch, config: &T5Config) -> Tensor<2> {
        let (rows, noise) = (&batch.rows, batch.noise);
        // The first layer's table of relative positions serves them all.
        let table = self.block.first().and_then(|b| b.layer.0.SelfAttention.table());
        let bias = table.map(|table| position::bias(table, rows.longest(), config));
        let step = |x, (i, block): (usize, &Block)| {
            let (attention, feed_forward) = &block.layer;
            let noise = noise.at(i);
            let x = attention.forward(x, rows, bias.clone(), noise.at(0));
            feed_forward.forward(x, noise.at(1))
        };
        let x = self.block.iter().enumerate().fold(noise.hidden(x), step);
        noise.at(self.block.len()).hidden(self.final_layer_norm.forward(x))
    }
}

#[derive(Module, Debug)]
struct AttentionLayer {
    SelfAttention: SelfAttention,
    layer_norm: RmsNorm,
}

impl AttentionLayer {
    fn load(scope: &Scope, config: &T5Config, first: bool) -> Result<Self> {
        Ok(Self {
            SelfAttention: SelfAttention::load(&scope.at("SelfAttention"), config, first)?,
            layer_norm: norm(&scope.at("layer_norm"), config)?,
        })
    }

    fn init(init: &mut Init, config: &T5Config, first: bool) -> Self {
        Self {
            layer_norm: RmsNorm::init(init, config.d_model, config.layer_norm_epsilon),
            SelfAttention: SelfAttention::init(init, config, first),
        }
    }

    fn forward(
        &self,
        x: Tensor<2>,
        rows: &Packed,
        bias: Option<Tensor<3>>,
        noise: Noise,
    ) -> Tensor<2> {
        let normed = self.layer_norm.forward(x.clone());
        x + noise.at(1).hidden(self.SelfAttention.forward(normed, rows, bias, noise.at(0)))
    }
}

#[derive(Module, Debug)]
struct SelfAttention {
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    /// `[buckets, heads]`; the first layer alone has it.
    relative_attention_bias: Option<Embedding>,
    heads: usize,
}

impl SelfAttention {
    fn load(scope: &Scope, config: &T5Config, first: bool) -> Result<Self> {
        let (d, inner) = (config.d_model, config.inner());
        let table = scope.at("relative_attention_bias");
        let buckets = config.relative_attention_num_buckets;
        let project = |name| Linear::load_no_bias(&scope.at(name), d, inner);
        Ok(Self {
            q: project("q")?,
            k: project("k")?,
            v: project("v")?,
            o: Linear::load_no_bias(&scope.at("o"), inner, d)?,
            relative_attention_bias: first
                .then(|| Embedding::load(&table, buckets, config.num_heads))
                .transpose()?,
            heads: config.num_heads,
        })
    }

    fn init(init: &mut Init, config: &T5Config, first: bool) -> Self {
        let (d, inner, factor) = (config.d_model, config.inner(), config.initializer_factor);
        let mut linear = |d_in: usize, d_out, fan: usize| {
            init.set_std(factor * (fan as f64).powf(-0.5));
            Linear::init_no_bias(init, d_in, d_out)
        };
        let (q, k) = (linear(d, inner, d * config.d_kv), linear(d, inner, d));
        let (v, o) = (linear(d, inner, d), linear(inner, d, inner));
        init.set_std(factor * (d as f64).powf(-0.5));
        let (buckets, heads) = (config.relative_attention_num_buckets, config.num_heads);
        let table = first.then(|| Embedding::init(init, buckets, heads, None));
        Self { q, k, v, o, relative_attention_bias: table, heads }
    }

    fn table(&self) -> Option<&Embedding> {
        self.relative_attention_bias.as_ref()
    }

    fn forward(
        &self,
        x: Tensor<2>,
        rows: &Packed,
        bias: Option<Tensor<3>>,
        noise: Noise,
    ) -> Tensor<2> {
        let project = |layer: &Linear, place: usize| {
            layer.noisy(x.clone(), Activation::Identity, noise.at(place))
        };
        let (q, k, v) = (project(&self.q, 0), project(&self.k, 1), project(&self.v, 2));
        let heads = self.heads;
        let shape = noise.attention(Attention {
            heads,
            kv_heads: heads,
            scale: 1.0,
            causal: false,
            dropout: Dropout::default(),
        });
        let mixed = ops::attention(q, k, v, rows, rows, shape, bias);
        self.o.noisy(mixed, Activation::Identity, noise.at(3))
    }
}

#[derive(Module, Debug)]
struct FeedForwardLayer {
    /// The name the weights have, whatever the activation.
    DenseReluDense: FeedForward,
    layer_norm: RmsNorm,
}

impl FeedForwardLayer {
    fn load(scope: &Scope, config: &T5Config) -> Result<Self> {
        Ok(Self {
            DenseReluDense: FeedForward::load(&scope.at("DenseReluDense"), config)?,
            layer_norm: norm(&scope.at("layer_norm"), config)?,
        })
    }

    fn init(init: &mut Init, config: &T5Config) -> Result<Self> {
        Ok(Self {
            layer_norm: RmsNorm::init(init, config.d_model, config.layer_norm_epsilon),
            DenseReluDense: FeedForward::init(init, config)?,
        })
    }

    fn forward(&self, x: Tensor<2>, noise: Noise) -> Tensor<2> {
        let fed = self.DenseReluDense.forward(self.layer_norm.forward(x.clone()), noise.at(0));
        x + noise.at(1).hidden(fed)
    }
}

#[derive(Module, Debug)]
struct FeedForward {
    /// The one projection, or, where it is gated, `wi_0` and `wi_1`.
    wi: Option<Linear>,
    wi_0: Option<Linear>,
    wi_1: Option<Linear>,
    wo: Linear,
    #[module(skip)]
    act: Activation,
}

impl FeedForward {
    fn load(scope: &Scope, config: &T5Config) -> Result<Self> {
        let (act, gated) = config.feed_forward()?;
        let wi = |name, there: bool| {
            let load = || Linear::load_no_bias(&scope.at(name), config.d_model, config.d_ff);
            there.then(load).transpose()
        };
        Ok(Self {
            wi: wi("wi", !gated)?,
            wi_0: wi("wi_0", gated)?,
            wi_1: wi("wi_1", gated)?,
            wo: Linear::load_no_bias(&scope.at("wo"), config.d_ff, config.d_model)?,
            act,
        })
    }

    fn init(init: &mut Init, config: &T5Config) -> Result<Self> {
        let (act, gated) = config.feed_forward()?;
        let (d, inner, factor) = (config.d_model, config.d_ff, config.initializer_factor);
        init.set_std(factor * (d as f64).powf(-0.5));
        let mut wi = |there: bool| there.then(|| Linear::init_no_bias(init, d, inner));
        let (wi, wi_0, wi_1) = (wi(!gated), wi(gated), wi(gated));
        init.set_std(factor * (inner as f64).powf(-0.5));
        Ok(Self { wi, wi_0, wi_1, wo: Linear::init_no_bias(init, inner, d), act })
    }

    fn forward(&self, x: Tensor<2>, noise: Noise) -> Tensor<2> {
        let first = self.wi.as_ref().or(self.wi_0.as_ref());
        let activated = match first {
            Some(layer) => layer.noisy(x.clone(), self.act, noise.at(0)),
            None => return x,
        };
        let gated = match &self.wi_1 {
            Some(gate) => activated * gate.noisy(x, Activation::Identity, noise.at(1)),
            None => activated,
        };
        self.wo.noisy(noise.hidden(gated), Activation::Identity, noise.at(2))
    }
}

fn norm(scope: &Scope, config: &T5Config) -> Result<RmsNorm> {
    RmsNorm::load(scope, config.d_model, config.layer_norm_epsilon)
}
