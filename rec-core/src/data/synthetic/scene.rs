//! A generated music scene.
//!
//! What is planted, so that a model can be seen to find it:
//! - everyone belongs to one of a few scenes, of whose two genres most of their listens are;
//! - friends are mostly of one scene, and a quarter of what one hears a friend heard before;
//! - within a genre, popularity falls like 1 / rank.

use rand::RngExt as _;

use crate::data::{
    Dataset, IdMap, InteractionsBuilder, Items, SocialGraph, TimeUnit, UnknownUsers,
};
use crate::rng::{Rng, stream};
use crate::{Error, Result};

const GENRES: [&str; 10] = [
    "indie rock",
    "shoegaze",
    "jazz",
    "soul",
    "techno",
    "ambient",
    "folk",
    "country",
    "metal",
    "punk",
];
const FIRST: [&str; 12] = [
    "Velvet", "Silent", "Golden", "Paper", "Northern", "Broken", "Electric", "Lonely", "Crimson",
    "Hollow", "Midnight", "Salt",
];
const SECOND: [&str; 12] = [
    "Harbour",
    "Wolves",
    "Mirrors",
    "Orchard",
    "Radio",
    "Lanterns",
    "Tide",
    "Cathedral",
    "Sparrows",
    "Engine",
    "Garden",
    "Letters",
];
const START: i64 = 1_767_225_600; // 2026-01-01

/// The size of a generated music scene.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Listeners.
    pub users: usize,
    /// Artists.
    pub artists: usize,
    /// Listens.
    pub listens: usize,
    /// Friends of each listener, about.
    pub friends: usize,
    /// Seed.
    pub seed: u64,
}

impl Default for Scene {
    fn default() -> Self {
        Self { users: 600, artists: 500, listens: 18_000, friends: 8, seed: 42 }
    }
}

impl Scene {
    /// Generates the scene: listens with times in seconds, artists with a `name` and tags (their genre,
    /// and now and then a second one), and friendships both ways.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than two listeners, fewer artists than genres, or no listens.
    pub fn generate(&self) -> Result<Dataset> {
        for (name, value, least) in [
            ("users", self.users, 2),
            ("artists", self.artists, GENRES.len()),
            ("listens", self.listens, 1),
        ] {
            if value < least {
                return Err(Error::parameter(name, value, format!("at least {least}")));
            }
        }
        let (items, friends) = (self.artists()?, self.friendships());
        let mut builder = InteractionsBuilder::new();
        builder.ids_mut().items = items.ids().clone();
        builder.time_unit(TimeUnit::Second);
        let mut heard: Vec<Vec<u32>> = vec![Vec::new(); self.users];
        for user in 0..self.users {
            let mut rng = stream(self.seed, "scene.user", user as u64);
            let id = builder.ids_mut().users.intern_str(&format!("U{user:04}"));
            let mine = self.listens * (user + 1) / self.users - self.listens * user / self.users;
            let mut time = START + rng.random_range(0..86_400 * 60);
            for _ in 0..mine {
                let artist = self.next(&mut rng, scene_of(user), &friends[user], &heard);
                heard[user].push(artist);
                time += rng.random_range(60..86_400);
                builder.push_dense(id, artist, None, Some(time))?;
            }
        }
        let interactions = builder.build()?;
        let ids = interactions.ids().clone();
        let name = |user: &u32| format!("U{user:04}");
        let pairs: Vec<(String, String)> = (0u32..)
            .zip(&friends)
            .flat_map(|(user, own)| own.iter().map(move |friend| (name(&user), name(friend))))
            .collect();
        let edges = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str(), 1.0));
        let social = SocialGraph::new(ids, edges, true, UnknownUsers::Drop)?;
        Ok(Dataset { interactions, items: Some(items.into()), social: Some(social.into()) })
    }

    fn artists(&self) -> Result<Items> {
        let mut rng = stream(self.seed, "scene.artists", 0);
        let mut ids = IdMap::strings();
        let (mut names, mut tags) = (Vec::new(), Vec::new());
        for at in 0..self.artists {
            ids.intern_str(&format!("A{at:04}"));
            let (first, second) =
                (rng.random_range(0..FIRST.len()), rng.random_range(0..SECOND.len()));
            names.push(format!("{} {} {at}", FIRST[first], SECOND[second]));
            let mut own = vec![GENRES[at % GENRES.len()]];
            if rng.random_bool(0.2) {
                own.push(GENRES[rng.random_range(0..GENRES.len())]);
            }
            tags.push(own);
        }
        Items::new(ids).with_text("name", names)?.with_tags(&tags)
    }

    /// Who knows whom, both ways.
    fn friendships(&self) -> Vec<Vec<u32>> {
        let mut rng = stream(self.seed, "scene.friends", 0);
        let mut friends: Vec<Vec<u32>> = vec![Vec::new(); self.users];
        for _ in 0..self.users * self.friends / 2 {
            let one = rng.random_range(0..self.users);
            let mut other = rng.random_range(0..self.users);
            for _ in 0..SCENES {
                if scene_of(one) == scene_of(other) || rng.random_bool(0.1) {
                    break;
                }
                other = rng.random_range(0..self.users);
            }
            if one != other && !friends[one].contains(&(other as u32)) {
                friends[one].push(other as u32);
                friends[other].push(one as u32);
            }
        }
        friends
    }

    fn next(&self, rng: &mut Rng, scene: usize, friends: &[u32], heard: &[Vec<u32>]) -> u32 {
        if !friends.is_empty() && rng.random_bool(0.25) {
            let friend = &heard[friends[rng.random_range(0..friends.len())] as usize];
            if !friend.is_empty() {
                return friend[rng.random_range(0..friend.len())];
            }
        }
        let genre = match rng.random_bool(0.1) {
            true => rng.random_range(0..GENRES.len()),
            false => 2 * scene + usize::from(rng.random_bool(0.4)),
        };
        // The logarithm of the rank is uniform: probability about 1 / rank.
        let of_genre = (self.artists - genre).div_ceil(GENRES.len());
        let rank = (of_genre as f64 + 1.0).powf(rng.random()) as usize;
        (genre + (rank.clamp(1, of_genre) - 1) * GENRES.len()) as u32
    }
}

const SCENES: usize = GENRES.len() / 2;

fn scene_of(user: usize) -> usize {
    user % SCENES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn friends_share_a_scene_and_listens_are_of_it() {
        let data = Scene::default().generate().unwrap();
        let again = Scene::default().generate().unwrap();
        assert_eq!(data.interactions.items(), again.interactions.items());
        let social = data.social.as_deref().unwrap();
        let (mut same, mut all) = (0, 0);
        for user in 0..600u32 {
            for &friend in social.friends(user) {
                assert!(social.friends(friend).contains(&user));
                same += usize::from(scene_of(user as usize) == scene_of(friend as usize));
                all += 1;
            }
        }
        assert!(2 * same > all, "{same} of {all}");
        let own = data
            .interactions
            .events()
            .filter(|e| e.item as usize % GENRES.len() / 2 == scene_of(e.user as usize));
        assert!(own.count() * 2 > data.interactions.len());
        assert!(Scene { artists: 3, ..Scene::default() }.generate().is_err());
    }
}
