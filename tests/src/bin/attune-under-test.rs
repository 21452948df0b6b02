//! The program itself, built as part of the tests, so that they can start it as a user does.

use std::process::ExitCode;

fn main() -> ExitCode {
    attune_core::device::keep_freed_memory();
    attune_core::machine::allow_many_files();
    attune::cli::main()
}
