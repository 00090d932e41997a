//! `outbound`: a terminal workbench for outbound user provisioning.

use std::process::ExitCode;

fn main() -> ExitCode {
    outbound::cli::main()
}
