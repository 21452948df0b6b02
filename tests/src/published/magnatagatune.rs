//! MagnaTagATune, modelled on `annotations_final.csv` and `clip_info_final.csv` of mirg.city.ac.uk and on `split/mtat` of
//! sota-music-tagging-models: tabs and quotes, 188 tags, UTF-32 lists that count rows of the whole table, two orders of the fifty tags,
//! pickles of Python 2, an empty clip.

use super::{npy_floats, npy_texts, pickle_of_texts, put};
use std::path::Path;

/// `tags.npy` as it was published.
pub const TOP_50: &str = "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,ambient,beat,violin,vocal,synth,female,indian,opera,male,singing,vocals,no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,soft,sitar,solo,man,classic,choir,voice,new age,dance,male voice,female vocal,beats,harp,cello,no voice,weird,country,metal,female voice,choral";

/// Clips in the order of the table: id, path, tags.
pub const CLIPS: [(&str, &str, &[&str]); 8] = [
    (
        "2",
        "f/american_bach_soloists-j_s__bach_solo_cantatas-01-bwv54__i_aria-30-59.mp3",
        &["classical", "violin"],
    ),
    (
        "6",
        "0/dac_crowell-redshifted_harmonies-01-the_second-0-29.mp3",
        &["ambient", "hard rock"],
    ),
    (
        "10",
        "b/seismic_anamoly-ramifications-05-pacific-59-88.mp3",
        &["metal", "guitar", "loud"],
    ),
    (
        "11",
        "c/jag-four_strings-03-jag_s_rag-0-29.mp3",
        &["guitar", "female voice"],
    ),
    (
        "12",
        "c/jag-four_strings-03-jag_s_rag-29-58.mp3",
        &["hard rock"],
    ),
    ("19", "d/lvx_nova-lvx_nova-01-contact-0-29.mp3", &["synth"]),
    (
        "35644",
        "8/jacob_heringman-josquin-19-gintzler-30-59.mp3",
        &["guitar"],
    ),
    ("40", "3/burnshee-pathways-02-out_of_here-0-29.mp3", &[]),
];

/// Writes the annotations without audio.
pub fn write(folder: &Path) {
    // The table's columns have an order of their own.
    let mut tags: Vec<String> = TOP_50.split(',').rev().map(str::to_owned).collect();
    tags.insert(7, "hard rock".to_owned());
    tags.extend((0..137).map(|number| format!("rare tag {number}")));
    let mut table = format!(
        "\"clip_id\"\t{}\t\"mp3_path\"\n",
        tags.iter()
            .map(|tag| format!("\"{tag}\""))
            .collect::<Vec<_>>()
            .join("\t")
    );
    for (id, path, own) in CLIPS {
        let cells = tags.iter().map(|tag| {
            if own.contains(&tag.as_str()) {
                "\"1\""
            } else {
                "\"0\""
            }
        });
        table += &format!(
            "\"{id}\"\t{}\t\"{path}\"\n",
            cells.collect::<Vec<_>>().join("\t")
        );
    }
    put(&folder.join("annotations_final.csv"), table);
    let info = "\"clip_id\"\t\"track_number\"\t\"title\"\t\"artist\"\t\"album\"\t\"url\"\t\"segmentStart\"\t\"segmentEnd\"\t\"original_url\"\t\"mp3_path\"\n\
        \"2\"\t\"1\"\t\"BWV54 - I Aria\"\t\"American Bach Soloists\"\t\"J.S. Bach Solo Cantatas\"\t\"\"\t\"30\"\t\"59\"\t\"\"\t\"f/american.mp3\"\n\
        \"11\"\t\"3\"\t\"Jag's Rag\"\t\"Jag\"\t\"Four Strings\"\t\"\"\t\"0\"\t\"29\"\t\"\"\t\"c/jag.mp3\"\n";
    put(&folder.join("clip_info_final.csv"), info);
    let split = folder.join("split/mtat");
    let listed = |rows: &[usize]| -> Vec<String> {
        rows.iter()
            .map(|&row| format!("{row}\t{}", CLIPS[row].1))
            .collect()
    };
    for (name, rows) in [
        ("train", &[1, 2, 6][..]),
        ("valid", &[3]),
        ("test", &[0, 5]),
    ] {
        put(&split.join(format!("{name}.npy")), npy_texts(&listed(rows)));
        let plain = rows.iter().map(|&row| CLIPS[row].1.replace(".mp3", ".npy"));
        put(
            &split.join(format!("{name}_list_pub.cP")),
            pickle_of_texts(&plain.collect::<Vec<_>>()),
        );
    }
    let top: Vec<String> = TOP_50.split(',').map(str::to_owned).collect();
    put(&split.join("tags.npy"), npy_texts(&top));
    put(&split.join("binary.npy"), npy_floats(&rows(&top), 50));
    // The other order: two exchanged, and spelt as one word.
    let other = TOP_50.replace("metal,female voice", "femaleVoice,metal");
    put(
        &split.join("top50_tags.txt"),
        other.replace(',', "\n") + "\n",
    );
}

/// The labels of all rows by the places of `tags`.
pub fn rows(tags: &[String]) -> Vec<Vec<u32>> {
    let places = |own: &[&str]| {
        (0u32..)
            .zip(tags)
            .filter(|(_, tag)| own.contains(&tag.as_str()))
            .map(|(at, _)| at)
            .collect()
    };
    CLIPS.iter().map(|(_, _, own)| places(own)).collect()
}
