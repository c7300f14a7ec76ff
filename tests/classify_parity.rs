//! Metrics of classification against scikit-learn (`fixtures/metrics_sklearn.py` wrote the file).

use rec_core::data::Csr;
use rec_core::metrics::classify::{
    ConfusionMatrix, LabelCounts, accuracy, average_precision, expected_calibration_error,
    hamming_loss, mean_average_precision, precision_at_k, roc_auc_macro, subset_accuracy,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    n_labels: usize,
    single: Single,
    multi: Multi,
}

#[derive(Deserialize)]
struct Single {
    truth: Vec<u32>,
    predicted: Vec<u32>,
    scores: Vec<f32>,
    accuracy: f64,
    #[serde(rename = "macro")]
    macro_average: [f64; 3],
    micro: [f64; 3],
    by_label: Vec<Vec<f64>>,
    confusion: Vec<u64>,
    roc_auc: f64,
    ece: [f64; 2],
}

#[derive(Deserialize)]
struct Multi {
    truth: Vec<Vec<u8>>,
    predicted: Vec<Vec<u8>>,
    scores: Vec<f32>,
    subset_accuracy: f64,
    hamming_loss: f64,
    #[serde(rename = "macro")]
    macro_average: [f64; 3],
    micro: [f64; 3],
    by_label: Vec<Vec<f64>>,
    roc_auc: f64,
    average_precision: Vec<f64>,
    map: f64,
    precision_at: [f64; 2],
}

fn fixture() -> serde_json::Result<Fixture> {
    serde_json::from_str(include_str!("fixtures/metrics_sklearn.json"))
}

fn close(what: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-7, "{what}: {got}, scikit-learn {want}");
    }
}

fn averages(counts: &LabelCounts, by_label: &[Vec<f64>], wide: [f64; 3], pooled: [f64; 3]) {
    close("precision", &counts.precision(), &by_label[0]);
    close("recall", &counts.recall(), &by_label[1]);
    close("F1", &counts.f1(), &by_label[2]);
    let support: Vec<f64> = counts.support().into_iter().map(|n| n as f64).collect();
    close("support", &support, &by_label[3]);
    let ours = [counts.macro_precision(), counts.macro_recall(), counts.macro_f1()];
    close("macro", &ours, &wide);
    let ours = [counts.micro_precision(), counts.micro_recall(), counts.micro_f1()];
    close("micro", &ours, &pooled);
}

fn sets(rows: &[Vec<u8>], n_labels: usize) -> Csr {
    let labels = |row: &Vec<u8>| {
        (0..).zip(row).filter(|(_, has)| **has == 1).map(|(label, _)| (label, 1.0)).collect()
    };
    Csr::from_rows(rows.iter().map(labels), n_labels)
}

#[test]
fn one_label_a_text() {
    let Fixture { n_labels, single: of, .. } = fixture().unwrap();
    close("accuracy", &[accuracy(&of.truth, &of.predicted).unwrap()], &[of.accuracy]);
    let counts = LabelCounts::single(&of.truth, &of.predicted, n_labels).unwrap();
    averages(&counts, &of.by_label, of.macro_average, of.micro);
    let matrix = ConfusionMatrix::new(&of.truth, &of.predicted, n_labels).unwrap();
    assert_eq!(matrix.counts(), of.confusion);
    let one_hot = Csr::from_rows(of.truth.iter().map(|&label| vec![(label, 1.0)]), n_labels);
    close("ROC-AUC", &[roc_auc_macro(&one_hot, &of.scores).unwrap()], &[of.roc_auc]);
    let rows = of.scores.chunks_exact(n_labels);
    let confidence: Vec<f32> =
        rows.map(|row| row.iter().copied().fold(f32::MIN, f32::max)).collect();
    let right: Vec<bool> = of.truth.iter().zip(&of.predicted).map(|(t, p)| t == p).collect();
    let ece = [7, 15].map(|bins| expected_calibration_error(&confidence, &right, bins).unwrap());
    close("ECE", &ece, &of.ece);
}

#[test]
fn several_labels_a_text() {
    let Fixture { n_labels, multi: of, .. } = fixture().unwrap();
    let (truth, predicted) = (sets(&of.truth, n_labels), sets(&of.predicted, n_labels));
    let counts = LabelCounts::multi(&truth, &predicted).unwrap();
    averages(&counts, &of.by_label, of.macro_average, of.micro);
    let ours =
        [hamming_loss(&truth, &predicted).unwrap(), subset_accuracy(&truth, &predicted).unwrap()];
    close("sets", &ours, &[of.hamming_loss, of.subset_accuracy]);
    close("ROC-AUC", &[roc_auc_macro(&truth, &of.scores).unwrap()], &[of.roc_auc]);
    let precision: Vec<f64> = (0..n_labels)
        .map(|label| {
            let has: Vec<bool> = of.truth.iter().map(|row| row[label] == 1).collect();
            let scores: Vec<f32> =
                of.scores.iter().skip(label).step_by(n_labels).copied().collect();
            average_precision(&has, &scores).unwrap()
        })
        .collect();
    close("average precision", &precision, &of.average_precision);
    close("mAP", &[mean_average_precision(&truth, &of.scores).unwrap()], &[of.map]);
    let at = [1, 3].map(|k| precision_at_k(&truth, &of.scores, k).unwrap());
    close("precision@k", &at, &of.precision_at);
}
