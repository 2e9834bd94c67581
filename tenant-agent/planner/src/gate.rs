//! What the guardrail says to one item, as conditions for [`crate::verdict`].
//!
//! Only about grants: what stands against a removal is the plane's mode and protection, which the removal's own
//! file asks for. Without a readable file nothing is asked here, as no grant passes then.

use entente_model::desired::{Item, ItemBody, ItemKey, UserBody, UserKey};
use entente_model::intent::UserType;
use entente_model::report::Reason;
use entente_model::time::Window;
use entente_model::{Plane, PlaneMode, Timestamp};

use crate::builder::PlanBuilder;
use crate::capability::{Answer, Capability};
use crate::guardrail::Guardrail;
use crate::observed::User;
use crate::reads;
use crate::verdict::Condition;

/// What a plane's mode says to any write on it.
pub(crate) fn plane(builder: &PlanBuilder<'_>, plane: Plane) -> Vec<Condition> {
    match builder.mode(plane) {
        PlaneMode::Manage => Vec::new(),
        PlaneMode::Verify => vec![Condition::ByPerson],
        PlaneMode::None => vec![Condition::Refused(Reason::GuardrailPlane)],
    }
}

pub(crate) fn refuse_unless(holds: bool, reason: Reason) -> Option<Condition> {
    (!holds).then_some(Condition::Refused(reason))
}

/// Whether the person may be let in at all. `account`: what is there of theirs.
pub(crate) fn person(builder: &PlanBuilder<'_>, item: &Item, account: Option<&User>) -> Vec<Condition> {
    let (Some(guardrail), ItemBody::User(UserBody { mail, home_tenant, user_type, .. })) =
        (builder.guardrail(), &item.body)
    else {
        return Vec::new();
    };
    let provider = &guardrail.provider;
    let fits = reads::is_invitable(mail, guardrail)
        && *home_tenant == provider.home_tenant
        && *user_type == UserType::Guest
        && guardrail.people.user_types.contains(user_type)
        && !is_barred(guardrail, item, account);
    let mut found: Vec<_> = refuse_unless(fits, Reason::GuardrailPerson).into_iter().collect();
    found.extend(account.and_then(|user| self::account(builder, user)));
    found.extend(left_in_another_history(builder, item));
    found
}

/// Whether the account that is there may be given anything: it is known by its id, and an item may name another address
/// for it than the one that was invited. The customer may have given it others since; its UPN still shows the first
/// (Entra: properties of a B2B user, `sam_fabrikam.com#EXT#@contoso.onmicrosoft.com`).
pub(crate) fn account(builder: &PlanBuilder<'_>, user: &User) -> Option<Condition> {
    let guardrail = builder.guardrail()?;
    let invited_at = invited_at(user);
    let addresses: Vec<&String> = user.addresses.iter().chain(&invited_at).collect();
    if addresses.is_empty() {
        return Some(Condition::Unread);
    }
    let fits = addresses.into_iter().any(|address| reads::is_invitable(address, guardrail));
    refuse_unless(fits, Reason::GuardrailPerson)
}

/// The address that the UPN of a guest is made of.
fn invited_at(user: &User) -> Option<String> {
    let (name, domain) = user.upn.split_once("#EXT#").and_then(|(invited, _)| invited.rsplit_once('_'))?;
    Some(format!("{name}@{domain}"))
}

/// The customer's veto on one person: a mail address, a UPN or a home object id; also one of the account that is there.
pub(crate) fn is_barred(guardrail: &Guardrail, item: &Item, account: Option<&User>) -> bool {
    let (ItemBody::User(UserBody { mail, upn, .. }), ItemKey::User(UserKey { object_id, .. })) =
        (&item.body, &item.key)
    else {
        return false;
    };
    let mut names = vec![mail.clone(), upn.clone(), object_id.to_string()];
    names.extend(account.into_iter().flat_map(|user| user.addresses.iter().chain([&user.upn]).cloned()));
    names.extend(account.and_then(invited_at));
    guardrail.people.barred.iter().any(|barred| names.iter().any(|name| name.eq_ignore_ascii_case(barred)))
}

/// Known to have left, and wanted back by a history that does not know it.
fn left_in_another_history(builder: &PlanBuilder<'_>, item: &Item) -> Option<Condition> {
    let (_, person) = item.key.person()?;
    let left = builder.input.ledger.left.get(&person)?;
    (left.epoch != builder.input.version.epoch).then_some(Condition::EpochChanged)
}

/// Room for one more account, beside this one.
pub(crate) fn room_for_person(builder: &PlanBuilder<'_>, this: &ItemKey) -> Option<Condition> {
    let guardrail = builder.guardrail()?;
    let held = builder.input.ledger.items().filter(|(key, entry)| {
        let begun = entry.thing.is_some() || entry.intent.is_some();
        matches!(key, ItemKey::User(_)) && *key != this && begun && entry.block.is_none()
    });
    let count = u32::try_from(held.count()).unwrap_or(u32::MAX).saturating_add(builder.admitted);
    refuse_unless(count < guardrail.people.max_operators, Reason::GuardrailLimit)
}

/// No end is refused where a longest grant is set; without a beginning a window counts from now.
pub(crate) fn length(builder: &PlanBuilder<'_>, item: &Item) -> Option<Condition> {
    let longest = builder.guardrail()?.limits.longest_grant?;
    let fits = |window: &Window, now: Timestamp| {
        window.end.is_some_and(|end| end.since(window.start.unwrap_or(now)) <= longest.0)
    };
    let all = item.windows.as_slice().iter().all(|window| fits(window, builder.now()));
    refuse_unless(all, Reason::GuardrailLongestGrant)
}

/// Name and number of groups.
pub(crate) fn group(builder: &PlanBuilder<'_>, display_name: &str) -> Vec<Condition> {
    let Some(guardrail) = builder.guardrail() else { return Vec::new() };
    let held =
        builder.input.ledger.items().filter(|(key, entry)| {
            matches!(key, ItemKey::Group(_)) && (entry.thing.is_some() || entry.intent.is_some())
        });
    let count = u32::try_from(held.count()).unwrap_or(u32::MAX).saturating_add(builder.grouped);
    let room = refuse_unless(count < guardrail.limits.groups, Reason::GuardrailLimit);
    prefix(builder, display_name).into_iter().chain(room).collect()
}

pub(crate) fn prefix(builder: &PlanBuilder<'_>, display_name: &str) -> Option<Condition> {
    let guardrail = builder.guardrail()?;
    refuse_unless(display_name.starts_with(&guardrail.limits.name_prefix), Reason::GuardrailPrefix)
}

pub(crate) fn capabilities(guardrail: &Guardrail, wanted: Option<Vec<Capability>>) -> Condition {
    match wanted.map(|wanted| guardrail.capabilities.answer(&wanted)) {
        Some(Answer::Allowed) => Condition::Clear,
        Some(Answer::Ask(_)) => Condition::NeedsApproval(Reason::CapabilityApproval),
        Some(Answer::Never(_)) | None => Condition::Refused(Reason::GuardrailCapability),
    }
}

/// Why the file says no to capabilities, by the line of the file: for the person who is to widen it, or to ask for less.
pub(crate) fn lacking(guardrail: &Guardrail, wanted: Option<Vec<Capability>>) -> Option<String> {
    let words = |mut all: Vec<Capability>| {
        all.sort();
        all.dedup();
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    match wanted.map(|wanted| guardrail.capabilities.answer(&wanted)) {
        Some(Answer::Allowed) => None,
        Some(Answer::Never(never)) => Some(format!("capabilities.allow lacks {}", words(never))),
        Some(Answer::Ask(ask)) => Some(format!("capabilities.ask holds {}", words(ask))),
        None => Some("this version of the agent does not know what it lets people do".into()),
    }
}
