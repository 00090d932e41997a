//! The log: a file a day, never the terminal, and nothing in it that the redacted exchanges do not have. The workbench
//! shows the newest lines of its own process as well.

use std::io;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriterExt as _};
use tui::LogBook;

/// Keeps the log's writer alive; dropping it writes what is left.
#[derive(Debug)]
pub struct Log {
    _writer: Option<WorkerGuard>,
}

/// Who reads the log besides those who read its files.
#[derive(Debug, Clone)]
pub enum Reader {
    /// Nobody: without a folder nothing is logged.
    Nobody,
    /// A service manager keeps what a service writes to its standard error, where there is no folder.
    ServiceManager,
    /// The workbench shows the newest lines, whether there is a folder or not.
    Workbench(LogBook),
}

/// Starts the log, into a folder where one is named.
///
/// # Errors
/// When the folder cannot be made or written to.
pub fn start(folder: Option<&Path>, reader: &Reader) -> io::Result<Log> {
    let (files, guard) = folder.map(files).transpose()?.unzip();
    let writer = match (files, reader) {
        (Some(files), Reader::Workbench(book)) => {
            BoxMakeWriter::new(files.and(pages(book.clone())))
        }
        (Some(files), Reader::Nobody | Reader::ServiceManager) => BoxMakeWriter::new(files),
        (None, Reader::Workbench(book)) => BoxMakeWriter::new(pages(book.clone())),
        (None, Reader::ServiceManager) => BoxMakeWriter::new(io::stderr),
        (None, Reader::Nobody) => return Ok(Log { _writer: None }),
    };
    let filter = EnvFilter::try_from_env("OUTBOUND_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .with_env_filter(filter)
        .init();
    Ok(Log { _writer: guard })
}

fn files(folder: &Path) -> io::Result<(NonBlocking, WorkerGuard)> {
    std::fs::create_dir_all(folder)?;
    let files = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("outbound")
        .filename_suffix("log")
        .max_log_files(14)
        .build(folder)
        .map_err(io::Error::other)?;
    Ok(tracing_appender::non_blocking(files))
}

/// Makes what writes into a book; what comes there went through the same formatter as what goes into the files.
fn pages(book: LogBook) -> impl Fn() -> Page + Send + Sync + 'static {
    move || Page(book.clone())
}

struct Page(LogBook);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
