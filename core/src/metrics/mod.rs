//! Scores of a multi-label tagger.
