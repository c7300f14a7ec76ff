//! English sentences.

use super::{Domain, Told, list, percent, short};
use crate::rank::explain::ItemName;

pub(super) fn sentence(told: &Told<'_>, domain: Domain) -> String {
    let mut clauses = Vec::new();
    if !told.past.is_empty() {
        clauses.push(because(told, domain));
    }
    if !told.interests.is_empty() {
        let labels: Vec<String> = told.interests.iter().map(|found| found.label.clone()).collect();
        let labels = listed(&labels);
        clauses.push(match told.past.is_empty() {
            true => format!("Because you are interested in {labels}"),
            false => format!("it also fits your interest in {labels}"),
        });
    }
    let names: Vec<String> = told.recommenders.iter().map(|(name, _)| (*name).to_owned()).collect();
    if clauses.is_empty() {
        let by = if names.is_empty() { String::new() } else { format!(" by {}", listed(&names)) };
        return format!("Recommended{by}; {} points to it.", nothing(domain));
    }
    if names.len() > 1 {
        let shares = told.recommenders.iter().map(|(name, s)| format!("{} % {name}", percent(*s)));
        clauses.push(shares.collect::<Vec<_>>().join(", "));
    }
    format!("{}.", clauses.join("; "))
}

fn because(told: &Told<'_>, domain: Domain) -> String {
    let past: Vec<String> = told.past.iter().map(|item| title(item)).collect();
    let past = listed(&past);
    let mut clause = match domain {
        Domain::General => format!("Because of {past} in your history"),
        Domain::Shop => format!("Because you bought {past}"),
        Domain::News => format!("Because you read {past}"),
        Domain::Music => format!("Because you listened to {past}"),
        Domain::Video => format!("Because you watched {past}"),
    };
    if !told.shared.is_empty() {
        let verb = if told.past.len() == 1 { "shares" } else { "share" };
        let noun = match (told.shared_are_tags, told.shared.len()) {
            (true, 1) => "tag",
            (true, _) => "tags",
            (false, 1) => "keyword",
            (false, _) => "keywords",
        };
        let labels: Vec<String> = told.shared.iter().map(|label| (*label).to_owned()).collect();
        clause += &format!(", which {verb} the {noun} {} with it", listed(&labels));
    }
    clause
}

fn nothing(domain: Domain) -> &'static str {
    match domain {
        Domain::General => "nothing in your history",
        Domain::Shop => "nothing that you bought",
        Domain::News => "nothing that you read",
        Domain::Music => "nothing that you listened to",
        Domain::Video => "nothing that you watched",
    }
}

fn title(item: &ItemName) -> String {
    match &item.title {
        Some(title) => format!("“{}”", short(title)),
        None => format!("item {}", item.id),
    }
}

fn listed(parts: &[String]) -> String {
    list(parts, ", ", " and ")
}
