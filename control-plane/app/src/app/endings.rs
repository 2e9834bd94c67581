//! What ends when: everything that stops working on a known day, so that a person hears of it before. One list, computed in one
//! place; nothing here is stored.
//!
//! A certificate that renews itself is listed only if it did not: agents renew at two thirds of its life, so renewal has failed
//! for one that is in its last quarter.

use std::time::Duration;

use entente_model::Timestamp;

use super::App;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::word::words;

/// Long enough for a person with a holiday, and for an offline root key to be fetched.
const AHEAD: Duration = Duration::from_secs(14 * 86_400);

/// One thing that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub kind: EndingKind,
    /// Whose or which: a resource's name, or a few words.
    pub name: String,
    /// When its life began, where that is known.
    pub begins: Option<Timestamp>,
    pub ends: Timestamp,
    /// Whether it has ended.
    pub over: bool,
}

words! {
    /// What it is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum EndingKind {
        Delegation = "DELEGATION",
        ServerCertificate = "SERVER_CERTIFICATE",
        CaCertificate = "CA_CERTIFICATE",
        PrincipalCertificate = "PRINCIPAL_CERTIFICATE",
        EnrollmentToken = "ENROLLMENT_TOKEN",
        AgentCertificate = "AGENT_CERTIFICATE",
        /// The agent's with Microsoft.
        CloudCredential = "CLOUD_CREDENTIAL",
        /// The last day on which a customer's file gives new access.
        GuardrailReview = "GUARDRAIL_REVIEW",
    }
}

impl EndingKind {
    /// What it means, and what a person does about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Delegation => {
                "without it no change and no leave reaches any tenant: `entente-control-plane delegate`, then SIGHUP to the server"
            }
            Self::ServerCertificate => "no client can connect without it: replace its file, then SIGHUP to the server",
            Self::CaCertificate => "every certificate ends with it: replace it while agents still trust it",
            Self::PrincipalCertificate => "an admin makes another: `entente principals create`",
            Self::EnrollmentToken => "not used yet: let the customer enrol, or make another",
            Self::AgentCertificate => "the agent did not renew it: let it connect, or enrol it again",
            Self::CloudCredential => "the customer renews it in Entra ID",
            Self::GuardrailReview => {
                "past it nothing new is given there: the customer reviews the guardrail, and writes a later reviewBy"
            }
        }
    }
}

impl Ending {
    /// From the shorter of two weeks and a third of its life; of an unknown life, two weeks.
    fn is_due(&self, now: Timestamp) -> bool {
        let part = if self.kind == EndingKind::AgentCertificate { 4 } else { 3 };
        let part = self.begins.map_or(AHEAD, |begins| self.ends.since(begins) / part);
        self.ends.since(now) <= AHEAD.min(part)
    }

    /// The order of the list: what ends first is first.
    fn key(&self) -> String {
        format!("{:012} {} {}", self.ends.as_unix(), self.kind.word(), self.name)
    }
}

impl App {
    /// What ends soon, or has ended; what ends first is first.
    pub fn list_endings(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Ending>> {
        caller.needs(ApiRole::Viewer)?;
        let now = self.now();
        let mut due: Vec<Ending> = self.endings(now).into_iter().filter(|ending| ending.is_due(now)).collect();
        due.sort_by_key(Ending::key);
        let rest = due.into_iter().filter(|ending| page.token.is_empty() || ending.key() > page.token);
        Ok(Page::of(rest, page.limit(), Ending::key))
    }

    /// The server tells when its TLS certificate ends, because this crate does not read that file.
    pub fn note_server_certificate(&self, begins: Timestamp, ends: Timestamp) {
        *crate::sync::lock(&self.inner.server_certificate) = Some((begins, ends));
    }

    fn endings(&self, now: Timestamp) -> Vec<Ending> {
        let inner = &self.inner;
        let ending = |kind, name: String, begins, ends| Ending { kind, name, begins, ends, over: ends <= now };
        let stated = inner.history.stated();
        let (begins, ends) = (Some(stated.delegated_from), stated.delegated_until);
        let mut all = vec![ending(EndingKind::Delegation, "the online key".into(), begins, ends)];
        if let Some((begins, ends)) = *crate::sync::lock(&inner.server_certificate) {
            all.push(ending(EndingKind::ServerCertificate, "the server".into(), Some(begins), ends));
        }
        let (begins, ends) = inner.ca.validity();
        all.push(ending(EndingKind::CaCertificate, inner.ca.trust_domain().to_owned(), Some(begins), ends));
        for channel in inner.channels.all() {
            let Some(standing) = channel.lock().reported.standing.clone() else { continue };
            let told = [
                (EndingKind::CloudCredential, standing.credential_expires),
                (EndingKind::GuardrailReview, standing.review_ends),
            ];
            let told = told.into_iter().filter_map(|(kind, ends)| Some((kind, ends?)));
            all.extend(told.map(|(kind, ends)| ending(kind, channel.tenant.to_string(), None, ends)));
        }
        let tables = inner.registry.tables();
        let principals = tables.principals.iter();
        all.extend(principals.map(|(name, row)| {
            ending(EndingKind::PrincipalCertificate, name.to_string(), Some(row.created), row.expires)
        }));
        // A token that ended unused needs no action, and is cleared away.
        let tokens = tables.tokens.iter().filter(|(_, row)| row.used.is_none() && row.expires > now);
        all.extend(tokens.map(|(_, row)| {
            ending(EndingKind::EnrollmentToken, row.tenant.to_string(), Some(row.created), row.expires)
        }));
        let agents = tables.agents.iter().filter(|(_, row)| row.revoked.is_none());
        all.extend(agents.map(|(name, row)| {
            let begins = row.renewed.unwrap_or(row.enrolled);
            ending(EndingKind::AgentCertificate, name.to_string(), Some(begins), row.expires)
        }));
        all
    }
}
