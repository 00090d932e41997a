//! The wiring of `outbound`: configuration, connectors, engine and mocks joined together, behind a command line.

#[cfg(unix)]
pub mod attached;
pub mod bench;
pub mod cli;
#[cfg(unix)]
pub mod control;
pub mod crash;
pub mod exit;
pub mod export;
pub mod lab;
pub mod log;
pub mod metrics;
pub mod mock_keys;
pub mod mocks_of;
pub mod pty;
pub mod scenario;
pub mod screen_bench;
pub mod traces;
pub mod virtual_time;
pub mod workbench;
