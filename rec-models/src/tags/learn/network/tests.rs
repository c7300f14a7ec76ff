use rand::RngExt as _;
use rec_core::data::Csr;
use rec_core::rng::stream;

use super::batch::Batch;
use super::body::{Body, Filters, Recurrent};
use super::gradient::Rows;
use super::net::Network;
use super::train::Drops;
use super::*;
use crate::ops::gemm::{Matrix, product};
use crate::tags::features::Vocabulary;
use crate::tags::labels::Task;
use crate::tags::learn::Effort;

/// Five tokens, the last one standing for all others, and two labels.
pub(super) fn network(seed: u64, shape: Shape) -> Network {
    let dim = 3;
    let mut rng = stream(seed, "network", 0);
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
    let mut body = shape.body(&mut |n, _| vec![0.0; n]);
    for array in body.arrays_mut() {
        *array = draw(array.len());
    }
    Network {
        max_len: 6,
        tokens: Tokens::Characters,
        fixed: 0,
        vocabulary: Vocabulary::new((1..5).map(|at| at << 60).collect()),
        embeddings: draw(5 * dim),
        kernels: draw(dim * body.columns()),
        output: draw(2 * body.pooled()),
        output_bias: draw(2),
        body,
    }
}

const SHAPES: [Shape; 2] =
    [Shape::Filters { filters: 2, widths: (1, 3) }, Shape::Recurrent { hidden: 2 }];

pub(super) const TEXTS: [&[u32]; 4] = [&[0, 1, 2, 1, 0], &[3], &[4, 4, 0, 2], &[]];

fn drops(network: &Network, batch: &Batch, scale: impl Fn(usize) -> f32) -> Drops {
    let scales = |n: usize| (0..n).map(&scale).collect();
    Drops {
        embeddings: scales(batch.tokens.len() * network.dim()),
        pooled: scales(batch.len() * network.body.pooled()),
    }
}

/// The definition, number by number.
fn scores_by_hand(
    network: &Network,
    text: &[u32],
    embedding: impl Fn(u32, usize) -> f32,
    pooled: impl Fn(usize) -> f32,
) -> Vec<f64> {
    // What the kernels make of a token.
    let product = |token: u32, column: usize| -> f64 {
        let of = |d| f64::from(network.kernels[d * network.body.columns() + column]);
        (0..network.dim()).map(|d| of(d) * f64::from(embedding(token, d))).sum()
    };
    let found = match &network.body {
        Body::Filters(body) => maxima_by_hand(body, text, product),
        Body::Recurrent(body) => states_by_hand(body, text, product),
    };
    let found: Vec<f64> =
        found.iter().enumerate().map(|(at, p)| p * f64::from(pooled(at))).collect();
    let rows = network.output.chunks_exact(found.len()).zip(&network.output_bias);
    rows.map(|(w, b)| {
        f64::from(*b) + w.iter().zip(&found).map(|(w, h)| f64::from(*w) * h).sum::<f64>()
    })
    .collect()
}

fn maxima_by_hand(body: &Filters, text: &[u32], product: impl Fn(u32, usize) -> f64) -> Vec<f64> {
    let (mut maxima, mut column) = (Vec::new(), 0);
    for width in body.widths.0..=body.widths.1 {
        for filter in 0..body.filters {
            let bias = f64::from(body.bias[maxima.len()]);
            let z = |t: i32| -> f64 {
                let of = |offset: usize| {
                    let at = usize::try_from(t + offset as i32).ok();
                    let token = at.and_then(|at| text.get(at));
                    token.map_or(0.0, |&t| product(t, column + offset * body.filters + filter))
                };
                bias + (0..width).map(of).sum::<f64>()
            };
            maxima.push((1 - width as i32..text.len() as i32).map(z).fold(0.0, f64::max));
        }
        column += width * body.filters;
    }
    maxima
}

fn states_by_hand(body: &Recurrent, text: &[u32], product: impl Fn(u32, usize) -> f64) -> Vec<f64> {
    let hidden = body.hidden;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (mut most, mut mean) = (Vec::new(), Vec::new());
    for way in 0..2 {
        let mut h = vec![0.0; hidden];
        let mut states = Vec::new();
        for at in 0..text.len() {
            let token = text[if way == 0 { at } else { text.len() - 1 - at }];
            let column = |gate: usize, j: usize| (way * 3 + gate) * hidden + j;
            let input =
                |gate, j| product(token, column(gate, j)) + f64::from(body.bias[column(gate, j)]);
            let inner = |gate: usize, j: usize| -> f64 {
                let u = |i: usize| body.recurrent[((way * hidden + i) * 3 + gate) * hidden + j];
                (0..hidden).map(|i| f64::from(u(i)) * h[i]).sum()
            };
            let unit = |j: usize| {
                let r = sigmoid(input(0, j) + inner(0, j));
                let z = sigmoid(input(1, j) + inner(1, j));
                let c = inner(2, j) + f64::from(body.inner_bias[way * hidden + j]);
                (1.0 - z) * (input(2, j) + r * c).tanh() + z * h[j]
            };
            h = (0..hidden).map(unit).collect();
            states.push(h.clone());
        }
        for j in 0..hidden {
            let of_j = || states.iter().map(|state: &Vec<f64>| state[j]);
            most.push(if text.is_empty() { 0.0 } else { of_j().fold(f64::MIN, f64::max) });
            mean.push(of_j().sum::<f64>() / text.len().max(1) as f64);
        }
    }
    [most, mean].concat()
}

#[test]
fn scores_are_those_of_the_definition() {
    SHAPES.into_iter().for_each(check_scores);
}

fn check_scores(shape: Shape) {
    let network = network(1, shape);
    let hashes: Vec<Vec<u64>> =
        TEXTS.iter().map(|text| text.iter().map(|&t| (u64::from(t) + 1) << 60).collect()).collect();
    let texts: Vec<&[u64]> = hashes.iter().map(Vec::as_slice).collect();
    let found = network.scores(&texts);
    for (text, found) in TEXTS.iter().zip(found.chunks_exact(2)) {
        let embedding = |token: u32, d: usize| network.embeddings[token as usize * 3 + d];
        let want = scores_by_hand(&network, text, embedding, |_| 1.0);
        assert!(found.iter().zip(&want).all(|(f, w)| (f64::from(*f) - w).abs() < 1e-5), "{text:?}");
    }
    // What was never seen is the token of all others; past the greatest length nothing is read.
    assert_eq!(network.scores(&[&[7]]), network.scores(&[&[5 << 60]]));
    let long: Vec<u64> = (0..9).map(|at| (at % 3 + 1) << 60).collect();
    assert_eq!(network.scores(&[&long]), network.scores(&[&long[..6]]));
}

/// One of a network's arrays.
type Array = Box<dyn Fn(&mut Network) -> &mut Vec<f32>>;

/// Central differences of the mean loss, for both tasks, with numbers dropped; then of the mean of it and
/// of the loss where the adversary moves the embeddings to, their last number being fixed.
#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let labels =
        Csr::from_rows([vec![(0, 1.0)], vec![(1, 1.0)], vec![(0, 1.0), (1, 1.0)], vec![]], 2);
    let tasks = [(Task::Single, 0.0), (Task::Multi, 0.0), (Task::Single, 0.2), (Task::Multi, 0.2)];
    for (shape, (task, share)) in SHAPES.into_iter().flat_map(|s| tasks.map(|task| (s, task))) {
        let effort =
            Effort { tolerance: 0.1, max_iterations: 1, class_weights: vec![1.0, 2.0], task };
        let start = Network { fixed: usize::from(share > 0.0), ..network(2, shape) };
        let batch = Batch::new(TEXTS.into_iter());
        let scale = |at: usize| if at % 5 == 3 { 0.0 } else { 1.25 };
        let dropped = drops(&start, &batch, scale);
        let rows: Rows<'_> = (&labels, &[0, 1, 2, 3]);
        let gradients = start.gradients(&batch, &dropped, rows, &effort, share);
        let before = start.embedded(&batch);
        let plain = start.gradients_at(before.clone(), &batch, &dropped, rows, &effort);
        let after = start.adversary(before.clone(), &plain, share);
        let shift: Vec<f32> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((length(&shift) - share * length(&before)).abs() < 1e-5);
        let place = |token: u32| batch.tokens.iter().position(|&t| t == token).unwrap();
        let loss_at = |network: &Network, by: f32| -> f64 {
            let of = |(row, text): (usize, &&[u32])| {
                let embedding = |token: u32, d: usize| {
                    let at = place(token) * 3 + d;
                    (network.embeddings[token as usize * 3 + d] + by * shift[at]) * scale(at)
                };
                let s = scores_by_hand(network, text, embedding, |at| {
                    scale(row * start.body.pooled() + at)
                });
                let own = labels.row(row);
                match task {
                    Task::Single => own.first().map_or(0.0, |&label| {
                        let sum: f64 = s.iter().map(|s| s.exp()).sum();
                        f64::from(effort.class_weights[label as usize])
                            * (sum.ln() - s[label as usize])
                    }),
                    Task::Multi => s
                        .iter()
                        .zip(0u32..)
                        .map(|(s, label)| {
                            let with = own.contains(&label);
                            let weight = if with {
                                f64::from(effort.class_weights[label as usize])
                            } else {
                                1.0
                            };
                            weight * (if with { -s } else { *s }).exp().ln_1p()
                        })
                        .sum(),
                }
            };
            TEXTS.iter().enumerate().map(of).sum::<f64>() / 4.0
        };
        let loss = |network: &Network| 0.5 * (loss_at(network, 0.0) + loss_at(network, 1.0));
        let mut arrays: Vec<(String, Array, &[f32])> = vec![
            ("embeddings".into(), Box::new(|n| &mut n.embeddings), &gradients.embeddings),
            ("kernels".into(), Box::new(|n| &mut n.kernels), &gradients.kernels),
            ("output".into(), Box::new(|n| &mut n.output), &gradients.output),
            ("output_bias".into(), Box::new(|n| &mut n.output_bias), &gradients.output_bias),
        ];
        for (at, found) in gradients.body.iter().enumerate() {
            let array: Array = Box::new(move |n| n.body.arrays_mut().swap_remove(at));
            arrays.push((format!("body's {at}"), array, found));
        }
        assert_eq!(arrays.len(), 4 + start.body.arrays().len());
        for (name, array, found) in arrays {
            for (at, found) in found.iter().enumerate() {
                // Gradients of embeddings are those of the batch's distinct tokens.
                let into = match name.as_str() {
                    "embeddings" => batch.tokens[at / 3] as usize * 3 + at % 3,
                    _ => at,
                };
                if name == "embeddings" && at % 3 >= 3 - start.fixed {
                    assert_eq!(*found, 0.0, "embeddings {at} are fixed");
                    continue;
                }
                let moved = |by: f32| {
                    let mut network = start.clone();
                    array(&mut network)[into] += by;
                    loss(&network)
                };
                let want = (moved(1e-3) - moved(-1e-3)) / 2e-3;
                assert!((f64::from(*found) - want).abs() < 2e-3, "{name} {at}: {found} {want}");
            }
        }
    }
}

#[test]
fn order_is_learned_where_words_are_the_same() {
    // "a b" against "b a": no bag of words tells them apart.
    let texts: Vec<Vec<u64>> = (0..200u64)
        .map(|i| {
            let filler = |at: u64| (100 + (i * 7 + at) % 11) << 40;
            let (a, b) = if i % 2 == 0 { (1, 2) } else { (2, 1) };
            vec![filler(1), a << 60, b << 60, filler(2)]
        })
        .collect();
    let texts: Vec<&[u64]> = texts.iter().map(Vec::as_slice).collect();
    let labels = Csr::from_rows((0..200).map(|i| vec![(i % 2, 1.0)]), 2);
    let effort = Effort {
        tolerance: 0.1,
        max_iterations: 1,
        class_weights: vec![1.0; 2],
        task: Task::Single,
    };
    let cnn = TextCnn {
        dim: 16,
        filters: 16,
        epochs: 20,
        batch_size: 20,
        learning_rate: 5e-3,
        ..TextCnn::default()
    };
    let gru = TextGru {
        dim: 16,
        hidden: 16,
        epochs: 20,
        batch_size: 20,
        learning_rate: 5e-3,
        ..TextGru::default()
    };
    let ctx = crate::FitContext::default();
    for recipe in [cnn.recipe(), gru.recipe()] {
        let start = recipe.vocabulary_and_vectors(&texts, &[], &ctx).unwrap();
        let fit = || recipe.fit_one(&texts, &start, &labels, &effort, 0, &ctx).unwrap();
        let network = fit();
        let scores = network.scores(&texts);
        let right =
            scores.chunks_exact(2).zip(0..).filter(|(s, i)| (s[1] > s[0]) == (i % 2 == 1)).count();
        assert_eq!(right, 200, "{}", recipe.name);
        let other = rec_core::parallel::install(Some(1), || Ok(fit())).unwrap();
        assert!(other == network, "the same on any number of threads");
    }
}

/// `torch.nn.GRU(2, 2, bidirectional=True, batch_first=True)` with all weights `0.5 sin k`, `k` counting
/// from 1 through `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh` of one way and then of the other, on
/// inputs `0.5 cos k`: maxima and means of its states over three steps.
#[test]
fn states_are_those_of_torch() {
    let hidden = 2;
    let mut k = 0.0;
    let mut next = |n: usize| -> Vec<f32> {
        (0..n)
            .map(|_| {
                k += 1.0;
                (0.5 * f64::sin(k)) as f32
            })
            .collect()
    };
    let mut body = Recurrent::new(hidden, &mut |n, _| vec![0.0; n]);
    let mut kernels = vec![0.0; 2 * 12];
    for way in 0..2 {
        // torch's rows are our columns.
        let (ih, hh, b, c) = (next(12), next(12), next(6), next(6));
        for column in 0..6 {
            for row in 0..2 {
                kernels[row * 12 + way * 6 + column] = ih[column * 2 + row];
                body.recurrent[(way * 2 + row) * 6 + column] = hh[column * 2 + row];
            }
            // Of both biases of `r` and `z` the sum counts.
            let gate = column < 4;
            body.bias[way * 6 + column] = b[column] + if gate { c[column] } else { 0.0 };
        }
        body.inner_bias[way * 2..][..2].copy_from_slice(&c[4..]);
    }
    let inputs: Vec<f32> = (1..=6).map(|k| 0.5 * (k as f32).cos()).collect();
    let projected = product(Matrix::new(&inputs, [3, 2]), Matrix::new(&kernels, [2, 12]));
    let batch = Batch::new([[0, 1, 2].as_slice()].into_iter());
    let found = Body::Recurrent(body).read(&projected, &batch).pooled;
    let want = [
        -0.089_114_7,
        -0.291_974_6,
        0.397_273_5,
        0.063_784_3,
        -0.160_693_5,
        -0.362_732_7,
        0.357_420_3,
        0.010_301_1,
    ];
    assert!(found.iter().zip(&want).all(|(f, w)| (f - w).abs() < 1e-6), "{found:?}");
}

/// No step has one before it.
#[test]
fn texts_of_one_token_are_learned() {
    let network = network(4, SHAPES[1]);
    let batch = Batch::new([[0].as_slice(), [3].as_slice(), &[]].into_iter());
    let dropped = drops(&network, &batch, |_| 1.0);
    let labels = Csr::from_rows([vec![(0, 1.0)], vec![(1, 1.0)], vec![(0, 1.0)]], 2);
    let effort = Effort {
        tolerance: 0.1,
        max_iterations: 1,
        class_weights: vec![1.0; 2],
        task: Task::Single,
    };
    let found = network.gradients(&batch, &dropped, (&labels, &[0, 1, 2]), &effort, 0.0);
    assert!(found.embeddings.iter().any(|g| *g != 0.0));
    assert!(found.body[1].iter().all(|g| *g == 0.0), "there is no state to come from");
}

#[test]
fn parameters_outside_their_domain_are_refused() {
    let default = TextCnn::default;
    for (cnn, name) in [
        (TextCnn { filters: 0, ..default() }, "filters"),
        (TextCnn { widths: (3, 2), ..default() }, "widths"),
        (TextCnn { widths: (0, 2), ..default() }, "widths"),
        (TextCnn { dropout: 1.0, ..default() }, "dropout"),
        (TextCnn { embedding_dropout: f32::NAN, ..default() }, "embedding_dropout"),
        (TextCnn { learning_rate: 0.0, ..default() }, "learning_rate"),
    ] {
        assert!(cnn.check().unwrap_err().to_string().contains(name), "{name}");
    }
    let gru = TextGru { hidden: 0, ..TextGru::default() };
    assert!(gru.check().unwrap_err().to_string().contains("hidden"));
}
