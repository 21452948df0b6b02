//! The one way to ask a model about a song.

mod over_time;

pub use over_time::{SlidingWindows, TagTimeline};
