//! The window, driven as by hand: clicks, keys, drops, and what is on the screen then.

mod audition;
mod chains;
mod compare;
mod doctor;
mod draws;
mod dropping;
mod elsewhere;
mod experiments;
mod labels;
mod library;
mod listening;
mod methods;
mod parameters;
mod per_tag;
mod playing;
mod queue;
mod repetitions;
mod runs;
mod saving;
mod shell;
mod student;
mod sweep;
mod system;
mod timeline;
mod training;
