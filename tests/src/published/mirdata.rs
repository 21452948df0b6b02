//! A folder that mirdata downloaded, modelled on the indexes in mirdata/datasets/indexes (version, tracks with `[path, md5]`, metadata).

use super::{put, put_tone};
use std::path::Path;

/// Writes an index of three tracks (one without sound) and a table of their genres.
pub fn write(folder: &Path) {
    let name = folder.file_name().unwrap_or_default().display();
    let index = format!(
        r#"{{"version": "1.0", "tracks": {{
            "one": {{"beats": ["beats/one.beats", "0f"], "audio": ["audio/one.wav", "1f"]}},
            "two": {{"audio": ["{name}/audio/two.wav", "2f"]}},
            "out": {{"audio": ["../../etc/passwd.wav", "3f"]}},
            "mute": {{"audio": [null, null], "beats": ["beats/mute.beats", "4f"]}}
        }}, "metadata": {{"metadata": ["info.csv", "5f"]}}}}"#
    );
    put(&folder.join("tunes_index_1.0.json"), index);
    put(
        &folder.join("info.csv"),
        "track_id,Artist,Genre,Split\r\none,Somebody,\"cha cha, latin\",train\r\ntwo,Other,tango,test\r\n",
    );
    put_tone(&folder.join("audio/one.wav"), true);
    put_tone(&folder.join("audio/two.wav"), false);
}
