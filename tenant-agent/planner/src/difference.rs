//! What a changed guardrail means: what is allowed now and was not, and what was allowed and is not.
//!
//! Every field of the file is one of three kinds: something that it lets happen, a bound (more is wider), or something
//! that it protects (less is wider).

use std::collections::BTreeSet;

use entente_model::{Plane, PlaneMode};

use crate::guardrail::{Adopt, Guardrail};
use crate::permission;

/// Sentences, each about one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    pub wider: Vec<String>,
    pub narrower: Vec<String>,
    /// Microsoft permissions that the agent's application needs now, and no longer needs.
    pub needed: Vec<&'static str>,
    pub spare: Vec<&'static str>,
}

pub fn between(old: &Guardrail, new: &Guardrail) -> Difference {
    let mut found = Difference::default();
    sets(&mut found, &lets(old), &lets(new));
    // What is protected no more is what may be touched now.
    sets(&mut found, &protects(new), &protects(old));
    for ((what, before), (_, after)) in bounds(old).into_iter().zip(bounds(new)) {
        let say = |one: &Bound, other: &Bound| format!("{what} {other}, and {one} before");
        match before.cmp(&after) {
            std::cmp::Ordering::Less => found.wider.push(say(&before, &after)),
            std::cmp::Ordering::Greater => found.narrower.push(say(&before, &after)),
            std::cmp::Ordering::Equal => {}
        }
    }
    let names = |guardrail| permission::needed(guardrail).iter().map(|row| row.name).collect::<BTreeSet<_>>();
    let (before, after) = (names(old), names(new));
    found.needed = after.difference(&before).copied().collect();
    found.spare = before.difference(&after).copied().collect();
    found
}

fn sets(found: &mut Difference, before: &BTreeSet<String>, after: &BTreeSet<String>) {
    found.wider.extend(after.difference(before).cloned());
    found.narrower.extend(before.difference(after).cloned());
}

/// What the file lets happen, one sentence for each.
fn lets(guardrail: &Guardrail) -> BTreeSet<String> {
    let (provider, people) = (&guardrail.provider, &guardrail.people);
    let mut all: BTreeSet<String> = [
        format!("the agent works in tenant {}", guardrail.customer.entra_tenant),
        format!("people whose home is tenant {}", provider.home_tenant),
        format!("a desired state that the key {} has signed", provider.state_key),
        format!("groups and roles named {}*", guardrail.limits.name_prefix),
    ]
    .into();
    all.extend(provider.mail_domains.iter().map(|domain| format!("people of {}", domain.to_lowercase())));
    for plane in Plane::ALL.iter().copied() {
        match guardrail.mode(plane) {
            PlaneMode::None => {}
            PlaneMode::Verify => _ = all.insert(format!("the agent looks at {plane}")),
            PlaneMode::Manage => {
                all.extend([format!("the agent looks at {plane}"), format!("the agent writes {plane}")]);
            }
        }
    }
    all.extend(guardrail.capabilities.allow.iter().map(|it| format!("people may {} ({it})", it.phrase())));
    all.extend(guardrail.capabilities.ask.iter().map(|it| format!("people may ask you to {} ({it})", it.phrase())));
    all.extend(guardrail.capabilities.actions.iter().map(|it| format!("an Azure role may hold {}", it.to_lowercase())));
    all.extend(guardrail.azure.scopes.iter().map(|scope| format!("Azure roles at {}", scope.to_lowercase())));
    all.extend(guardrail.azure.roles.iter().map(|(name, id)| format!("the Azure role {name} ({id})")));
    let entra = guardrail.entra.roles.iter();
    all.extend(entra.map(|(name, id)| format!("the directory role {name} ({id}), over the whole tenant")));
    all.extend(people.user_types.iter().map(|it| format!("accounts of type {it:?}").to_lowercase()));
    all.extend(people.on_leave.iter().map(|step| format!("on leaving: {}", step.word())));
    if people.recycle_bin {
        all.insert("the agent looks for leavers in the recycle bin".into());
    }
    if people.adopt_existing != Adopt::Never {
        all.insert("accounts that are there already may be proposed to you".into());
    }
    if people.adopt_existing == Adopt::Allow {
        all.insert("accounts that are there already are taken over without asking".into());
    }
    all
}

/// What it keeps from happening; said as what may happen without.
fn protects(guardrail: &Guardrail) -> BTreeSet<String> {
    let protected = &guardrail.protected;
    let users = protected.users.iter().map(|id| format!("the user {} may be touched", id.to_lowercase()));
    let groups = protected.groups.iter().map(|id| format!("the group {} may be touched", id.to_lowercase()));
    let home = protected.agent_home.iter().map(|scope| format!("roles at the agent's home {}", scope.to_lowercase()));
    let barred = guardrail.people.barred.iter().map(|name| format!("{} may be let in", name.to_lowercase()));
    let freeze = guardrail.freeze.iter().map(|freeze| format!("changes from {} to {}", freeze.from, freeze.to));
    users.chain(groups).chain(home).chain(barred).chain(freeze).collect()
}

/// A number, a day or a length; without an end is the widest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Count(u32),
    Day(entente_model::Date),
    Span(crate::guardrail::Span),
    Endless,
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Day(day) => write!(f, "{day}"),
            Self::Span(span) => write!(f, "{span}"),
            Self::Endless => f.write_str("no bound"),
        }
    }
}

fn bounds(guardrail: &Guardrail) -> Vec<(&'static str, Bound)> {
    let limits = &guardrail.limits;
    vec![
        ("new access until", Bound::Day(guardrail.review_by)),
        ("people at a time:", Bound::Count(guardrail.people.max_operators)),
        ("groups:", Bound::Count(limits.groups)),
        ("people let in on a day:", Bound::Count(limits.per_day.joiners)),
        ("other changes on a day:", Bound::Count(limits.per_day.other_changes)),
        ("removals of what is no longer wanted, on a day:", Bound::Count(limits.per_day.implied_removals)),
        ("longest grant:", limits.longest_grant.map_or(Bound::Endless, Bound::Span)),
    ]
}
