//! The Million Song Dataset's two splits. The conventional one, modelled on `split/msd` of sota-music-tagging-models and
//! jongpillee/music_dataset_split (pickles of Python 2, protocol 0; dictionaries of arrays) and on keunwoochoi/MSD_split_for_tagging
//! (lists of text, tables of bools); and CALS, modelled on `data/splits` of minzwon/semi-supervised-music-tagging-transformer.

use super::{npy_bools, npy_floats, npy_texts, pickle_of_texts, pickle_of_vectors, put};
use std::path::Path;

/// The id of a made-up recording.
pub fn id(number: usize) -> String {
    format!("TR{}AADIN128F93{number:04}", ["A", "B", "C"][number % 3])
}

/// A recording whose audio is known to be broken.
pub const BROKEN: &str = "TRAIISZ128F42684BB";

fn ids(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(id).collect()
}

/// Pickles: four to train on (one of them broken), two to test on.
pub fn write_pickles(folder: &Path) {
    let split = folder.join("split/msd");
    let mut train = ids(0..3);
    train.push(BROKEN.to_owned());
    let test = ids(10..12);
    put(
        &split.join("filtered_list_train.cP"),
        pickle_of_texts(&train),
    );
    put(&split.join("filtered_list_test.cP"), pickle_of_texts(&test));
    // Recording n has tag n and the last one.
    let vectors = train
        .iter()
        .chain(&test)
        .zip(0u32..)
        .map(|(id, n)| (id.clone(), vec![n, 49]));
    put(
        &split.join("msd_id_to_tag_vector.cP"),
        pickle_of_vectors(&vectors.collect::<Vec<_>>(), 50),
    );
    put(
        &split.join("unique_tracks.txt"),
        format!("{}<SEP>SOAAA<SEP>Caf\u{e9} Trio<SEP>A song<SEP>\n", id(0)),
    );
    // As Python 2 pickles dictionaries of texts.
    put(
        &split.join("MSD_id_to_7D_id.pkl"),
        format!("(dp1\nS'{}'\np2\nS'8947470'\np3\ns.", id(1)),
    );
    put(
        &split.join("7D_id_to_path.pkl"),
        "(dp1\nS'8947470'\np2\nS'8/9/8947470.clip.mp3'\np3\ns.",
    );
}

/// Lists of text with tables of bools; the last line of the training list has no line break.
pub fn write_lists(folder: &Path) {
    for (part, numbers) in [("train", 0..3), ("valid", 3..5), ("test", 10..12)] {
        let ids = ids(numbers.clone());
        let end = if part == "train" { "" } else { "\n" };
        put(
            &folder.join(format!("{part}_x_msd_id.txt")),
            ids.join("\n") + end,
        );
        let names: Vec<String> = numbers
            .clone()
            .map(|n| format!("3/6/3612{n:04}.npy"))
            .collect();
        put(
            &folder.join(format!("{part}_x_filename.txt")),
            names.join("\n") + "\n",
        );
        let rows: Vec<Vec<u32>> = numbers.map(|n| vec![n as u32]).collect();
        put(&folder.join(format!("{part}_y.npy")), npy_bools(&rows, 50));
    }
}

/// CALS: lists and tables as NumPy's files, and the table of all recordings with lengths in samples at 22,050 Hz.
pub fn write_cals(folder: &Path) {
    let split = folder.join("data/splits");
    let mut table = "clip_ids\tartist\tsplits\tlength\n".to_owned();
    for (part, word, numbers) in [
        ("train", "TRAIN", 0..4),
        ("valid", "VALID", 4..6),
        ("test", "TEST", 10..12),
        ("student", "STUDENT", 20..25),
        ("", "NONE", 30..32),
    ] {
        let ids = ids(numbers.clone());
        for id in &ids {
            table += &format!("{id}\tx\t{word}\t{}\n", 22_050 * 30);
        }
        if !part.is_empty() {
            put(&split.join(format!("{part}_ids.npy")), npy_texts(&ids));
        }
        if matches!(part, "train" | "valid" | "test") {
            let rows: Vec<Vec<u32>> = numbers.map(|n| vec![n as u32, 49]).collect();
            put(
                &split.join(format!("{part}_binaries.npy")),
                npy_floats(&rows, 50),
            );
        }
    }
    put(&split.join("msd_splits.tsv"), table);
}
