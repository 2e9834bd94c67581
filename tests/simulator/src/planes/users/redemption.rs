//! A guest accepts the invitation: what changes of the account, and in which order readers come to see it.
//!
//! Entra writes `externalUserState` and `identities` in steps of its own; a client that waits for the one must not take
//! the other's absence for an answer.

use serde_json::{Value, json};

use super::account::{Pending, Step, User};
use crate::clock::Now;
use crate::control::types::Identity;
use crate::replicated::View;
use crate::tenant::Tenant;

impl Tenant {
    /// The guest accepts the invitation and proves an identity of this kind. `false`: no such invited user.
    pub fn redeem(&mut self, reference: &str, identity: Identity, now: Now) -> bool {
        let Some(mut user) = self.resolve(reference).and_then(|id| self.user(&id).cloned()).filter(User::is_b2b) else {
            return false;
        };
        user.redeemed = true;
        match self.switches.get("redemption") {
            "state_first" => self.set_state(&mut user, now),
            "identities_first" => self.set_identities(&mut user, identity),
            _ => {
                self.set_state(&mut user, now);
                self.set_identities(&mut user, identity);
            }
        }
        let id = user.id.clone();
        if !self.switches.is("redemption", "together") {
            // When the first half shows to a read by id, the second is written, and takes as long again to show.
            let at = self.arrival(&id, now)[View::Id as usize];
            self.redemptions.push(Pending { at, user: id.clone(), step: Step::Rest(identity) });
        }
        self.write_user(&id, Some(user), now);
        self.sign_in(&id, now);
        true
    }

    /// Takes the steps whose time has come.
    pub fn go_on_redeeming(&mut self, now: Now) {
        let (due, later) = std::mem::take(&mut self.redemptions).into_iter().partition(|one| one.at <= now.seconds);
        self.redemptions = later;
        for Pending { user, step, .. } in due {
            match step {
                Step::Redeem => drop(self.redeem(&user, Identity::Entra, now)),
                Step::Rest(identity) => self.finish(&user, identity, now),
            }
        }
    }

    fn finish(&mut self, id: &str, identity: Identity, now: Now) {
        let Some(mut user) = self.user(id).cloned().filter(|user| user.redeemed) else { return };
        self.set_state(&mut user, now);
        self.set_identities(&mut user, identity);
        self.write_user(id, Some(user), now);
    }

    fn set_state(&self, user: &mut User, now: Now) {
        let state = if self.switches.is("redeemed_state", "null") { Value::Null } else { json!("Accepted") };
        user.props.insert("externalUserState".into(), state);
        user.props.insert("externalUserStateChangeDateTime".into(), json!(now.date()));
    }

    fn set_identities(&self, user: &mut User, identity: Identity) {
        let issuer = match identity {
            Identity::Entra => "ExternalAzureAD",
            Identity::Otp => "mail",
            Identity::Msa => "MicrosoftAccount",
        };
        let identities = json!([
            {"signInType": "federated", "issuer": issuer, "issuerAssignedId": null},
            {"signInType": "userPrincipalName", "issuer": self.domain, "issuerAssignedId": user.text("userPrincipalName")},
        ]);
        user.props.insert("identities".into(), identities);
    }
}
