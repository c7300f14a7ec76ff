use super::*;
use crate::data::{Csr, IdMap};
use crate::rank::{Explanation, Fusion, History, Normalize, Scorer};

/// A linear model: `score(u, i) = Σ_j x_uj w_ji` over the user's past items.
struct Linear {
    ids: Arc<IdMaps>,
    seen: Csr,
    /// `[items, items]`.
    weights: Vec<f32>,
    folds: bool,
}

impl Linear {
    fn sum(&self, past: impl Iterator<Item = (u32, f32)>, out: &mut [f32]) {
        let n = out.len();
        out.fill(0.0);
        for (j, x) in past {
            let row = &self.weights[j as usize * n..][..n];
            out.iter_mut().zip(row).for_each(|(out, w)| *out += x * w);
        }
    }
}

impl Scorer for Linear {
    fn n_users(&self) -> usize {
        self.ids.users.len()
    }
    fn n_items(&self) -> usize {
        self.ids.items.len()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        for (&user, out) in users.iter().zip(out.chunks_exact_mut(self.n_items())) {
            self.sum(self.seen.iter_row(user as usize), out);
        }
        Ok(())
    }
}

impl Recommend for Linear {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }
    fn seen(&self) -> &Csr {
        &self.seen
    }
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        if !self.folds {
            return Err(Error::unsupported("fold-in", "this model", "ask another"));
        }
        for (history, out) in histories.iter().zip(out.chunks_exact_mut(self.n_items())) {
            self.sum(history.iter().copied(), out);
        }
        Ok(())
    }
}

impl Explain for Linear {
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        let at = |j: u32| self.weights[j as usize * self.n_items() + item as usize];
        let parts = self.seen.iter_row(user as usize).map(|(j, x)| (j, x * at(j)));
        let mut contributions: Vec<_> = parts.collect();
        contributions.sort_by(|a, b| b.1.total_cmp(&a.1));
        let score = contributions.iter().map(|part| part.1).sum();
        Ok(Explanation { score, contributions, exact: true })
    }
}

const ITEMS: [&str; 6] = ["phone", "charger", "book", "case", "lamp", "pen"];

/// User a had phone, charger and book; b had the lamp; c nothing.
fn linear(weights: &[(usize, usize, f32)], folds: bool) -> Arc<Linear> {
    let ids =
        IdMaps::shared(IdMap::from_ids(["a", "b", "c"]).unwrap(), IdMap::from_ids(ITEMS).unwrap());
    let rows = [vec![(0, 1.0), (1, 1.0), (2, 1.0)], vec![(4, 1.0)], vec![]];
    let mut table = vec![0.0; 36];
    weights.iter().for_each(|&(j, i, w)| table[j * 6 + i] = w);
    Arc::new(Linear { ids, seen: Csr::from_rows(rows, 6), weights: table, folds })
}

/// Both send a to the case (3): one mostly by the phone, the other by the charger; a pen (5) is worse,
/// and the book speaks against the case.
fn pair() -> [Arc<Linear>; 2] {
    [
        linear(&[(0, 3, 4.0), (1, 3, 1.0), (2, 3, -1.0), (2, 5, 2.0), (0, 5, 1.0)], true),
        linear(&[(1, 3, 3.0), (0, 3, 1.0), (2, 5, 1.0)], true),
    ]
}

fn fused(models: &[Arc<Linear>; 2], fusion: Fusion) -> Fused {
    let models = models.iter().map(|model| model.clone() as Arc<dyn Recommend>).collect();
    Fused::new(models, fusion).unwrap()
}

fn fusions() -> Vec<Fusion> {
    let sum = |normalize| Fusion::WeightedSum { weights: vec![0.75, 0.25], normalize };
    vec![
        sum(Normalize::None),
        sum(Normalize::MinMax),
        sum(Normalize::ZScore),
        sum(Normalize::Rank),
        Fusion::ReciprocalRank { k: 1.0 },
        Fusion::Switch { min_items: vec![9, 0] },
    ]
}

fn items() -> Items {
    let titles = ["手机", "充电器", "小说", "手机壳", "台灯", "钢笔"];
    let tags: Vec<Vec<&str>> = vec![
        vec!["mobile", "glass"],
        vec!["mobile"],
        vec!["paper"],
        vec!["mobile", "paper"],
        vec![],
        vec![],
    ];
    Items::new(IdMap::from_ids(ITEMS).unwrap())
        .with_text("title", titles.map(str::to_owned).to_vec())
        .unwrap()
        .with_tags(&tags)
        .unwrap()
}

fn why(explainer: &Explainer<'_>, user: &str, item: &str) -> Reasons {
    explainer.explain(&user.into(), &[item.into()]).unwrap().remove(0)
}

fn named(models: &[Arc<Linear>; 2], own: bool) -> [(&'static str, Option<&dyn Explain>); 2] {
    let explain = |at: usize| own.then_some(models[at].as_ref() as &dyn Explain);
    [("first", explain(0)), ("second", explain(1))]
}

#[test]
fn shares_add_up_to_the_fused_score() {
    let models = pair();
    for fusion in fusions() {
        let fused = fused(&models, fusion.clone());
        let mut scores = vec![0.0; 6];
        fused.score(&[0], &mut scores).unwrap();
        let explainer = Explainer::of_fusion(&fused, &named(&models, true)).unwrap();
        let got = why(&explainer, "a", "case");
        assert_eq!(got.score, scores[3], "{fusion:?}");
        let parts: f32 = got.recommenders.iter().map(|share| share.part).sum();
        assert!((parts - got.score).abs() < 1e-6, "{fusion:?} {got:?}");
        let past: f32 = got.past.iter().map(|past| past.part).sum();
        assert!((past + got.rest - got.score).abs() < 1e-6);
    }
}

#[test]
fn shares_of_shortlists_add_up_as_well() {
    let models = pair();
    for fusion in fusions() {
        let all = models.iter().map(|model| model.clone() as Arc<dyn Recommend>).collect();
        let fused = Shortlisted::new(all, fusion.clone(), 2).unwrap();
        let explainer = Explainer::of_shortlists(&fused, &named(&models, true)).unwrap();
        let mut scores = vec![0.0; 6];
        fused.score(&[0], &mut scores).unwrap();
        for (item, at) in [("case", 3), ("pen", 5)] {
            let got = why(&explainer, "a", item);
            assert!((got.score - scores[at]).abs() < 1e-6, "{fusion:?} {got:?} {scores:?}");
            let parts: f32 = got.recommenders.iter().map(|share| share.part).sum();
            assert!((parts - got.score).abs() < 1e-6);
        }
        // Nobody puts the lamp among the first two.
        let refused = explainer.explain(&"a".into(), &["lamp".into()]);
        assert!(matches!(refused, Err(Error::Data { .. })));
        let history: Vec<(Id, f32)> =
            ["phone", "charger", "book"].map(|id| (id.into(), 1.0)).to_vec();
        let told = explainer.explain_history(&history, &["case".into()]).unwrap().remove(0);
        assert!((told.score - why(&explainer, "a", "case").score).abs() < 1e-6);
    }
}

#[test]
fn past_items_by_hand() {
    let models = pair();
    let sum = Fusion::WeightedSum { weights: vec![0.75, 0.25], normalize: Normalize::None };
    let fused = fused(&models, sum);
    let explainer = Explainer::of_fusion(&fused, &named(&models, true)).unwrap();
    let got = why(&explainer, "a", "case");
    // Phone ¾·4 + ¼·1, charger ¾·1 + ¼·3, book −¾: exactly the score of ¾·4 + ¼·4.
    let past: Vec<(String, f32)> =
        got.past.iter().map(|past| (past.item.id.to_string(), past.part)).collect();
    let want = [("phone", 3.25), ("charger", 1.5), ("book", -0.75)];
    assert_eq!(past, want.map(|(name, part)| (name.to_owned(), part)));
    assert_eq!((got.score, got.rest, got.exact), (4.0, 0.0, true));
    let shares: Vec<_> = got.recommenders.iter().map(|s| (&s.name[..], s.part, s.share)).collect();
    assert_eq!(shares, [("first", 3.0, 0.75), ("second", 1.0, 0.25)]);
}

#[test]
fn leaving_out_is_exact_for_linear_models() {
    let models = pair();
    let sum = Fusion::WeightedSum { weights: vec![0.75, 0.25], normalize: Normalize::None };
    let fused = fused(&models, sum);
    let own = Explainer::of_fusion(&fused, &named(&models, true)).unwrap();
    let left_out = Explainer::of_fusion(&fused, &named(&models, false)).unwrap();
    let (own, left_out) = (why(&own, "a", "case"), why(&left_out, "a", "case"));
    assert_eq!(own.past, left_out.past);
    assert!(!left_out.exact);
    assert!(left_out.recommenders.iter().all(|share| share.basis == Basis::LeaveOneOut));
    let history: Vec<(Id, f32)> = ["phone", "charger", "book"].map(|id| (id.into(), 1.0)).to_vec();
    let explainer = Explainer::of_fusion(&fused, &named(&models, true)).unwrap();
    let told = explainer.explain_history(&history, &["case".into()]).unwrap().remove(0);
    assert_eq!((told.past, told.user, told.score), (own.past, None, own.score));
}

#[test]
fn removing_the_named_evidence_lowers_the_fused_score() {
    let models = pair();
    for fusion in fusions() {
        let fused = fused(&models, fusion.clone());
        let explainer = Explainer::of_fusion(&fused, &named(&models, true)).unwrap();
        let got = why(&explainer, "a", "case");
        let score = |history: &History| {
            let mut out = vec![0.0; 6];
            fused.score_histories(std::slice::from_ref(history), &mut out).unwrap();
            out[3]
        };
        let past: History = vec![(0, 1.0), (1, 1.0), (2, 1.0)];
        let named = fused.ids().items.get(&got.past[0].item.id).unwrap();
        let rest: History = past.iter().copied().filter(|&(item, _)| item != named).collect();
        assert!(score(&rest) < score(&past), "{fusion:?} {got:?}");
    }
}

#[test]
fn a_recommender_that_folds_in_nothing_says_nothing_of_the_past() {
    let models = [pair()[0].clone(), linear(&[(1, 3, 3.0)], false)];
    let fused = fused(&models, Fusion::ReciprocalRank { k: 60.0 });
    let members = [("first", None), ("second", None)];
    let got = why(&Explainer::of_fusion(&fused, &members).unwrap(), "a", "case");
    let second = got.recommenders.iter().find(|share| share.name == "second").unwrap();
    assert_eq!((second.basis, second.past.len()), (Basis::None, 0));
    assert!(second.part > 0.0 && !got.past.is_empty());
}

#[test]
fn tags_match_the_profile_and_titles_are_told() {
    let (models, items) = (pair(), items());
    let fused = fused(&models, fusions().remove(0));
    let explainer = Explainer::of_fusion(&fused, &named(&models, true)).unwrap().with_items(&items);
    let got = why(&explainer, "a", "case");
    // Of three events: mobile ½ + 1, glass ½, paper 1.
    let tags: Vec<(&str, f32)> = got.tags.iter().map(|tag| (&tag.label[..], tag.share)).collect();
    assert_eq!(tags, [("mobile", 0.5), ("paper", 1.0 / 3.0)]);
    assert_eq!(got.tags[0].evidence[0].title.as_deref(), Some("充电器"));
    assert_eq!(got.past[0].shared_tags, ["mobile"]);
    assert_eq!(got.item.title.as_deref(), Some("手机壳"));
    let said = got.to_sentence(Language::En, Domain::Shop);
    let want = "Because you bought “手机” and “充电器”, which share the tag mobile with it; it also \
                fits your interest in paper; 75 % first, 25 % second.";
    assert_eq!(said, want);
    assert_eq!(
        got.to_sentence(Language::Zh, Domain::Shop),
        "因为你买过“手机”和“充电器”，它们与这项推荐有相同的标签“mobile”；也符合你对“paper”的兴趣；\
         其中 first 占 75%，second 占 25%。"
    );
    assert!(
        got.to_sentence(Language::Zh, Domain::Music).starts_with("因为你听过《手机》和《充电器》")
    );
    let json = serde_json::to_string(&got).unwrap();
    assert_eq!(serde_json::from_str::<Reasons>(&json).unwrap(), got);
}

#[test]
fn keywords_and_interests_stand_in_for_tags() {
    let models = pair();
    let words: Vec<Vec<&str>> =
        vec![vec!["usb"], vec![], vec!["ink"], vec!["usb"], vec![], vec!["ink"]];
    let words = Items::new(IdMap::from_ids(ITEMS).unwrap()).with_tags(&words).unwrap();
    let one = Explainer::of_model(models[0].as_ref(), "first", None).with_keywords(&words);
    let got = why(&one, "a", "case");
    assert_eq!(got.keywords[0].label, "usb");
    let said = got.to_sentence(Language::En, Domain::General);
    // The charger adds a quarter of what the phone adds, and shares no keyword.
    assert_eq!(
        said,
        "Because of item phone and item charger in your history; it also fits your interest in usb."
    );
    let silent = linear(&[(0, 3, 4.0)], false);
    let silent = Explainer::of_model(silent.as_ref(), "graph", None);
    let got = why(&silent, "a", "case");
    let said = got.to_sentence(Language::En, Domain::News);
    assert_eq!(said, "Recommended by graph; nothing that you read points to it.");
    let said = got.to_sentence(Language::Zh, Domain::News);
    assert_eq!(said, "由 graph 推荐，与你读过的文章没有直接关联。");
    let silent = silent.with_keywords(&words);
    let said = why(&silent, "a", "pen").to_sentence(Language::Zh, Domain::News);
    assert_eq!(said, "因为你对“ink”感兴趣。");
}

#[test]
fn the_log_gives_the_order_and_the_times() {
    let models = pair();
    let mut log = crate::data::InteractionsBuilder::new();
    for (item, time) in [("book", 5), ("phone", 1), ("charger", 9), ("unknown", 7)] {
        log.push("a", item, None, Some(time)).unwrap();
    }
    let (log, items) = (log.build().unwrap(), items());
    let explainer = Explainer::of_model(models[0].as_ref(), "first", None)
        .with_log(&log)
        .with_items(&items)
        .with_profile(ProfileOptions { half_life: Some(1.0), ..ProfileOptions::default() })
        .with_max_past(1);
    let got = why(&explainer, "a", "case");
    // Only the last is left out, and the last weighs most among the interests.
    assert_eq!(got.past.iter().map(|p| p.item.id.to_string()).collect::<Vec<_>>(), ["charger"]);
    assert!(got.tags[0].label == "mobile" && got.tags[0].share > 0.9, "{:?}", got.tags);
}

#[test]
fn bad_input_is_named() {
    let models = pair();
    let fused = fused(&models, fusions().remove(0));
    let explainer = Explainer::of_fusion(&fused, &named(&models, true)).unwrap();
    let ask = |user: &str, item: &str| explainer.explain(&user.into(), &[item.into()]);
    let unknown = |result: Result<Vec<Reasons>>, kind: IdKind| {
        assert!(matches!(result, Err(Error::UnknownId { kind: k, .. }) if k == kind));
    };
    unknown(ask("z", "case"), IdKind::User);
    // In the id map, but nobody learned anything of them.
    unknown(ask("c", "case"), IdKind::User);
    unknown(ask("a", "sofa"), IdKind::Item);
    unknown(explainer.explain_history(&[("sofa".into(), 1.0)], &["case".into()]), IdKind::Item);
    let nan = [("phone".into(), f32::NAN)];
    assert!(matches!(explainer.explain_history(&nan, &["case".into()]), Err(Error::Data { .. })));
    assert!(matches!(Explainer::of_fusion(&fused, &[("one", None)]), Err(Error::Shape { .. })));
    let never = linear(&[(0, 3, f32::NEG_INFINITY)], true);
    let said = Explainer::of_model(never.as_ref(), "never", None)
        .explain(&"a".into(), &["case".into()])
        .unwrap_err()
        .to_string();
    assert!(said.contains("no recommender ranks it"), "{said}");
    let mute = linear(&[], false);
    let mute = Explainer::of_model(mute.as_ref(), "mute", None);
    let history = [("phone".into(), 1.0)];
    let refused = mute.explain_history(&history, &["case".into()]);
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
    assert!("fr".parse::<Language>().is_err() && "games".parse::<Domain>().is_err());
}
