//! Colours and spacings; they live here only.
