//! The layers of Llama and Qwen, their fields named as the weights.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{DecoderConfig, Family};
use crate::Result;
use crate::language::Init;
use crate::language::Noise;
use crate::language::batch::id_tensor;
use crate::language::causal::Pass;
use crate::language::layers::{Embedding, Linear, RmsNorm};
use crate::language::recompute;
use crate::language::rope::{Angles, Rope};
use crate::language::weights::Scope;
use crate::ops::{Activation, Attention, Dropout};

#[derive(Module, Debug)]
pub(super) struct Model {
    /// `[vocab_size, hidden_size]`.
    pub(super) embed_tokens: Embedding,
    layers: Vec<Layer>,
    norm: RmsNorm,
    head_dim: usize,
    #[module(skip)]
    rope: Rope,
}

impl Model {
    pub(super) fn load(scope: &Scope, config: &DecoderConfig) -> Result<Self> {
        let (rows, d) = (config.vocab_size, config.hidden_size);
        let layer = |i| Layer::load(&scope.at("layers").at(i), config);
        Ok(Self {
            embed_tokens: Embedding::load(&scope.at("embed_tokens"), rows, d)?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
            norm: RmsNorm::load(&scope.at("norm"), d, config.rms_norm_eps)?,
            head_dim: config.head_dim(),
            rope: config.rope()?,
        })
    }

    pub(super) fn init(init: &mut Init, config: &DecoderConfig) -> Result<Self> {
        Ok(Self {
            embed_tokens: Embedding::init(init, config.vocab_size, config.hidden_size, None),
            layers: (0..config.num_hidden_layers).map(|_| Layer::init(init, config)).collect(),
            norm: RmsNorm::init(init, config.hidden_size, config.rms_norm_eps),
            head_dim: config.head_dim(),
            rope: config.rope()?,
        })
    }

    /// `[new tokens] → [new tokens, hidden_size]`.
    pub(super) fn forward(&self, ids: &[u32], mut pass: Pass<'_>) -> Tensor<2> {
        let table = self.embed_tokens.weight.val();
        let device = table.device();
        let angles = self.rope.angles(pass.positions(), self.head_dim, &device, table.dtype());
        let embedded = self.embed_tokens.forward(id_tensor(ids, &device));
        let layers = self.layers.iter().enumerate();
        let step = |x, (i, layer): (usize, &Layer)| match pass.by_itself() {
            Some(again) => {
                let angles = angles.clone();
                recompute::layer(layer, x, move |layer, x| {
                    layer.forward(x, i, &angles, &mut again.clone().into_pass())
                })
            }
            None => layer.forward(x, i, &angles, &mut pass),
        };
        self.norm.forward(layers.fold(embedded, step))
    }
}

#[derive(Module, Debug)]
struct Layer {
    input_layernorm: RmsNorm,
    self_attn: SelfAttention,
    post_attention_layernorm: RmsNorm,
    mlp: Mlp,
}

impl Layer {
    fn load(scope: &Scope, config: &DecoderConfig) -> Result<Self> {
        let norm = |name| RmsNorm::load(&scope.at(name), config.hidden_size, config.rms_norm_eps);
        Ok(Self {
            input_layernorm: norm("input_layernorm")?,
            self_attn: SelfAttention::load(&scope.at("self_attn"), config)?,
            post_attention_layernorm: norm("post_attention_layernorm")?,
            mlp: Mlp::load(&scope.at("mlp"), config)?,
        })
    }

    fn init(init: &mut Init, config: &DecoderConfig) -> Self {
        let norm = |init: &Init| RmsNorm::init(init, config.hidden_size, config.rms_norm_eps);
        Self {
            input_layernorm: norm(init),
            post_attention_layernorm: norm(init),
            self_attn: SelfAttention::init(init, config),
            mlp: Mlp::init(init, config),
        }
    }

    fn forward(
        &self,
        x: Tensor<2>,
        layer: usize,
        angles: &Angles,
        pass: &mut Pass<'_>,
    ) -> Tensor<2> {
        let normed = self.input_layernorm.forward(x.clone());
        let x = x + self.self_attn.forward(normed, layer, angles, pass);
        let noise = pass.noise().at(layer).at(4);
        let fed = self.mlp.forward(self.post_attention_layernorm.forward(x.clone()), noise);
        x + fed
    }
}

#[derive(Module, Debug)]
struct SelfAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    /// `[head_dim]`; Qwen3 alone has it.
    q_norm: Option<RmsNorm>,
    /// As `q_norm`.
    k_norm: Option<RmsNorm>,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

impl SelfAttention {
    fn load(scope: &Scope, config: &DecoderConfig) -> Result<Self> {
        let Widths { hidden, queries, keys, .. } = Widths::of(config);
        let project = |name, d_in, d_out, bias| load(&scope.at(name), d_in, d_out, bias);
        let (qkv_bias, o_bias) = biases(config);
        let norm = |name| RmsNorm::load(&scope.at(name), config.head_dim(), config.rms_norm_eps);
        let per_head = |name| normalises_heads(config).then(|| norm(name)).transpose();
        Ok(Self {
            q_proj: project("q_proj", hidden, queries, qkv_bias)?,
            k_proj: project("k_proj", hidden, keys, qkv_bias)?,
            v_proj: project("v_proj", hidden, keys, qkv_bias)?,
            o_proj: project("o_proj", queries, hidden, o_bias)?,
            q_norm: per_head("q_norm")?,
            k_norm: per_head("k_norm")?,
            heads: config.num_attention_heads,
            kv_heads: config.kv_heads(),
            head_dim: config.head_dim(),
        })
    }

    fn init(init: &mut Init, config: &DecoderConfig) -> Self {
        let Widths { hidden, queries, keys, .. } = Widths::of(config);
        let (qkv_bias, o_bias) = biases(config);
        let norm = |init: &Init| RmsNorm::init(init, config.head_dim(), config.rms_norm_eps);
        let per_head = |init: &Init| normalises_heads(config).then(|| norm(init));
        Self {
            q_norm: per_head(init),
            k_norm: per_head(init),
            q_proj: new(init, hidden, queries, qkv_bias),
            k_proj: new(init, hidden, keys, qkv_bias),
            v_proj: new(init, hidden, keys, qkv_bias),
            o_proj: new(init, queries, hidden, o_bias),
            heads: config.num_attention_heads,
            kv_heads: config.kv_heads(),
            head_dim: config.head_dim(),
        }
    }

    fn forward(
        &self,
        x: Tensor<2>,
        layer: usize,
        angles: &Angles,
        pass: &mut Pass<'_>,
    ) -> Tensor<2> {
        let noise = pass.noise().at(layer);
        let project = |projection: &Linear, place: usize| {
            projection.noisy(x.clone(), Activation::Identity, noise.at(place))
        };
        let q = self.normalise(self.q_norm.as_ref(), project(&self.q_proj, 0));
        let k = self.normalise(self.k_norm.as_ref(), project(&self.k_proj, 1));
        let v = project(&self.v_proj, 2);
        let shape = Attention {
            heads: self.heads,
            kv_heads: self.kv_heads,
            scale: (self.head_dim as f64).powf(-0.5),
            causal: true,
            dropout: Dropout::default(),
        };
        let mixed = pass.attend(layer, [angles.turn(q), angles.turn(k), v], shape);
        self.o_proj.noisy(mixed, Activation::Identity, noise.at(3))
    }

    /// The norm of every head by itself, if there is one: `[tokens, heads · head_dim]`.
    fn normalise(&self, norm: Option<&RmsNorm>, x: Tensor<2>) -> Tensor<2> {
        let Some(norm) = norm else { return x };
        let [tokens, width] = x.dims();
        let heads = x.reshape([tokens * width / self.head_dim, self.head_dim]);
        norm.forward(heads).reshape([tokens, width])
    }
}

#[derive(Module, Debug)]
struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
    #[module(skip)]
    act: Activation,
}

impl Mlp {
    fn load(scope: &Scope, config: &DecoderConfig) -> Result<Self> {
        let Widths { hidden, inner, .. } = Widths::of(config);
        let project = |name, d_in, d_out| load(&scope.at(name), d_in, d_out, config.mlp_bias);
        Ok(Self {
            gate_proj: project("gate_proj", hidden, inner)?,
            up_proj: project("up_proj", hidden, inner)?,
            down_proj: project("down_proj", inner, hidden)?,
            act: config.hidden_act.into(),
        })
    }

    fn init(init: &mut Init, config: &DecoderConfig) -> Self {
        let Widths { hidden, inner, .. } = Widths::of(config);
        Self {
            gate_proj: new(init, hidden, inner, config.mlp_bias),
            up_proj: new(init, hidden, inner, config.mlp_bias),
            down_proj: new(init, inner, hidden, config.mlp_bias),
            act: config.hidden_act.into(),
        }
    }

    fn forward(&self, x: Tensor<2>, noise: Noise) -> Tensor<2> {
        let gate = self.gate_proj.noisy(x.clone(), self.act, noise.at(0));
        let up = self.up_proj.noisy(x, Activation::Identity, noise.at(1));
        self.down_proj.noisy(gate * up, Activation::Identity, noise.at(2))
    }
}

/// Columns of what the projections take and give.
struct Widths {
    hidden: usize,
    queries: usize,
    keys: usize,
    inner: usize,
}

impl Widths {
    fn of(config: &DecoderConfig) -> Self {
        Self {
            hidden: config.hidden_size,
            queries: config.num_attention_heads * config.head_dim(),
            keys: config.kv_heads() * config.head_dim(),
            inner: config.intermediate_size,
        }
    }
}

/// Whether queries, keys and values have biases, and whether the output has one.
fn biases(config: &DecoderConfig) -> (bool, bool) {
    match config.model_type {
        Family::Qwen2 => (true, false),
        Family::Llama | Family::Qwen3 => (config.attention_bias, config.attention_bias),
    }
}

fn normalises_heads(config: &DecoderConfig) -> bool {
    config.model_type == Family::Qwen3
}

fn load(scope: &Scope, d_in: usize, d_out: usize, bias: bool) -> Result<Linear> {
    match bias {
        true => Linear::load(scope, d_in, d_out),
        false => Linear::load_no_bias(scope, d_in, d_out),
    }
}

fn new(init: &mut Init, d_in: usize, d_out: usize, bias: bool) -> Linear {
    match bias {
        true => Linear::init(init, d_in, d_out),
        false => Linear::init_no_bias(init, d_in, d_out),
    }
}
