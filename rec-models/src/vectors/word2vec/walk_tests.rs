use ndarray::Array2;
use rec_core::objective::{SkipGram, WordFactors};

use super::*;
use crate::ops::simd::Level;
use crate::vectors::copies::Copies;
use crate::vectors::rows::{Rows, Shared};

/// A step on views of tables without copies.
enum Step<'a> {
    SkipGram(&'a Drawn),
    InTurn(&'a Drawn),
    Bag(Bag, &'a Drawn),
    Bags(Bag, &'a Group),
    Parts(&'a Drawn, &'a [usize]),
}

struct Run<'a>([Shared<'a>; 2], usize, &'a Step<'a>);

const CONTEXT: [u32; 3] = [0, 2, 2];
/// Rows that make a word, each once.
const PARTS: [u32; 3] = [0, 3, 2];
const OUTPUTS: [u32; 3] = [1, 0, 3];
const RATE: f32 = 0.25;

impl Task for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self([inputs, outputs], dim, step) = self;
        let [mut of_inputs, mut of_outputs] = [0, 1].map(|_| Copies::new(None, dim));
        let views = [of_inputs.view(inputs, None), of_outputs.view(outputs, None)];
        let (mut views, mut scratch) = (Views::new(views), Scratch::new(dim));
        let scratch = &mut scratch;
        match *step {
            Step::SkipGram(drawn) => views.skip_gram(s, scratch, &CONTEXT, drawn),
            Step::InTurn(drawn) => views.in_turn(s, scratch, &CONTEXT, drawn),
            Step::Bag(bag, drawn) => views.bag(s, scratch, (&CONTEXT, bag), drawn),
            Step::Bags(bag, group) => views.bags(s, scratch, bag, group),
            Step::Parts(drawn, ends) => views.word_of_parts(s, scratch, &PARTS, (drawn, ends)),
        }
    }
}

fn factors(dim: usize) -> WordFactors {
    let value = |at: usize, salt: usize| ((at * 37 + salt) % 23) as f64 / 23.0 - 0.5;
    WordFactors {
        inputs: Array2::from_shape_fn((4, dim), |(r, c)| value(r * dim + c, 5)),
        outputs: Array2::from_shape_fn((4, dim), |(r, c)| value(r * dim + c, 11)),
    }
}

/// What a step makes of the vectors, on each set of instructions.
fn stepped(at: &WordFactors, step: &Step<'_>) -> Vec<[Vec<f32>; 2]> {
    let dim = at.inputs.ncols();
    let flat = |a: &Array2<f64>| a.iter().map(|&v| v as f32).collect::<Vec<_>>();
    let on = |level: Level| {
        let mut inputs = Rows::padded(&flat(&at.inputs), dim);
        let mut outputs = Rows::padded(&flat(&at.outputs), dim);
        level.run(Run([inputs.share(), outputs.share()], dim, step));
        [inputs.packed(), outputs.packed()]
    };
    Level::all().into_iter().map(on).collect()
}

/// Steps the vectors themselves, `times` the gradient's step for inputs.
fn moved(at: &WordFactors, gradient: &WordFactors, times: f64) -> WordFactors {
    WordFactors {
        inputs: &at.inputs - &gradient.inputs * (times * f64::from(RATE)),
        outputs: &at.outputs - &gradient.outputs * f64::from(RATE),
    }
}

fn assert_are(got: &[[Vec<f32>; 2]], want: &WordFactors) {
    for got in got {
        for (got, want) in got.iter().flatten().zip(want.inputs.iter().chain(&want.outputs)) {
            assert!((f64::from(*got) - want).abs() < 2e-5, "{got} is not {want}");
        }
    }
}

fn drawn(rows: &[u32]) -> Drawn {
    let mut drawn = Drawn::default();
    for (at, &row) in rows.iter().enumerate() {
        drawn.push(row, if at == 0 { 1.0 } else { 0.0 }, RATE);
    }
    drawn
}

/// How many times the gradient's step each word takes: one, with skip-gram; that of the whole
/// mean, which is three words' shares, with a mean; its share, with a sum.
#[test]
fn a_window_moves_its_rows_against_the_gradient() {
    for dim in [1, 3, 20, 100, 257] {
        let at = factors(dim);
        // A sum of three is the mean of vectors three times as long, whose gradient by the
        // longer vectors is the sum's by the vectors, in three shares.
        let tripled = WordFactors { inputs: &at.inputs * 3.0, ..at.clone() };
        for (bag, objective, from, times) in [
            (None, SkipGram::SkipGram, &at, 1.0),
            (Some(Bag::Mean), SkipGram::Cbow, &at, 3.0),
            (Some(Bag::Sum), SkipGram::Cbow, &tripled, 1.0),
        ] {
            let tree = HuffmanTree::new(&[9, 4, 2, 1]).unwrap();
            let mut by_path = Drawn::default();
            push_path(&tree, 2, RATE, &mut by_path);
            let negatives = objective.gradient(from, &CONTEXT, OUTPUTS[0], &OUTPUTS[1..]);
            let path = objective.path_gradient(from, &CONTEXT, tree.path(2));
            for (drawn, gradient) in [(&drawn(&OUTPUTS), negatives), (&by_path, path)] {
                let step = match bag {
                    None => Step::SkipGram(drawn),
                    Some(bag) => Step::Bag(bag, drawn),
                };
                assert_are(&stepped(&at, &step), &moved(&at, &gradient, times));
            }
        }
    }
}

#[test]
fn words_that_take_turns_step_from_where_those_before_left() {
    for dim in [1, 3, 20, 100, 257] {
        let (start, mut at) = (factors(dim), factors(dim));
        let tree = HuffmanTree::new(&[9, 4, 2, 1]).unwrap();
        let mut by_path = Drawn::default();
        push_path(&tree, 3, RATE, &mut by_path);
        for word in CONTEXT {
            let gradient = SkipGram::SkipGram.path_gradient(&at, &[word], tree.path(3));
            at = moved(&at, &gradient, 1.0);
        }
        assert_are(&stepped(&start, &Step::InTurn(&by_path)), &at);
    }
}

/// Windows that share negatives step by the sum of their gradients; a negative that is a window's
/// target counts for nothing there.
#[test]
fn windows_that_share_negatives_step_by_the_sum_of_their_gradients() {
    let (negatives, targets) = ([3, 0, 3], [1, 2, 0]);
    let contexts = [[0, 2, 3], [1, 1, 3], [2, 3, 1]];
    for dim in [1, 3, 20, 100, 257] {
        let at = factors(dim);
        let tripled = WordFactors { inputs: &at.inputs * 3.0, ..at.clone() };
        for (bag, from, times) in [(Bag::Mean, &at, 3.0), (Bag::Sum, &tripled, 1.0)] {
            let mut group = Group { negatives: negatives.to_vec(), ..Group::default() };
            let mut sum = WordFactors { inputs: &at.inputs * 0.0, outputs: &at.outputs * 0.0 };
            for (context, target) in contexts.iter().zip(targets) {
                let [a, b, c] = *context;
                group.push(&[a, b, target, c], 2, 2, RATE);
                let gradient = SkipGram::Cbow.gradient(from, context, target, &negatives);
                sum.inputs += &gradient.inputs;
                sum.outputs += &gradient.outputs;
            }
            assert_are(&stepped(&at, &Step::Bags(bag, &group)), &moved(&at, &sum, times));
        }
    }
}

/// The words of a window are predicted one after another, each from what the last has made of the
/// vectors.
#[test]
fn a_word_of_parts_predicts_one_word_after_another() {
    for dim in [1, 3, 20, 100, 257] {
        let at = factors(dim);
        let (mut all, mut ends, mut want) = (Drawn::default(), Vec::new(), at.clone());
        for outputs in [[1, 0, 3], [3, 1, 1], [1, 2, 0]] {
            for (at, row) in outputs.into_iter().enumerate() {
                all.push(row, if at == 0 { 1.0 } else { 0.0 }, RATE);
            }
            ends.push(all.rows.len());
            // The second outputs have their negative twice, which is not their target.
            let gradient = SkipGram::Cbow.gradient(&want, &PARTS, outputs[0], &outputs[1..]);
            want = moved(&want, &gradient, 3.0);
        }
        assert_are(&stepped(&at, &Step::Parts(&all, &ends)), &want);
    }
}
