//! The program from its command line: whole workflows, as on a server without a screen.

mod attune;
mod chains;
mod changed_data;
mod checkpoints;
mod compared;
mod continuing;
mod data_sets;
mod elsewhere;
mod experiments;
mod explanation_files;
mod exports;
mod full_disk;
mod killed;
mod lab;
mod localisation;
mod networks;
mod noisy_student;
mod pages;
mod plots;
mod queue;
mod robustness;
mod runs;
mod snapshots;
mod step_times;
mod training;
mod trust;
