//! What an item needs of the file, whether the file lets it pass, and what would be written so that it does.

use std::collections::BTreeMap;

use entente_model::desired::{AzureRoleBody, AzureRoleKey, Item, ItemBody, ItemKey, Want};
use entente_model::intent::IdentityClass;
use entente_model::report::Reason;
use entente_model::{Plane, RoleName, Timestamp, Windows, catalog};

use crate::guardrail::Guardrail;
use crate::need::{self, Need, written};
use crate::reference::{EXAMPLES, TABLE};

const SCOPE: &str = "/subscriptions/11111111-1111-4111-8111-000000000009/resourceGroups/rg (new)";

fn usual() -> Guardrail {
    Guardrail::parse(&file()).unwrap()
}

/// The usual file, without playbooks.
fn file() -> String {
    let role = "    Microsoft Sentinel Playbook Operator: 51d6186e-6489-4900-b93f-92e23144cca5\n";
    EXAMPLES[1].1.replace("runPlaybooks, ", "").replace(role, "")
}

fn azure(role_name: &str) -> Item {
    let definition = catalog::AZURE_ROLES.iter().find(|role| role.name == role_name).unwrap().id;
    let key = ItemKey::AzureRole(AzureRoleKey::new(
        RoleName::from_id("l1").unwrap(),
        IdentityClass::Standard,
        SCOPE,
        definition,
    ));
    let body = ItemBody::AzureRole(AzureRoleBody { scope: SCOPE.into(), definition, role_name: role_name.into() });
    Item { key, want: Want::Present, windows: Windows::always(), body }
}

fn lacking(guardrail: &Guardrail, item: &Item) -> Vec<Need> {
    let needs = need::of(item, &BTreeMap::new(), Timestamp::from_unix(0));
    needs.into_iter().filter(|need| need.holds(guardrail) == Some(false)).collect()
}

#[test]
fn what_an_azure_role_lacks_is_named_by_key_and_the_text_to_copy_mends_it() {
    let guardrail = usual();
    let item = azure("Microsoft Sentinel Playbook Operator");
    let lacks = lacking(&guardrail, &item);
    let mut keys: Vec<String> = lacks.iter().map(|need| need.key.clone()).collect();
    keys.dedup();
    assert_eq!(keys, ["capabilities.allow", "azure.scopes", "azure.roles"]);
    let text = written(&guardrail, &lacks, &keys);
    // As a customer puts it in: the sections that it names in the place of those that are there.
    let mut file: serde_json::Value = serde_saphyr::from_str(&file()).unwrap();
    let new: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    for (section, keys) in new.as_object().unwrap() {
        for (key, value) in keys.as_object().unwrap() {
            file[section][key] = value.clone();
        }
    }
    let mended = Guardrail::parse(&file.to_string()).unwrap();
    assert_eq!(lacking(&mended, &item), [], "{text}");
    assert!(mended.azure.scopes.starts_with(&guardrail.azure.scopes), "{text}");
}

#[test]
fn what_is_asked_is_moved_and_not_in_both_lists() {
    let mut guardrail = usual();
    let need = Need { key: "capabilities.allow".into(), value: "runPlaybooks".into() };
    guardrail.capabilities.ask = [crate::capability::Capability::RunPlaybooks].into();
    let text = written(&guardrail, &[need], &["capabilities.allow".into()]);
    assert!(text.contains("runPlaybooks]\n") && text.ends_with("  ask: []\n"), "{text}");
}

#[test]
fn every_key_that_a_reason_or_a_need_names_is_one_of_the_reference() {
    let is_known = |key: &str| TABLE.iter().any(|it| it.path == key);
    for plane in Plane::ALL.iter().copied().map(Some).chain([None]) {
        for key in Reason::ALL.iter().flat_map(|reason| reason.guardrail_keys(plane)) {
            assert!(is_known(&key), "{key}");
        }
    }
    let needs = need::of(&azure("Microsoft Sentinel Reader"), &BTreeMap::new(), Timestamp::from_unix(0));
    assert!(needs.iter().all(|need| is_known(&need.key) && need.holds(&usual()).is_some()), "{needs:?}");
}

#[test]
fn what_no_version_knows_is_neither_allowed_nor_refused() {
    let want = |key: &str, value: &str| Need { key: key.into(), value: value.into() };
    for unknown in
        [want("capabilities.allow", need::NOT_KNOWN), want("moon.phase", "full"), want("planes.tides", "manage")]
    {
        assert_eq!(unknown.holds(&usual()), None, "{unknown:?}");
    }
}

#[test]
fn what_is_to_be_copied_reads_back_as_it_was_meant_and_is_quoted_only_where_it_must_be() {
    let guardrail = usual();
    let need = |key: &str, value: &str| Need { key: key.into(), value: value.into() };
    let read = |key: &str, value: &str| -> (String, serde_json::Value) {
        let text = written(&guardrail, &[need(key, value)], &[key.into()]);
        let read = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (text, read)
    };
    for scope in ["/subscriptions/1, 2", "/subscriptions/1 # two", "/subscriptions/[1]", "/s: 1", "it's \"1\"", "*x"] {
        let (text, value) = read("azure.scopes", scope);
        assert_eq!(value["azure"]["scopes"].as_array().unwrap().last().unwrap(), scope, "{text}");
    }
    let id = "8d289c81-5878-46d4-8554-54e1e3d8b5cb";
    for role in ["Reader: all", "Reader # all", " Reader", "Reader ", "[Reader]", "Reader (\"old\")", "'Reader"] {
        let (text, value) = read("azure.roles", &format!("{role}: {id}"));
        assert_eq!(value["azure"]["roles"][role], id, "{text}");
    }
    let (text, _) = read("azure.scopes", "/subscriptions/a-1/x_2.y");
    assert!(text.ends_with("/subscriptions/a-1/x_2.y]\n") && !text.contains('"'), "{text}");
    let (text, _) = read("azure.roles", &format!("Log Reader 2: {id}"));
    assert!(text.contains(&format!("    Log Reader 2: {id}\n")) && !text.contains('"'), "{text}");
}
