//! GTZAN, modelled on genres.tar.gz (`genres/GENRE/GENRE.NNNNN.wav`, in some copies `.au`) and on `split/gtzan` of
//! sota-music-tagging-models (fault-filtered lists without header).

use super::{put, put_tone};
use std::path::Path;

/// Writes three lists and the audio of blues, hiphop and jazz: one clip as `.au`, one that is in no list, one that is not there.
pub fn write(folder: &Path) {
    write_audio(folder);
    put(
        &folder.join("train_filtered.txt"),
        "blues/blues.00029.wav\nhiphop/hiphop.00003.wav\njazz/jazz.00001.wav\njazz/jazz.00054.wav\n",
    );
    put(
        &folder.join("valid_filtered.txt"),
        "blues/blues.00030.wav\n",
    );
    put(
        &folder.join("test_filtered.txt"),
        "hiphop/hiphop.00004.wav\n",
    );
}

/// The audio alone.
pub fn write_audio(folder: &Path) {
    for (name, is_low) in [
        ("blues/blues.00029", true),
        ("blues/blues.00030", true),
        ("hiphop/hiphop.00003", false),
        ("jazz/jazz.00054", false),
        ("jazz/jazz.00099", false),
    ] {
        put_tone(&folder.join(format!("genres/{name}.wav")), is_low);
    }
    put(&folder.join("genres/hiphop/hiphop.00004.au"), ".snd");
}
