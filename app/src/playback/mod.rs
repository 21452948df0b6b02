//! Playing sound through cpal.
