//! `apply --prune -l KEY=VALUE`: what carries the labels and is in none of the files goes in the same transaction.
//!
//! People are never pruned: a person's access is ended by name, with receipts. What could not be read is not taken for absent:
//! a file that is at fault ends the command before anything is asked.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::RoleName;
use entente_model::intent::{Manifest, ResourceName};
use entente_proto::access::v1::Deletion;

use crate::failure::Failure;
use crate::manifests::Read;
use crate::output;
use crate::resources::Stored;

/// Names that are listed in a refusal; of more there is the count.
const SHOWN: usize = 10;

/// What is to be deleted. An error if no resource in the files carries the labels, unless the user has said `--yes`.
pub(crate) fn deletions(
    stored: &[Stored],
    read: &Read,
    labels: &BTreeMap<String, String>,
    (dry_run, yes): (bool, bool),
) -> Result<Vec<Deletion>, Failure> {
    if let Some(it) = read.passed_over.iter().find(|it| !it.is_git()) {
        let text = format!("{} is {}", it.folder.display(), it.why);
        return Err(Failure::Usage(format!(
            "nothing was changed: {text}; name it with -f, or name the folders that hold manifests, so that nothing in it is pruned"
        )));
    }
    let gone = beyond(stored, &read.manifests, labels);
    if !gone.is_empty() && !yes && !read.manifests.iter().any(|it| carries(it, labels)) {
        let names: Vec<&str> = gone.iter().take(SHOWN).map(|it| it.name.as_str()).collect();
        let more = gone.len() - names.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!(
            "none of these files has a resource with {}, so that --prune would delete all that have it: {}{more}; say --yes if that is meant",
            shown(labels),
            names.join(", ")
        );
        if !dry_run {
            return Err(Failure::Usage(format!("nothing was changed: {text}")));
        }
        output::aside(&format!("warning: {text}"));
    }
    Ok(gone)
}

fn beyond(stored: &[Stored], files: &[Manifest], labels: &BTreeMap<String, String>) -> Vec<Deletion> {
    let named: BTreeSet<ResourceName> = files.iter().map(Manifest::name).collect();
    let roles: BTreeSet<&RoleName> = files.iter().filter_map(role).collect();
    let is_gone = |it: &&Stored| {
        // A former version of a role stays with the later ones.
        let is_former = role(&it.manifest).is_some_and(|name| roles.contains(name));
        carries(&it.manifest, labels) && !named.contains(&it.manifest.name()) && !is_former
    };
    // With its etag: a resource that was changed since is looked at again.
    let deletion = |it: &Stored| Deletion { name: it.manifest.name().to_string(), etag: it.etag.clone() };
    stored.iter().filter(is_gone).map(deletion).collect()
}

pub(crate) fn carries(manifest: &Manifest, labels: &BTreeMap<String, String>) -> bool {
    let own = manifest.labels();
    !labels.is_empty() && own.is_some_and(|own| labels.iter().all(|(key, value)| own.get(key) == Some(value)))
}

fn shown(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// The role of which a manifest is a version.
pub(crate) fn role(manifest: &Manifest) -> Option<&RoleName> {
    match manifest {
        Manifest::SocRole(role) => Some(&role.name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::manifests::PassedOver;
    use serde_json::json;

    use super::*;

    fn manifest(tree: serde_json::Value) -> Manifest {
        entente_convert::manifest::from_value(tree).unwrap()
    }

    fn squad(id: &str, part: Option<&str>) -> Manifest {
        let labels: BTreeMap<_, _> = part.map(|part| ("part", part)).into_iter().collect();
        manifest(json!({"kind": "Squad", "name": format!("squads/{id}"), "owner": "operators/li", "labels": labels}))
    }

    fn role_of(version: u32) -> Manifest {
        let labels = json!({"part": "nordic"});
        manifest(json!({"kind": "SocRole", "name": "socRoles/l1", "version": version, "items": [], "labels": labels}))
    }

    fn person(id: &str) -> Manifest {
        manifest(json!({"kind": "Operator", "name": format!("operators/{id}"), "displayName": id}))
    }

    fn pruned(stored: &[Manifest], files: Vec<Manifest>, yes: bool) -> Result<Vec<String>, Failure> {
        let stored: Vec<_> =
            stored.iter().map(|it| Stored { manifest: it.clone(), etag: format!("etag of {}", it.name()) }).collect();
        let read = Read { manifests: files, ..Read::default() };
        let labels = [("part".to_owned(), "nordic".to_owned())].into();
        let gone = deletions(&stored, &read, &labels, (false, yes))?;
        assert!(gone.iter().all(|it| it.etag == format!("etag of {}", it.name)), "{gone:?}");
        Ok(gone.into_iter().map(|it| it.name).collect())
    }

    #[test]
    fn users_prune_takes_what_has_the_label_and_is_in_no_file_and_never_a_person() {
        let stored = [
            squad("a", Some("nordic")),
            squad("b", Some("nordic")),
            squad("c", Some("alpine")),
            squad("d", None),
            role_of(1),
            role_of(2),
            person("sam"),
        ];
        let files = vec![squad("a", Some("nordic")), role_of(2)];
        assert_eq!(pruned(&stored, files, false).unwrap(), ["squads/b"]);
        let all = pruned(&stored, vec![squad("a", Some("nordic"))], false).unwrap();
        assert_eq!(all, ["squads/b", "socRoles/l1@1", "socRoles/l1@2"]);
    }

    #[test]
    fn users_prune_of_everything_is_asked_for_in_words() {
        let stored = [squad("a", Some("nordic")), squad("b", Some("nordic"))];
        let refused = pruned(&stored, vec![squad("c", None)], false).unwrap_err();
        assert!(
            matches!(&refused, Failure::Usage(text) if text.contains("squads/a, squads/b; say --yes")),
            "{refused}"
        );
        assert_eq!(pruned(&stored, vec![squad("c", None)], true).unwrap(), ["squads/a", "squads/b"]);
        assert_eq!(pruned(&[], vec![squad("c", None)], false).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn users_prune_takes_nothing_while_a_folder_was_passed_over() {
        let labels = [("part".to_owned(), "nordic".to_owned())].into();
        let refused = |folder: &str, why| {
            let passed_over = vec![PassedOver { folder: folder.into(), why }];
            let read = Read { manifests: vec![squad("a", Some("nordic"))], passed_over, ..Read::default() };
            deletions(&[], &read, &labels, (true, true)).err().map(|it| it.to_string()).unwrap_or_default()
        };
        let link = refused("intent/more", "a link to a folder, which is not followed");
        assert!(link.contains("intent/more is a link to a folder"), "{link}");
        assert!(refused("intent/.old", "hidden, and is not read").contains("intent/.old is hidden"));
        assert_eq!(refused("intent/.git", "hidden, and is not read"), "");
    }
}
