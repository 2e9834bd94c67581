//! What a round of a delta query tells: the state of each object, and what is new in it since a round before.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::clock::Now;
use crate::replicated::View;
use crate::tenant::rounds::{Asked, Round, State};
use crate::tenant::{Props, Tenant};

impl Tenant {
    /// Makes a round: everything, or what has changed since `before`.
    pub fn new_round(&mut self, asked: Asked, before: Option<&Round>, minimal: bool, now: Now) -> u64 {
        let told = self.states(&asked, now);
        let empty = BTreeMap::new();
        let known = before.map_or(&empty, |round| &round.told);
        let entries = self.entries(known, &told, minimal && before.is_some());
        self.rounds.keep(Round { asked, entries, made_at: now.seconds, told })
    }

    /// A round that tells nothing and starts from now.
    pub fn round_from_now(&mut self, asked: Asked, now: Now) -> u64 {
        let told = self.states(&asked, now);
        self.rounds.keep(Round { asked, entries: Vec::new(), made_at: now.seconds, told })
    }

    fn states(&self, asked: &Asked, now: Now) -> BTreeMap<String, State> {
        let wanted = |id: &String| asked.ids.is_empty() || asked.ids.contains(id);
        let narrowed = |props: &Props| -> Props {
            let kept = props.iter().filter(|(name, _)| asked.select.contains(name) || *name == "id");
            kept.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        if !asked.groups {
            let binned = self.deleted_users().map(|user| (user.id.clone(), State::Binned));
            let here = self.users_seen(View::Id, now);
            let here = here.map(|user| (user.id.clone(), State::Here(narrowed(&user.props), BTreeMap::new())));
            return binned.chain(here).filter(|(id, _)| wanted(id)).collect();
        }
        let members = |id: &str| if asked.members { self.member_types(id, now) } else { BTreeMap::new() };
        let binned = self.deleted_groups().map(|group| (group.id.clone(), State::Binned));
        let here = self.groups.iter().filter_map(|(id, entry)| {
            let group = entry.object.seen(View::Id, now.seconds)?;
            Some((id.clone(), State::Here(narrowed(&group.props), members(id))))
        });
        binned.chain(here).filter(|(id, _)| wanted(id)).collect()
    }

    /// The members of a group; whether those in the recycle bin are among them is a switch.
    fn member_types(&self, group: &str, now: Now) -> BTreeMap<String, &'static str> {
        let Some(entry) = self.groups.get(group) else { return BTreeMap::new() };
        let leaves = self.switches.is("deleted_member_in_delta", "on_delete");
        let seen = entry.members.iter().filter(|(_, member)| member.seen(View::Id, now.seconds).is_some());
        let seen = seen.map(|(id, _)| (id.clone(), self.kind(id)));
        let typed = seen.filter(|(_, kind)| kind.is_some() || !leaves).map(|(id, kind)| match kind {
            Some("Group") => (id, "#microsoft.graph.group"),
            Some("ServicePrincipal") => (id, "#microsoft.graph.servicePrincipal"),
            _ => (id, "#microsoft.graph.user"),
        });
        typed.collect()
    }

    fn entries(&self, known: &BTreeMap<String, State>, told: &BTreeMap<String, State>, minimal: bool) -> Vec<Value> {
        let removed = |id: &String, reason: &str| json!({"id": id, "@removed": {"reason": reason}});
        let gone = known.keys().filter(|id| !told.contains_key(*id)).map(|id| removed(id, "deleted"));
        let mut entries: Vec<Value> = gone.collect();
        for (id, state) in told {
            match (known.get(id), state) {
                (before, state) if before == Some(state) => {}
                (None, State::Binned) => {}
                (Some(_), State::Binned) => entries.push(removed(id, "changed")),
                (before, State::Here(props, members)) => {
                    entries.extend(self.entries_of(before, props, members, minimal));
                }
            }
        }
        entries
    }

    /// One object, and further entries for it if its members do not fit in one.
    fn entries_of(
        &self,
        before: Option<&State>,
        props: &Props,
        members: &BTreeMap<String, &'static str>,
        minimal: bool,
    ) -> Vec<Value> {
        let nothing = (Props::new(), BTreeMap::new());
        let (old, old_members) = match before {
            Some(State::Here(props, members)) => (props, members),
            _ => (&nothing.0, &nothing.1),
        };
        // A property that was never set is left out.
        let shown = |name: &String, value: &Value| match old.get(name) {
            Some(old) => !minimal || old != value || name == "id",
            None => !value.is_null(),
        };
        let object: Map<String, Value> = props
            .iter()
            .filter(|(name, value)| shown(name, value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let changes = self.member_changes(old_members, members);
        let mut chunks = changes.chunks(self.settings.page_size);
        let first = match chunks.next() {
            Some(chunk) => with_members(object, chunk),
            None => Value::Object(object),
        };
        let rest =
            chunks.map(|chunk| with_members([("id".to_owned(), props["id"].clone())].into_iter().collect(), chunk));
        std::iter::once(first).chain(rest).collect()
    }

    fn member_changes(&self, old: &BTreeMap<String, &'static str>, new: &BTreeMap<String, &'static str>) -> Vec<Value> {
        let silent = self.switches.is("deleted_member_in_delta", "never");
        let left = old.iter().filter(|(id, _)| !new.contains_key(*id));
        let left = left.filter(|(id, _)| !silent || self.kind(id).is_some());
        let left = left.map(|(id, kind)| json!({"@odata.type": kind, "id": id, "@removed": {"reason": "deleted"}}));
        let came = new.iter().filter(|(id, _)| !old.contains_key(*id));
        came.map(|(id, kind)| json!({"@odata.type": kind, "id": id})).chain(left).collect()
    }
}

fn with_members(mut object: Map<String, Value>, changes: &[Value]) -> Value {
    object.insert("members@delta".into(), json!(changes));
    Value::Object(object)
}
