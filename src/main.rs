//! The program `gridvault`: hands over to the command line and exits with its status.
//! Never does anything itself.
//! What the statuses mean is said in `cli`.

use std::process::ExitCode;

/// Requests are made by one thread and let go by another, which the system's allocator does badly: benches/README.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gridvault::cli::main()
}
