//! The readers on the files researchers have, as they lie there. Skipped where they are not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's way to fail")]

use std::path::PathBuf;
use std::sync::Arc;

use rec_core::Error;
use rec_core::data::read::{
    Column, Events, FixedSplit, Format, ItemOptions, ReadOptions, ReadReport, Separator,
    SocialOptions, read_interactions, read_items, read_path, read_social,
};
use rec_core::data::{Id, Interactions, TimeUnit, UnknownUsers};

fn data(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if !path.exists() {
        println!("skipped: no {name}");
        return None;
    }
    Some(path)
}

fn read(name: &str) -> Option<(Interactions, ReadReport)> {
    Some(read_interactions(data(name)?, &ReadOptions::default()).unwrap())
}

/// Events, users and items of a file.
fn check(name: &str, format: Format, events: usize, users: usize, items: usize) {
    let Some((log, report)) = read(name) else { return };
    assert_eq!((log.len(), log.n_users(), log.n_items()), (events, users, items), "{name}");
    assert_eq!((report.users, report.items), (users, items), "{name}");
    assert_eq!((report.format, report.refused_rows()), (format, 0), "{name}\n{report}");
}

const TSV: Format = Format::Delimited(Separator::Tab);

#[test]
fn ml_100k() {
    check("ml-100k/ml-100k.inter.gz", Format::RecBole, 100_000, 943, 1_682);
    let Some((log, report)) = read("ml-100k") else { return };
    assert_eq!((log.len(), report.duplicates), (100_000, 0));
    assert_eq!(log.time_span(), Some((874_724_710, 893_286_638)));
    assert_eq!(log.time_unit(), TimeUnit::Second);
    assert_eq!(log.user_id(0), Some(Id::Int(196)));
    let row = log.range(0);
    assert!(log.times().unwrap()[row].is_sorted());
    let loaded = read_path(data("ml-100k").unwrap(), &ReadOptions::default()).unwrap();
    let (items, _) = loaded.items.unwrap();
    assert_eq!((items.len(), items.title(0)), (1_682, Some("Toy Story")));
    assert_eq!(items.tag_names().len(), 19);
    assert_eq!(items.tags().unwrap().row(0).len(), 3);
}

#[test]
fn ml_1m_with_the_titles_of_another_numbering() {
    let space = Format::Delimited(Separator::Space);
    check("ml-1m/ml-1m_sas.txt.gz", space, 999_611, 6_040, 3_416);
    let Some(movies) = data("ml-1m/movies.dat") else { return };
    let (items, report) = read_items(&movies, &ItemOptions::default()).unwrap();
    assert_eq!((items.len(), items.title(0)), (3_883, Some("Toy Story (1995)")));
    assert_eq!((items.tag_names().len(), report.header), (18, false));
    let id_map = data("ml-1m/sas_to_original_items.txt");
    let mapped = ItemOptions { id_map, ..ItemOptions::default() };
    let (items, report) = read_items(&movies, &mapped).unwrap();
    // The first event item, 1, is film 1198 in the original numbering.
    let raiders = items.ids().get(1).unwrap();
    assert_eq!(items.title(raiders), Some("Raiders of the Lost Ark (1981)"));
    assert_eq!(items.len() as u64 + report.unmapped, 3_883);
    let (log, _) = read("ml-1m/ml-1m_sas.txt.gz").unwrap();
    assert!(items.rows_of(&log.ids().items).iter().all(Option::is_some));
}

fn split(name: &str) -> Option<FixedSplit> {
    match read_path(data(name)?, &ReadOptions::default()).unwrap().events {
        Events::Split(split) => Some(*split),
        Events::Log(_) => panic!("{name} is a split"),
    }
}

#[test]
fn fixed_splits_share_their_ids() {
    if let Some(split) = split("lightgcnpp-ml-1m") {
        let valid = split.valid.unwrap();
        assert_eq!((split.train.n_users(), split.train.n_items()), (6_039, 3_628));
        assert_eq!((split.train.len(), valid.len(), split.test.len()), (590_733, 80_897, 164_848));
        assert!(Arc::ptr_eq(split.train.ids(), split.test.ids()));
        assert!(Arc::ptr_eq(split.train.ids(), valid.ids()));
        assert_eq!(split.reports[0].format, Format::Adjacency(Separator::Space));
    }
    if let Some(split) = split("gowalla") {
        assert_eq!((split.train.n_users(), split.train.n_items()), (29_858, 40_981));
        assert_eq!((split.train.len(), split.test.len()), (810_128, 217_242));
        assert!(split.valid.is_none());
        let refused = read_interactions(data("gowalla").unwrap(), &ReadOptions::default());
        assert!(refused.unwrap_err().to_string().contains("read_path"));
    }
}

#[test]
fn user_lists() {
    let lists = Format::Adjacency(Separator::Space);
    check("s3rec/Beauty.txt.gz", lists, 198_502, 22_363, 12_101);
    check("s3rec/Sports_and_Outdoors.txt.gz", lists, 296_337, 35_598, 18_357);
    check("s3rec/LastFM.txt.gz", lists, 52_551, 1_090, 3_646);
    let Some(items) = data("s3rec/Beauty_items.tsv.gz") else { return };
    let (items, _) = read_items(items, &ItemOptions::default()).unwrap();
    assert_eq!(items.len(), 12_101);
    assert_eq!(items.title(0), Some("nail lacquer simmer and shimmer"));
    assert_eq!(items.tags().unwrap().row(0).len(), 4);
}

#[test]
fn shop_behaviour_without_times() {
    let Some((view, _)) = read("retailrocket/view_ecommerce.dat.gz") else { return };
    assert_eq!(view.len(), 78_371);
    assert_eq!(read("retailrocket/add_to_cart_ecommerce.dat.gz").unwrap().0.len(), 9_028);
    assert_eq!(read("retailrocket/purchase_ecommerce.dat.gz").unwrap().0.len(), 5_088);
    assert!(view.weights().is_none() && view.times().is_none());
}

#[test]
fn games_and_anime() {
    check("steam-200k/game_play.dat.gz", TSV, 70_489, 11_350, 3_600);
    if let Some((log, _)) = read("steam-200k/game_play.dat.gz") {
        assert_eq!(log.weights().unwrap()[..3], [273.0, 87.0, 14.9]);
        let titles = data("steam-200k/item_info.dat.gz").unwrap();
        let (items, _) = read_items(titles, &ItemOptions::default()).unwrap();
        assert_eq!((items.len(), items.title(1)), (5_155, Some("Fallout 4")));
    }
    check("anime/anime_history.dat.gz", TSV, 520_609, 5_000, 7_390);
    let Some((ratings, _)) = read("anime/anime_ratings.dat.gz") else { return };
    assert_eq!(ratings.len(), 419_943);
    assert!(ratings.weights().unwrap().iter().all(|w| (1.0..=10.0).contains(w)));
    let info = data("anime/anime_info.dat.gz").unwrap();
    let (items, _) = read_items(info, &ItemOptions::default()).unwrap();
    assert_eq!((items.len(), items.tag_names().len()), (7_390, 43));
    assert_eq!(items.title(0), Some("Kimi no Na wa."));
}

#[test]
fn listens_and_friends() {
    check("hetrec2011-lastfm-2k/user_artists.dat.gz", TSV, 92_834, 1_892, 17_632);
    check("lightgcn-lastfm/data1.txt.gz", TSV, 42_135, 1_878, 4_476);
    let Some((log, report)) = read("hetrec2011-lastfm-2k/user_artists.dat.gz") else { return };
    assert_eq!(report.columns[2], ("weight", "weight".to_owned()));
    let friends = data("hetrec2011-lastfm-2k/user_friends.dat.gz").unwrap();
    let (graph, report) = read_social(friends, log.ids(), &SocialOptions::default()).unwrap();
    assert_eq!((graph.edges().nnz(), report.kept), (25_434, 25_434));
    let user = log.ids().users.get(2).unwrap();
    assert!(graph.friends(user).contains(&log.ids().users.get(275).unwrap()));
    let artists = data("hetrec2011-lastfm-2k/artists.dat.gz").unwrap();
    let (items, _) = read_items(artists, &ItemOptions::default()).unwrap();
    assert_eq!((items.len(), items.title(0)), (17_632, Some("MALICE MIZER")));
    let (log, _) = read("lightgcn-lastfm/data1.txt.gz").unwrap();
    let trust = data("lightgcn-lastfm/trustnetwork.txt.gz").unwrap();
    let strict = read_social(&trust, log.ids(), &SocialOptions::default());
    assert!(matches!(strict, Err(Error::UnknownId { .. })), "an end is not in the data");
    let options = SocialOptions { unknown: UnknownUsers::Drop, ..SocialOptions::default() };
    let (graph, report) = read_social(trust, log.ids(), &options).unwrap();
    assert_eq!((report.rows, report.kept), (25_434, 25_434 - graph.dropped() as u64));
    assert!(graph.dropped() > 0);
}

#[test]
fn chinese_reviews_as_items() {
    let Some(path) = data("zh-waimai-10k/waimai_10k.csv.gz") else { return };
    let options = ItemOptions { skip_bad: true, id: Column::Index(1), ..ItemOptions::default() };
    let (items, report) = read_items(path, &options).unwrap();
    assert_eq!(report.kept + report.refused_rows(), report.rows);
    assert_eq!((items.texts().len(), report.rows), (0, 11_987));
}
