//! A generated shop with Chinese titles.
//!
//! What is planted, so that a model can be seen to find it:
//! - every user has one or two favourite product kinds, of which most of their events are;
//! - after a main product (a phone) often follows its accessory (a case), mostly of one brand;
//! - within a kind, popularity falls like 1 / rank;
//! - a tenth of the events is noise by popularity.

use rand::RngExt;

use crate::data::{Dataset, IdMap, InteractionsBuilder, Items, TimeUnit};
use crate::rng::{Rng, stream};
use crate::{Error, Result};

/// Product kinds in pairs: a main product and what people buy for it.
const KINDS: [(&str, &str); 8] = [
    ("手机", "手机壳"),
    ("笔记本电脑", "电脑包"),
    ("相机", "存储卡"),
    ("跑鞋", "运动袜"),
    ("咖啡机", "咖啡豆"),
    ("帐篷", "睡袋"),
    ("电吉他", "琴弦"),
    ("猫粮", "猫砂"),
];
const BRANDS: [&str; 8] = ["星辰", "海蓝", "木槿", "青鸟", "云帆", "朗月", "北辰", "知夏"];
const TRAITS: [&str; 12] = [
    "轻薄",
    "新款",
    "经典",
    "专业",
    "耐用",
    "家用",
    "便携",
    "礼盒装",
    "高性能",
    "环保",
    "学生",
    "旗舰",
];
const COLOURS: [&str; 6] = ["黑色", "白色", "蓝色", "绿色", "橙色", "紫色"];
const EVENTS: [(&str, f64, f32); 3] =
    [("view", 0.80, 1.0), ("cart", 0.14, 3.0), ("purchase", 0.06, 5.0)];
const START: i64 = 1_767_225_600; // 2026-01-01
const DAYS: i64 = 180;

/// The size of a generated shop.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// Users.
    pub users: usize,
    /// Items; at least one of every kind and brand gives structure to find.
    pub items: usize,
    /// Events.
    pub events: usize,
    /// Seed.
    pub seed: u64,
}

impl Default for Shop {
    fn default() -> Self {
        Self { users: 800, items: 480, events: 24_000, seed: 42 }
    }
}

/// One generated item.
#[derive(Clone, Copy)]
struct Product {
    /// Index into the flattened kinds: `2 p` is the main product of pair `p`, `2 p + 1` its
    /// accessory.
    kind: usize,
    brand: usize,
}

impl Shop {
    /// Generates the shop: events with weights (view 1, cart 3, purchase 5) and times in seconds,
    /// items with a Chinese `title` and tags (kind and brand).
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer items than product kinds, or no users or events.
    pub fn generate(&self) -> Result<Dataset> {
        let kinds = KINDS.len() * 2;
        for (name, value, least) in
            [("users", self.users, 1), ("items", self.items, kinds), ("events", self.events, 1)]
        {
            if value < least {
                return Err(Error::parameter(name, value, format!("at least {least}")));
            }
        }
        let products: Vec<Product> = (0..self.items)
            .map(|i| Product { kind: i % kinds, brand: (i / kinds) % BRANDS.len() })
            .collect();
        let items = self.describe(&products)?;
        let interactions = self.events(&products, &items)?.build()?;
        Ok(Dataset { interactions, items: Some(items.into()), social: None })
    }

    fn describe(&self, products: &[Product]) -> Result<Items> {
        let mut rng = stream(self.seed, "shop.items", 0);
        let mut ids = IdMap::strings();
        let (mut titles, mut tags) = (Vec::new(), Vec::new());
        for (at, product) in products.iter().enumerate() {
            ids.intern_str(&format!("P{at:05}"));
            let (kind, brand) = (kind_name(product.kind), BRANDS[product.brand]);
            titles.push(format!(
                "{brand} {}{kind} {} {}系列",
                TRAITS[rng.random_range(0..TRAITS.len())],
                COLOURS[rng.random_range(0..COLOURS.len())],
                rng.random_range(1..100),
            ));
            tags.push(vec![kind.to_owned(), brand.to_owned()]);
        }
        Items::new(ids).with_text("title", titles)?.with_tags(&tags)
    }

    fn events(&self, products: &[Product], items: &Items) -> Result<InteractionsBuilder> {
        let kinds = KINDS.len() * 2;
        let mut by_kind: Vec<Vec<u32>> = vec![Vec::new(); kinds];
        for (at, product) in products.iter().enumerate() {
            by_kind[product.kind].push(at as u32);
        }
        let shelves: Vec<Shelf> = by_kind.into_iter().map(Shelf::new).collect();
        let mut builder = InteractionsBuilder::new();
        builder.ids_mut().items = items.ids().clone();
        builder.time_unit(TimeUnit::Second);
        for user in 0..self.users {
            let mut rng = stream(self.seed, "shop.user", user as u64);
            let user_id = builder.ids_mut().users.intern_str(&format!("U{user:05}"));
            let mine = self.events * (user + 1) / self.users - self.events * user / self.users;
            let favourites = [rng.random_range(0..KINDS.len()), rng.random_range(0..KINDS.len())];
            let mut time = START + rng.random_range(0..DAYS / 3 * 86_400);
            let mut last: Option<Product> = None;
            for _ in 0..mine {
                let item = next_item(&mut rng, products, &shelves, favourites, last);
                let (_, _, weight) = event_kind(&mut rng);
                time += rng.random_range(60..(DAYS * 86_400 * 2 / 3 / mine.max(1) as i64).max(61));
                builder.push_dense(user_id, item, Some(weight), Some(time))?;
                last = Some(products[item as usize]);
            }
        }
        Ok(builder)
    }
}

fn kind_name(kind: usize) -> &'static str {
    let (main, accessory) = KINDS[kind / 2];
    if kind.is_multiple_of(2) { main } else { accessory }
}

fn event_kind(rng: &mut Rng) -> (&'static str, f64, f32) {
    let mut left: f64 = rng.random();
    for event in EVENTS {
        if left < event.1 {
            return event;
        }
        left -= event.1;
    }
    EVENTS[0]
}

fn next_item(
    rng: &mut Rng,
    products: &[Product],
    shelves: &[Shelf],
    favourites: [usize; 2],
    last: Option<Product>,
) -> u32 {
    if let Some(last) = last
        && last.kind.is_multiple_of(2)
        && rng.random_bool(0.5)
    {
        let shelf = &shelves[last.kind + 1];
        let mut item = shelf.draw(rng);
        for _ in 0..8 {
            if products[item as usize].brand == last.brand {
                break;
            }
            item = shelf.draw(rng);
        }
        return item;
    }
    let kind = if rng.random_bool(0.1) {
        rng.random_range(0..shelves.len())
    } else {
        2 * favourites[usize::from(rng.random_bool(0.3))]
    };
    shelves[kind].draw(rng)
}

/// The items of a kind, drawn with probability ∝ 1 / rank.
struct Shelf {
    items: Vec<u32>,
    cumulated: Vec<f64>,
}

impl Shelf {
    fn new(items: Vec<u32>) -> Self {
        let mut sum = 0.0;
        let cumulated = (1..=items.len())
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        Self { items, cumulated }
    }

    fn draw(&self, rng: &mut Rng) -> u32 {
        let total = self.cumulated.last().copied().unwrap_or(0.0);
        let drawn = rng.random::<f64>() * total;
        let at = self.cumulated.partition_point(|&c| c < drawn);
        self.items[at.min(self.items.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_shop_and_the_sizes_hold() {
        let shop = Shop { users: 50, items: 64, events: 1_000, seed: 7 };
        let (a, b) = (shop.generate().unwrap(), shop.generate().unwrap());
        assert_eq!(a.interactions.items(), b.interactions.items());
        assert_eq!((a.interactions.len(), a.interactions.n_items()), (1_000, 64));
        let other = Shop { seed: 8, ..shop }.generate().unwrap();
        assert_ne!(a.interactions.items(), other.interactions.items());
        assert!(Shop { items: 3, ..shop }.generate().is_err());
    }

    #[test]
    fn accessories_follow_their_main_product() {
        let data = Shop::default().generate().unwrap().interactions;
        let (mut followed, mut mains) = (0, 0);
        for user in 0..data.n_users() as u32 {
            for pair in data.sequence(user).windows(2) {
                let (kind, next) = (pair[0] % 16, pair[1] % 16);
                if kind % 2 == 0 {
                    mains += 1;
                    followed += usize::from(next == kind + 1);
                }
            }
        }
        let share = f64::from(followed as u32) / f64::from(mains as u32);
        assert!((0.45..0.55).contains(&share), "{share}");
    }
}
