//! Entry point: tune the allocator, parse, run, and turn the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    attune_core::device::keep_freed_memory();
    attune::cli::main()
}
