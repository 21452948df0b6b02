//! The song's timeline: one zoomable time axis with lanes.
