//! Tracks, tags, splits, the demo set, the PCM cache and the loader.
