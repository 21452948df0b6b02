//! What was published about the Million Song Dataset's splits: tags in their order, and recordings whose audio is known to be broken.

use super::audio::is_within;
use super::gathering::Recordings;
use super::report::Report;
use super::sheet::find;
use crate::dataset::{Check, Error, Finding, Severity};
use std::path::Path;

/// The tags of the conventional split, most frequent first, as `50tagList.txt` writes them.
pub(in crate::dataset) const CONVENTIONAL_TAGS: [&str; 50] = [
    "rock",
    "pop",
    "alternative",
    "indie",
    "electronic",
    "female vocalists",
    "dance",
    "00s",
    "alternative rock",
    "jazz",
    "beautiful",
    "metal",
    "chillout",
    "male vocalists",
    "classic rock",
    "soul",
    "indie rock",
    "Mellow",
    "electronica",
    "80s",
    "folk",
    "90s",
    "chill",
    "instrumental",
    "punk",
    "oldies",
    "blues",
    "hard rock",
    "ambient",
    "acoustic",
    "experimental",
    "female vocalist",
    "guitar",
    "Hip-Hop",
    "70s",
    "party",
    "country",
    "easy listening",
    "sexy",
    "catchy",
    "funk",
    "electro",
    "heavy metal",
    "Progressive rock",
    "60s",
    "rnb",
    "indie pop",
    "sad",
    "House",
    "happy",
];

/// The tags of the CALS split, in the order of its tables.
pub(in crate::dataset) const CALS_TAGS: [&str; 50] = [
    "rock",
    "pop",
    "indie",
    "alternative",
    "electronic",
    "hip-hop",
    "metal",
    "jazz",
    "punk",
    "folk",
    "alternative rock",
    "indie rock",
    "dance",
    "hard rock",
    "00s",
    "soul",
    "hardcore",
    "80s",
    "country",
    "classic rock",
    "punk rock",
    "blues",
    "chillout",
    "experimental",
    "heavy metal",
    "death metal",
    "90s",
    "reggae",
    "progressive rock",
    "ambient",
    "acoustic",
    "beautiful",
    "british",
    "rnb",
    "funk",
    "metalcore",
    "mellow",
    "world",
    "guitar",
    "trance",
    "indie pop",
    "christian",
    "house",
    "spanish",
    "latin",
    "psychedelic",
    "electro",
    "piano",
    "70s",
    "progressive metal",
];

/// Recordings that sota-music-tagging-models (and, the last one, 7x11x13) skip because their audio is broken.
const BROKEN: [&str; 55] = [
    "TRAIISZ128F42684BB",
    "TRAONEQ128F42A8AB7",
    "TRADRNH128E0784511",
    "TRBGHEU128F92D778F",
    "TRCHYIF128F1464CE7",
    "TRCVDKQ128E0790C86",
    "TREWVFM128F146816E",
    "TREQRIV128F1468B08",
    "TREUVBN128F1468AC9",
    "TRDKNBI128F14682B0",
    "TRFWOAG128F14B12CB",
    "TRFIYAF128F14688A6",
    "TRGYAEZ128F14A473F",
    "TRIXPRK128F1468472",
    "TRAQKCW128F9352A52",
    "TRLAWQU128F1468AC8",
    "TRMSPLW128F14A544A",
    "TRLNGQT128F1468261",
    "TROTUWC128F1468AB4",
    "TRNDAXE128F934C50E",
    "TRNHIBI128EF35F57D",
    "TRMOREL128F1468AC4",
    "TRPNFAG128F146825F",
    "TRIXPOY128F14A46C7",
    "TROCQVE128F1468AC6",
    "TRPCXJI128F14688A8",
    "TRQKRKL128F1468AAE",
    "TRPKNDC128F145998B",
    "TRRUHEH128F1468AAD",
    "TRLUSKX128F14A4E50",
    "TRMIRQA128F92F11F1",
    "TRSRUXF128F1468784",
    "TRTNQKQ128F931C74D",
    "TRTTUYE128F4244068",
    "TRUQZKD128F1468243",
    "TRUINWL128F1468258",
    "TRVRHOY128F14680BC",
    "TRWVEYR128F1458A6F",
    "TRVLISA128F1468960",
    "TRYDUYU128F92F6BE0",
    "TRYOLFS128F9308346",
    "TRMVCVS128F1468256",
    "TRZSPHR128F1468AAC",
    "TRXBJBW128F92EBD96",
    "TRYPGJX128F1468479",
    "TRYNNNZ128F1468994",
    "TRVDOVF128F92DC7F3",
    "TRWUHZQ128F1451979",
    "TRXMAVV128F146825C",
    "TRYNMEX128F14A401D",
    "TREGWSL128F92C9D42",
    "TRJKZDA12903CFBA43",
    "TRBGJIZ128F92E42BC",
    "TRVWNOH128E0788B78",
    "TRCGBRK128F146A901",
];

/// Where the files may lie below the folder.
pub(super) const BELOW: [&str; 6] = ["", "split/msd", "data/splits", "splits", "msd", "MSD_split"];

/// Where the audio may lie below its folder.
pub(super) const AUDIO_BELOW: [&str; 4] = ["", "audio", "wav", "mp3"];

/// Whether a text can be the id of a recording.
pub(super) fn is_id(id: &str) -> bool {
    id.len() == 18 && id.starts_with("TR") && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Where the audio of an id lies, as most copies have it: by its third, fourth and fifth letter.
pub(super) fn published_paths(id: &str, wanted: &mut Vec<String>) {
    if let (Some(a), Some(b), Some(c)) = (id.get(2..3), id.get(3..4), id.get(4..5)) {
        wanted.push(format!("{a}/{b}/{c}/{id}.wav"));
    }
    wanted.push(format!("{id}.wav"));
}

/// The path of a preview at 7digital, `8/9/8947470.clip.mp3`, or of what others made of it.
pub(super) fn preview_paths(path: &str, wanted: &mut Vec<String>) {
    if is_within(Path::new(path)) {
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        wanted.push(format!("{stem}.clip.mp3"));
        wanted.push(path.to_owned());
    }
}

/// Says which of the recordings are known to be broken.
pub(super) fn tell_broken(recordings: &Recordings, report: &mut Report) {
    let known: Vec<&str> = BROKEN
        .into_iter()
        .filter(|id| recordings.find(id).is_some())
        .collect();
    if !known.is_empty() {
        let message = format!(
            "the audio of {} recordings is known to be broken in the usual copies; others leave them out",
            known.len()
        );
        let finding = Finding::new(Check::KnownFault, Severity::Note, message).about(known);
        report.tell(finding.mend("nothing is to be done: what cannot be decoded is left out"));
    }
}

/// Artists and titles, from the list of all tracks that goes with the Million Song Dataset; without it, that they are not known.
pub(super) fn read_names(folder: &Path, recordings: &mut Recordings, report: &mut Report) {
    let name = "unique_tracks.txt";
    let Some(file) = find(folder, &BELOW, name) else {
        report.missing(
            &folder.join(name),
            "artists and titles are not known, so that nobody can say whether an artist is on both sides of the split",
            "take it from the Million Song Dataset's additional files and put it beside the lists",
        );
        return;
    };
    let bytes = match std::fs::read(&file).map_err(Error::io("read", &file)) {
        Ok(bytes) => bytes,
        Err(error) => {
            report.unusable(&error, &file, "artists and titles are not known");
            return;
        }
    };
    let (mut n_wrong, mut first_wrong) = (0, 0);
    for (number, line) in (1..).zip(String::from_utf8_lossy(&bytes).lines()) {
        let mut fields = line.split("<SEP>");
        let parts = [fields.next(), fields.next(), fields.next(), fields.next()];
        let [Some(id), Some(_), Some(artist), Some(title)] = parts else {
            if !line.trim().is_empty() {
                n_wrong += 1;
                if n_wrong == 1 {
                    first_wrong = number;
                }
            }
            continue;
        };
        if let Some(number) = recordings.find(id) {
            let recording = recordings.get_mut(number);
            artist.trim().clone_into(&mut recording.artist);
            title.trim().clone_into(&mut recording.title);
        }
    }
    if n_wrong > 0 {
        let message =
            format!("{n_wrong} lines are not ID<SEP>SONG<SEP>ARTIST<SEP>TITLE, this one first");
        let finding = Finding::new(Check::BadLine, Severity::Note, message);
        report.tell(
            finding
                .mend("download the file again")
                .of_file(&file)
                .on_line(first_wrong),
        );
    }
}
