//! Resources of intent, read.

use entente_model::intent::{Kind, ResourceName};

use super::App;
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;
use crate::history::Stored;
use crate::page::{Page, PageRequest};

impl App {
    /// One resource.
    pub fn get(&self, caller: &Caller, name: &ResourceName) -> Result<Stored, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let world = self.world();
        world.stored(name).ok_or_else(|| world.missing("name", name))
    }

    /// Resources of one kind, by name.
    pub fn list(&self, caller: &Caller, kind: Kind, page: &PageRequest) -> Result<Page<Stored>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let after = page.after::<ResourceName>()?;
        if after.as_ref().is_some_and(|after| after.kind() != kind) {
            return Err(PageRequest::wrong());
        }
        let world = self.world();
        let begun = |name: &ResourceName| name.kind() < kind || after.as_ref().is_some_and(|after| name <= after);
        let names = world.metas.iter_from(begun).map(|(name, _)| name).take_while(|name| name.kind() == kind);
        let names = Page::of(names, page.limit(), |name| (*name).clone());
        Ok(names.map(|name| world.stored(name).expect("a listed resource exists")))
    }
}
