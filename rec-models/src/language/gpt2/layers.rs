//! GPT-2's layers, their fields named as the weights.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};

use super::Gpt2Config;
use crate::Result;
use crate::language::Init;
use crate::language::Noise;
use crate::language::batch::id_tensor;
use crate::language::causal::Pass;
use crate::language::layers::{Embedding, LayerNorm, Linear};
use crate::language::recompute;
use crate::language::weights::Scope;
use crate::ops::{Activation, Attention, Dropout};

#[derive(Module, Debug)]
pub(super) struct Transformer {
    /// Token vectors, `[vocab_size, n_embd]`.
    pub(super) wte: Embedding,
    /// Position vectors, `[n_positions, n_embd]`.
    wpe: Embedding,
    h: Vec<Block>,
    ln_f: LayerNorm,
}

impl Transformer {
    pub(super) fn load(scope: &Scope, config: &Gpt2Config) -> Result<Self> {
        let block = |i| Block::load(&scope.at("h").at(i), config);
        Ok(Self {
            wte: Embedding::load(&scope.at("wte"), config.vocab_size, config.n_embd)?,
            wpe: Embedding::load(&scope.at("wpe"), config.n_positions, config.n_embd)?,
            h: (0..config.n_layer).map(block).collect::<Result<_>>()?,
            ln_f: LayerNorm::load(&scope.at("ln_f"), config.n_embd, config.layer_norm_epsilon)?,
        })
    }

    pub(super) fn init(init: &mut Init, config: &Gpt2Config) -> Self {
        Self {
            wte: Embedding::init(init, config.vocab_size, config.n_embd, None),
            wpe: Embedding::init(init, config.n_positions, config.n_embd, None),
            h: (0..config.n_layer).map(|_| Block::init(init, config)).collect(),
            ln_f: LayerNorm::init(init, config.n_embd, config.layer_norm_epsilon),
        }
    }

    /// `[new tokens] → [new tokens, n_embd]`.
    pub(super) fn forward(&self, ids: &[u32], mut pass: Pass<'_>) -> Tensor<2> {
        let device = self.wte.weight.device();
        let tokens = self.wte.forward(id_tensor(ids, &device));
        let positions = self.wpe.forward(id_tensor(pass.positions(), &device));
        let noise = pass.noise();
        let embedded = noise.hidden(tokens + positions);
        let blocks = self.h.iter().enumerate();
        let step = |x, (i, block): (usize, &Block)| match pass.by_itself() {
            Some(again) => recompute::layer(block, x, move |block, x| {
                block.forward(x, i, &mut again.clone().into_pass())
            }),
            None => block.forward(x, i, &mut pass),
        };
        self.ln_f.forward(blocks.fold(embedded, step))
    }
}

#[derive(Module, Debug)]
struct Block {
    ln_1: LayerNorm,
    attn: SelfAttention,
    ln_2: LayerNorm,
    mlp: Mlp,
}

impl Block {
    fn load(scope: &Scope, config: &Gpt2Config) -> Result<Self> {
        let norm =
            |name| LayerNorm::load(&scope.at(name), config.n_embd, config.layer_norm_epsilon);
        Ok(Self {
            ln_1: norm("ln_1")?,
            attn: SelfAttention::load(&scope.at("attn"), config)?,
            ln_2: norm("ln_2")?,
            mlp: Mlp::load(&scope.at("mlp"), config)?,
        })
    }

    fn init(init: &mut Init, config: &Gpt2Config) -> Self {
        let norm = |init: &Init| LayerNorm::init(init, config.n_embd, config.layer_norm_epsilon);
        Self {
            ln_1: norm(init),
            ln_2: norm(init),
            attn: SelfAttention::init(init, config),
            mlp: Mlp::init(init, config),
        }
    }

    fn forward(&self, x: Tensor<2>, layer: usize, pass: &mut Pass<'_>) -> Tensor<2> {
        let noise = pass.noise().at(layer);
        let mixed = self.attn.forward(self.ln_1.forward(x.clone()), layer, pass);
        let x = x + noise.at(0).hidden(mixed);
        let fed = self.mlp.forward(self.ln_2.forward(x.clone()), noise.at(4));
        x + noise.at(1).hidden(fed)
    }
}

#[derive(Module, Debug)]
struct SelfAttention {
    /// Queries, keys and values side by side.
    c_attn: Linear,
    c_proj: Linear,
    heads: usize,
    scale: f64,
    by_layer: bool,
}

impl SelfAttention {
    fn load(scope: &Scope, config: &Gpt2Config) -> Result<Self> {
        let d = config.n_embd;
        let c_attn = conv1d(&scope.at("c_attn"), d, 3 * d)?;
        Ok(Self::new(c_attn, conv1d(&scope.at("c_proj"), d, d)?, config))
    }

    fn init(init: &mut Init, config: &Gpt2Config) -> Self {
        let d = config.n_embd;
        let c_attn = as_conv1d(Linear::init(init, d, 3 * d));
        Self::new(c_attn, residual_projection(init, d, config), config)
    }

    fn new(c_attn: Linear, c_proj: Linear, config: &Gpt2Config) -> Self {
        Self {
            c_attn,
            c_proj,
            heads: config.n_head,
            scale: match config.scale_attn_weights {
                true => (config.head_dim() as f64).powf(-0.5),
                false => 1.0,
            },
            by_layer: config.scale_attn_by_inverse_layer_idx,
        }
    }

    fn forward(&self, x: Tensor<2>, layer: usize, pass: &mut Pass<'_>) -> Tensor<2> {
        let d = x.dims()[1];
        let noise = pass.noise().at(layer);
        let qkv = self.c_attn.noisy(x, Activation::Identity, noise.at(2));
        let part = |i| qkv.clone().narrow(1, i * d, d);
        let depth = if self.by_layer { (layer + 1) as f64 } else { 1.0 };
        let shape = Attention {
            heads: self.heads,
            kv_heads: self.heads,
            scale: self.scale / depth,
            causal: true,
            dropout: Dropout::default(),
        };
        let mixed = pass.attend(layer, [part(0), part(1), part(2)], shape);
        self.c_proj.noisy(mixed, Activation::Identity, noise.at(3))
    }
}

#[derive(Module, Debug)]
struct Mlp {
    c_fc: Linear,
    c_proj: Linear,
    #[module(skip)]
    act: Activation,
}

impl Mlp {
    fn load(scope: &Scope, config: &Gpt2Config) -> Result<Self> {
        Ok(Self {
            c_fc: conv1d(&scope.at("c_fc"), config.n_embd, config.inner())?,
            c_proj: conv1d(&scope.at("c_proj"), config.inner(), config.n_embd)?,
            act: config.activation_function.into(),
        })
    }

    fn init(init: &mut Init, config: &Gpt2Config) -> Self {
        Self {
            c_fc: as_conv1d(Linear::init(init, config.n_embd, config.inner())),
            c_proj: residual_projection(init, config.inner(), config),
            act: config.activation_function.into(),
        }
    }

    fn forward(&self, x: Tensor<2>, noise: Noise) -> Tensor<2> {
        let wide = self.c_fc.noisy(x, self.act, noise.at(0));
        self.c_proj.noisy(wide, Activation::Identity, noise.at(1))
    }
}

/// A new projection back to the residual stream, where `2 n_layer` of them add up.
fn residual_projection(init: &mut Init, d_in: usize, config: &Gpt2Config) -> Linear {
    init.set_std(config.initializer_range / (2.0 * config.n_layer as f64).sqrt());
    let projection = as_conv1d(Linear::init(init, d_in, config.n_embd));
    init.set_std(config.initializer_range);
    projection
}

/// A linear layer that checkpoints hold as `[d_in, d_out]`.
fn conv1d(scope: &Scope, d_in: usize, d_out: usize) -> Result<Linear> {
    let weight = transposed(scope.tensor("weight", [d_in, d_out])?);
    let bias = scope.tensor("bias", [d_out])?;
    let bias = Some(Param::from_tensor(bias));
    let layer = Linear { weight: Param::from_tensor(weight), bias, lora: None };
    Ok(as_conv1d(scope.adapted(layer)?))
}

/// Has the layer's weight turned when it is saved and loaded.
fn as_conv1d(layer: Linear) -> Linear {
    let weight = layer.weight.save_mapper(transposed).load_mapper(transposed);
    Linear { weight, ..layer }
}

/// The transpose, its elements in the order of its rows.
fn transposed(weight: Tensor<2>) -> Tensor<2> {
    let (device, dtype) = (weight.device(), weight.dtype());
    let data: TensorData = weight.transpose().into_data();
    Tensor::from_data(data, (&device, dtype))
}
