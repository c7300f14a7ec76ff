//! A column of tags into a list of tags an item.

use super::table::Cell;

/// Splits cells into tags. Without a separator named: lists as they are, JSON lists, `|` where any
/// cell has one, else `,`; spaces in sequences; else a cell is one tag.
pub(super) fn split_tags(
    cells: Vec<Cell>,
    separator: Option<&str>,
    sequence: bool,
) -> Vec<Vec<String>> {
    let has = |mark: char| cells.iter().filter_map(Cell::text).any(|text| text.contains(mark));
    let separator = match separator {
        Some(separator) => Some(separator),
        None if sequence => Some(" "),
        None if has('|') => Some("|"),
        None if has(',') => Some(","),
        None => None,
    };
    cells.into_iter().map(|cell| split(cell, separator)).collect()
}

fn split(cell: Cell, separator: Option<&str>) -> Vec<String> {
    let text = match cell {
        Cell::Missing => return Vec::new(),
        Cell::List(list) => return list,
        Cell::Vector(values) => return number_tags(&values),
        Cell::Text(text) => text,
    };
    if text.starts_with('[')
        && let Ok(list) = serde_json::from_str::<Vec<serde_json::Value>>(&text)
    {
        return list
            .into_iter()
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect();
    }
    let pieces: Vec<&str> = match separator {
        Some(separator) if !separator.is_empty() => text.split(separator).collect(),
        _ => vec![&text],
    };
    pieces.into_iter().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

/// Numbered tags by their numbers.
pub(super) fn number_tags(values: &[f32]) -> Vec<String> {
    values.iter().map(f32::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_in_all_spellings() {
        let split = |texts: &[&str], sequence| {
            split_tags(texts.iter().map(|t| Cell::Text(t.to_string())).collect(), None, sequence)
        };
        assert_eq!(split(&["Drama, Sci-Fi", ""], false), [vec!["Drama", "Sci-Fi"], vec![]]);
        assert_eq!(split(&["A|B, C", "D"], false), [vec!["A", "B, C"], vec!["D"]]);
        assert_eq!(split(&["Science Fiction"], false), [["Science Fiction"]]);
        assert_eq!(split(&["Drama War"], true), [["Drama", "War"]]);
        assert_eq!(split(&["[\"手机\", 5]"], false), [["手机", "5"]]);
        let named = split_tags(vec![Cell::Text("a;b".into())], Some(";"), false);
        assert_eq!(named, [["a", "b"]]);
        assert_eq!(split_tags(vec![Cell::Vector(vec![3.0])], None, false), [["3"]]);
    }
}
