//! Why a model gives a tag: explanations over the time of a song.
