//! FMA, modelled on fma_metadata.zip of mdeff/fma: `tracks.csv` with three lines of header, cells with line breaks, lists of Python;
//! `genres.csv`; `fma_small/checksums`; audio as `fma_small/000/000002.mp3`.

use super::{put, put_tone};
use std::path::Path;

const HEADER: &str = ",album,artist,artist,set,set,track,track,track,track,track\n\
    ,title,bio,name,split,subset,duration,genre_top,genres,genres_all,license\n\
    track_id,,,,,,,,,,\n";

/// Writes the metadata and the audio of one track of four.
pub fn write(folder: &Path) {
    let rows = "2,\"AWOL, a \"\"way\"\"\",\"<p>A biography\nof two lines</p>\",AWOL,training,small,168,Hip-Hop,[21],[21],CC BY\n\
        1486,Short,,Other,validation,medium,30,Rock,\"[12, 25]\",\"[25, 12]\",CC BY\n\
        155320,Whole,,Third,test,large,300,,\"[76]\",\"[76, 10]\",\n\
        3,AWOL,,AWOL,training,medium,29,,[21],[21],CC BY\n";
    put(
        &folder.join("fma_metadata/tracks.csv"),
        format!("\u{feff}{HEADER}{rows}"),
    );
    put(
        &folder.join("fma_metadata/genres.csv"),
        "genre_id,#tracks,parent,title,top_level\n10,1,0,Pop,10\n12,1,0,Rock,12\n21,1,0,Hip-Hop,21\n25,1,12,Punk,12\n76,1,10,Experimental Pop,10\n",
    );
    put(
        &folder.join("fma_small/checksums"),
        "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15  000/000005.mp3\n",
    );
    put_tone(&folder.join("fma_small/000/000002.wav"), true);
}
