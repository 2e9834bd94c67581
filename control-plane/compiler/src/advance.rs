//! One change by one person, from manifests to what is to be stored, signed and sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_model::Violation;
use entente_model::desired::MAX_ITEMS;
use entente_model::intent::{Intent, Kind, Manifest, ResourceName};
use entente_model::revocation::Revocation;
use entente_model::violation::Fault;
use entente_seal::MAX_ITEM_BYTES;

use crate::edit::Edit;
use crate::fleet::{Batch, Fleet};
use crate::removals::{Rows, removals};
use crate::touched::{Parts, Step};
use crate::validate::validate;
use crate::view::IntentView;

/// Most faults that are told of one change: a person mends no more at a time, and one wrong label can make ten thousand.
const MAX_VIOLATIONS: usize = 100;

/// What a change comes to. Nothing has happened yet: commit it, then install the fleet, then send.
#[derive(Debug, Clone)]
pub struct Advance {
    pub fleet: Fleet,
    pub batch: Batch,
    /// Resources that really changed. Those that the fleet's intent still holds are to be stored, the others deleted.
    pub changed: Vec<ResourceName>,
    pub revocation_puts: Vec<Arc<Revocation>>,
    pub revocation_deletes: Vec<String>,
}

impl Fleet {
    /// Works a change out.
    ///
    /// # Errors
    /// Everything that is wrong with it: at most a hundred faults, and one that counts the others. The fleet is as it was.
    pub fn advance(&self, edit: &Edit) -> Result<Advance, Vec<Violation>> {
        let (after, changed) = self.edited(edit)?;
        let index = self.index.with_resources(&self.intent, &after, &changed);
        let before = self.view();
        let selects = |name: &ResourceName| matches!(name.kind(), Kind::Tenant | Kind::Assignment | Kind::SocRole);
        let reselects = changed.iter().any(selects);
        let view = if reselects { IntentView::new(&after, &index) } else { before.alike(&after, &index) };
        let step = Step { before: &before, after: &view };
        refuse(validate(&step, &changed, &edit.rejoins))?;
        let mut parts = step.touched(&changed);
        let rows = removals(&step, edit, &changed, &parts);
        if rows.is_empty() {
            return self.finish(&step, &parts, changed, &rows);
        }
        let mut named = after.clone();
        let ids: Vec<String> = rows.keys().cloned().collect();
        for (id, row) in &rows {
            match row {
                Some(row) => named.put_revocation(row.clone()),
                None => drop(named.end_revocation(id)),
            }
        }
        let index = index.with_removals(&after, &named, &ids);
        let step = Step { before: &before, after: &view.alike(&named, &index) };
        step.touched_by_removals(&ids, &mut parts);
        self.finish(&step, &parts, changed, &rows)
    }

    /// Intent after the edit, and the names of what differs.
    fn edited(&self, edit: &Edit) -> Result<(Intent, Vec<ResourceName>), Vec<Violation>> {
        let (mut after, mut seen) = (self.intent.clone(), BTreeSet::new());
        let (mut changed, mut faults) = (Vec::new(), Vec::new());
        for manifest in &edit.puts {
            let name = manifest.name();
            // What stays as it is stored is not refused for a rule that came later.
            let is_new = !is_stored(&self.intent, manifest);
            faults.extend(manifest.check().into_iter().filter(|_| is_new));
            if !seen.insert(name.clone()) {
                faults.push(Violation::new(format!("{name}: name"), Fault::Conflict, "comes twice; keep one"));
            }
            if is_new {
                after.put(manifest.clone());
                changed.push(name);
            }
        }
        for name in &edit.deletes {
            if !seen.insert(name.clone()) {
                let text = "is changed or deleted twice at once; do one of them";
                faults.push(Violation::new(format!("{name}: name"), Fault::Conflict, text));
            } else if !after.remove(name) {
                faults.push(Violation::new(format!("{name}: name"), Fault::NotFound, "does not exist"));
            }
            changed.push(name.clone());
        }
        refuse(faults)?;
        Ok((after, changed))
    }

    fn finish(
        &self,
        step: &Step<'_, '_>,
        parts: &Parts,
        changed: Vec<ResourceName>,
        rows: &Rows,
    ) -> Result<Advance, Vec<Violation>> {
        let (fleet, batch) = self.moved(step, parts);
        refuse(too_large(&batch))?;
        let revocation_puts = rows.keys().filter_map(|id| fleet.intent.revocations.get(id).cloned()).collect();
        let revocation_deletes = rows.iter().filter(|(_, row)| row.is_none()).map(|(id, _)| id.clone()).collect();
        Ok(Advance { fleet, batch, changed, revocation_puts, revocation_deletes })
    }
}

/// Whether a resource is there just like this.
/// Whether intent holds just this manifest.
pub fn is_stored(intent: &Intent, manifest: &Manifest) -> bool {
    match manifest {
        Manifest::HomeTenant(it) => intent.home_tenants.get(&it.name).is_some_and(|stored| **stored == *it),
        Manifest::Tenant(it) => intent.tenants.get(&it.name).is_some_and(|stored| **stored == *it),
        Manifest::Operator(it) => intent.operators.get(&it.name).is_some_and(|stored| **stored == *it),
        Manifest::Squad(it) => intent.squads.get(&it.name).is_some_and(|stored| **stored == *it),
        Manifest::SocRole(it) => intent.roles.get(&it.pinned()).is_some_and(|stored| **stored == *it),
        Manifest::Assignment(it) => intent.assignments.get(&it.name).is_some_and(|stored| **stored == *it),
    }
}

fn refuse(mut violations: Vec<Violation>) -> Result<(), Vec<Violation>> {
    let more = violations.len().saturating_sub(MAX_VIOLATIONS);
    violations.truncate(MAX_VIOLATIONS);
    let Some(first) = violations.first() else { return Ok(()) };
    if more > 0 {
        // Names no field: it counts those that are not told.
        let text = format!("and {more} more; the first {MAX_VIOLATIONS} are shown");
        violations.push(Violation::new("", first.reason, text));
    }
    Err(violations)
}

/// What an agent would not take.
fn too_large(batch: &Batch) -> Vec<Violation> {
    let mut faults = Vec::new();
    for touched in &batch.tenants {
        let (tenant, count) = (&touched.tenant, touched.items.len());
        if count as usize > MAX_ITEMS {
            let text = format!("would hold {count} items; at most {MAX_ITEMS} are taken: assign fewer people or roles");
            faults.push(Violation::new(format!("{tenant}: items"), Fault::TooLarge, text));
        }
        for item in touched.delta.upserts.iter().filter(|item| item.bytes().len() > MAX_ITEM_BYTES) {
            let (key, len) = (item.key(), item.bytes().len());
            let text = format!("{key} would have {len} bytes; at most {MAX_ITEM_BYTES} are taken: merge its windows");
            faults.push(Violation::new(format!("{tenant}: items"), Fault::TooLarge, text));
        }
    }
    faults
}
