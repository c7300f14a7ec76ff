//! Why an item is shown.

use std::error::Error;
use std::path::Path;

use rec_core::data::read::write_text_columns;
use rec_core::data::{Dataset, Id, Items};
use rec_core::rank::{Explain, Recommendations};
use rec_models::content::ContentModel;

/// One line of the answer.
pub(crate) struct Line {
    pub(crate) item: Id,
    pub(crate) title: String,
    pub(crate) score: f32,
    pub(crate) because: String,
}

/// A row of the answer with the past item that is most like each, in words and tags.
pub(crate) fn of_row(
    answer: &Recommendations,
    row: usize,
    data: &Dataset,
    content: &ContentModel,
) -> Result<Vec<Line>, Box<dyn Error>> {
    let ids = &answer.ids;
    let user = ids.users.get(&answer.queries[row]);
    let (items, scores) = answer.top.row(row);
    let table = data.items.as_deref();
    let title = |item: u32| table.and_then(|table| title(table, ids.items.id(item)?.to_owned()));
    let mut lines = Vec::with_capacity(items.len());
    for (&item, &score) in items.iter().zip(scores) {
        let parts = user.map(|user| content.explain(user, item)).transpose()?;
        let nearest = parts.as_ref().and_then(|parts| parts.contributions.first());
        let because = match nearest {
            Some(&(past, _)) => {
                let name = title(past).or_else(|| Some(ids.items.id(past)?.to_string()));
                format!("because of {}", name.unwrap_or_default())
            }
            None => "others with the same taste had it".to_owned(),
        };
        let id = ids.items.id(item).map_or(Id::Int(-1), |id| id.to_owned());
        lines.push(Line { item: id, title: title(item).unwrap_or_default(), score, because });
    }
    Ok(lines)
}

fn title(items: &Items, id: Id) -> Option<String> {
    items.title(items.ids().get(&id)?).map(str::to_owned)
}

/// Writes `user,rank,item,title,score,because`; returns the number of lines.
pub(crate) fn write(
    path: &Path,
    answer: &Recommendations,
    data: &Dataset,
    content: &ContentModel,
) -> Result<usize, Box<dyn Error>> {
    let mut rows = Vec::new();
    for (row, user) in answer.queries.iter().enumerate() {
        for (rank, line) in of_row(answer, row, data, content)?.into_iter().enumerate() {
            let (rank, item, score) = (rank + 1, line.item.to_string(), line.score.to_string());
            let texts = [user.to_string(), rank.to_string(), item, line.title, score, line.because];
            rows.push(texts.to_vec());
        }
    }
    write_text_columns(path, &["user", "rank", "item", "title", "score", "because"], &rows)?;
    Ok(rows.len())
}
