//! The window: state, commands, background jobs, and the glue to eframe.
