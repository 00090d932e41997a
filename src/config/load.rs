//! From a path or a text to a configuration, or to everything that is wrong with it.

use std::fmt;
use std::path::{Path, PathBuf};

use domain::{Catalogue, Configuration};
use toml::de::DeTable;

use crate::assemble::Assembly;
use crate::check::Check;
use crate::cross;
use crate::finding::{Finding, Problem, Severity};
use crate::place::Places;
use crate::source::Source;
use crate::syntax;

/// A configuration without errors, with the text it was read from.
#[derive(Clone)]
pub struct Loaded {
    /// The configuration.
    pub configuration: Configuration,
    /// The text as it was read.
    pub text: String,
    /// The text's [`fingerprint`].
    pub hash: String,
    /// The folder that relative paths in the file start from.
    pub base: PathBuf,
    /// What is allowed and without effect. More is found by [`lint`](crate::lint).
    pub warnings: Vec<Finding>,
    pub(crate) places: Places,
    pub(crate) source: Source,
}

impl fmt::Debug for Loaded {
    /// Leaves the text out: it may hold inline secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("configuration", &self.configuration)
            .field("hash", &self.hash)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

impl Loaded {
    /// Makes a finding of somebody else's about a key, such as `connections[0].connectors[1].pattern`.
    ///
    /// A path that is not in the file stands for the nearest table around it.
    pub fn finding(
        &self,
        severity: Severity,
        code: &'static str,
        path: &str,
        message: &str,
        fix: &str,
    ) -> Finding {
        let span = self.places.value(path);
        self.source.finding(Problem {
            severity,
            ..Problem::error(code, span, message, fix)
        })
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has errors. All of them are here, in file order, with the warnings between them.
    Invalid(Vec<Finding>),
}

impl LoadError {
    /// Returns the findings; none when the file could not be read.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Unreadable { .. } => &[],
            Self::Invalid(findings) => findings,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, .. } => write!(f, "cannot read {}", path.display()),
            Self::Invalid(findings) => {
                for finding in findings {
                    writeln!(f, "{finding}\n")?;
                }
                let errors = findings
                    .iter()
                    .filter(|finding| finding.severity == Severity::Error)
                    .count();
                let file = findings
                    .first()
                    .map_or("the configuration", |finding| finding.file.as_str());
                write!(
                    f,
                    "{file} has {errors} error{}",
                    if errors == 1 { "" } else { "s" }
                )
            }
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Invalid(_) => None,
        }
    }
}

/// Reads a file; relative paths in it start from its folder.
///
/// # Errors
/// [`LoadError`] with everything that is wrong, not only the first.
pub fn load(path: &Path, catalogue: &Catalogue) -> Result<Loaded, LoadError> {
    let text = text_of(path)?;
    let base = path.parent().unwrap_or(Path::new(""));
    parse(&text, &path.display().to_string(), base, catalogue)
}

/// Returns what can be read of a file, whatever is wrong with it: enough to find its journal, too little to work by.
///
/// # Errors
/// [`LoadError::Unreadable`].
pub fn load_in_part(path: &Path, catalogue: &Catalogue) -> Result<Configuration, LoadError> {
    let text = text_of(path)?;
    let base = path.parent().unwrap_or(Path::new(""));
    Ok(read(&text, "", base, catalogue).configuration)
}

fn text_of(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path).map_err(|source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Reads a text, shown as `name` in what is said about it; relative paths in it start from `base`.
///
/// # Errors
/// [`LoadError::Invalid`] with everything that is wrong, not only the first.
pub fn parse(
    text: &str,
    name: &str,
    base: &Path,
    catalogue: &Catalogue,
) -> Result<Loaded, LoadError> {
    let read = read(text, name, base, catalogue);
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    if read.findings.iter().any(is_error) {
        return Err(LoadError::Invalid(read.findings));
    }
    Ok(Loaded {
        configuration: read.configuration,
        text: text.to_owned(),
        hash: fingerprint(text),
        base: base.to_owned(),
        warnings: read.findings,
        places: read.places,
        source: read.source,
    })
}

/// Returns what a text makes as far as it goes, whatever is wrong with it; `None` when it is no TOML.
pub(crate) fn in_part(text: &str, base: &Path, catalogue: &Catalogue) -> Option<Configuration> {
    let read = read(text, "", base, catalogue);
    (!read.is_broken).then_some(read.configuration)
}

/// What a text makes, with everything that is wrong with it.
struct Read {
    configuration: Configuration,
    findings: Vec<Finding>,
    places: Places,
    source: Source,
    /// It is no TOML.
    is_broken: bool,
}

fn read(text: &str, name: &str, base: &Path, catalogue: &Catalogue) -> Read {
    let mut source = Source::new(name, text);
    let (root, broken) = DeTable::parse_recoverable(text);
    let root = root.get_ref();

    let mut check = Check::new(catalogue);
    check.file(root);
    let Check {
        mut problems,
        places,
        masks,
        ..
    } = check;

    let mut assembly = Assembly {
        source: &source,
        base,
        catalogue,
        problems: Vec::new(),
    };
    let configuration = assembly.configuration(root);
    problems.append(&mut assembly.problems);
    problems.extend(cross::check(&configuration, &places, catalogue));
    if !broken.is_empty() {
        forget_guesses(&mut problems, &broken, &source);
        problems.extend(syntax::errors(text, &broken));
    }

    source.hide(masks);
    problems.sort_by_key(|problem| (problem.span.start, problem.severity));
    let findings = problems
        .into_iter()
        .map(|problem| source.finding(problem))
        .collect();
    Read {
        configuration,
        findings,
        places,
        source,
        is_broken: !broken.is_empty(),
    }
}

/// Where the text is broken the tree is guesswork: what seems absent may stand in the broken part.
fn forget_guesses(problems: &mut Vec<Problem>, broken: &[toml::de::Error], source: &Source) {
    let lines: Vec<usize> = broken
        .iter()
        .filter_map(|error| Some(source.line(error.span()?.start)))
        .collect();
    problems.retain(|problem| {
        !matches!(problem.code, "missing" | "unknown-reference")
            && !lines.contains(&source.line(problem.span.start))
    });
}

/// Returns a short text that changes when the file's text does. Stable over versions; no protection against forgery.
pub fn fingerprint(text: &str) -> String {
    // FNV-1a, 64 bits
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Returns the lines of a text with secrets masked and control characters made visible.
pub fn readable(text: &str, catalogue: &Catalogue) -> Vec<String> {
    let mut source = Source::new("", text);
    let (root, _) = DeTable::parse_recoverable(text);
    let mut check = Check::new(catalogue);
    check.file(root.get_ref());
    source.hide(check.masks);
    source.lines()
}
