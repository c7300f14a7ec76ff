//! TF-IDF with sublinear term frequencies.

use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::store::{ModelReader, ModelWriter};

use super::grams::{Bag, NgramOptions};
use super::vocabulary::Vocabulary;
use crate::{Error, Result};

/// `x_j = (1 + ln tf_j) · idf_j` with `idf_j = ln((1 + n) / (1 + df_j)) + 1`, n-grams of words and
/// those of characters each scaled to length 1: scikit-learn's `TfidfVectorizer(sublinear_tf=True)`,
/// one for each kind, side by side.
#[derive(Clone, Debug)]
pub struct TfIdf {
    options: NgramOptions,
    blocks: [Block; 2],
}

#[derive(Clone, Debug)]
struct Block {
    vocabulary: Vocabulary,
    idf: Vec<f32>,
}

impl Block {
    fn fit(bags: &[&Bag], block: usize, min_df: usize) -> Self {
        let rows = bags.iter().map(|bag| bag.blocks[block].as_slice());
        let (vocabulary, counts) = Vocabulary::count(rows, min_df);
        let n = bags.len() as f64;
        let idf = |df: &u32| (((1.0 + n) / (1.0 + f64::from(*df))).ln() + 1.0) as f32;
        Self { vocabulary, idf: counts.iter().map(idf).collect() }
    }

    fn transform(&self, grams: &[(u64, u32)], offset: u32, row: &mut Vec<(u32, f32)>) {
        let from = row.len();
        let mut squares = 0f32;
        for &(hash, count) in grams {
            if let Some(column) = self.vocabulary.column(hash) {
                let x = (1.0 + (count as f32).ln()) * self.idf[column as usize];
                squares += x * x;
                row.push((column + offset, x));
            }
        }
        let scale = if squares > 0.0 { squares.sqrt().recip() } else { 0.0 };
        row[from..].iter_mut().for_each(|(_, x)| *x *= scale);
    }
}

impl TfIdf {
    /// Learns which n-grams there are and how rare each is.
    pub fn fit(options: &NgramOptions, bags: &[&Bag]) -> Self {
        let block = |block| Block::fit(bags, block, options.min_df);
        Self { options: options.clone(), blocks: [block(0), block(1)] }
    }

    /// Number of columns.
    pub fn n_features(&self) -> usize {
        self.blocks.iter().map(|block| block.vocabulary.len()).sum()
    }

    /// The bags as rows: `[texts, n_features]`; n-grams never seen in fitting are left out.
    pub fn transform(&self, bags: &[&Bag]) -> Csr {
        let rows: Vec<_> = bags.par_iter().map(|bag| self.row(bag)).collect();
        Csr::from_rows(rows, self.n_features())
    }

    /// The texts as rows: `[texts, n_features]`.
    ///
    /// # Errors
    /// As for [`NgramOptions::bags`].
    pub fn transform_texts(&self, texts: &[&str]) -> Result<Csr> {
        let row = |text: &&str| Ok(self.row(&self.options.bag(text)?));
        let rows: Vec<_> = texts.par_iter().map(row).collect::<Result<_>>()?;
        Ok(Csr::from_rows(rows, self.n_features()))
    }

    fn row(&self, bag: &Bag) -> Vec<(u32, f32)> {
        let mut row = Vec::with_capacity(bag.blocks.iter().map(Vec::len).sum());
        let mut offset = 0;
        for (block, grams) in self.blocks.iter().zip(&bag.blocks) {
            block.transform(grams, offset, &mut row);
            offset += block.vocabulary.len() as u32;
        }
        row
    }

    pub(crate) fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<()> {
        for (name, block) in NAMES.iter().zip(&self.blocks) {
            let n = block.idf.len();
            writer.u64(&format!("{prefix}{name}.hashes"), &[n], block.vocabulary.hashes())?;
            writer.f32(&format!("{prefix}{name}.idf"), &[n], &block.idf)?;
        }
        Ok(())
    }

    pub(crate) fn read(reader: &ModelReader, prefix: &str, options: NgramOptions) -> Result<Self> {
        let block = |name: &str| {
            let (_, hashes) = reader.u64(&format!("{prefix}{name}.hashes"))?;
            let (_, idf) = reader.f32(&format!("{prefix}{name}.idf"))?;
            if hashes.len() != idf.len() || hashes.windows(2).any(|w| w[0] >= w[1]) {
                let why = "the hashes must ascend, one beside each idf; the folder is damaged";
                return Err(Error::data(format!("vocabulary of {name}"), why));
            }
            Ok(Block { vocabulary: Vocabulary::new(hashes), idf })
        };
        Ok(Self { options, blocks: [block(NAMES[0])?, block(NAMES[1])?] })
    }
}

const NAMES: [&str; 2] = ["words", "chars"];
