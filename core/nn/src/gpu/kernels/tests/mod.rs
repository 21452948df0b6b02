//! The kernels against the plain loops, on a GPU or, where there is none, in the emulator of `tests/fake_cuda`.
//!
//! Every kernel runs with both types of activations, with buffers that end and with buffers that begin where no memory is, and each launch
//! twice, forwards and backwards: results that depend on the order of threads or blocks are found.

mod bench;
mod copies;
mod losses;
mod maps;
mod numbers;
mod recurrent;
mod rows;

use super::{ALL, PRELUDE};

#[test]
fn the_lists_of_functions_are_those_of_the_sources() {
    for source in ALL {
        let found: Vec<&str> = source
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("KERNEL "))
            .filter_map(|line| line.split('(').next())
            .collect();
        assert_eq!(found, source.functions, "{}.cu", source.name);
        assert!(!source.text.contains("atomic") && !PRELUDE.contains("atomicAdd"));
        assert!(!source.text.contains("#include"));
    }
}
