use super::*;

fn options(words: usize, ideographs: (usize, usize), letters: (usize, usize)) -> NgramOptions {
    NgramOptions { words, ideographs, letters, ..NgramOptions::default() }
}

fn counts(bag: &Bag, block: usize) -> Vec<u32> {
    let mut counts: Vec<u32> = bag.blocks[block].iter().map(|&(_, n)| n).collect();
    counts.sort_unstable();
    counts
}

#[test]
fn the_default_finds_words_and_characters() {
    NgramOptions::default().check().unwrap();
    // 我/来到/北京: three words and two pairs; " 我来到北京 ": five characters, six pairs (two with
    // a border), five triples.
    let bag = NgramOptions::default().bag("我来到北京").unwrap();
    assert_eq!((counts(&bag, 0).len(), counts(&bag, 1).len()), (5, 16));
    // " abc ": ab bc and the borders, the triples and so on: 4 + 3 + 2 + 1.
    let bag = options(1, (1, 3), (2, 5)).bag("ABC").unwrap();
    assert_eq!((counts(&bag, 0).len(), counts(&bag, 1).len()), (1, 10));
}

#[test]
fn repeated_grams_are_counted_once() {
    let bag = options(1, (0, 0), (1, 1)).bag("aba aba").unwrap();
    assert_eq!((counts(&bag, 0), counts(&bag, 1)), (vec![2], vec![2, 4]));
}

#[test]
fn tf_idf_by_hand() {
    let options = options(1, (0, 0), (0, 0));
    let bags = options.bags(&["cat cat dog", "dog", ""]).unwrap();
    let bags: Vec<&Bag> = bags.iter().collect();
    let tfidf = TfIdf::fit(&options, &bags);
    let rows = tfidf.transform(&bags);
    assert_eq!((rows.n_cols(), rows.n_rows(), rows.row(2).len()), (2, 3, 0));
    // n = 3, df(cat) = 1, df(dog) = 2.
    let cat = (1.0 + 2f32.ln()) * (2f32.ln() + 1.0);
    let dog = (4f32 / 3.0).ln() + 1.0;
    let norm = (cat * cat + dog * dog).sqrt();
    let mut row: Vec<f32> = rows.row_values(0).unwrap().to_vec();
    row.sort_by(f32::total_cmp);
    assert!((row[0] - dog / norm).abs() < 1e-6 && (row[1] - cat / norm).abs() < 1e-6);
    assert_eq!(rows.row_values(1).unwrap(), [1.0]);
    assert_eq!(tfidf.transform_texts(&["bird"]).unwrap().nnz(), 0);
}

#[test]
fn rare_grams_can_be_dropped() {
    let options = NgramOptions { min_df: 2, ..options(1, (0, 0), (0, 0)) };
    let bags = options.bags(&["cat dog", "dog cow"]).unwrap();
    assert_eq!(TfIdf::fit(&options, &bags.iter().collect::<Vec<_>>()).n_features(), 1);
}

#[test]
fn options_outside_their_domain_are_refused() {
    for (words, ideographs, letters) in
        [(6, (1, 2), (2, 3)), (1, (3, 2), (2, 3)), (1, (1, 2), (0, 3)), (0, (0, 0), (0, 0))]
    {
        assert!(options(words, ideographs, letters).check().is_err());
    }
}
