//! The one way to ask a model about a song.
