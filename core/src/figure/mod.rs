//! Plots as data, and their writers.
