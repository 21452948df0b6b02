//! Names of files about a data set.

use attune_core::dataset::Place;
use attune_core::rng::hash_name;
use std::path::Path;

/// What tells two data sets of one name, and two splits of one data set, apart: eight digits made of the place under which it was opened.
pub fn place_mark(place: &Path) -> String {
    format!("{:08x}", hash_name(&place.to_string_lossy()) as u32)
}

/// How files are called that are written about a data set: its name, its split if one is named, and its mark.
pub fn export_stem(name: &str, place: &Path) -> String {
    let mark = place_mark(place);
    let stem = match Place::parse(place).split {
        Some(split) => format!("{name} {split} {mark}"),
        None => format!("{name} {mark}"),
    };
    stem.replace(['/', '\\', '\0'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_one_name_and_splits_of_one_set_are_told_apart() {
        let stems = [
            "a/set",
            "b/set",
            "a/set#top50/split-0",
            "a/set#top50/split-1",
        ]
        .map(|place| export_stem("set", Path::new(place)));
        for (at, stem) in stems.iter().enumerate() {
            assert!(!stems[..at].contains(stem), "{stems:?}");
            assert_eq!(Path::new(stem).components().count(), 1, "{stem}");
        }
        assert!(stems[2].starts_with("set top50-split-0 "), "{}", stems[2]);
    }
}
