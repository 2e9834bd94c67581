//! One account of one operator, as the other planes need it: who it is, whose it is, and whether it may be given
//! anything.

use std::collections::BTreeMap;

use entente_model::desired::{Item, ItemKey, Want};
use entente_model::plan::ChangeClass;
use entente_model::report::{ItemState, Reason};
use entente_model::revocation::Cause;
use entente_model::time::Phase;
use entente_model::{Guid, Timestamp};

use crate::builder::PlanBuilder;
use crate::ledger::{Charge, Deletion, Ownership};
use crate::observed::User;
use crate::path::lookup::Found;

/// By the user item's key: those desired, and those in the ledger.
pub(crate) type People<'a> = BTreeMap<ItemKey, Person<'a>>;

pub(crate) struct Person<'a> {
    /// `None` for one who is only in the ledger.
    pub item: Option<&'a Item>,
    pub account: Found<'a, User>,
    /// Why the account is to have nothing.
    pub exit: Option<Exit>,
    /// The customer has disabled this account, or another one of the same operator.
    pub blocked_by_customer: bool,
    /// What is known of the customer having deleted the account.
    pub deletion: Option<Deletion>,
    /// The customer deleted this account, or another one of the same operator, and has not allowed a new one.
    pub deleted_by_customer: bool,
    /// Found as it should be by this plan, or matched where the plane is only verified.
    pub is_settled: bool,
}

/// Why access ends, and how that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    pub kind: ExitKind,
    pub class: ChangeClass,
    pub charge: Charge,
    /// The account's sessions end too.
    pub is_leaver: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitKind {
    /// Named for removal.
    Named,
    /// Its window is over, or has not begun.
    Window(Phase),
    /// The customer's veto.
    Barred,
    /// The redeemed identity is not an Entra account.
    Identity,
    /// No longer desired.
    Implied,
}

impl<'a> Person<'a> {
    pub fn user(&self) -> Option<&'a User> {
        self.account.there().map(|(user, _)| user)
    }

    pub fn id(&self) -> Option<Guid> {
        self.user().and_then(|user| user.id)
    }

    pub fn ownership(&self) -> Option<Ownership> {
        self.account.there().and_then(|(_, ownership)| ownership)
    }

    /// The account, if memberships may be given to it; else how they stand.
    pub fn ready(&self) -> Result<Guid, (ItemState, Reason, &'static str)> {
        if self.blocked_by_customer {
            return Err((ItemState::BlockedByCustomer, Reason::CustomerBlocked, "the customer disabled the account"));
        }
        if self.deleted_by_customer && matches!(self.account, Found::Nothing) {
            return Err((ItemState::BlockedByCustomer, Reason::CustomerDeleted, "the customer deleted the account"));
        }
        match (self.user(), self.id()) {
            (Some(user), Some(id)) if self.is_settled && user.is_enabled() && user.is_settled() => Ok(id),
            (Some(user), _) if user.is_enabled() && user.redeemed == Some(false) => {
                Err((ItemState::Waiting, Reason::Redemption, "the invitation is not redeemed"))
            }
            _ => Err((ItemState::Waiting, Reason::Dependency, "the account is not ready")),
        }
    }
}

impl Exit {
    /// Of a person who is named for removal because they leave: their sessions end too.
    pub fn leaver() -> Self {
        Self { is_leaver: true, ..Self::removal() }
    }

    /// Of anything else that is named for removal.
    pub fn removal() -> Self {
        Self { kind: ExitKind::Named, class: ChangeClass::Leaver, charge: Charge::Free, is_leaver: false }
    }

    /// Of what an item names for removal.
    pub fn of_cause(cause: Cause) -> Self {
        if cause.is_leaver() { Self::leaver() } else { Self::removal() }
    }

    /// Of a right that hangs on a group: it is named for removal, or outside its window, as under an exemption.
    pub fn of_right(item: &Item, now: Timestamp) -> Option<Self> {
        match (&item.want, item.windows.phase(now)) {
            (Want::Absent { .. }, _) => Some(Self::removal()),
            (Want::Present, Phase::Open(_)) => None,
            // No end date that was told before, so it keeps to a pause, a freeze and the caps.
            (Want::Present, phase @ Phase::Before(_)) => {
                Some(Self { kind: ExitKind::Window(phase), ..Self::implied() })
            }
            (Want::Present, phase) => Some(Self::window(phase)),
        }
    }

    pub fn window(phase: Phase) -> Self {
        Self { kind: ExitKind::Window(phase), class: ChangeClass::Expiry, charge: Charge::Free, is_leaver: false }
    }

    /// Safety does not wait for a cap.
    pub fn unsafe_account(kind: ExitKind) -> Self {
        Self { kind, class: ChangeClass::OtherRemoval, charge: Charge::Free, is_leaver: true }
    }

    pub fn implied() -> Self {
        Self { kind: ExitKind::Implied, class: ChangeClass::OtherRemoval, charge: Charge::Implied, is_leaver: false }
    }

    /// What an item says that has come to this end.
    pub fn say(&self, builder: &mut PlanBuilder<'_>, key: &ItemKey) {
        let (state, reason, detail) = match self.kind {
            ExitKind::Named | ExitKind::Implied => (ItemState::Removed, None, ""),
            ExitKind::Window(Phase::Before(_)) => (ItemState::Waiting, Some(Reason::NotYetStarted), ""),
            ExitKind::Window(_) => (ItemState::Removed, Some(Reason::Expired), ""),
            ExitKind::Barred => (ItemState::Refused, Some(Reason::GuardrailPerson), "the customer bars this person"),
            ExitKind::Identity => {
                (ItemState::Refused, Some(Reason::IdentityProof), "the invitation was redeemed by no Entra account")
            }
        };
        builder.say(key, state, reason, detail);
    }
}
