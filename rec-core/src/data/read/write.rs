//! Events, items and recommendations into files.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value};

use super::atomic::write_atomic;
use super::options::{Format, Separator};
use crate::data::{IdRef, Interactions, Items};
use crate::rank::Recommendations;
use crate::{Error, Result};

/// Writes events, user after user in order of time: `user_id`, `item_id`, and `rating` and
/// `timestamp` where the data has them. The name tells the format: `.csv`, `.tsv`, `.inter`
/// (RecBole), `.jsonl` or `.parquet`; `.gz` after a text format compresses.
///
/// # Errors
/// [`Error::Parameter`] for another ending, [`Error::Data`] for ids the format cannot hold,
/// [`Error::Io`] with the path where the disk refuses; nothing half-written remains.
pub fn write_interactions(path: impl AsRef<Path>, log: &Interactions) -> Result<()> {
    let path = path.as_ref();
    match format_of(path)? {
        Format::JsonLines => write_atomic(path, |w| events_json(w, log)),
        #[cfg(feature = "parquet")]
        Format::Parquet => super::arrow_write::events(path, log),
        Format::Delimited(separator) => write_atomic(path, |w| {
            let separator = separator.byte().unwrap_or(b',');
            let ids = || log.ids().users.iter().chain(log.ids().items.iter());
            let quoted = ids().any(|id| needs_quotes(id, separator));
            events_text(w, log, separator, Header { typed: false, quoted })
        }),
        Format::RecBole => {
            let mut ids = log.ids().users.iter().chain(log.ids().items.iter());
            if let Some(id) = ids.find(|id| needs_quotes(*id, b'\t')) {
                let why = "RecBole's format has no quotes; write .csv, .jsonl or .parquet";
                return Err(Error::data(format!("id {id}"), why));
            }
            write_atomic(path, |w| {
                events_text(w, log, b'\t', Header { typed: true, quoted: false })
            })
        }
        _ => Err(unknown_ending(path)),
    }
}

/// Writes items: `item_id`, each text field under its name, `tags` (separated by `|`; as lists in
/// JSON lines and Parquet), and in those two each vector table under its name. The name tells the
/// format, as in [`write_interactions`], without `.inter`.
///
/// # Errors
/// As [`write_interactions`]; [`Error::Unsupported`] for vectors in a text table.
pub fn write_items(path: impl AsRef<Path>, items: &Items) -> Result<()> {
    let path = path.as_ref();
    let format = format_of(path)?;
    if matches!(format, Format::Delimited(_)) && !items.vectors().is_empty() {
        let by = format!("{format} files");
        return Err(Error::unsupported("writing vectors", by, "write .parquet or .jsonl"));
    }
    match format {
        Format::JsonLines => write_atomic(path, |w| items_json(w, items)),
        #[cfg(feature = "parquet")]
        Format::Parquet => super::arrow_write::items(path, items),
        Format::Delimited(separator) => {
            write_atomic(path, |w| items_text(w, items, separator.byte().unwrap_or(b',')))
        }
        _ => Err(unknown_ending(path)),
    }
}

/// Writes recommendations as CSV: `user,rank,item,score,title`, rank from 1, the title empty where
/// it is not known.
///
/// # Errors
/// [`Error::Io`] with the path where the disk refuses; nothing half-written remains.
pub fn write_recommendations(
    path: impl AsRef<Path>,
    recommendations: &Recommendations,
    items: Option<&Items>,
) -> Result<()> {
    write_atomic(path, |w| {
        let mut out = csv::Writer::from_writer(w);
        out.write_record(["user", "rank", "item", "score", "title"])?;
        for (row, user) in recommendations.queries.iter().enumerate() {
            let user = user.to_string();
            for (at, (item, score)) in recommendations.row(row).enumerate() {
                let title = items.and_then(|items| items.title(items.ids().get(item)?));
                out.write_record([
                    &user,
                    &(at + 1).to_string(),
                    &item.to_string(),
                    &score.to_string(),
                    title.unwrap_or_default(),
                ])?;
            }
        }
        out.flush()
    })
}

fn format_of(path: &Path) -> Result<Format> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    match plain.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv") => Ok(Format::Delimited(Separator::Comma)),
        Some("tsv") => Ok(Format::Delimited(Separator::Tab)),
        Some("inter") => Ok(Format::RecBole),
        Some("jsonl" | "ndjson") => Ok(Format::JsonLines),
        Some("parquet") if plain.len() == name.len() => Ok(Format::Parquet),
        _ => Err(unknown_ending(path)),
    }
}

fn unknown_ending(path: &Path) -> Error {
    let parquet = if cfg!(feature = "parquet") { " or .parquet" } else { "" };
    let why =
        format!("name it .csv, .tsv, .jsonl (each may end in .gz){parquet}, .inter for events");
    Error::parameter("path", path.display(), why)
}

/// Whether a text would be split or misread without quotes.
fn needs_quotes<'a>(id: impl Into<IdRef<'a>>, separator: u8) -> bool {
    match id.into() {
        IdRef::Int(_) => false,
        IdRef::Str(s) => s.bytes().any(|b| b == separator || matches!(b, b'"' | b'\n' | b'\r')),
    }
}

#[derive(Clone, Copy)]
struct Header {
    typed: bool,
    /// Quotes around the names tell a reader of tab-separated text that quotes quote.
    quoted: bool,
}

impl Header {
    fn write(
        self,
        w: &mut (dyn Write + Send),
        names: &[(&str, &str)],
        separator: u8,
    ) -> io::Result<()> {
        for (at, (name, kind)) in names.iter().enumerate() {
            if at > 0 {
                w.write_all(&[separator])?;
            }
            match (self.typed, self.quoted) {
                (true, _) => write!(w, "{name}:{kind}")?,
                (_, true) => write!(w, "\"{}\"", name.replace('"', "\"\""))?,
                _ => w.write_all(name.as_bytes())?,
            }
        }
        w.write_all(b"\n")
    }
}

fn text_writer<W: Write>(w: W, separator: u8) -> csv::Writer<W> {
    csv::WriterBuilder::new().delimiter(separator).from_writer(w)
}

fn events_text(
    w: &mut (dyn Write + Send),
    log: &Interactions,
    separator: u8,
    header: Header,
) -> io::Result<()> {
    let mut names = vec![("user_id", "token"), ("item_id", "token")];
    names.extend(log.weights().map(|_| ("rating", "float")));
    names.extend(log.times().map(|_| ("timestamp", "float")));
    header.write(w, &names, separator)?;
    let mut out = text_writer(w, separator);
    let mut field = String::new();
    for event in log.events() {
        let ids = (log.ids().users.id(event.user), log.ids().items.id(event.item));
        for id in [ids.0, ids.1].into_iter().flatten() {
            put(&mut out, &mut field, id)?;
        }
        if log.weights().is_some() {
            put(&mut out, &mut field, event.weight)?;
        }
        if let Some(time) = event.time {
            put(&mut out, &mut field, time)?;
        }
        out.write_record(None::<&[u8]>)?;
    }
    out.flush()
}

fn put<W: Write>(
    out: &mut csv::Writer<W>,
    field: &mut String,
    value: impl std::fmt::Display,
) -> csv::Result<()> {
    use std::fmt::Write as _;
    field.clear();
    // Writing to a string cannot fail.
    let _ = write!(field, "{value}");
    out.write_field(field.as_bytes())
}

fn events_json(w: &mut (dyn Write + Send), log: &Interactions) -> io::Result<()> {
    for event in log.events() {
        let mut object = Map::new();
        object.insert("user_id".into(), id_value(log.ids().users.id(event.user)));
        object.insert("item_id".into(), id_value(log.ids().items.id(event.item)));
        if log.weights().is_some() {
            object.insert("rating".into(), Value::from(event.weight));
        }
        object.extend(event.time.map(|time| ("timestamp".into(), Value::from(time))));
        json_line(w, object)?;
    }
    Ok(())
}

fn json_line(w: &mut (dyn Write + Send), object: Map<String, Value>) -> io::Result<()> {
    serde_json::to_writer(&mut *w, &Value::Object(object))?;
    w.write_all(b"\n")
}

fn id_value(id: Option<IdRef<'_>>) -> Value {
    match id {
        Some(IdRef::Int(v)) => v.into(),
        Some(IdRef::Str(s)) => s.into(),
        None => Value::Null,
    }
}

/// The tags of an item by name.
pub(super) fn tags_of(items: &Items, row: usize) -> Option<Vec<String>> {
    let names = items.tag_names();
    let name = |&tag: &u32| names.id(tag).map(|id| id.to_string());
    Some(items.tags()?.row(row).iter().filter_map(name).collect())
}

fn items_text(w: &mut (dyn Write + Send), items: &Items, separator: u8) -> io::Result<()> {
    let quote = |text: &str| needs_quotes(text, separator);
    let quoted = items.ids().iter().any(|id| needs_quotes(id, separator))
        || items.texts().iter().any(|f| quote(&f.name) || f.texts.iter().any(|t| quote(t)))
        || items.tag_names().iter().any(|tag| needs_quotes(tag, separator));
    let mut names = vec![("item_id", "")];
    names.extend(items.texts().iter().map(|f| (f.name.as_str(), "")));
    names.extend(items.tags().map(|_| ("tags", "")));
    Header { typed: false, quoted }.write(w, &names, separator)?;
    let mut out = text_writer(w, separator);
    let bar = items.tag_names().iter().any(|tag| tag.to_string().contains(['|', ',']));
    for (row, id) in items.ids().iter().enumerate() {
        out.write_field(id.to_string())?;
        for field in items.texts() {
            out.write_field(&field.texts[row])?;
        }
        if let Some(tags) = tags_of(items, row) {
            match bar {
                true => out.write_field(serde_json::to_string(&tags)?)?,
                false => out.write_field(tags.join("|"))?,
            }
        }
        out.write_record(None::<&[u8]>)?;
    }
    out.flush()
}

fn items_json(w: &mut (dyn Write + Send), items: &Items) -> io::Result<()> {
    for (row, id) in items.ids().iter().enumerate() {
        let mut object = Map::new();
        object.insert("item_id".into(), id_value(Some(id)));
        for field in items.texts() {
            object.insert(field.name.clone(), field.texts[row].as_str().into());
        }
        object.extend(tags_of(items, row).map(|tags| ("tags".into(), Value::from(tags))));
        for field in items.vectors() {
            let vector = &field.values[row * field.dim..(row + 1) * field.dim];
            object.insert(field.name.clone(), Value::from(vector));
        }
        json_line(w, object)?;
    }
    Ok(())
}
