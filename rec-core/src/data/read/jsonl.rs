//! JSON lines: an object a row.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use memchr::memchr;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use super::columns::Names;
use super::events::{EventParser, Layout, Usual, product};
use super::load::{Raw, pipeline};
use super::options::{Format, ReadOptions};
use super::report::{ReadReport, Reason};
use super::sink::{Parsed, RawIds};
use super::source::Source;
use super::values::{self, Refused, TimeKind};
use crate::data::IdMaps;
use crate::{Error, Result};

/// How many rows at the start say which keys there are.
const SAMPLE: usize = 200;

pub(super) fn read(
    source: Source,
    options: &ReadOptions,
    usual: Usual,
    ids: IdMaps,
) -> Result<Raw> {
    let path = source.path().to_path_buf();
    let objects = sample(source.start().0);
    let keys = keys(&objects);
    if keys.is_empty() {
        let why = "the first line is no JSON object; write one object a line";
        return Err(Error::format(path, Some(1), why));
    }
    let names = Names { path: &path, names: &keys, header: true };
    let layout = Layout::find(&names, options, usual, &[])?;
    let mut report = ReadReport::new(&path, Format::JsonLines, source.gzip, true);
    report.columns = layout.describe(&keys);
    let time_of = |at: usize| objects.iter().find_map(|o| o.get(&keys[at])).map(as_text);
    let rows = layout.time.and_then(time_of).map(|text| {
        let mut row = vec![String::new(); keys.len()];
        row[layout.time.unwrap_or(0)] = text;
        row
    });
    let parser = EventParser::new(layout, rows.as_slice(), options);
    let wanted = Wanted::new(&parser.layout, &keys);
    let sink = pipeline(source, None, options, ids, |_, block| {
        let mut out = Parsed::default();
        out.lines = each_line(block, |line, text| {
            out.rows += 1;
            if let Err(refused) = event(text, &parser, &wanted, &mut out) {
                out.refuse(line, refused);
            }
        });
        out
    })?;
    Ok(Raw::new(sink, report, parser.time))
}

/// Calls `row` for each line that is not blank; returns the number of lines.
pub(super) fn each_line(block: &[u8], mut row: impl FnMut(u64, &[u8])) -> u64 {
    let (mut at, mut line) = (0, 0);
    while at < block.len() {
        let end = memchr(b'\n', &block[at..]).map_or(block.len(), |n| at + n);
        let text = block[at..end].trim_ascii();
        if !text.is_empty() {
            row(line, text);
        }
        line += 1;
        at = end + 1;
    }
    line
}

type Object = serde_json::Map<String, serde_json::Value>;

/// The first objects of a file.
pub(super) fn sample(start: &[u8]) -> Vec<Object> {
    let mut objects = Vec::new();
    each_line(start, |_, text| {
        if objects.len() < SAMPLE {
            objects.extend(serde_json::from_slice::<Object>(text));
        }
    });
    objects
}

/// The keys of the first objects, sorted.
pub(super) fn keys(objects: &[Object]) -> Vec<String> {
    let keys: BTreeSet<&String> = objects.iter().flat_map(Object::keys).collect();
    keys.into_iter().cloned().collect()
}

fn as_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The keys that are read, by the part they play.
struct Wanted<'a>([Option<&'a str>; 5]);

impl<'a> Wanted<'a> {
    fn new(layout: &Layout, keys: &'a [String]) -> Self {
        let at = [Some(layout.user), Some(layout.item), layout.weight, layout.time, layout.event];
        Self(at.map(|at| at.map(|at| keys[at].as_str())))
    }
}

fn event(
    line: &[u8],
    parser: &EventParser<'_>,
    wanted: &Wanted<'_>,
    out: &mut Parsed,
) -> Result<(), Refused> {
    let text = std::str::from_utf8(line)
        .map_err(|_| (Reason::Utf8, "not UTF-8; convert the file (iconv -t UTF-8)".to_owned()))?;
    let mut de = serde_json::Deserializer::from_str(text);
    let parts = wanted.deserialize(&mut de).and_then(|parts| de.end().map(|()| parts));
    let [user, item, weight, time, event] =
        parts.map_err(|e| (Reason::Json, format!("not a JSON object: {e}")))?;
    let weight = match (&weight, wanted.0[2]) {
        (None, None) => None,
        (Some(Scalar::Text(text)), _) => Some(values::weight(text)?),
        (Some(Scalar::Int(v)), _) => Some(*v as f32),
        (Some(Scalar::Float(v)), _) if (*v as f32).is_finite() => Some(*v as f32),
        (other, _) => return Err((Reason::Weight, format!("weight {} is no number", show(other)))),
    };
    let factor = match (&event, wanted.0[4]) {
        (None, None) => None,
        (Some(Scalar::Text(text)), _) => Some(parser.event_weight(text)?),
        (Some(Scalar::Int(v)), _) => Some(parser.event_weight(&v.to_string())?),
        (other, _) => return Err((Reason::Event, format!("event type {}", show(other)))),
    };
    let time = match (&time, wanted.0[3], parser.time) {
        (None, None, _) => None,
        (Some(Scalar::Text(text)), ..) => Some(parser.time.parse(text)?),
        (Some(Scalar::Int(v)), _, TimeKind::Number) => Some(*v),
        (Some(Scalar::Float(v)), _, TimeKind::Number) if values::whole(*v).is_some() => {
            values::whole(*v)
        }
        (other, ..) => {
            let why = format!("time {} is not of the kind the first rows have", show(other));
            return Err((Reason::Time, why));
        }
    };
    let weight = product(weight, factor)?;
    let (user, item) = (id("user", user)?, id("item", item)?);
    user.push_to(&mut out.users);
    item.push_to(&mut out.items);
    out.weights.extend(weight);
    out.times.extend(time);
    Ok(())
}

fn id<'a>(kind: &str, value: Option<Scalar<'a>>) -> Result<Scalar<'a>, Refused> {
    match value {
        None | Some(Scalar::Null) => Err((Reason::EmptyId, format!("no {kind} id"))),
        Some(Scalar::Text(text)) if text.is_empty() => {
            Err((Reason::EmptyId, format!("the {kind} id is empty")))
        }
        Some(id @ (Scalar::Text(_) | Scalar::Int(_))) => Ok(id),
        other => Err((Reason::Id, format!("{kind} id {}: give text or an integer", show(&other)))),
    }
}

fn show(value: &Option<Scalar<'_>>) -> String {
    match value {
        None => "(absent)".into(),
        Some(Scalar::Null) => "null".into(),
        Some(Scalar::Int(v)) => v.to_string(),
        Some(Scalar::Float(v)) => v.to_string(),
        Some(Scalar::Text(text)) => format!("{text:?}"),
        Some(Scalar::Other) => "(a list, object or truth value)".into(),
    }
}

/// A JSON value as far as events need it.
enum Scalar<'a> {
    Null,
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Other,
}

impl Scalar<'_> {
    fn push_to(&self, ids: &mut RawIds) {
        match self {
            Self::Int(v) => ids.push_int(*v),
            Self::Text(text) => ids.push(text),
            _ => {}
        }
    }
}

impl<'de> DeserializeSeed<'de> for &Wanted<'_> {
    type Value = [Option<Scalar<'de>>; 5];

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &Wanted<'_> {
    type Value = [Option<Scalar<'de>>; 5];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut parts: Self::Value = Default::default();
        while let Some(Key(key)) = map.next_key()? {
            let mut parts_of_key =
                (0..5).filter(|&part| self.0[part].is_some_and(|wanted| wanted == key));
            match parts_of_key.next() {
                Some(part) => parts[part] = Some(map.next_value_seed(ScalarSeed)?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(parts)
    }
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }
    fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Int(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(v).map_or_else(|_| Scalar::Text(v.to_string().into()), Scalar::Int))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(v))
    }
    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(v)))
    }
    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(v.into())))
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}
