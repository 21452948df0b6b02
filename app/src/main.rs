//! Entry point: tune the allocator, allow many open files, parse, run, and turn the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    attune_core::device::keep_freed_memory();
    attune_core::machine::allow_many_files();
    attune::cli::main()
}
