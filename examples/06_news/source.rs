//! Articles and who read them.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rand::RngExt as _;
use rec_core::data::read::{
    Events, ItemOptions, ReadOptions, read_items, read_path, read_text_columns,
};
use rec_core::data::{Dataset, IdMap, Interactions, InteractionsBuilder, Items, TimeUnit};
use rec_core::rng::stream;

use crate::Args;

/// The log, the articles, and when each appeared, by the log's dense items.
pub(crate) struct News {
    pub(crate) data: Dataset,
    pub(crate) published: Vec<Option<i64>>,
}

pub(crate) fn load(args: &Args) -> Result<News, Box<dyn Error>> {
    let (Some(events), Some(articles)) = (&args.events, &args.articles) else {
        println!("No --events given: a generated newspaper.");
        return generate(args.seed);
    };
    let Events::Log(log) = read_path(events, &ReadOptions::default())?.events else {
        return Err("this example wants one log, not a folder of parts".into());
    };
    print!("{}", log.report);
    if log.interactions.times().is_none() {
        return Err(
            "news are nothing without times; name the column of them as time or timestamp".into()
        );
    }
    let (items, report) = read_items(articles, &ItemOptions::default())?;
    print!("{report}");
    let log = log.interactions.with_items(items.ids());
    let published = published(articles, &args.published, &log, &items)?;
    let data = Dataset { interactions: log, items: Some(Arc::new(items)), social: None };
    Ok(News { data, published })
}

/// When each article appeared: by the column of that name, else by its first reader.
fn published(
    path: &Path,
    column: &str,
    log: &Interactions,
    items: &Items,
) -> Result<Vec<Option<i64>>, Box<dyn Error>> {
    let mut times: Vec<Option<i64>> = vec![None; log.n_items()];
    for event in log.events() {
        let at = &mut times[event.item as usize];
        *at = at.map_or(event.time, |t| event.time.map(|e| t.min(e)));
    }
    let Ok(columns) = read_text_columns(path, &[column.into()]) else {
        println!("No column {column:?}: an article appears with its first reader.");
        return Ok(times);
    };
    for (row, text) in columns[0].iter().enumerate() {
        let id = items.ids().id(row as u32);
        let item = id.and_then(|id| log.ids().items.get(id));
        if let (Some(item), Ok(time)) = (item, text.parse()) {
            times[item as usize] = Some(time);
        }
    }
    Ok(times)
}

const TOPICS: [(&str, [&str; 6]); 6] = [
    ("财经", ["股市", "央行", "利率", "财报", "基金", "通胀"]),
    ("体育", ["联赛", "决赛", "教练", "转会", "冠军", "门将"]),
    ("科技", ["芯片", "手机", "卫星", "算法", "电池", "机器人"]),
    ("娱乐", ["电影", "演唱会", "导演", "新专辑", "综艺", "票房"]),
    ("健康", ["睡眠", "疫苗", "饮食", "医院", "运动", "心脏"]),
    ("国际", ["峰会", "大选", "谈判", "边境", "总统", "协议"]),
];
const VERBS: [&str; 6] = ["创下新高", "引发热议", "正式公布", "面临考验", "再度升温", "迎来转机"];
const START: i64 = 1_767_225_600; // 2026-01-01
const DAY: i64 = 86_400;
const DAYS: i64 = 20;

/// Forty articles a day on six topics; readers of one or two topics read what is new, in sittings of a few
/// articles on one story.
fn generate(seed: u64) -> Result<News, Box<dyn Error>> {
    let mut rng = stream(seed, "news", 0);
    let (mut ids, mut titles, mut tags, mut published) = (IdMap::strings(), vec![], vec![], vec![]);
    let mut stories = Vec::new();
    for at in 0..40 * DAYS {
        let topic = rng.random_range(0..TOPICS.len());
        let (name, words) = &TOPICS[topic];
        let story = rng.random_range(0..words.len());
        let beside = words[(story + rng.random_range(1..words.len())) % words.len()];
        ids.intern_str(&format!("N{at:04}"));
        titles.push(format!(
            "{}{}：{}的{name}观察",
            words[story],
            VERBS[rng.random_range(0..VERBS.len())],
            beside
        ));
        tags.push(vec![*name]);
        published.push(START + at * DAY / 40 + rng.random_range(0..1800));
        stories.push((topic, story));
    }
    let items = Items::new(ids.clone()).with_text("title", titles)?.with_tags(&tags)?;
    let mut builder = InteractionsBuilder::new();
    builder.ids_mut().items = ids;
    builder.time_unit(TimeUnit::Second);
    for reader in 0..500 {
        let user = builder.ids_mut().users.intern_str(&format!("R{reader:03}"));
        let own = [rng.random_range(0..TOPICS.len()), rng.random_range(0..TOPICS.len())];
        for _ in 0..rng.random_range(4..14) {
            let mut time = START + rng.random_range(DAY..DAYS * DAY);
            let (topic, story) = (own[usize::from(rng.random_bool(0.3))], rng.random_range(0..6));
            for _ in 0..rng.random_range(2..6) {
                // The newest of some articles on the story, or now and then of the topic, or anything.
                let wanted = |at: usize| match rng.random_range(0..10) {
                    0 => true,
                    1..4 => stories[at].0 == topic,
                    _ => stories[at] == (topic, story),
                };
                let fresh = (0..published.len())
                    .rev()
                    .filter(|&at| published[at] < time && time - published[at] < 3 * DAY);
                let mut fresh: Vec<usize> = fresh.collect();
                let mut wanted = wanted;
                fresh.retain(|&at| wanted(at));
                if !fresh.is_empty() {
                    let newest = (rng.random::<f64>().powi(2) * fresh.len() as f64) as usize;
                    builder.push_dense(user, fresh[newest] as u32, None, Some(time))?;
                }
                time += rng.random_range(30..300);
            }
        }
    }
    let data =
        Dataset { interactions: builder.build()?, items: Some(Arc::new(items)), social: None };
    Ok(News { data, published: published.into_iter().map(Some).collect() })
}
