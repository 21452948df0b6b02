//! Training runs on a thread.
