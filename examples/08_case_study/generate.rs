//! A large shop with planted interests, as CSV files such as a shop would export.
//!
//! What is planted, so that a system can be seen to find it:
//! - a user cares for two categories, a few brands and two traits; most events are on items of the
//!   categories, the better an item's brand and traits fit, the rather;
//! - after an item often comes one of the category that goes with it, of the same brand;
//! - within a category popularity falls like 1 / rank, and a tenth of the events is noise by popularity;
//! - titles and descriptions say what an item is, in words, among HTML and phrases that all items share;
//!   every tenth item has no tags.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use rand::RngExt as _;
use rec_core::rng::{Rng, stream};

/// Categories in pairs that go together.
const CATEGORIES: [(&str, &str); 24] = [
    ("智能手机", "手机保护壳"),
    ("笔记本电脑", "电脑内胆包"),
    ("单反相机", "高速存储卡"),
    ("跑步鞋", "运动短袜"),
    ("意式咖啡机", "烘焙咖啡豆"),
    ("露营帐篷", "羽绒睡袋"),
    ("电吉他", "吉他琴弦"),
    ("幼猫粮", "膨润土猫砂"),
    ("山地自行车", "骑行头盔"),
    ("平底锅", "硅胶锅铲"),
    ("瑜伽垫", "弹力带"),
    ("游戏手柄", "充电底座"),
    ("婴儿推车", "安全座椅"),
    ("登山背包", "折叠登山杖"),
    ("电动牙刷", "替换刷头"),
    ("空气净化器", "复合滤芯"),
    ("机械键盘", "键帽套装"),
    ("羽毛球拍", "羽毛球"),
    ("水彩颜料", "水彩画纸"),
    ("钓鱼竿", "碳素鱼线"),
    ("冲锋衣", "抓绒内胆"),
    ("紫砂茶壶", "普洱茶饼"),
    ("扫地机器人", "边刷配件"),
    ("儿童积木", "收纳箱"),
];
const TRAITS: [&str; 16] = [
    "轻薄",
    "复古",
    "专业",
    "耐用",
    "便携",
    "静音",
    "防水",
    "高性能",
    "环保",
    "入门",
    "旗舰",
    "礼盒",
    "极简",
    "加厚",
    "智能",
    "手工",
];
const SYLLABLES: [&str; 20] = [
    "星", "海", "木", "青", "云", "朗", "北", "知", "山", "林", "和", "初", "禾", "南", "夏", "白",
    "川", "风", "月", "石",
];
const PHRASES: [&str; 8] = [
    "七天无理由退换，全国联保。",
    "正品保证，闪电发货。",
    "详情请咨询在线客服。",
    "图片仅供参考，请以实物为准。",
    "好评如潮，回头客很多。",
    "下单即送精美小礼品。",
    "支持货到付款。",
    "适合送礼，也适合自用。",
];
const EVENTS: [(&str, f64); 3] = [("view", 0.80), ("cart", 0.14), ("purchase", 1.0)];
const START: i64 = 1_735_689_600; // 2025-01-01
const DAYS: i64 = 365;

/// How much is generated.
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) items: usize,
    pub(crate) events: usize,
    pub(crate) seed: u64,
}

struct Item {
    category: usize,
    brand: usize,
    traits: [usize; 2],
}

struct Taste {
    categories: [usize; 2],
    brands: [usize; 3],
    traits: [usize; 2],
}

/// Writes `events.csv`, `items.csv` and, for the check of what was planted, `interests.csv`.
pub(crate) fn write(folder: &Path, size: &Size) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut rng = stream(size.seed, "case.items", 0);
    let brands = SYLLABLES.len() * SYLLABLES.len() / 4;
    let items: Vec<Item> = (0..size.items)
        .map(|at| Item {
            category: at % (2 * CATEGORIES.len()),
            brand: rng.random_range(0..brands),
            traits: [rng.random_range(0..TRAITS.len()), rng.random_range(0..TRAITS.len())],
        })
        .collect();
    write_items(&folder.join("items.csv"), &items, &mut rng)?;
    write_events(folder, size, &items, brands)
}

/// The category of a generated item, by its id.
pub(crate) fn category_of(id: &str) -> Option<&'static str> {
    let at: usize = id.strip_prefix('P')?.parse().ok()?;
    Some(category(at % (2 * CATEGORIES.len())))
}

fn category(at: usize) -> &'static str {
    let (main, beside) = CATEGORIES[at / 2];
    if at.is_multiple_of(2) { main } else { beside }
}

fn brand(at: usize) -> String {
    format!(
        "{}{}",
        SYLLABLES[at % SYLLABLES.len()],
        SYLLABLES[(at / SYLLABLES.len() * 7 + at) % SYLLABLES.len()]
    )
}

fn write_items(path: &Path, items: &[Item], rng: &mut Rng) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "item_id,title,description,tags")?;
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        let (name, brand) = (category(item.category), brand(item.brand));
        let [a, b] = item.traits.map(|t| TRAITS[t]);
        text.clear();
        write!(text, "<div class='desc'><p>{brand}新品{name}，{a}设计，{b}做工。</p><br/>")?;
        for _ in 0..rng.random_range(2..5) {
            let phrase = PHRASES[rng.random_range(0..PHRASES.len())];
            write!(text, "<span style='color:red'>{phrase}</span>&nbsp;")?;
        }
        write!(
            text,
            "<p>这款{name}采用{a}材质，{b}风格，与{}搭配更佳。</p><a href='https://shop.example/p/{at}'>查看详情</a>\
             <script>track({at});</script></div>",
            category(item.category ^ 1)
        )?;
        let tags = if at % 10 == 9 { String::new() } else { format!("{name}|{brand}") };
        writeln!(
            out,
            "P{at:06},{brand} {a}{name} {b}款 {},{text},{tags}",
            rng.random_range(100..999)
        )?;
    }
    Ok(out.flush()?)
}

fn write_events(
    folder: &Path,
    size: &Size,
    items: &[Item],
    brands: usize,
) -> Result<(), Box<dyn Error>> {
    let mut shelves: Vec<Vec<u32>> = vec![Vec::new(); 2 * CATEGORIES.len()];
    for (at, item) in items.iter().enumerate() {
        shelves[item.category].push(at as u32);
    }
    let mut events = BufWriter::new(File::create(folder.join("events.csv"))?);
    let mut interests = BufWriter::new(File::create(folder.join("interests.csv"))?);
    writeln!(events, "user_id,item_id,event,timestamp")?;
    writeln!(interests, "user_id,categories")?;
    for user in 0..size.users {
        let mut rng = stream(size.seed, "case.user", user as u64);
        let taste = Taste {
            categories: [0; 2].map(|_| 2 * rng.random_range(0..CATEGORIES.len())),
            brands: [0; 3].map(|_| rng.random_range(0..brands)),
            traits: [0; 2].map(|_| rng.random_range(0..TRAITS.len())),
        };
        let [a, b] = taste.categories.map(category);
        writeln!(interests, "U{user:06},{a}|{b}")?;
        let mine = size.events * (user + 1) / size.users - size.events * user / size.users;
        let mut time = START + rng.random_range(0..DAYS / 3 * 86_400);
        let mut last = None;
        for _ in 0..mine {
            let item = next(&mut rng, items, &shelves, &taste, last);
            time += rng.random_range(60..(DAYS * 57_600 / mine.max(1) as i64).max(61));
            let mut left: f64 = rng.random();
            let event = EVENTS.iter().find(|(_, share)| {
                let this = left < *share;
                left -= share;
                this
            });
            let event = event.map_or("view", |(name, _)| name);
            writeln!(events, "U{user:06},P{item:06},{event},{time}")?;
            last = Some(item);
        }
    }
    events.flush()?;
    Ok(interests.flush()?)
}

fn next(
    rng: &mut Rng,
    items: &[Item],
    shelves: &[Vec<u32>],
    taste: &Taste,
    last: Option<u32>,
) -> u32 {
    if rng.random_bool(0.1) {
        let shelf = rng.random_range(0..shelves.len());
        return by_rank(rng, &shelves[shelf]);
    }
    if let Some(last) = last.map(|last| &items[last as usize])
        && last.category.is_multiple_of(2)
        && rng.random_bool(0.3)
    {
        let fits = |item: &Item| usize::from(item.brand == last.brand);
        return best_of(rng, items, &shelves[last.category + 1], 12, fits);
    }
    let shelf = taste.categories[usize::from(rng.random_bool(0.35))];
    let fits = |item: &Item| {
        let brand = 2 * usize::from(taste.brands.contains(&item.brand));
        brand + item.traits.iter().filter(|t| taste.traits.contains(t)).count()
    };
    best_of(rng, items, &shelves[shelf], 6, fits)
}

/// The one that fits best of several drawn by popularity.
fn best_of(
    rng: &mut Rng,
    items: &[Item],
    shelf: &[u32],
    draws: usize,
    fits: impl Fn(&Item) -> usize,
) -> u32 {
    let mut best = by_rank(rng, shelf);
    for _ in 1..draws {
        let other = by_rank(rng, shelf);
        if fits(&items[other as usize]) > fits(&items[best as usize]) {
            best = other;
        }
    }
    best
}

/// Probability about 1 / rank: the logarithm of the rank is uniform.
fn by_rank(rng: &mut Rng, shelf: &[u32]) -> u32 {
    let rank = (shelf.len() as f64 + 1.0).powf(rng.random()) as usize;
    shelf[rank.clamp(1, shelf.len()) - 1]
}
