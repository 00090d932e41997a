//! The log: a file a day, never the terminal, and nothing in it that the redacted exchanges do not have.

use std::io;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// Keeps the log's writer alive; dropping it writes what is left.
#[derive(Debug)]
pub struct Log {
    _writer: Option<WorkerGuard>,
}

/// Starts the log into a folder. Without one nothing is logged, but for a service: a service manager keeps what that
/// writes to its standard error.
///
/// # Errors
/// When the folder cannot be made or written to.
pub fn start(folder: Option<&Path>, is_service: bool) -> io::Result<Log> {
    let filter = EnvFilter::try_from_env("OUTBOUND_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let Some(folder) = folder else {
        if is_service {
            tracing_subscriber::fmt()
                .with_writer(io::stderr)
                .with_ansi(false)
                .with_env_filter(filter)
                .init();
        }
        return Ok(Log { _writer: None });
    };
    std::fs::create_dir_all(folder)?;
    let files = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("outbound")
        .filename_suffix("log")
        .max_log_files(14)
        .build(folder)
        .map_err(io::Error::other)?;
    let (writer, guard) = tracing_appender::non_blocking(files);
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .with_env_filter(filter)
        .init();
    Ok(Log {
        _writer: Some(guard),
    })
}
