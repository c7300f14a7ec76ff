use rand::RngExt as _;
use rec_core::data::Csr;
use rec_core::rng::stream;

use super::batch::Batch;
use super::gradient::Rows;
use super::net::Network;
use super::train::Drops;
use super::*;
use crate::tags::features::Vocabulary;
use crate::tags::labels::Task;
use crate::tags::learn::Effort;

/// Five tokens, the last one standing for all others, and two labels.
fn network(seed: u64) -> Network {
    let (dim, filters, widths) = (3, 2, (1, 3));
    let mut rng = stream(seed, "cnn", 0);
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
    Network {
        filters,
        widths,
        max_len: 6,
        tokens: Tokens::Characters,
        fixed: 0,
        vocabulary: Vocabulary::new((1..5).map(|at| at << 60).collect()),
        embeddings: draw(5 * dim),
        kernels: draw(dim * filters * 6),
        bias: draw(filters * 3),
        output: draw(2 * filters * 3),
        output_bias: draw(2),
    }
}

const TEXTS: [&[u32]; 4] = [&[0, 1, 2, 1, 0], &[3], &[4, 4, 0, 2], &[]];

fn drops(network: &Network, batch: &Batch, scale: impl Fn(usize) -> f32) -> Drops {
    let scales = |n: usize| (0..n).map(&scale).collect();
    Drops {
        embeddings: scales(batch.tokens.len() * network.dim()),
        pooled: scales(batch.len() * network.pooled()),
    }
}

/// The definition, number by number.
fn scores_by_hand(
    network: &Network,
    text: &[u32],
    embedding: impl Fn(u32, usize) -> f32,
    pooled: impl Fn(usize) -> f32,
) -> Vec<f64> {
    let (dim, filters) = (network.dim(), network.filters);
    let mut maxima = Vec::new();
    let mut column = 0;
    for width in network.widths.0..=network.widths.1 {
        for filter in 0..filters {
            let mut best = 0f64;
            for t in 1 - width as i32..text.len() as i32 {
                let mut z = f64::from(network.bias[maxima.len()]);
                for offset in 0..width {
                    let Some(&token) =
                        usize::try_from(t + offset as i32).ok().and_then(|at| text.get(at))
                    else {
                        continue;
                    };
                    for d in 0..dim {
                        let w = network.kernels
                            [d * network.columns() + column + offset * filters + filter];
                        z += f64::from(w * embedding(token, d));
                    }
                }
                best = best.max(z);
            }
            maxima.push(best * f64::from(pooled(maxima.len())));
        }
        column += width * filters;
    }
    let rows = network.output.chunks_exact(maxima.len()).zip(&network.output_bias);
    rows.map(|(w, b)| {
        f64::from(*b) + w.iter().zip(&maxima).map(|(w, h)| f64::from(*w) * h).sum::<f64>()
    })
    .collect()
}

#[test]
fn scores_are_those_of_the_definition() {
    let network = network(1);
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
type Array = fn(&mut Network) -> &mut Vec<f32>;

/// Central differences of the mean loss, for both tasks, with numbers dropped; then of the mean of it and
/// of the loss where the adversary moves the embeddings to, their last number being fixed.
#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let labels =
        Csr::from_rows([vec![(0, 1.0)], vec![(1, 1.0)], vec![(0, 1.0), (1, 1.0)], vec![]], 2);
    for (task, share) in
        [(Task::Single, 0.0), (Task::Multi, 0.0), (Task::Single, 0.2), (Task::Multi, 0.2)]
    {
        let effort =
            Effort { tolerance: 0.1, max_iterations: 1, class_weights: vec![1.0, 2.0], task };
        let start = Network { fixed: usize::from(share > 0.0), ..network(2) };
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
                let s = scores_by_hand(network, text, embedding, |at| scale(row * 6 + at));
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
        let arrays: [(&str, Array, &[f32]); 5] = [
            ("embeddings", |n| &mut n.embeddings, &gradients.embeddings),
            ("kernels", |n| &mut n.kernels, &gradients.kernels),
            ("bias", |n| &mut n.bias, &gradients.bias),
            ("output", |n| &mut n.output, &gradients.output),
            ("output_bias", |n| &mut n.output_bias, &gradients.output_bias),
        ];
        for (name, array, found) in arrays {
            for (at, found) in found.iter().enumerate() {
                // Gradients of embeddings are those of the batch's distinct tokens.
                let into = match name {
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
    let ctx = crate::FitContext::default();
    let start = cnn.vocabulary_and_vectors(&texts, &[], &ctx).unwrap();
    let fit = || cnn.fit_one(&texts, &start, &labels, &effort, 0, &ctx).unwrap();
    let network = fit();
    let scores = network.scores(&texts);
    let right =
        scores.chunks_exact(2).zip(0..).filter(|(s, i)| (s[1] > s[0]) == (i % 2 == 1)).count();
    assert_eq!(right, 200);
    let other = rec_core::parallel::install(Some(1), || Ok(fit())).unwrap();
    assert!(other == network, "the same on any number of threads");
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
}
