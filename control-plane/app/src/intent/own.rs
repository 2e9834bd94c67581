//! No person gives themselves access: a principal that is tied to an operator makes no change by which that operator gains.
//!
//! Judged twice. By the compiled effect: whatever kind of resource changed, an item about one of the operator's accounts
//! that appears, lasts longer or leads elsewhere, and a right more for a group that they are in. And by intent, for what
//! has no effect yet: to join a squad today and wait for its assignment is the same in two steps.

use std::collections::BTreeSet;

use entente_compiler::{Advance, Fleet, Touched};
use entente_model::desired::{
    DefenderAssignmentBody, DefenderRoleBody, DefenderRoleKey, GroupKey, GroupKind, Item, ItemBody, ItemKey, MemberKey,
    UserBody, UserKey, Want,
};
use entente_model::intent::{
    Assignment, DataSource, IdentityClass, Intent, OperatorState, ResourceName, Squad, TenantSelector,
};
use entente_model::{Guid, HomeName, OperatorName, TenantName, Timestamp, Windows};
use entente_seal::Buckets;

use crate::caller::Caller;
use crate::error::{AppError, Result};

/// Most gains that the refusal lists: it says that there are more.
const MAX_LISTED: usize = 5;

pub(super) fn refuse(caller: &Caller, before: &Fleet, advance: &Advance) -> Result<()> {
    let Some(operator) = &caller.operator else { return Ok(()) };
    let mut gains = in_intent(before.intent(), advance, operator);
    gains.extend(in_effect(before, advance, operator));
    if gains.is_empty() {
        return Ok(());
    }
    let more = gains.len().saturating_sub(MAX_LISTED);
    gains.truncate(MAX_LISTED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let text = format!("it is tied to {operator}, who would gain {}{more}", gains.join(", "));
    Err(AppError::OwnCase { principal: caller.principal.clone(), text })
}

/// What the manifests give, whether it has an effect today or not.
fn in_intent(before: &Intent, advance: &Advance, operator: &OperatorName) -> Vec<String> {
    let after = advance.fleet.intent();
    let mut gains = own_resource(before, after, operator);
    for name in &advance.changed {
        let gains_by_it = match name {
            ResourceName::Squad(squad) => {
                let [old, new] =
                    [before, after].map(|intent| member(intent.squads.get(squad).map(|it| &**it), operator));
                widens(&old, &new)
            }
            ResourceName::Assignment(assignment) => {
                let new = after.assignments.get(assignment).filter(|it| reaches(after, it, operator));
                let old = before.assignments.get(assignment).filter(|it| reaches(before, it, operator));
                new.is_some_and(|new| old.is_none_or(|old| gives_more(old, new)))
            }
            _ => false,
        };
        if gains_by_it {
            gains.push(format!("by {name}"));
        }
    }
    gains
}

/// Their return to work, and accounts that their manifest did not list like this.
fn own_resource(before: &Intent, after: &Intent, operator: &OperatorName) -> Vec<String> {
    let (old, Some(new)) = (before.operators.get(operator), after.operators.get(operator)) else { return Vec::new() };
    let mut gains = Vec::new();
    if new.state == OperatorState::Active && old.is_none_or(|old| old.state != OperatorState::Active) {
        gains.push("the return to work".to_owned());
    }
    let known = old.map(|old| old.identities.as_slice()).unwrap_or_default();
    let added = new.identities.iter().filter(|identity| !known.contains(identity));
    gains.extend(added.map(|identity| format!("the account {}", identity.upn)));
    gains
}

/// When an operator is in a squad.
fn member(squad: Option<&Squad>, operator: &OperatorName) -> Windows {
    let members = squad.into_iter().flat_map(|squad| &squad.members).filter(|member| member.operator == *operator);
    members.map(|member| member.window()).collect::<Vec<_>>().into()
}

fn reaches(intent: &Intent, assignment: &Assignment, operator: &OperatorName) -> bool {
    let squad = assignment.squad.as_ref().and_then(|squad| intent.squads.get(squad));
    assignment.operator.as_ref() == Some(operator)
        || squad.is_some_and(|squad| squad.members.iter().any(|member| member.operator == *operator))
}

fn gives_more(old: &Assignment, new: &Assignment) -> bool {
    let when = |assignment: &Assignment| Windows::from(vec![assignment.window()]);
    old.role != new.role || widens(&when(old), &when(new)) || selects_more(&old.tenants, &new.tenants)
}

/// Whether there can be a tenant that only the new one means. A selector by names and one by labels cannot be compared.
fn selects_more(old: &TenantSelector, new: &TenantSelector) -> bool {
    let named = new
        .names
        .iter()
        .any(|name| !old.names.contains(name) || old.except.contains(name) && !new.except.contains(name));
    let labelled = !new.labels.is_empty()
        && (old.labels.is_empty()
            || old.labels.iter().any(|(key, value)| new.labels.get(key) != Some(value))
            || old.except.iter().any(|name| !new.except.contains(name)));
    named || labelled
}

/// Whether there is a time that only the new windows hold.
fn widens(old: &Windows, new: &Windows) -> bool {
    old.union(new) != *old
}

type Account = (HomeName, Guid);

/// All that are theirs, and those that were and have an open removal.
fn accounts(intents: [&Intent; 2], operator: &OperatorName) -> BTreeSet<Account> {
    let mut accounts = BTreeSet::new();
    for intent in intents {
        let listed = intent.operators.get(operator).into_iter().flat_map(|operator| &operator.identities);
        let rows = intent.revocations.values().filter(|row| row.operator == *operator);
        let all = listed.chain(rows.map(|row| &row.identity));
        accounts.extend(all.map(|identity| (identity.home.clone(), identity.object_id)));
    }
    accounts
}

/// What the compiled states give.
fn in_effect(before: &Fleet, advance: &Advance, operator: &OperatorName) -> Vec<String> {
    let accounts = accounts([before.intent(), advance.fleet.intent()], operator);
    let (mut gains, nothing) = (Vec::new(), Buckets::default());
    for touched in &advance.batch.tenants {
        let old = before.tenant(&touched.tenant).unwrap_or(&nothing);
        let place = Compared { accounts: &accounts, tenant: &touched.tenant, old, new: &touched.items };
        gains.extend(place.gains(touched));
    }
    for tenant in &advance.batch.gone {
        let Some(old) = before.tenant(tenant) else { continue };
        let place = Compared { accounts: &accounts, tenant, old, new: &nothing };
        gains.extend(place.removals_given_up());
    }
    gains
}

/// One tenant before and after.
struct Compared<'a> {
    accounts: &'a BTreeSet<Account>,
    tenant: &'a TenantName,
    old: &'a Buckets,
    new: &'a Buckets,
}

impl Compared<'_> {
    fn gains(&self, touched: &Touched) -> Vec<String> {
        let upserts = touched.delta.upserts.iter().map(|item| item.key());
        let keys = upserts.chain(touched.delta.removed.iter().map(|key| &**key));
        let keys = keys.filter_map(|key| key.parse::<ItemKey>().ok());
        keys.filter(|key| self.is_gain(key)).map(|key| format!("{key} in {}", self.tenant)).collect()
    }

    /// A tenant that goes takes the removals there along, unproven.
    fn removals_given_up(&self) -> Vec<String> {
        let absent = self.old.iter().filter_map(|item| item.open().ok()).filter(|item| item.want != Want::Present);
        let own = |key: &ItemKey| key.person().is_some_and(|(home, id)| self.accounts.contains(&(home.clone(), id)));
        let given_up = absent.filter(|item| own(&item.key));
        given_up.map(|item| format!("the end of the removal of {} from {}", item.key, self.tenant)).collect()
    }

    fn is_gain(&self, key: &ItemKey) -> bool {
        let (old, new) = (opened(self.old, key), opened(self.new, key));
        if let Some((home, id)) = key.person() {
            return self.accounts.contains(&(home.clone(), id)) && self.person_gains(home, id, old, new);
        }
        let groups = match key {
            // A group alone gives nothing, and an account is a person's.
            ItemKey::User(_) | ItemKey::Group(_) | ItemKey::Member(_) => return false,
            ItemKey::AzureRole(_) | ItemKey::DefenderAssignment(_) | ItemKey::EntraRole(_) => {
                Vec::from_iter(key.group())
            }
            ItemKey::DefenderRole(DefenderRoleKey { role }) => {
                let classes = [IdentityClass::Standard, IdentityClass::Privileged];
                classes.map(|class| GroupKey { role: role.clone(), class, kind: GroupKind::Plain }).into()
            }
            // What it gives is not known.
            ItemKey::Other(_) => return new.is_some(),
        };
        groups.iter().any(|group| self.is_member(group)) && new.is_some_and(|new| is_more(old.as_ref(), &new))
    }

    fn person_gains(&self, home: &HomeName, id: Guid, old: Option<Item>, new: Option<Item>) -> bool {
        match (old, new) {
            (old, Some(new)) => is_more(old.as_ref(), &new),
            // Named for removal, and no longer: unless the whole person still is.
            (Some(old), None) if old.want != Want::Present => {
                let user = ItemKey::User(UserKey { home: home.clone(), object_id: id });
                opened(self.new, &user).is_none_or(|user| user.want == Want::Present)
            }
            _ => false,
        }
    }

    /// Whether one of the accounts is in the group afterwards.
    fn is_member(&self, group: &GroupKey) -> bool {
        self.accounts.iter().any(|(home, object_id)| {
            let key = ItemKey::Member(MemberKey::of(group, home, *object_id));
            opened(self.new, &key).is_some_and(|item| item.want == Want::Present)
        })
    }
}

fn opened(items: &Buckets, key: &ItemKey) -> Option<Item> {
    items.get(&key.to_string()).and_then(|item| item.open().ok())
}

/// Whether an item gives more than it did.
fn is_more(old: Option<&Item>, new: &Item) -> bool {
    if new.want != Want::Present {
        return false;
    }
    let Some(old) = old.filter(|old| old.want == Want::Present) else { return true };
    widens(&old.windows, &new.windows) || body_is_more(&old.body, &new.body)
}

fn body_is_more(old: &ItemBody, new: &ItemBody) -> bool {
    match (old, new) {
        // These fields decide who is invited, who signs in, and which operator's leave removes the account. A display
        // name is only shown.
        (
            ItemBody::User(UserBody { operator, upn, mail, user_type, home_tenant, .. }),
            ItemBody::User(UserBody {
                operator: new_operator,
                upn: new_upn,
                mail: new_mail,
                user_type: new_type,
                home_tenant: new_home,
                ..
            }),
        ) => (operator, upn, mail, user_type, home_tenant) != (new_operator, new_upn, new_mail, new_type, new_home),
        (
            ItemBody::DefenderRole(DefenderRoleBody { permissions: old, .. }),
            ItemBody::DefenderRole(DefenderRoleBody { permissions: new, .. }),
        ) => {
            let withheld = |until: Option<Timestamp>| until.unwrap_or(Timestamp::MIN);
            new.iter().any(|new| {
                let same = old.iter().find(|old| old.permission == new.permission);
                same.is_none_or(|old| withheld(new.withheld_until) < withheld(old.withheld_until))
            })
        }
        (
            ItemBody::DefenderAssignment(DefenderAssignmentBody { data_sources: old, .. }),
            ItemBody::DefenderAssignment(DefenderAssignmentBody { data_sources: new, .. }),
        ) => !old.contains(&DataSource::All) && new.iter().any(|source| !old.contains(source)),
        (ItemBody::AzureRole(_), ItemBody::AzureRole(_)) | (ItemBody::Member(_), ItemBody::Member(_)) => false,
        (ItemBody::Group(_), ItemBody::Group(_)) | (ItemBody::EntraRole(_), ItemBody::EntraRole(_)) => false,
        // What this version does not understand is not taken for harmless.
        (old, new) => old != new,
    }
}
