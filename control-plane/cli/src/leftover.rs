//! What is in the store and in none of the files of an applied folder: `apply` deletes nothing but by `--prune`, so that a file that was removed
//! from a repository leaves its resource, and the access that it gives, in force.

use std::collections::BTreeSet;
use std::path::PathBuf;

use entente_model::RoleName;
use entente_model::intent::{Manifest, OperatorState, ResourceName};
use entente_proto::access::v1::Deletion;

use crate::client::Client;
use crate::prune::role;
use crate::{output, resources};

/// Names that are shown; of more there is the count.
const SHOWN: usize = 10;

/// Says so on standard error, where a folder was applied: single files are not meant to be everything.
/// `pruned` goes by the same command.
pub(crate) async fn note(client: Client, paths: &[PathBuf], files: &[Manifest], pruned: &[Deletion]) {
    if !paths.iter().any(|path| path.is_dir()) {
        return;
    }
    // The change is done, or shown, whatever comes of this.
    let said = match resources::every(client).await {
        Ok(stored) => {
            let stays = |it: &Manifest| pruned.iter().all(|gone| gone.name != it.name().to_string());
            let stored: Vec<Manifest> = stored.into_iter().map(|it| it.manifest).filter(stays).collect();
            text(&stored, files)
        }
        Err(_) => Some("what is in the store and in none of these files could not be looked up".into()),
    };
    if let Some(said) = said {
        output::aside(&format!("note: {said}"));
    }
}

fn text(stored: &[Manifest], files: &[Manifest]) -> Option<String> {
    let named: BTreeSet<ResourceName> = files.iter().map(Manifest::name).collect();
    let roles: BTreeSet<&RoleName> = files.iter().filter_map(role).collect();
    let is_left = |it: &&Manifest| match it {
        // A person who has left has no access, and their resource stays to say so. A former version of a role stays by itself.
        Manifest::Operator(operator) if operator.state == OperatorState::Left => false,
        other if role(other).is_some_and(|name| roles.contains(name)) => false,
        other => !named.contains(&other.name()),
    };
    let has_people = stored.iter().filter(is_left).any(|it| matches!(it, Manifest::Operator(_)));
    let people = "; a person is never pruned: `entente operators leave` ends their access";
    let left: Vec<String> = stored.iter().filter(is_left).map(|it| it.name().to_string()).collect();
    let more = left.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown = left[..left.len().min(SHOWN)].join(", ");
    let verb = if left.len() == 1 { "is" } else { "are" };
    (!left.is_empty()).then(|| {
        format!("{shown}{more} {verb} in the store and in none of these files, and {verb} kept; `entente delete` removes what is not meant{}", if has_people { people } else { "" })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn squad(id: &str) -> Manifest {
        manifest(json!({"kind": "Squad", "name": format!("squads/{id}"), "owner": "operators/li"}))
    }

    fn manifest(tree: serde_json::Value) -> Manifest {
        entente_convert::manifest::from_value(tree).unwrap()
    }

    #[test]
    fn field_kind_17_what_is_in_the_store_and_in_no_file_is_named() {
        let [a, b] = ["a", "b"].map(squad);
        assert_eq!(text(&[a.clone(), b.clone()], &[b.clone(), a.clone()]), None);
        let said = text(&[a.clone(), b.clone()], std::slice::from_ref(&b)).unwrap();
        assert!(said.starts_with("squads/a is in the store and in none of these files, and is kept; "), "{said}");
        let sam = manifest(json!({"kind": "Operator", "name": "operators/sam", "displayName": "Sam"}));
        assert!(text(&[sam], &[]).unwrap().ends_with("never pruned: `entente operators leave` ends their access"));
        let many: Vec<_> = (0..15).map(|n| squad(&format!("s{n:02}"))).collect();
        let said = text(&many, &[]).unwrap();
        assert!(said.contains("squads/s09 and 5 more are in the store"), "{said}");
    }

    #[test]
    fn who_has_left_and_former_versions_of_a_role_are_no_leftovers() {
        let role =
            |version| manifest(json!({"kind": "SocRole", "name": "socRoles/l1", "version": version, "items": []}));
        let left =
            manifest(json!({"kind": "Operator", "name": "operators/sam", "displayName": "Sam", "state": "LEFT"}));
        assert_eq!(text(&[role(1), role(2), left], &[role(2)]), None);
        assert!(text(&[role(1)], &[squad("a")]).unwrap().starts_with("socRoles/l1@1 is"));
    }
}
