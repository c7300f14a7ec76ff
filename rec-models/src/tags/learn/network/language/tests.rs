use rec_core::data::Csr;

use super::candidates::{Candidates, DRAWN};
use super::*;
use crate::tags::labels::Task;
use crate::tags::learn::Effort;
use crate::tags::learn::network::gradient::scale;
use crate::tags::learn::network::tests::{TEXTS, network};
use crate::tags::learn::network::{Shape, TextGru};

const HIDDEN: usize = 2;

fn head() -> Head {
    let numbers = |n: usize, from: f32| (0..n).map(|i| (from + i as f32).sin()).collect();
    Head { projections: [numbers(6, 1.0), numbers(6, 2.0)], bias: numbers(5, 3.0) }
}

fn drops(batch: &Batch, dim: usize) -> Vec<f32> {
    (0..batch.tokens.len() * dim).map(|at| if at % 5 == 3 { 0.0 } else { 1.25 }).collect()
}

/// Each way's mean of `−ln softmax(E (P h) + b)` at the token that it reads after the state `h`.
#[test]
fn the_loss_is_that_of_the_next_token_each_way() {
    let (network, head) = (network(1, Shape::Recurrent { hidden: HIDDEN }), head());
    let batch = Batch::new(TEXTS.into_iter());
    let drops = drops(&batch, 3);
    let found = network.language_step(&batch, &drops, &head, &Candidates::all(5)).unwrap().loss;
    let Body::Recurrent(units) = &network.body else { unreachable!() };
    let mut means = [0.0, 0.0];
    for (way, mean) in means.iter_mut().enumerate() {
        let mut losses = Vec::new();
        for text in TEXTS {
            // Texts alone, so that no step holds states of several.
            let mut read = text.to_vec();
            if way == 1 {
                read.reverse();
            }
            for end in 1..read.len() {
                let mut before = read[..end].to_vec();
                if way == 1 {
                    before.reverse();
                }
                let alone = Batch::new([before.as_slice()].into_iter());
                let mut embedded = network.embedded(&alone);
                for (row, token) in embedded.chunks_exact_mut(3).zip(&alone.tokens) {
                    let place = batch.tokens.iter().position(|t| t == token).unwrap();
                    scale(row, &drops[place * 3..][..3]);
                }
                let states = units.states(&network.projected(&embedded), &alone);
                let h = &states.of(way)[(end - 1) * HIDDEN..][..HIDDEN];
                let predicted: Vec<f64> = (head.projections[way].chunks_exact(HIDDEN))
                    .map(|p| p.iter().zip(h).map(|(p, h)| f64::from(p * h)).sum())
                    .collect();
                let scores: Vec<f64> = (network.embeddings.chunks_exact(3).zip(&head.bias))
                    .map(|(word, bias)| {
                        let product = word.iter().zip(&predicted).map(|(w, p)| f64::from(*w) * p);
                        f64::from(*bias) + product.sum::<f64>()
                    })
                    .collect();
                let sum: f64 = scores.iter().map(|s| s.exp()).sum();
                losses.push(sum.ln() - scores[read[end] as usize]);
            }
        }
        *mean = losses.iter().sum::<f64>() / losses.len() as f64;
    }
    let want = (means[0] + means[1]) / 2.0;
    assert!((found - want).abs() < 1e-5, "{found} {want}");
    let short = Batch::new([[1].as_slice(), &[]].into_iter());
    assert!(
        network.language_step(&short, &[1.0; 3], &head, &Candidates::all(5)).is_none(),
        "nothing follows"
    );
}

/// Central differences, one number of the embeddings being fixed.
#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let start = Network { fixed: 1, ..network(2, Shape::Recurrent { hidden: HIDDEN }) };
    // Words of two numbers: what is fixed predicts nothing.
    let mut narrow = head();
    narrow.projections.iter_mut().for_each(|p| p.truncate(2 * HIDDEN));
    let batch = Batch::new(TEXTS.into_iter());
    let drops = drops(&batch, 3);
    let step = start.language_step(&batch, &drops, &narrow, &Candidates::all(5)).unwrap();
    let moved = |array: usize, at: usize, by: f32| {
        let (mut network, mut head) = (start.clone(), narrow.clone());
        let values: &mut Vec<f32> = match array {
            0 => &mut network.embeddings,
            1 => &mut network.kernels,
            2 | 3 => &mut head.projections[array - 2],
            4 => &mut head.bias,
            _ => network.body.arrays_mut().swap_remove(array - 5),
        };
        values[at] += by;
        network.language_step(&batch, &drops, &head, &Candidates::all(5)).unwrap().loss
    };
    let of = &step.network;
    let mut found = vec![&of.embeddings, &of.kernels];
    found.extend(step.projections.iter().chain([&step.bias]).chain(&of.body));
    assert_eq!(found.len(), 8);
    for (array, found) in found.into_iter().enumerate() {
        for (at, &slope) in found.iter().enumerate() {
            if array == 0 && at % 3 == 2 {
                assert_eq!(slope, 0.0, "it is fixed");
                continue;
            }
            let want = (moved(array, at, 1e-2) - moved(array, at, -1e-2)) / 2e-2;
            assert!((f64::from(slope) - want).abs() < 2e-3, "array {array}, {at}: {slope} {want}");
        }
    }
}

/// Some tokens alone: the others have no gradient, and each one's chance to be drawn counts.
#[test]
fn candidates_stand_for_all_tokens() {
    let (network, head) = (network(3, Shape::Recurrent { hidden: HIDDEN }), head());
    let batch = Batch::new([[0, 2, 0, 3].as_slice()].into_iter());
    let some = Candidates { tokens: vec![0, 2, 3], shifts: vec![0.0, 0.5, -0.5] };
    let step = network.language_step(&batch, &[1.0; 9], &head, &some).unwrap();
    assert_eq!([step.bias[1], step.bias[4]], [0.0, 0.0]);
    let mut shifted = head.clone();
    (shifted.bias[1], shifted.bias[4]) = (-1e4, -1e4);
    (shifted.bias[2], shifted.bias[3]) = (head.bias[2] + 0.5, head.bias[3] - 0.5);
    let all = network.language_step(&batch, &[1.0; 9], &shifted, &Candidates::all(5)).unwrap();
    assert!((step.loss - all.loss).abs() < 1e-5, "{} {}", step.loss, all.loss);
    assert_eq!(step.network.kernels.len(), all.network.kernels.len());
    let pairs = step.network.embeddings.iter().zip(&all.network.embeddings);
    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5));

    // Drawn from many: the tokens of the texts are among them, and chances are those observed.
    let mut rng = stream(1, "candidates", 0);
    let texts: Vec<Vec<u32>> = vec![(0..10_000).collect(), vec![7; 90_000]];
    let frequencies = Frequencies::of(&texts, 10_000);
    let batch = Batch::new([[7, 8].as_slice()].into_iter());
    let mut found = 0;
    for _ in 0..400 {
        let drawn = frequencies.draw(&batch, &mut rng);
        assert!(drawn.tokens.is_sorted() && drawn.tokens.len() <= DRAWN + 2);
        assert_eq!(drawn.tokens[drawn.place(8) as usize], 8);
        found += usize::from(drawn.tokens.contains(&9_999));
    }
    let drawn = frequencies.draw(&batch, &mut rng);
    let chance = f64::from(-drawn.shifts[drawn.place(8) as usize]).exp();
    assert!((found as f64 / 400.0 - chance).abs() < 0.04, "{found} of 400, {chance}");
    assert!(drawn.shifts[drawn.place(7) as usize] < 0.01, "what is in nearly all texts");
}

/// `1 2 3 1 2 3 …`: what comes next is certain, the first time apart.
#[test]
fn units_learn_what_comes_next_and_start_from_it() {
    let texts: Vec<Vec<u64>> =
        (0..60u64).map(|i| (0..9).map(|t| ((i + t) % 3 + 1) << 60).collect()).collect();
    let texts: Vec<&[u64]> = texts.iter().map(Vec::as_slice).collect();
    let gru = TextGru {
        dim: 8,
        hidden: 8,
        epochs: 1,
        batch_size: 10,
        language_passes: 40,
        embedding_dropout: 0.0,
        ..TextGru::default()
    };
    let (recipe, ctx) = (gru.recipe(), FitContext::default());
    let start = recipe.vocabulary_and_vectors(&texts, &[], &ctx).unwrap();
    let ids: Vec<Vec<u32>> = texts
        .iter()
        .map(|text| text.iter().map(|&t| start.vocabulary.column(t).unwrap()).collect())
        .collect();
    let learn = || recipe.learn_language(&start, &ids, &ctx).unwrap().unwrap();
    let learned = learn();
    assert!(learned.loss < 0.4, "{}", learned.loss);
    let other = rec_core::parallel::install(Some(1), || Ok(learn())).unwrap();
    assert!(learned == other, "the same on any number of threads");
    let start = Start { learned: Some(learned), ..start };
    let labels = Csr::from_rows((0..60).map(|i| vec![(i % 2, 1.0)]), 2);
    let effort = Effort {
        tolerance: 0.1,
        max_iterations: 1,
        class_weights: vec![1.0; 2],
        task: Task::Single,
    };
    // A rate so low that labels change nothing shows where training starts.
    let still = TextGru { learning_rate: 1e-30, ..gru }.recipe();
    let network = still.fit_one(&texts, &start, &labels, &effort, 0, &ctx).unwrap();
    assert_eq!(Some(&network.kernels), start.learned.as_ref().map(|l| &l.network.kernels));
    assert_eq!(Some(&network.body), start.learned.as_ref().map(|l| &l.network.body));
}
