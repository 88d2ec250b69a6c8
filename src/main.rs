//! The program `gridvault`: hands over to the command line and exits with its status.
//! Never does anything itself.
//! What the statuses mean is said in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gridvault::cli::main()
}
