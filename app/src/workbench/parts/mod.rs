//! The state, part by part. Each part is a `State` (read by panels), a `Command` (sent by panels), `run` (carries a command
//! out, between frames) and `logic` (once before each frame: takes in results of jobs, asks for what has become stale).

pub mod audition;
pub mod compare;
pub mod doctor;
pub mod experiments;
pub mod labels;
pub mod library;
pub mod limits;
pub mod model;
pub mod pages;
pub mod per_tag;
pub mod plots;
pub mod queue;
pub mod runs;
pub mod settings;
pub mod song;
pub mod student;
pub mod timeline;
pub mod training;
