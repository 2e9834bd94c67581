//! When the customer's certificate, credential and guardrail end. `status` warns ahead of the end; of what renews
//! itself, only when the renewal failed.

use std::time::Duration;

use entente_cloud::Credential;
use entente_model::Timestamp;
use serde::Serialize;

use crate::config::Config;
use crate::files;
use crate::guardrail_file::GuardrailFile;
use crate::identity::{self, Identity};

/// Time enough to act, also over a holiday.
const AHEAD: Duration = Duration::from_secs(14 * 86_400);

/// Room for a certificate and its chain.
const MAX_CERTIFICATE_BYTES: usize = 64 << 10;

/// One thing with an end, or whose end is unknown.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    pub what: &'static str,
    /// Unset where the end is unknown.
    pub ends: Option<Timestamp>,
    pub remedy: &'static str,
}

/// Returns what ends soon, has ended, or has an unknown end.
pub fn endings(config: &Config, identity: Option<&Identity>, now: Timestamp) -> Vec<Ending> {
    let mut all = Vec::new();
    // The agent renews it at two thirds of its life. In the last quarter, renewal has failed for a while.
    if let Some((begins, ends)) = identity.and_then(Identity::validity) {
        let remedy =
            "it was not renewed: let the agent reach the provider; once it has ended, enrol again with a new token";
        if ends.since(now) <= ends.since(begins) / 4 {
            all.push(Ending { what: "certificate", ends: Some(ends), remedy });
        }
    }
    all.extend(credential(config, now));
    let review = identity
        .map(|identity| GuardrailFile::read(&config.guardrail, config.entra_tenant, identity.root_key.id()).content);
    if let Some(Ok(guardrail)) = review {
        let ends = guardrail.review_by.ends();
        let remedy = "past it there is no new access: review the guardrail and write a new reviewBy";
        all.extend((ends.since(now) <= AHEAD).then_some(Ending { what: "guardrail", ends: Some(ends), remedy }));
    }
    all
}

fn credential(config: &Config, now: Timestamp) -> Option<Ending> {
    let told = |ends: Timestamp, ahead: Duration| {
        let remedy = "renew it in Entra ID and replace its file; the agent needs no restart";
        (ends.since(now) <= ahead).then_some(Ending { what: "credential", ends: Some(ends), remedy })
    };
    if let Some(ends) = config.credential_expires {
        return told(ends, AHEAD);
    }
    match &config.cloud.credential {
        Credential::Certificate { .. } => {
            let Some((begins, ends)) = certificate_validity(config) else {
                let remedy = "see that credential.certificate_file is a certificate in PEM which this user may read";
                return Some(Ending { what: "credential", ends: None, remedy });
            };
            told(ends, AHEAD.min(ends.since(begins) / 3))
        }
        Credential::ClientSecret { .. } => {
            let remedy = "a client secret does not tell its end: write credential.expires into the configuration";
            Some(Ending { what: "credential", ends: None, remedy })
        }
        // The platform renews it.
        _ => None,
    }
}

/// When the credential at Microsoft ends. A certificate shows its end; of a secret the configuration may say it.
pub fn credential_ends(config: &Config) -> Option<Timestamp> {
    config.credential_expires.or_else(|| certificate_validity(config).map(|(_, ends)| ends))
}

/// The validity of the certificate with which the agent signs in to Microsoft.
fn certificate_validity(config: &Config) -> Option<(Timestamp, Timestamp)> {
    let Credential::Certificate { certificate_file, .. } = &config.cloud.credential else { return None };
    identity::validity(&files::read_unmarked(certificate_file, MAX_CERTIFICATE_BYTES).ok()??)
}
