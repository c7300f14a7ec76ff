//! Texts of a shop that does not exist.

use rand::seq::IndexedRandom;
use rec_core::rng;

/// A kind of product: what it is called, and what people say of it.
struct Kind {
    names: &'static [&'static str],
    praise: &'static [&'static str],
}

const KINDS: [Kind; 6] = [
    Kind {
        names: &["手机", "智能手机", "5G手机", "拍照手机"],
        praise: &["屏幕清晰", "性能很强", "拍照好看", "电池耐用", "外观设计漂亮", "运行流畅"],
    },
    Kind {
        names: &["手机壳", "钢化膜", "充电器", "数据线"],
        praise: &["手感舒服", "贴合手机", "防摔耐用", "充电很快", "颜色漂亮", "不发热"],
    },
    Kind {
        names: &["耳机", "蓝牙耳机", "降噪耳机"],
        praise: &["音质清晰", "降噪效果好", "佩戴舒服", "续航很长", "连接稳定", "低音足"],
    },
    Kind {
        names: &["跑鞋", "运动鞋", "篮球鞋"],
        praise: &["鞋底柔软", "透气轻便", "尺码合适", "走路不累", "防滑耐磨", "穿着舒服"],
    },
    Kind {
        names: &["面霜", "洗面奶", "护手霜", "精华液"],
        praise: &["补水保湿", "味道清香", "不油腻", "皮肤变滑", "适合敏感肌", "吸收很快"],
    },
    Kind {
        names: &["苹果", "橙子", "车厘子", "芒果"],
        praise: &["新鲜多汁", "很甜", "个头大", "包装完好", "没有坏果", "口感很好"],
    },
];

const OPENINGS: [&str; 6] =
    ["今天买了", "在平台上浏览了", "朋友推荐的", "第二次购买", "给家人买的", "看中了"];
const ENDINGS: [&str; 6] = ["很喜欢", "值得推荐", "性价比高", "物流很快", "还会再来", "非常满意"];

/// What the example ranks.
pub(crate) const SHELF: [&str; 12] = [
    "拍照手机，屏幕清晰，性能很强",
    "5G手机，外观设计漂亮，运行流畅",
    "手机壳，防摔耐用，贴合手机",
    "充电器，充电很快，不发热",
    "降噪耳机，音质清晰，佩戴舒服",
    "蓝牙耳机，续航很长",
    "跑鞋，透气轻便，鞋底柔软",
    "篮球鞋，防滑耐磨",
    "面霜，补水保湿，不油腻",
    "洗面奶，味道清香",
    "车厘子，新鲜多汁，很甜",
    "芒果，个头大，口感很好",
];

/// `n` texts, the same for the same seed.
pub(crate) fn generate(n: usize, seed: u64) -> Vec<String> {
    let mut rng = rng::stream(seed, "product texts", 0);
    let mut one = |choices: &[&'static str]| choices.choose(&mut rng).copied().unwrap_or_default();
    (0..n)
        .map(|i| {
            let kind = &KINDS[i % KINDS.len()];
            let (opening, name) = (one(&OPENINGS), one(kind.names));
            let (first, second) = (one(kind.praise), one(kind.praise));
            format!("{opening}一款{name}，{first}，{second}，{}。", one(&ENDINGS))
        })
        .collect()
}
