//! The program from its command line: whole workflows, as on a server without a screen.

mod attune;
mod chains;
mod checkpoints;
mod continuing;
mod data_sets;
mod elsewhere;
mod experiments;
mod explanation_files;
mod exports;
mod lab;
mod localisation;
mod networks;
mod noisy_student;
mod pages;
mod plots;
mod robustness;
mod runs;
mod snapshots;
mod training;
mod trust;
