//! Finding what people name: by id, mail, user principal name, display name or client id.

use super::{App, Tenant};
use crate::replicated::Replicated;

/// A name for something that is not there.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name:?} does not exist in this tenant")]
pub struct Absent {
    kind: &'static str,
    name: String,
}

pub fn absent(kind: &'static str, name: &str) -> Absent {
    Absent { kind, name: name.to_owned() }
}

impl Tenant {
    /// The object id that an id, a mail, a UPN, a group's name or a client id stands for.
    pub fn resolve(&self, reference: &str) -> Option<String> {
        if self.kind(reference).is_some() {
            return Some(reference.to_owned());
        }
        let user = self.users.values().filter_map(Replicated::truth).find(|user| user.answers_to(reference));
        let group = || {
            self.groups
                .values()
                .filter_map(|group| group.object.truth())
                .find(|group| group.text("displayName") == reference)
        };
        user.map(|user| user.id.clone())
            .or_else(|| group().map(|group| group.id.clone()))
            .or_else(|| self.app(reference).map(|app| app.sp_id.clone()))
    }

    /// The same; `kind` is what is looked for.
    pub fn find(&self, kind: &'static str, reference: &str) -> Result<String, Absent> {
        self.resolve(reference).ok_or_else(|| absent(kind, reference))
    }

    pub fn edit_app(&mut self, app_id: &str, edit: impl FnOnce(&mut App)) -> Result<(), Absent> {
        let app = self.apps.iter_mut().find(|app| app.app_id.eq_ignore_ascii_case(app_id));
        app.map(edit).ok_or_else(|| absent("app", app_id))
    }
}
