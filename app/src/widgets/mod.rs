//! Small pieces of window that several panels use.
