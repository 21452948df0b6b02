//! What comes out of the loudspeaker, sample by sample, on a sound card in memory.

mod card;
mod listening;
mod playback;
