//! Who is given anything: the second judge's questions about people.

use entente_model::Guid;
use entente_model::desired::{Item, ItemBody, ItemKey, UserBody, UserKey, Want};
use entente_model::plan::ChangeClass;

use super::bench::Judge;
use crate::guardrail::Guardrail;
use crate::ledger::LedgerKey;
use crate::plan::Change;
use crate::write::{Describe, Gives, Receiver, What};

impl Judge<'_> {
    /// Nobody who is to go is given anything.
    pub(super) fn people(&mut self, change: &Change) {
        let Some((home, object_id)) = change.key.person() else { return };
        if change.class != ChangeClass::Grant {
            return;
        }
        let user = self.input.items.get(&ItemKey::User(UserKey { home: home.clone(), object_id }));
        let wanted = |item: Option<&Item>| item.is_some_and(|item| item.want == Want::Present);
        self.unless(wanted(user) && wanted(self.wanted(change)), "no grant without a desired item", change);
        let left = self.input.ledger.left.get(&object_id);
        let elsewhere = left.is_some_and(|left| left.epoch != self.input.version.epoch);
        self.unless(!elsewhere, "no grant to one known to have left in another history", change);
        let is_held = self.ledger.deleted.get(&object_id).is_some_and(|it| it.allowed.is_none());
        let invites = match change.action.gives() {
            Gives::Access { to: Receiver::Invited, .. } | Gives::Unknown => true,
            Gives::Access { to: Receiver::Account(_) | Receiver::Group(_) | Receiver::Holders, .. }
            | Gives::Nothing => false,
        };
        self.unless(!(invites && is_held), "invites nobody whom the customer deleted, without leave", change);
        let Ok(guardrail) = self.input.guardrail else { return };
        if let Some(ItemBody::User(UserBody { home_tenant, .. })) = user.map(|item| &item.body) {
            self.unless(*home_tenant == guardrail.provider.home_tenant, "only people of the home tenant", change);
        }
        if matches!(change.key, LedgerKey::Item(ItemKey::Member(_)))
            && let (Some(longest), Some(item)) = (guardrail.limits.longest_grant, self.wanted(change))
        {
            let ends = item.windows.as_slice().iter().all(|window| {
                window.end.is_some_and(|end| end.since(window.start.unwrap_or(self.input.now.at)) <= longest.0)
            });
            self.unless(ends, "no grant longer than the longest", change);
        }
    }

    /// The account itself, as the tenant shows it, is of the file's people: an item may name another address for it.
    pub(crate) fn account(&mut self, change: &Change, guardrail: &Guardrail, id: Guid) {
        if change.class != ChangeClass::Grant || self.is_mark(change) {
            return;
        }
        let seen = self.seen(id).map(|user| (user.addresses.clone(), user.upn.to_lowercase()));
        let (addresses, upn) = seen.unwrap_or_default();
        let fits = guardrail.provider.mail_domains.iter().map(|it| it.to_lowercase()).any(|domain| {
            let is_of = |address: &String| address.to_lowercase().split_once('@').is_some_and(|(_, it)| it == domain);
            addresses.iter().any(is_of) || upn.contains(&format!("_{domain}#ext#"))
        });
        self.unless(fits, "gives only to accounts with an address of the provider's domains", change);
        let is_barred = |name: &String| {
            let as_upn = format!("{}#ext#", name.to_lowercase().replace('@', "_"));
            addresses.iter().chain([&upn]).any(|it| it.eq_ignore_ascii_case(name)) || upn.starts_with(&as_upn)
        };
        let barred = guardrail.people.barred.iter().any(is_barred);
        self.unless(!barred, "gives nothing to an account that is barred", change);
    }

    /// The membership of the marker group, which gives nothing.
    fn is_mark(&self, change: &Change) -> bool {
        match change.action.gives() {
            Gives::Access { what: What::AllOfGroup(group), .. } => Some(group) == self.marker(),
            Gives::Access { what: What::SignIn | What::Role, .. } | Gives::Nothing | Gives::Unknown => false,
        }
    }
}
