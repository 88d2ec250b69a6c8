//! Parses arguments, dispatches, exits with the command's status.

use std::process::ExitCode;

fn main() -> ExitCode {
    gridvault::cli::main()
}
