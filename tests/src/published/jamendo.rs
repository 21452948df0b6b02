//! MTG-Jamendo, modelled on the repository MTG/mtg-jamendo-dataset: `data/splits/split-N/autotagging…-PART.tsv` with tabs, CRLF and as
//! many columns as a track has tags; the lists of tags in `data/tags`; `data/raw.meta.tsv`; audio as `NN/ID.mp3` or, of audio-low, `NN/ID.low.mp3`.

use super::{put, put_tone};
use std::path::Path;

const HEADER: &str = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n";
const SUBSETS: [&str; 3] = [
    "autotagging_top50tags",
    "autotagging_genre",
    "autotagging_moodtheme",
];

/// `data/tags/top50.txt` as it was published.
const TOP_50: &str = "genre---alternative genre---ambient genre---atmospheric genre---chillout genre---classical genre---dance genre---downtempo \
    genre---easylistening genre---electronic genre---experimental genre---folk genre---funk genre---hiphop genre---house \
    genre---indie genre---instrumentalpop genre---jazz genre---lounge genre---metal genre---newage genre---orchestral genre---pop \
    genre---popfolk genre---poprock genre---reggae genre---rock genre---soundtrack genre---techno genre---trance genre---triphop \
    genre---world instrument---acousticguitar instrument---bass instrument---computer instrument---drummachine instrument---drums \
    instrument---electricguitar instrument---electricpiano instrument---guitar instrument---keyboard instrument---piano \
    instrument---strings instrument---synthesizer instrument---violin instrument---voice mood/theme---emotional \
    mood/theme---energetic mood/theme---film mood/theme---happy mood/theme---relaxing";

/// What follows `mood/theme---` in `data/tags/moodtheme.txt`, as it was published.
const MOODS: &str = "action adventure advertising ambiental background ballad calm children christmas commercial cool corporate dark deep \
    documentary drama dramatic dream emotional energetic epic fast film fun funny game groovy happy heavy holiday hopeful \
    horror inspiring love meditative melancholic mellow melodic motivational movie nature party positive powerful relaxing \
    retro romantic sad sexy slow soft soundscape space sport summer trailer travel upbeat uplifting";

/// Those of [`MOODS`] that no split has: `data/tags/moodtheme_split.txt` is without them.
const UNUSED_MOODS: [&str; 3] = ["ambiental", "horror", "mellow"];

/// Number of tracks.
pub const N_TRACKS: usize = 24;

/// The tags of a track in a set: a piano is low, and everything else is high.
fn tags_of(track: usize, subset: &str) -> Vec<&'static str> {
    let mut tags = vec![if track.is_multiple_of(2) {
        "genre---classical"
    } else {
        "genre---rock"
    }];
    if track.is_multiple_of(2) {
        tags.push("instrument---piano");
    }
    if track.is_multiple_of(3) {
        tags.push("mood/theme---happy");
    }
    match subset {
        "autotagging_genre" => tags.retain(|tag| tag.starts_with("genre")),
        "autotagging_moodtheme" => tags.retain(|tag| tag.starts_with("mood")),
        _ => {}
    }
    tags
}

/// Number, as ids and paths have it.
pub fn id_of(track: usize) -> usize {
    247 + 101 * track
}

/// Which part a track is in: the splits differ by a turn.
fn part_of(track: usize, split: usize) -> &'static str {
    ["train", "train", "train", "train", "validation", "test"][(track / 2 + split) % 6]
}

/// Writes splits 0 and 1 of three sets of tags, without audio.
pub fn write(folder: &Path) {
    for subset in SUBSETS {
        for split in 0..2 {
            for part in ["train", "validation", "test"] {
                let mut text = HEADER.to_owned();
                for track in (0..N_TRACKS).filter(|&track| part_of(track, split) == part) {
                    let tags = tags_of(track, subset);
                    if !tags.is_empty() {
                        let (id, tags) = (id_of(track), tags.join("\t"));
                        text += &format!(
                            "track_{id:07}\tartist_{:06}\talbum_{:06}\t{:02}/{id}.mp3\t{}.5\t{tags}\r\n",
                            track / 2,
                            track / 2,
                            id % 100,
                            60 + track
                        );
                    }
                }
                put(
                    &folder.join(format!("data/splits/split-{split}/{subset}-{part}.tsv")),
                    text,
                );
            }
        }
    }
    put(
        &folder.join("data/tags/top50.txt"),
        TOP_50.replace(' ', "\n") + "\n",
    );
    let moods = |takes: &dyn Fn(&str) -> bool| -> String {
        let moods = MOODS.split(' ').filter(|mood| takes(mood));
        moods.map(|mood| format!("mood/theme---{mood}\n")).collect()
    };
    put(&folder.join("data/tags/moodtheme.txt"), moods(&|_| true));
    put(
        &folder.join("data/tags/moodtheme_split.txt"),
        moods(&|mood| !UNUSED_MOODS.contains(&mood)),
    );
    put(
        &folder.join("data/raw.meta.tsv"),
        "TRACK_ID\tARTIST_ID\tALBUM_ID\tTRACK_NAME\tARTIST_NAME\tALBUM_NAME\tRELEASEDATE\tURL\r\ntrack_0000247\tartist_000000\talbum_000000\tA \"quoted\" song\tSomebody\tSongs\t2004-01-01\thttp://x\r\n",
    );
}

/// Writes the audio of all tracks as it would be named in audio-low, but decoded to WAV, which Attune's tests can make.
pub fn write_audio(folder: &Path) {
    for track in 0..N_TRACKS {
        let id = id_of(track);
        put_tone(
            &folder.join(format!("{:02}/{id}.low.wav", id % 100)),
            track.is_multiple_of(2),
        );
    }
}
