//! Reviews of a shop that does not exist, with the category that each is about.

use std::path::Path;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rec_core::data::read::write_text_columns;
use rec_core::rng;
use rec_models::Result;

/// A category: its name, its goods, and what people say of them.
type Category = (&'static str, &'static [&'static str], &'static [&'static str]);

const CATEGORIES: [Category; 4] = [
    ("数码", &["手机", "耳机", "充电器"], &["屏幕清晰", "音质清晰", "电池耐用", "充电很快"]),
    ("服饰", &["跑鞋", "运动鞋", "篮球鞋"], &["透气轻便", "尺码合适", "防滑耐磨", "穿着舒服"]),
    ("美妆", &["面霜", "洗面奶", "护手霜"], &["补水保湿", "不油腻", "味道清香", "吸收很快"]),
    ("水果", &["苹果", "芒果", "车厘子"], &["新鲜多汁", "口感很好", "没有坏果", "个头大"]),
];

const OPENINGS: [&str; 4] = ["今天买了", "朋友推荐的", "第二次购买", "给家人买的"];
const ENDINGS: [&str; 4] = ["很喜欢", "性价比高", "物流很快", "非常满意"];

/// Writes a file of labelled reviews and one of reviews to label, the same for the same seed. Some
/// are as people type them: with markup, twice, or empty.
pub(crate) fn write(data: &Path, test_data: &Path, seed: u64) -> Result<()> {
    write_text_columns(data, &["text", "label"], &generate(400, seed))?;
    let unlabelled: Vec<Vec<String>> =
        generate(12, seed + 1).into_iter().map(|mut row| row.drain(..1).collect()).collect();
    write_text_columns(test_data, &["text"], &unlabelled)
}

fn generate(n: usize, seed: u64) -> Vec<Vec<String>> {
    let mut rng = rng::stream(seed, "reviews", 0);
    let review = |i: usize| {
        let (category, goods, praise) = CATEGORIES[i % CATEGORIES.len()];
        let mut one = |from: &[&'static str]| from.choose(&mut rng).copied().unwrap_or_default();
        let (opening, good) = (one(&OPENINGS), one(goods));
        let (first, second, ending) = (one(praise), one(praise), one(&ENDINGS));
        let text = match rng.random_range(0..20) {
            0 => String::new(),
            1 => format!("<p>{good}，{first}！！！！！</p>"),
            _ => format!("{opening}一款{good}，{first}，{second}，{ending}。"),
        };
        vec![text, category.to_string()]
    };
    (0..n).map(review).collect()
}
