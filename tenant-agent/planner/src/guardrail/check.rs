//! What is wrong with a guardrail that has the right form: contradictions, and what this version cannot enforce.
//!
//! A file that asks for more protection than the agent can give is refused by field rather than half kept.

use entente_model::intent::UserType;
use entente_model::violation::{Fault, Violation};
use entente_model::{Plane, PlaneMode};
use serde::Deserialize;

use super::{FORMAT, Guardrail};
use crate::planes::rules;

/// A later day is a slip, or no review at all.
const LAST_REVIEW: &str = "2099-12-31";

pub(super) fn check(guardrail: &Guardrail) -> Vec<Violation> {
    let mut faults = Faults(Vec::new());
    faults.0.extend(form(guardrail.guardrail));
    for (field, value, placeholder, remedy) in [
        ("customer.name", &guardrail.customer.name, "NAME", "write your own name"),
        ("owner", &guardrail.owner, "OWNER", "say who answers for the file"),
    ] {
        let text = format!("is {placeholder}, as the sample has it; {remedy}");
        faults.unless(value != placeholder, field, Fault::Missing, text);
    }
    faults.unless(!guardrail.owner.trim().is_empty(), "owner", Fault::Missing, "is empty; say who answers for it");
    let last = LAST_REVIEW.parse().is_ok_and(|last| guardrail.review_by <= last);
    let text =
        format!("is {}, on which nobody reviews anything; write a day within your own term", guardrail.review_by);
    faults.unless(last, "reviewBy", Fault::Malformed, text);
    planes(guardrail, &mut faults);
    provider(guardrail, &mut faults);
    people(guardrail, &mut faults);
    Plane::ALL.iter().copied().for_each(|plane| (rules(plane).section)(guardrail, &mut faults));
    limits(guardrail, &mut faults);
    faults.0
}

/// Of a file that does not read: whether it says that it is of another form, whose other faults then mean nothing.
pub(super) fn other_form(yaml: &str) -> Option<Violation> {
    #[derive(Deserialize)]
    struct Form {
        #[serde(deserialize_with = "super::plain::count")]
        guardrail: u32,
    }
    Guardrail::read::<Form>(yaml).ok().and_then(|it| form(it.guardrail))
}

fn form(said: u32) -> Option<Violation> {
    let text = || format!("is form {said}; this agent understands {FORMAT}");
    (said != FORMAT).then(|| Violation::new("guardrail", Fault::Unimplemented, text()))
}

/// What is found, by field.
pub(crate) struct Faults(Vec<Violation>);

impl Faults {
    pub(crate) fn unless(
        &mut self,
        holds: bool,
        field: impl Into<String>,
        reason: Fault,
        description: impl Into<String>,
    ) {
        if !holds {
            self.0.push(Violation::new(field, reason, description));
        }
    }
}

fn planes(guardrail: &Guardrail, faults: &mut Faults) {
    for (word, mode) in guardrail.planes.reserved() {
        faults.unless(
            mode == PlaneMode::None,
            format!("planes.{word}"),
            Fault::Unimplemented,
            format!("is {mode}, which is not yet enforceable; write none"),
        );
    }
}

fn provider(guardrail: &Guardrail, faults: &mut Faults) {
    let provider = &guardrail.provider;
    faults.unless(
        !provider.mail_domains.is_empty(),
        "provider.mailDomains",
        Fault::Missing,
        "is empty; name the domains of the provider's people",
    );
    for domain in &provider.mail_domains {
        faults.unless(
            is_domain(domain),
            "provider.mailDomains",
            Fault::Malformed,
            format!("{domain:?} is not a domain; write nordwall.example"),
        );
    }
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let is_key = |key: &str| key.len() == KEY_DIGITS && key.chars().all(hex);
    faults.unless(
        provider.state_key.strip_prefix("ed25519:").is_some_and(is_key),
        "provider.stateKey",
        Fault::Malformed,
        "is not a key; write ed25519: and the 64 digits of the root key that the provider gave you in person",
    );
}

/// SHA-256 in hexadecimal.
const KEY_DIGITS: usize = 64;

/// Labels of letters, digits and hyphens, at least two (RFC 1035, 2.3.1 and 2.3.4).
fn is_domain(domain: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label)
}

fn people(guardrail: &Guardrail, faults: &mut Faults) {
    faults.unless(
        !guardrail.people.user_types.contains(&UserType::Member),
        "people.userTypes",
        Fault::Unimplemented,
        "names member, which is not carried out by this version; write [guest]",
    );
    for both in guardrail.capabilities.allow.intersection(&guardrail.capabilities.ask) {
        faults.unless(
            false,
            "capabilities.ask",
            Fault::Conflict,
            format!("{both} is allowed and asked; keep it in one list"),
        );
    }
    for action in &guardrail.capabilities.actions {
        faults.unless(
            is_action(action),
            "capabilities.actions",
            Fault::Malformed,
            format!(
                "{action:?}: write one action of Azure's by its whole name; none that gives access, and no wildcard"
            ),
        );
    }
    if let Some(approvers) = &guardrail.approvers {
        faults.unless(
            (1..=approvers.keys.len()).contains(&(approvers.need as usize)),
            "approvers.need",
            Fault::Conflict,
            format!("is {} of {} keys; write a number between 1 and that", approvers.need, approvers.keys.len()),
        );
    }
}

fn limits(guardrail: &Guardrail, faults: &mut Faults) {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let prefix = &guardrail.limits.name_prefix;
    faults.unless(
        (2..=16).contains(&prefix.len()) && prefix.chars().all(ok),
        "limits.namePrefix",
        Fault::Malformed,
        format!("{prefix:?}: write 2 to 16 lower-case letters, digits and hyphens, such as ent-"),
    );
    for (at, freeze) in guardrail.freeze.iter().enumerate() {
        faults.unless(
            freeze.from <= freeze.to,
            format!("freeze[{at}].to"),
            Fault::Conflict,
            format!("{} is before from; write a later day", freeze.to),
        );
    }
}

/// One action by name. What lets people give access to themselves is never allowed, whoever asks for it.
fn is_action(action: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./-_".contains(c);
    let lower = action.to_ascii_lowercase();
    let gives = ["microsoft.authorization/", "microsoft.managedservices/", "microsoft.managedidentity/"];
    let gives = gives.iter().any(|provider| lower.starts_with(provider)) && !lower.ends_with("/read");
    action.split('/').count() >= 3
        && action.split('/').all(|part| !part.is_empty())
        && action.chars().all(plain)
        && !gives
}
