//! Users who only said in words what they like.

use rec_core::data::{Id, Items};
use rec_core::rank::{Query, Recommend as _, Recommendations, Users};

use super::PipelineModel;
use crate::content::ContentModel;
use crate::{Error, Result};

/// Items that stand in for a past.
const STAND_INS: usize = 10;

impl PipelineModel {
    /// The `k` best items for people who said in words what they like, a text each. The items whose texts
    /// and tags match it best (by the cosine of their TF-IDF vectors times `1 + ln (1 + n)` of their `n`
    /// users) stand in for a past, ten at most, and may be recommended as well.
    ///
    /// # Errors
    /// [`Error::Empty`] where items have neither texts nor tags, [`Error::Data`] for a text that has no
    /// word in common with any item, naming its place; and those of [`rec_core::rank::recommend`].
    pub fn recommend_texts(&self, texts: &[&str], k: usize) -> Result<Recommendations> {
        let histories = self.stand_ins(texts)?;
        let query = Query::new(Users::Histories(&histories), k);
        self.recommend(&Query { filter_seen: false, ..query })
    }

    /// The items that stand in for the past of each text, the best first.
    ///
    /// # Errors
    /// As [`PipelineModel::recommend_texts`].
    pub fn stand_ins(&self, texts: &[&str]) -> Result<Vec<Vec<(Id, f32)>>> {
        let index = self.index()?;
        let ids = &self.data.interactions.ids().items;
        let users = self.data.interactions.matrix().column_counts();
        let mut scores = vec![0.0; ids.len()];
        let one = |(at, text): (usize, &&str)| {
            index.score_texts(&[text], &mut scores)?;
            let weighed = (0u32..).zip(scores.iter().zip(&users));
            let mut best: Vec<(u32, f32)> = weighed
                .map(|(item, (like, &users))| (item, like * (1.0 + (1.0 + users as f32).ln())))
                .filter(|&(_, score)| score > 0.0)
                .collect();
            if best.is_empty() {
                let why = format!("text {at} has no word in common with any item: {text:?}");
                return Err(Error::data("interests in words", why));
            }
            best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let named = |(item, _)| ids.id(item).map(|id| (id.to_owned(), 1.0));
            Ok(best.into_iter().take(STAND_INS).filter_map(named).collect())
        };
        texts.iter().enumerate().map(one).collect()
    }

    /// What items' texts and tags say, to be asked in words; made when it is first asked.
    fn index(&self) -> Result<&ContentModel> {
        if let Some(index) = self.words.get() {
            return Ok(index);
        }
        let ids = self.data.interactions.ids();
        let table = self.data.items.as_deref();
        let table = table.filter(|items| !items.texts().is_empty() || items.tags().is_some());
        let Some(items) = table else {
            let why = "give the items texts or tags, or recommend by a history";
            return Err(Error::empty("what items are about", why));
        };
        let rows = items.rows_of(&ids.items);
        let said: Vec<String> =
            rows.iter().map(|row| row.map_or_else(String::new, |row| said(items, row))).collect();
        let index = ContentModel::of_texts(ids.clone(), said)?;
        Ok(self.words.get_or_init(|| index))
    }
}

/// An item's texts and the names of its tags.
fn said(items: &Items, row: u32) -> String {
    let texts = items.texts().iter().map(|field| field.texts[row as usize].clone());
    let tags = items.tags().map_or(&[][..], |tags| tags.row(row as usize)).iter();
    let names = tags.filter_map(|&tag| items.tag_names().id(tag).map(|name| name.to_string()));
    texts.chain(names).collect::<Vec<_>>().join("\n")
}
