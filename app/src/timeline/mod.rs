//! The song's timeline: one zoomable time axis with lanes.
//!
//! [`TimelineView`] draws and answers the mouse; [`Lane`] is what it draws; [`TimeMap`] says which second lies where.

mod attention;
mod evidence;
mod lane;
mod lanes;
mod picture;
mod probability;
pub mod ruler;
mod song;
mod spectrogram;
mod tag_list;
mod time_map;
mod title;
mod truth;
mod view;
mod waveform;

pub use evidence::{OtherRow, TagRow};
pub use lane::{CachedMesh, Canvas, Lane, Place};
pub use lanes::LanesOf;
pub use picture::Picture;
pub use song::{Song, TrueSpan, mel_centres_hz, picture};
pub use tag_list::TagList;
pub use time_map::TimeMap;
pub use title::TagAction;
pub use view::{Request, Shown, TimelineView, readout};
