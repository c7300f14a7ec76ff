//! Chinese sentences. Titles of works stand in 《》, names of goods in “”.

use super::{Domain, Told, list, percent, short};
use crate::rank::explain::ItemName;

pub(super) fn sentence(told: &Told<'_>, domain: Domain) -> String {
    let mut clauses = Vec::new();
    if !told.past.is_empty() {
        clauses.push(because(told, domain));
    }
    if !told.interests.is_empty() {
        let labels: Vec<String> =
            told.interests.iter().map(|found| format!("“{}”", found.label)).collect();
        let labels = list(&labels, "、", "和");
        clauses.push(match told.past.is_empty() {
            true => format!("因为你对{labels}感兴趣"),
            false => format!("也符合你对{labels}的兴趣"),
        });
    }
    let names: Vec<String> = told.recommenders.iter().map(|(name, _)| (*name).to_owned()).collect();
    if clauses.is_empty() {
        let by = if names.is_empty() {
            "系统推荐".to_owned()
        } else {
            format!("由 {} 推荐", list(&names, "、", " 和 "))
        };
        return format!("{by}，与{}没有直接关联。", history(domain));
    }
    if names.len() > 1 {
        let shares =
            told.recommenders.iter().map(|(name, s)| format!("{name} 占 {}%", percent(*s)));
        clauses.push(format!("其中 {}", shares.collect::<Vec<_>>().join("，")));
    }
    format!("{}。", clauses.join("；"))
}

fn because(told: &Told<'_>, domain: Domain) -> String {
    let past: Vec<String> = told.past.iter().map(|item| title(item, domain)).collect();
    let past = list(&past, "、", "和");
    let mut clause = match domain {
        Domain::General => format!("因为你的历史记录里有{past}"),
        Domain::Shop => format!("因为你买过{past}"),
        Domain::News => format!("因为你读过{past}"),
        Domain::Music => format!("因为你听过{past}"),
        Domain::Video => format!("因为你看过{past}"),
    };
    if !told.shared.is_empty() {
        let they = if told.past.len() == 1 { "它" } else { "它们" };
        let noun = if told.shared_are_tags { "标签" } else { "关键词" };
        let labels: String = told.shared.iter().map(|label| format!("“{label}”")).collect();
        clause += &format!("，{they}与这项推荐有相同的{noun}{labels}");
    }
    clause
}

fn history(domain: Domain) -> &'static str {
    match domain {
        Domain::General => "你的历史记录",
        Domain::Shop => "你买过的商品",
        Domain::News => "你读过的文章",
        Domain::Music => "你听过的音乐",
        Domain::Video => "你看过的影片",
    }
}

fn title(item: &ItemName, domain: Domain) -> String {
    match (&item.title, domain) {
        (None, _) => format!("编号 {} ", item.id),
        (Some(title), Domain::News | Domain::Music | Domain::Video) => {
            format!("《{}》", short(title))
        }
        (Some(title), _) => format!("“{}”", short(title)),
    }
}
