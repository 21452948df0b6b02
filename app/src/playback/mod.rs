//! Playing songs and clips: one play head over several variants of the same sound.
//!
//! ```text
//! window ── Player ── wishes ──────────────► engine (audio callback) ── clock ──► Player::position_secs
//!              │                                 ▲
//!              └── requests ── worker ── sounds ─┘   decoded, at the device's rate, whole in memory
//! ```
//!
//! The callback allocates nothing and locks nothing: wishes are read from a sequence lock, sounds come through a wait-free ring
//! and are freed by the worker. Nothing is queued ahead of the callback: it reads the sound itself, so that a seek, another variant
//! or a moved slider is in the very next buffer, crossfaded over 10 ms. (A filler thread with a ring of blocks would be one more
//! thread that can be late, and would have to take back what it queued.) The frames that the callback has played are the only clock.
//!
//! Without a sound card all of this still works, with a message, and a clock that is computed from the time that has passed.

mod device;
mod engine;
mod feed;
mod grain;
mod shared;
mod slot;
mod source;
mod track;
mod transport;
mod worker;

pub use device::DeviceInfo;
pub use feed::Feed;
pub use shared::{Now, Output};
pub use track::{Track, Variant};
pub use transport::{Player, SPEEDS, State};
