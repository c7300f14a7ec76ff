use super::*;

fn sets(rows: &[&[u32]], n_labels: usize) -> Csr {
    Csr::from_rows(rows.iter().map(|row| row.iter().map(|&l| (l, 1.0)).collect()), n_labels)
}

#[test]
fn counts_by_hand() {
    // truth 0 0 1 2, predicted 0 1 1 1
    let counts = LabelCounts::single(&[0, 0, 1, 2], &[0, 1, 1, 1], 4).unwrap();
    assert_eq!(counts.true_positives, [1, 1, 0, 0]);
    assert_eq!(counts.false_positives, [0, 2, 0, 0]);
    assert_eq!(counts.false_negatives, [1, 0, 1, 0]);
    assert_eq!(counts.support(), [2, 1, 1, 0]);
    assert_eq!(counts.precision(), [1.0, 1.0 / 3.0, 0.0, 0.0]);
    assert_eq!(counts.recall(), [0.5, 1.0, 0.0, 0.0]);
    // F1: 2/3, 1/2, 0; the fourth label occurs nowhere.
    assert!((counts.macro_f1() - (2.0 / 3.0 + 0.5) / 3.0).abs() < 1e-12);
    assert_eq!(counts.micro_f1(), 0.5);
    assert_eq!(accuracy(&[0, 0, 1, 2], &[0, 1, 1, 1]).unwrap(), 0.5);
}

#[test]
fn mistakes_come_most_frequent_first() {
    let matrix = ConfusionMatrix::new(&[0, 0, 0, 1, 2], &[1, 1, 2, 1, 0], 3).unwrap();
    assert_eq!(matrix.mistakes(2), [(0, 1, 2), (0, 2, 1)]);
    assert_eq!((matrix.get(1, 1), matrix.get(1, 3)), (Some(1), None));
}

#[test]
fn sets_by_hand() {
    let truth = sets(&[&[0, 1], &[2], &[]], 3);
    let predicted = sets(&[&[0], &[2], &[1]], 3);
    assert_eq!(hamming_loss(&truth, &predicted).unwrap(), 2.0 / 9.0);
    assert_eq!(subset_accuracy(&truth, &predicted).unwrap(), 1.0 / 3.0);
    assert_eq!(LabelCounts::multi(&truth, &predicted).unwrap().micro_precision(), 2.0 / 3.0);
}

#[test]
fn tags_at_k_leave_out_texts_without_tags() {
    let truth = sets(&[&[0, 1], &[], &[2]], 3);
    let scores = [0.9, 0.1, 0.5, 0.0, 0.0, 0.0, 0.3, 0.3, 0.2];
    assert_eq!(precision_at_k(&truth, &scores, 1).unwrap(), 0.5);
    assert_eq!(precision_at_k(&truth, &scores, 3).unwrap(), 0.5);
    assert!(matches!(precision_at_k(&truth, &scores, 4), Err(Error::Parameter { .. })));
}

#[test]
fn confidence_on_an_edge_belongs_to_the_lower_bin() {
    let bins = Calibration::bins(&[0.0, 0.5, 0.75, 1.0], &[false, true, true, true], 2).unwrap();
    assert_eq!((bins[0].n, bins[1].n), (2, 2));
    assert_eq!((bins[0].confidence, bins[0].accuracy), (0.25, 0.5));
    let ece = expected_calibration_error(&[0.0, 0.5, 0.75, 1.0], &[false, true, true, true], 2);
    assert_eq!(ece.unwrap(), 0.5 * 0.25 + 0.5 * 0.125);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    assert!(matches!(accuracy(&[0, 1], &[0]), Err(Error::Shape { .. })));
    assert!(matches!(accuracy(&[], &[]), Err(Error::Empty { .. })));
    assert!(matches!(LabelCounts::single(&[3], &[0], 2), Err(Error::Shape { .. })));
    assert!(matches!(roc_auc(&[true, true], &[0.1, 0.2]), Err(Error::Data { .. })));
    assert!(matches!(roc_auc(&[true, false], &[0.1, f32::NAN]), Err(Error::Data { .. })));
    let one = sets(&[&[0]], 2);
    assert!(matches!(mean_average_precision(&one, &[0.1]), Err(Error::Shape { .. })));
    assert!(matches!(hamming_loss(&one, &sets(&[&[0]], 3)), Err(Error::Shape { .. })));
    assert!(matches!(expected_calibration_error(&[1.5], &[true], 10), Err(Error::Data { .. })));
    assert!(matches!(expected_calibration_error(&[0.5], &[true], 0), Err(Error::Parameter { .. })));
}
