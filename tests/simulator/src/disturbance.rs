//! What a test does to requests on purpose: faults that strike them, barriers that hold them.

use regex::Regex;

use crate::control::types::Match;

pub mod barriers;
pub mod bend;
pub mod drip;
pub mod faults;
pub mod waits;

/// A [`Match`] with its pattern compiled.
#[derive(Debug)]
pub struct Matcher {
    on: Match,
    path: Option<Regex>,
}

/// What is matched against.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub tenant: Option<&'a str>,
    pub method: &'a str,
    /// Decoded path and query.
    pub target: &'a str,
}

impl Matcher {
    pub fn new(on: &Match) -> Result<Self, regex::Error> {
        let path = on.path.as_deref().map(Regex::new).transpose()?;
        Ok(Self { on: on.clone(), path })
    }

    pub fn matches(&self, subject: Subject<'_>) -> bool {
        self.on
            .tenant
            .as_deref()
            .is_none_or(|tenant| subject.tenant.is_some_and(|own| own.eq_ignore_ascii_case(tenant)))
            && self.on.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(subject.method))
            && self.path.as_ref().is_none_or(|path| path.is_match(subject.target))
    }
}
