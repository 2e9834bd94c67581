//! Why a command ends otherwise than well, and the exit code that says so.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

/// What a command ends with. Prints its own sentence; causes follow by `source`.
#[derive(Debug)]
pub enum Failure {
    /// The command line or the configuration asks for what cannot be done.
    Usage(String),
    /// It was tried and did not work.
    Failed { text: String, source: Option<Box<dyn Error + Send + Sync>> },
    /// It was done in part.
    Incomplete(String),
}

impl Failure {
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed { text: text.into(), source: None }
    }

    /// With its cause.
    pub(crate) fn because(text: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { text: text.into(), source: Some(source.into()) }
    }

    pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::because(format!("cannot read {}", path.display()), source)
    }

    pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::because(format!("cannot write {}", path.display()), source)
    }

    /// 1 failed, 2 usage, 3 incomplete.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed { .. } => 1,
            Self::Usage(_) => 2,
            Self::Incomplete(_) => 3,
        }
    }

    /// The sentence and its causes, in one line.
    pub fn chain(&self) -> String {
        entente_model::text::chain(self)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Incomplete(text) | Self::Failed { text, .. } => f.write_str(text),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { source: Some(source), .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}
