//! The map between the caller's ids and the dense `u32` ids used inside.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, IdKind, Result};

/// An id as the caller writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// An integer id.
    Int(i64),
    /// A text id.
    Str(Box<str>),
}

/// A borrowed [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdRef<'a> {
    /// An integer id.
    Int(i64),
    /// A text id.
    Str(&'a str),
}

impl Id {
    /// The borrowed form.
    pub fn as_ref(&self) -> IdRef<'_> {
        match self {
            Id::Int(v) => IdRef::Int(*v),
            Id::Str(s) => IdRef::Str(s),
        }
    }
}

impl IdRef<'_> {
    /// The owned form.
    pub fn to_owned(self) -> Id {
        match self {
            IdRef::Int(v) => Id::Int(v),
            IdRef::Str(s) => Id::Str(s.into()),
        }
    }
}

impl From<i64> for Id {
    fn from(v: i64) -> Self {
        Id::Int(v)
    }
}
impl From<&str> for Id {
    fn from(s: &str) -> Self {
        Id::Str(s.into())
    }
}
impl From<String> for Id {
    fn from(s: String) -> Self {
        Id::Str(s.into())
    }
}
impl<'a> From<&'a Id> for IdRef<'a> {
    fn from(id: &'a Id) -> Self {
        id.as_ref()
    }
}
impl From<i64> for IdRef<'_> {
    fn from(v: i64) -> Self {
        IdRef::Int(v)
    }
}
impl<'a> From<&'a str> for IdRef<'a> {
    fn from(s: &'a str) -> Self {
        IdRef::Str(s)
    }
}
impl fmt::Display for IdRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdRef::Int(v) => write!(f, "{v}"),
            IdRef::Str(s) => f.write_str(s),
        }
    }
}
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// A two-way map between the caller's ids and `0..len` in order of first appearance.
///
/// An id is identified by its text: the integer `5` and the string `"5"` name the same user. What
/// comes back is an integer where every id so far was written as a canonical decimal integer (or
/// there is none yet), text otherwise.
#[derive(Clone)]
pub struct IdMap {
    store: Store,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    fixed: bool,
}

#[derive(Clone)]
enum Store {
    Int(Vec<i64>),
    Str { bytes: String, ends: Vec<usize> },
}

impl Default for IdMap {
    fn default() -> Self {
        Self::new()
    }
}

impl IdMap {
    fn with_store(store: Store, fixed: bool) -> Self {
        Self { store, index: HashTable::new(), hasher: DefaultHashBuilder::default(), fixed }
    }

    /// An empty map that holds integers until the first id that is none arrives.
    pub fn new() -> Self {
        Self::with_store(Store::Int(Vec::new()), false)
    }

    /// An empty map whose ids come back as text whatever they look like.
    pub fn strings() -> Self {
        Self::with_store(Store::Str { bytes: String::new(), ends: Vec::new() }, true)
    }

    /// The map of the given ids in that order.
    ///
    /// # Errors
    /// [`Error::Data`] if an id is repeated.
    pub fn from_ids<'a, I: Into<IdRef<'a>>>(ids: impl IntoIterator<Item = I>) -> Result<Self> {
        let mut map = Self::new();
        map.extend_unique(ids)?;
        Ok(map)
    }

    /// Like [`IdMap::from_ids`], with ids that come back as text.
    ///
    /// # Errors
    /// [`Error::Data`] if an id is repeated.
    pub fn from_strings<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut map = Self::strings();
        map.extend_unique(ids)?;
        Ok(map)
    }

    /// The integers `0..n`, each its own dense id.
    pub fn range(n: usize) -> Self {
        let mut map = Self::new();
        for v in 0..n as i64 {
            map.intern_int(v);
        }
        map
    }

    fn extend_unique<'a, I: Into<IdRef<'a>>>(
        &mut self,
        ids: impl IntoIterator<Item = I>,
    ) -> Result<()> {
        for (position, id) in ids.into_iter().enumerate() {
            let id = id.into();
            if self.intern(id) as usize != position {
                return Err(Error::data(
                    "ids",
                    format!("{id} stands twice; each id must be unique"),
                ));
            }
        }
        Ok(())
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Int(values) => values.len(),
            Store::Str { ends, .. } => ends.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether ids come back as integers.
    pub fn is_integer(&self) -> bool {
        matches!(self.store, Store::Int(_))
    }

    /// The ids as integers, where they are.
    pub fn as_integers(&self) -> Option<&[i64]> {
        match &self.store {
            Store::Int(values) => Some(values),
            Store::Str { .. } => None,
        }
    }

    /// The dense id of `id`, added if new.
    ///
    /// # Panics
    /// With more than `u32::MAX` ids, which no supported data set has.
    pub fn intern<'a>(&mut self, id: impl Into<IdRef<'a>>) -> u32 {
        match id.into() {
            IdRef::Int(v) => self.intern_int(v),
            IdRef::Str(s) => self.intern_str(s),
        }
    }

    /// [`IdMap::intern`] of an integer.
    pub fn intern_int(&mut self, v: i64) -> u32 {
        match &mut self.store {
            Store::Int(values) => {
                let hash = self.hasher.hash_one(v);
                if let Some(&found) = self.index.find(hash, |&i| values[i as usize] == v) {
                    return found;
                }
                let next = values.len() as u32;
                values.push(v);
                let hasher = &self.hasher;
                self.index.insert_unique(hash, next, |&i| hasher.hash_one(values[i as usize]));
                next
            }
            Store::Str { .. } => self.intern_text(&v.to_string()),
        }
    }

    /// [`IdMap::intern`] of a text.
    pub fn intern_str(&mut self, s: &str) -> u32 {
        if self.is_integer() {
            match canonical_int(s) {
                Some(v) => return self.intern_int(v),
                None => self.convert_to_text(),
            }
        }
        self.intern_text(s)
    }

    fn intern_text(&mut self, s: &str) -> u32 {
        let Store::Str { bytes, ends } = &mut self.store else { unreachable!("text store") };
        let hash = hash_text(&self.hasher, s);
        if let Some(&found) = self.index.find(hash, |&i| slice(bytes, ends, i) == s) {
            return found;
        }
        let next = ends.len() as u32;
        bytes.push_str(s);
        ends.push(bytes.len());
        let hasher = &self.hasher;
        self.index.insert_unique(hash, next, |&i| hash_text(hasher, slice(bytes, ends, i)));
        next
    }

    fn convert_to_text(&mut self) {
        let Store::Int(values) = &self.store else {
            return;
        };
        let mut text = Self::strings();
        text.fixed = self.fixed;
        for v in values {
            text.intern_text(&v.to_string());
        }
        *self = text;
    }

    /// The dense id of `id`, if known.
    pub fn get<'a>(&self, id: impl Into<IdRef<'a>>) -> Option<u32> {
        match (&self.store, id.into()) {
            (Store::Int(values), IdRef::Int(v)) => self.find_int(values, v),
            (Store::Int(values), IdRef::Str(s)) => self.find_int(values, canonical_int(s)?),
            (Store::Str { bytes, ends }, IdRef::Str(s)) => self.find_text(bytes, ends, s),
            (Store::Str { bytes, ends }, IdRef::Int(v)) => {
                self.find_text(bytes, ends, &v.to_string())
            }
        }
    }

    fn find_int(&self, values: &[i64], v: i64) -> Option<u32> {
        self.index.find(self.hasher.hash_one(v), |&i| values[i as usize] == v).copied()
    }

    fn find_text(&self, bytes: &str, ends: &[usize], s: &str) -> Option<u32> {
        self.index.find(hash_text(&self.hasher, s), |&i| slice(bytes, ends, i) == s).copied()
    }

    /// The dense id of `id`.
    ///
    /// # Errors
    /// [`Error::UnknownId`] if it is not known.
    pub fn require<'a>(&self, kind: IdKind, id: impl Into<IdRef<'a>>) -> Result<u32> {
        let id = id.into();
        self.get(id).ok_or_else(|| Error::UnknownId { kind, id: id.to_string(), known: self.len() })
    }

    /// The caller's id of a dense id, if there is one.
    pub fn id(&self, dense: u32) -> Option<IdRef<'_>> {
        if dense as usize >= self.len() {
            return None;
        }
        Some(match &self.store {
            Store::Int(values) => IdRef::Int(values[dense as usize]),
            Store::Str { bytes, ends } => IdRef::Str(slice(bytes, ends, dense)),
        })
    }

    /// All ids in dense order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IdRef<'_>> {
        (0..self.len() as u32).map(|i| match &self.store {
            Store::Int(values) => IdRef::Int(values[i as usize]),
            Store::Str { bytes, ends } => IdRef::Str(slice(bytes, ends, i)),
        })
    }

    /// A SHA-256 of the ids in order, in hex: equal for maps that number the same ids alike.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for id in self.iter() {
            hash.update(id.to_string().as_bytes());
            hash.update([0]);
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Whether the other map numbers the same ids alike.
    pub fn same_as(&self, other: &IdMap) -> bool {
        std::ptr::eq(self, other)
            || (self.len() == other.len()
                && self.iter().zip(other.iter()).all(|(a, b)| match (a, b) {
                    (IdRef::Int(a), IdRef::Int(b)) => a == b,
                    (a, b) => a.to_string() == b.to_string(),
                }))
    }

    /// Bytes held in memory.
    pub fn memory(&self) -> usize {
        let ids = match &self.store {
            Store::Int(values) => values.capacity() * 8,
            Store::Str { bytes, ends } => bytes.capacity() + ends.capacity() * 8,
        };
        ids + self.index.allocation_size()
    }
}

impl fmt::Debug for IdMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdMap({} {})", self.len(), if self.is_integer() { "integers" } else { "texts" })
    }
}

fn slice<'a>(bytes: &'a str, ends: &[usize], i: u32) -> &'a str {
    let i = i as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] };
    &bytes[start..ends[i]]
}

fn hash_text(hasher: &DefaultHashBuilder, s: &str) -> u64 {
    hasher.hash_one(s)
}

/// The integer that `s` spells, if `s` is how that integer is written (`"007"` and `"+7"` are not).
pub(super) fn canonical_int(s: &str) -> Option<i64> {
    let bytes = s.as_bytes();
    if bytes.is_empty() || bytes.len() > 18 {
        return canonical_int_of_any_length(s);
    }
    let negative = bytes[0] == b'-';
    let digits = &bytes[usize::from(negative)..];
    if digits.is_empty() || digits[0] == b'0' {
        return (bytes == b"0").then_some(0);
    }
    let mut value = 0i64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

fn canonical_int_of_any_length(s: &str) -> Option<i64> {
    let digits = s.strip_prefix('-').unwrap_or(s).as_bytes();
    let canonical =
        digits.first().is_some_and(|&d| d != b'0') && digits.iter().all(u8::is_ascii_digit);
    if canonical { s.parse().ok() } else { None }
}

/// The user and the item map of a data set or model.
#[derive(Clone, Debug, Default)]
pub struct IdMaps {
    /// Users.
    pub users: IdMap,
    /// Items.
    pub items: IdMap,
}

impl IdMaps {
    /// Both maps, shared.
    pub fn shared(users: IdMap, items: IdMap) -> Arc<Self> {
        Arc::new(Self { users, items })
    }

    /// Checks that both sides number the same ids alike.
    ///
    /// # Errors
    /// [`Error::IdMismatch`] naming what differs.
    pub fn check_same(&self, other: &IdMaps, what: &str) -> Result<()> {
        for (kind, a, b) in
            [("user", &self.users, &other.users), ("item", &self.items, &other.items)]
        {
            if !a.same_as(b) {
                return Err(Error::IdMismatch {
                    what: what.into(),
                    why: format!(
                        "{} and {} {kind}s, or in another order; split one data set, or map both through the same ids",
                        a.len(),
                        b.len()
                    ),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_stay_integers_until_a_text_arrives() {
        let mut map = IdMap::new();
        assert_eq!(map.intern_str("12"), 0);
        assert_eq!(map.intern_int(-3), 1);
        assert!(map.is_integer());
        assert_eq!(map.intern_str("007"), 2);
        assert!(!map.is_integer());
        assert_eq!(map.get("12"), Some(0));
        assert_eq!(map.get(-3), Some(1));
        assert_eq!(map.get("7"), None);
        assert_eq!(map.id(2), Some(IdRef::Str("007")));
    }

    #[test]
    fn the_text_identifies() {
        let map = IdMap::from_strings(["5", "苹果"]).unwrap();
        assert_eq!(map.get(5), Some(0));
        assert_eq!(map.id(0), Some(IdRef::Str("5")));
        assert!(matches!(
            map.require(IdKind::Item, "梨"),
            Err(Error::UnknownId { kind: IdKind::Item, known: 2, .. })
        ));
    }

    #[test]
    fn canonical_integers() {
        for s in ["0", "7", "-7", "9223372036854775807"] {
            assert!(canonical_int(s).is_some(), "{s}");
        }
        for s in ["", "-", "-0", "00", "+1", " 1", "1.0", "9223372036854775808", "١"] {
            assert!(canonical_int(s).is_none(), "{s}");
        }
    }

    #[test]
    fn a_repeated_id_is_refused() {
        assert!(IdMap::from_ids([1, 2, 1]).is_err());
    }

    proptest! {
        #[test]
        fn round_trip(ids in proptest::collection::vec("[0-9a-z一-三]{0,3}", 0..60)) {
            let mut map = IdMap::new();
            let dense: Vec<u32> = ids.iter().map(|s| map.intern_str(s)).collect();
            for (s, d) in ids.iter().zip(&dense) {
                prop_assert_eq!(map.id(*d).unwrap().to_string(), s.clone());
                prop_assert_eq!(map.get(s.as_str()), Some(*d));
            }
            let unique: std::collections::BTreeSet<_> = ids.iter().collect();
            prop_assert_eq!(map.len(), unique.len());
        }
    }
}
