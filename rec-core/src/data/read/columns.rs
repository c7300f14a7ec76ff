//! Which column plays which part.

use std::path::Path;

use super::options::Column;
use crate::{Error, Result};

/// Names a user column usually has, the surest first; compared without case, `_`, `-` and spaces.
pub(super) const USER: &[&str] = &[
    "user",
    "userid",
    "uid",
    "visitorid",
    "customerid",
    "customer",
    "memberid",
    "accountid",
    "reviewerid",
    "buyerid",
    "readerid",
    "visitor",
    "usr",
    "useridx",
    "username",
    "userno",
    "sessionid",
    "session",
];

/// Names an item column usually has.
pub(super) const ITEM: &[&str] = &[
    "item",
    "itemid",
    "iid",
    "movieid",
    "productid",
    "gameid",
    "animeid",
    "artistid",
    "bookid",
    "articleid",
    "newsid",
    "postid",
    "songid",
    "trackid",
    "videoid",
    "goodsid",
    "skuid",
    "poiid",
    "placeid",
    "locationid",
    "venueid",
    "businessid",
    "recipeid",
    "jobid",
    "courseid",
    "adid",
    "parentasin",
    "asin",
    "isbn",
    "sku",
    "product",
    "movie",
    "game",
    "artist",
    "track",
    "book",
    "article",
    "goods",
    "itemidx",
];

/// Names a weight column usually has.
pub(super) const WEIGHT: &[&str] = &[
    "weight",
    "rating",
    "ratings",
    "count",
    "hours",
    "playcount",
    "plays",
    "stars",
    "overall",
    "feedback",
    "strength",
    "score",
    "value",
];

/// Names a time column usually has.
pub(super) const TIME: &[&str] = &[
    "timestamp",
    "time",
    "ts",
    "datetime",
    "eventtime",
    "unixreviewtime",
    "unixtime",
    "createdat",
    "date",
    "created",
    "reviewtime",
];

/// Names the other end of an edge between users usually has.
pub(super) const FRIEND: &[&str] = &[
    "friend",
    "friendid",
    "trustee",
    "trusteeid",
    "followee",
    "followeeid",
    "followed",
    "target",
    "targetid",
    "to",
    "dst",
    "touser",
    "touserid",
    "user2",
    "userid2",
    "frienduserid",
];

/// Names the first end of an edge usually has, beside those of [`USER`].
pub(super) const FROM: &[&str] = &[
    "user",
    "userid",
    "uid",
    "trustor",
    "trustorid",
    "truster",
    "follower",
    "followerid",
    "source",
    "sourceid",
    "from",
    "src",
    "fromuser",
    "fromuserid",
    "user1",
    "userid1",
];

/// A name as names are compared: lower case, without `_`, `-` and spaces.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// A column's name without RecBole's type (`user_id:token` is `user_id`).
pub(super) fn untyped(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((name, "token" | "token_seq" | "float" | "float_seq")) => name,
        _ => name,
    }
}

/// The first column with one of the usual names.
pub(super) fn usual(names: &[String], usual: &[&str]) -> Option<usize> {
    let plain: Vec<String> = names.iter().map(|n| plain(untyped(n))).collect();
    usual.iter().find_map(|u| plain.iter().position(|p| p == u))
}

/// A table's columns, for looking parts up.
pub(super) struct Names<'a> {
    pub(super) path: &'a Path,
    /// Their names; `column 0`, `column 1` … without a header.
    pub(super) names: &'a [String],
    pub(super) header: bool,
}

impl Names<'_> {
    /// The column that plays a part, if one does: the one asked for, the usual name, or without a
    /// header the usual position.
    pub(super) fn find(
        &self,
        column: &Column,
        usual_names: &[&str],
        position: Option<usize>,
    ) -> Result<Option<usize>> {
        match column {
            Column::Absent => Ok(None),
            Column::Auto if self.header => Ok(usual(self.names, usual_names)),
            Column::Auto => Ok(position.filter(|&p| p < self.names.len())),
            Column::Index(at) if *at < self.names.len() => Ok(Some(*at)),
            Column::Index(at) => Err(self.missing(format!("number {at} (from 0)"))),
            Column::Name(name) => {
                let exact = self.names.iter().position(|n| n == name);
                let untyped = || self.names.iter().position(|n| untyped(n) == name);
                exact.or_else(untyped).map(Some).ok_or_else(|| self.missing(name.clone()))
            }
        }
    }

    /// The same for a part that must be played.
    pub(super) fn require(
        &self,
        part: &str,
        column: &Column,
        usual_names: &[&str],
        position: Option<usize>,
    ) -> Result<usize> {
        self.find(column, usual_names, position)?.ok_or_else(|| self.missing(part.into()))
    }

    fn missing(&self, column: String) -> Error {
        let present = self.names.to_vec();
        Error::MissingColumn { path: self.path.to_path_buf(), column, present }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_usual_names_or_asked_for() {
        let names: Vec<String> =
            ["itemId:token", "User_ID:token", "Hours"].map(String::from).to_vec();
        let names = Names { path: Path::new("f"), names: &names, header: true };
        assert_eq!(names.find(&Column::Auto, USER, None).unwrap(), Some(1));
        assert_eq!(names.find(&Column::Auto, ITEM, None).unwrap(), Some(0));
        assert_eq!(names.find(&Column::Auto, TIME, None).unwrap(), None);
        assert_eq!(names.find(&"itemId".into(), USER, None).unwrap(), Some(0));
        assert_eq!(names.find(&2.into(), USER, None).unwrap(), Some(2));
        assert!(matches!(names.find(&3.into(), USER, None), Err(Error::MissingColumn { .. })));
        let missing = names.require("user", &"who".into(), USER, None).unwrap_err().to_string();
        assert_eq!(
            missing,
            "f: no column \"who\"; its columns are itemId:token, User_ID:token, Hours"
        );
    }
}
