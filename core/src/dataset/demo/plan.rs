//! Who there is and what they play: families of songs ("artists") with habits of their own, their songs, their splits.
//!
//! The plan is a function of the seed alone; nothing is rendered yet.

use super::score::{Instrument, Timbre};
use super::style::{STYLES, Style};
use super::theory::{Key, Mode};
use crate::dataset::Split;
use crate::rng::{Address, Purpose, Stream};

/// Families of each style with labels, and without.
const N_LABELLED: usize = 13;
const N_UNLABELLED: usize = 5;
/// Families of each style that go into `valid`, and as many that go into `test`.
const N_HELD_OUT: usize = 2;
/// Songs a family.
const N_SONGS: usize = 3;
/// Tonics of all songs: C, F, G. With all twelve, a mode could only be told from intervals, which takes a network far more songs to learn.
const TONICS: [i32; 3] = [0, 5, 7];
/// Tempo from which a song is `fast`, and below which it is `slow`, in beats per minute.
const FAST_BPM: f32 = 124.0;
const SLOW_BPM: f32 = 80.0;

/// What a part does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Chords,
    Lead,
    Pad,
    Colour,
    Bass,
    Drums,
}

/// A family of songs with habits of its own.
#[derive(Clone, Debug)]
pub(super) struct Artist {
    pub(super) name: String,
    pub(super) style: &'static Style,
    pub(super) split: Split,
    pub(super) timbre: Timbre,
    pub(super) room: f32,
    /// Which progressions, beats, basses, compings it prefers.
    pub(super) habit: usize,
    bpm: (f32, f32),
    minor_chance: f32,
    chords: [Instrument; 2],
    leads: [Instrument; 2],
    pad: Instrument,
    colour: Instrument,
}

/// One song, as far as its tags can be known before it sounds.
#[derive(Clone, Debug)]
pub(super) struct Song {
    /// Track id.
    pub(super) id: String,
    /// Number that addresses its draws.
    pub(super) number: u64,
    pub(super) artist: usize,
    pub(super) bpm: f32,
    pub(super) key: Key,
    pub(super) players: Vec<(Role, Instrument)>,
}

impl Song {
    /// Tags that do not depend on which instruments are heard: style, tempo, mode.
    pub(super) fn fixed_tags(&self, artist: &Artist) -> Vec<&'static str> {
        let mut tags = vec![artist.style.name, self.key.mode.tag()];
        if self.bpm >= FAST_BPM {
            tags.push("fast");
        } else if self.bpm < SLOW_BPM {
            tags.push("slow");
        }
        tags
    }

    fn planned_tags(&self, artist: &Artist) -> Vec<&'static str> {
        let mut tags = self.fixed_tags(artist);
        tags.extend(self.players.iter().map(|(_, instrument)| instrument.tag()));
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}

/// All tags, in the order of `tags.txt`.
pub(super) fn vocabulary() -> Vec<&'static str> {
    let instruments = Instrument::ALL.iter().map(|instrument| instrument.tag());
    let styles = STYLES.iter().map(|style| style.name);
    instruments
        .chain(styles)
        .chain(["major", "minor", "fast", "slow"])
        .collect()
}

/// Draws of stage `stage` for the song or family `number`.
pub(super) fn draws(seed: u64, stage: u32, number: u64) -> Stream {
    Address {
        seed,
        epoch: stage,
        visit: 0,
        track: number,
        purpose: Purpose::Demo,
    }
    .stream()
}

/// Artists and songs.
pub(super) fn plan(seed: u64) -> (Vec<Artist>, Vec<Song>) {
    let mut artists = Vec::new();
    for (place, style) in STYLES.iter().enumerate() {
        for number in 0..N_LABELLED + N_UNLABELLED {
            artists.push(artist(seed, style, place, number));
        }
    }
    let mut songs = Vec::new();
    for (number, artist) in artists.iter().enumerate() {
        for _ in 0..N_SONGS {
            let place = songs.len() as u64;
            songs.push(song(seed, place, number, artist));
        }
    }
    divide(seed, &mut artists, &songs);
    (artists, songs)
}

fn artist(seed: u64, style: &'static Style, place: usize, number: usize) -> Artist {
    let overall = place * (N_LABELLED + N_UNLABELLED) + number;
    let mut chance = draws(seed, 1, overall as u64);
    let mut two = |from: &[Instrument], shift: usize| {
        // In turn, so that every instrument has its families, and one of their own choice.
        [
            from[(number + shift) % from.len()],
            from[chance.index(from.len())],
        ]
    };
    let chords = two(style.chords, place);
    let leads = two(style.leads, place / 2);
    let pad = two(style.pads, 0)[0];
    let colour = two(style.colours, 0)[0];
    // A family's tempi lie within a third of its style's.
    let (slowest, fastest) = style.bpm;
    let n_families = N_LABELLED + N_UNLABELLED;
    // Seven steps at a time, so that tempo says nothing about the other habits, which go by number too.
    let place_among = (number * 7 % n_families) as f32 + chance.uniform();
    let low = slowest + (fastest - slowest) * 0.66 * place_among / n_families as f32;
    let split = if number < N_LABELLED {
        Split::Train
    } else {
        Split::Unlabelled
    };
    Artist {
        name: name(overall),
        style,
        split,
        timbre: Timbre {
            brightness: chance.uniform(),
            warmth: chance.uniform(),
            length: chance.uniform(),
            character: chance.uniform(),
        },
        room: chance.range(0.03, 0.25),
        habit: chance.index(8),
        bpm: (low, low + (fastest - slowest) * 0.34),
        minor_chance: [0.2, 0.5, 0.8][(number + place) % 3],
        chords,
        leads,
        pad,
        colour,
    }
}

/// A name for a family.
fn name(number: usize) -> String {
    const FIRST: [&str; 18] = [
        "Amber", "Blue", "Copper", "Distant", "Early", "Falling", "Golden", "Hidden", "Iron",
        "Jade", "Kindly", "Late", "Marble", "Northern", "Open", "Paper", "Quiet", "Round",
    ];
    const LAST: [&str; 9] = [
        "Harbour", "Lanterns", "Meadow", "Orbit", "Parade", "Rivers", "Stairs", "Window", "Youth",
    ];
    // Every one of the 162 pairs once.
    format!(
        "{} {}",
        FIRST[number % 18],
        LAST[(number / 18 + number) % 9]
    )
}

fn song(seed: u64, number: u64, artist_idx: usize, artist: &Artist) -> Song {
    let mut chance = draws(seed, 2, number);
    let style = artist.style;
    let mut players = vec![(
        Role::Chords,
        artist.chords[usize::from(chance.chance(0.35))],
    )];
    let lead = artist.leads[usize::from(chance.chance(0.4))];
    let has_lead = chance.chance(style.lead_chance);
    let optional = [
        (has_lead, Role::Lead, lead),
        (chance.chance(style.pad_chance), Role::Pad, artist.pad),
        (
            chance.chance(style.colour_chance),
            Role::Colour,
            artist.colour,
        ),
        (
            chance.chance(style.bass_chance),
            Role::Bass,
            Instrument::Bass,
        ),
        (
            chance.chance(style.drums_chance),
            Role::Drums,
            Instrument::Drums,
        ),
    ];
    for (plays, role, instrument) in optional {
        // Nobody plays twice, except that one may play both chords and melody.
        let busy = players.iter().any(|&(other, player)| {
            player == instrument && (other, role) != (Role::Chords, Role::Lead)
        });
        if plays && !busy {
            players.push((role, instrument));
        }
    }
    Song {
        id: format!("d{:05}", number + 1),
        number,
        artist: artist_idx,
        bpm: chance.range(artist.bpm.0, artist.bpm.1),
        key: Key {
            tonic: TONICS[chance.index(TONICS.len())],
            mode: if chance.chance(artist.minor_chance) {
                Mode::Minor
            } else {
                Mode::Major
            },
        },
        players,
    }
}

/// Puts some families of each style into `valid` and `test`: of many divisions, the one in which no tag comes off too badly.
fn divide(seed: u64, artists: &mut [Artist], songs: &[Song]) {
    let tags = vocabulary();
    // How many songs of a family have a tag; `[families]` of `[tags]`.
    let mut counts = vec![vec![0.0f32; tags.len()]; artists.len()];
    for song in songs {
        for tag in song.planned_tags(&artists[song.artist]) {
            if let Some(place) = tags.iter().position(|other| *other == tag) {
                counts[song.artist][place] += 1.0;
            }
        }
    }
    let mut best = (f32::MIN, Vec::new());
    for attempt in 0..4000 {
        let mut chance = Address::new(seed, Purpose::Split, attempt).stream();
        let mut splits: Vec<Split> = artists.iter().map(|artist| artist.split).collect();
        for family in splits.chunks_mut(N_LABELLED + N_UNLABELLED) {
            let mut order: [usize; N_LABELLED] = std::array::from_fn(|number| number);
            chance.shuffle(&mut order);
            for (place, number) in order.into_iter().enumerate() {
                family[number] = match place / N_HELD_OUT {
                    0 => Split::Valid,
                    1 => Split::Test,
                    _ => Split::Train,
                };
            }
        }
        let score = balance(&splits, &counts);
        if score > best.0 {
            best = (score, splits);
        }
    }
    for (artist, split) in artists.iter_mut().zip(best.1) {
        artist.split = split;
    }
}

/// How well the tags are divided: the smallest, over the held out splits and the tags, of a tag's share in the split over its share in
/// `train`.
fn balance(splits: &[Split], counts: &[Vec<f32>]) -> f32 {
    let sum = |split: Split| {
        let mut sum = vec![0.0; counts[0].len()];
        for (_, counts) in splits
            .iter()
            .zip(counts)
            .filter(|(other, _)| **other == split)
        {
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sum
    };
    let train = sum(Split::Train);
    let scale = (N_LABELLED - 2 * N_HELD_OUT) as f32 / N_HELD_OUT as f32;
    [Split::Valid, Split::Test]
        .into_iter()
        .flat_map(|split| {
            sum(split)
                .into_iter()
                .zip(&train)
                .map(|(here, train)| scale * here / train.max(1.0))
                .collect::<Vec<f32>>()
        })
        .fold(f32::MAX, f32::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_has_several_songs_with_and_without_every_tag() {
        let (artists, songs) = plan(super::super::SEED);
        for split in [Split::Train, Split::Valid, Split::Test] {
            let here: Vec<Vec<&str>> = songs
                .iter()
                .filter(|song| artists[song.artist].split == split)
                .map(|song| song.planned_tags(&artists[song.artist]))
                .collect();
            for tag in vocabulary() {
                let with = here.iter().filter(|tags| tags.contains(&tag)).count();
                assert!(with >= 3, "{split} has {with} songs with {tag}");
                assert!(here.len() - with >= 3, "{split} has only {tag}");
            }
        }
        let labelled = songs
            .iter()
            .filter(|song| artists[song.artist].split != Split::Unlabelled)
            .count();
        assert!(labelled >= 300 && songs.len() - labelled >= 100);
    }

    #[test]
    fn families_have_names_of_their_own() {
        let (artists, _) = plan(1);
        let names: std::collections::BTreeSet<_> =
            artists.iter().map(|artist| &artist.name).collect();
        assert_eq!(names.len(), artists.len());
    }
}
