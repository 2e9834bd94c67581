//! The customer's explanations, as people read them.

use std::collections::BTreeMap;

use entente_model::desired::{
    self, AzureRoleBody, AzureRoleKey, Item, ItemBody, ItemKey, MemberBody, MemberKey, UserBody, UserKey, Want,
};
use entente_model::intent::{IdentityClass, UserType};
use entente_model::report::{ItemState, Reason};
use entente_model::{AssignmentName, Guid, HomeName, OperatorName, RoleName, Windows, catalog};
use expect_test::expect;

use super::*;
use crate::asked::Asked;

const FILE: &str = "\
guardrail: 1
customer: {name: Contoso, entraTenant: 0c0de000-0000-4000-8000-000000000001}
owner: ciso@contoso.example
reviewBy: 2099-12-31
provider:
  homeTenant: 0a0de000-0000-4000-8000-000000000002
  mailDomains: [nordwall.example]
  stateKey: \"ed25519:abababababababababababababababababababababababababababababababab\"
planes: {users: manage, groups: manage, memberships: manage, azureRoles: manage}
people: {userTypes: [guest], maxOperators: 25}
capabilities:
  allow: [readIncidents, readLogs, readAuthorization]
azure:
  roles:
    Microsoft Sentinel Reader: 8d289c81-5878-46d4-8554-54e1e3d8b5cb
limits: {namePrefix: ent-, groups: 12, perDay: {joiners: 5, otherChanges: 40, impliedRemovals: 10}}
";

const SCOPE: &str = "/subscriptions/11111111-1111-4111-8111-000000000003/resourceGroups/rg-sentinel";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn role() -> RoleName {
    RoleName::from_id("l1-analyst").unwrap()
}

fn desired() -> Vec<Item> {
    let home = HomeName::from_id("nordwall").unwrap();
    let maya = Guid::from_u128(3);
    let item = |key, body| Item { key, want: Want::Present, windows: Windows::always(), body };
    let user = ItemBody::User(UserBody {
        operator: OperatorName::from_id("maya").unwrap(),
        display_name: "Maya Berg".into(),
        upn: "maya@nordwall.example".into(),
        mail: "maya@nordwall.example".into(),
        user_type: UserType::Guest,
        home_tenant: "0a0de000-0000-4000-8000-000000000002".parse().unwrap(),
    });
    let ground = desired::Ground {
        assignment: AssignmentName::from_id("nordic-triage").unwrap(),
        justification: "Nordic L1 service".into(),
        ticket: Some("CHG-4712".into()),
    };
    let name = "Microsoft Sentinel Playbook Operator";
    let definition = catalog::AZURE_ROLES.iter().find(|role| role.name == name).unwrap().id;
    let class = IdentityClass::Standard;
    vec![
        item(ItemKey::User(UserKey { home: home.clone(), object_id: maya }), user),
        item(
            ItemKey::Member(MemberKey { role: role(), class, kind: desired::GroupKind::Plain, home, object_id: maya }),
            ItemBody::Member(MemberBody { grounds: vec![ground] }),
        ),
        item(
            ItemKey::AzureRole(AzureRoleKey::new(role(), class, SCOPE, definition)),
            ItemBody::AzureRole(AzureRoleBody { scope: SCOPE.into(), definition, role_name: name.into() }),
        ),
    ]
}

fn status() -> AgentStatus {
    let desired = desired();
    let by_key: BTreeMap<&ItemKey, &Item> = desired.iter().map(|item| (&item.key, item)).collect();
    let told = |item: usize, state, reason, detail: &str| ToldItem {
        key: desired[item].key.clone(),
        state,
        reason,
        detail: detail.into(),
        script: None,
        since: at("2026-11-28T09:00:00Z"),
        asked: Asked::of(&desired[item].key, &by_key, at("2026-12-01T11:59:48Z")),
    };
    AgentStatus {
        time: at("2026-12-01T11:59:48Z"),
        open: vec![
            told(0, ItemState::Waiting, Some(Reason::Redemption), ""),
            told(2, ItemState::Refused, Some(Reason::GuardrailScope), "capabilities.allow lacks runPlaybooks"),
        ],
        settled: vec![told(1, ItemState::Applied, None, "")],
        ..AgentStatus::default()
    }
}

fn told(about: &str, file: &str) -> String {
    let (status, file) = (status(), File::of("/etc/entente/guardrail.yaml", file));
    let chosen = chosen(Some(about), &status);
    let items = chosen.iter().map(|it| item::explained(it, &file)).collect();
    let (guardrail, fault) = (file.name(), file.fault.clone());
    let shown = Shown { time: status.time, running: true, guardrail, guardrail_fault: fault, items, more: 0 };
    text(&shown, at("2026-12-01T12:03:00Z"))
}

#[test]
fn what_the_file_refuses_is_told_with_the_lines_that_decide_and_what_to_write() {
    expect![[r#"
        azureRole/l1-analyst/standard/subscriptions/11111111-1111-4111-8111-000000000003/resourcegroups/rg-sentinel/51d6186e-6489-4900-b93f-92e23144cca5
        what       Microsoft Sentinel Playbook Operator at /subscriptions/11111111-1111-4111-8111-000000000003/resourceGroups/rg-sentinel, for the role l1-analyst
        state      REFUSED GUARDRAIL_SCOPE, since 2026-11-28T09:00:00Z
        why        capabilities.allow lacks runPlaybooks
        means      The guardrail does not allow this Azure scope.
        asked for  nordic-triage (CHG-4712): Nordic L1 service
        needs      planes.azureRoles: manage: allowed (line 9)
                   capabilities.allow: runPlaybooks: NOT ALLOWED (line 12)
                   azure.scopes: /subscriptions/11111111-1111-4111-8111-000000000003/resourceGroups/rg-sentinel: NOT ALLOWED (no line)
                   azure.roles: Microsoft Sentinel Playbook Operator: 51d6186e-6489-4900-b93f-92e23144cca5: NOT ALLOWED (lines 14, 15)
        decides    /etc/entente/guardrail.yaml:12: allow: [readIncidents, readLogs, readAuthorization]
                   azure.scopes: no line: add `scopes` under `azure`; left out it is `[]`
                   /etc/entente/guardrail.yaml:14: roles:
                   /etc/entente/guardrail.yaml:15: Microsoft Sentinel Reader: 8d289c81-5878-46d4-8554-54e1e3d8b5cb
        whose move the customer's or the service provider's
        to do      the customer adds the scope under `azure.scopes`; or an exemption leaves the role out
        if you want it, write in the place of what stands there; then entente-agent check-guardrail /etc/entente/guardrail.yaml
            azure:
              scopes: [/subscriptions/11111111-1111-4111-8111-000000000003/resourceGroups/rg-sentinel]
              roles:
                Microsoft Sentinel Reader: 8d289c81-5878-46d4-8554-54e1e3d8b5cb
                Microsoft Sentinel Playbook Operator: 51d6186e-6489-4900-b93f-92e23144cca5
            capabilities:
              allow: [readIncidents, readLogs, readAuthorization, runPlaybooks]

        as of      2026-12-01T11:59:48Z, 3 min ago; the agent runs
    "#]].assert_eq(&told("playbook", FILE));
}

#[test]
fn what_the_file_allows_is_told_as_not_waiting_for_it() {
    expect![[r#"
        user/nordwall/00000000-0000-0000-0000-000000000003
        what       the account of Maya Berg <maya@nordwall.example>
        state      WAITING REDEMPTION, since 2026-11-28T09:00:00Z
        means      The operator has not redeemed the invitation.
        asked for  nordic-triage (CHG-4712): Nordic L1 service
        needs      provider.homeTenant: 0a0de000-0000-4000-8000-000000000002: allowed (line 6)
                   provider.mailDomains: nordwall.example: allowed (line 7)
                   planes.users: manage: allowed (line 9)
                   people.userTypes: guest: allowed (line 10)
        decides    no line of the file: it does not wait for the guardrail
        whose move the operator's
        to do      the operator opens the link that the service provider prints with `entente redeem OPERATOR`

        as of      2026-12-01T11:59:48Z, 3 min ago; the agent runs
        member/l1-analyst/standard/nordwall/00000000-0000-0000-0000-000000000003
        what       Maya Berg <maya@nordwall.example> in the role l1-analyst
        state      APPLIED, since 2026-11-28T09:00:00Z
        means      In place, and read back as it should be.
        asked for  nordic-triage (CHG-4712): Nordic L1 service
        needs      planes.memberships: manage: allowed (line 9)
                   limits.longestGrant: a grant without an end: allowed (no line)
        whose move none needed: it continues by itself
        to do      nothing to do

        as of      2026-12-01T11:59:48Z, 3 min ago; the agent runs
    "#]]
    .assert_eq(&(told("user/nordwall", FILE) + &told("member/", FILE)));
}

#[test]
fn a_file_that_has_changed_since_or_cannot_be_read_is_no_line_that_was() {
    let written = "azure:\n  scopes: [/subscriptions/11111111-1111-4111-8111-000000000003]\n";
    let wider =
        FILE.replace("azure:\n", written).replace("readAuthorization]", "readAuthorization, runPlaybooks]").replace(
            "  roles:\n",
            "  roles:\n    Microsoft Sentinel Playbook Operator: 51d6186e-6489-4900-b93f-92e23144cca5\n",
        );
    let wider = told("playbook", &wider);
    assert!(wider.contains("decides    no line by what is known here: the detail says"), "{wider}");
    assert!(!wider.contains("NOT ALLOWED") && !wider.contains("write in the place"), "{wider}");
    let broken = told("playbook", &FILE.replace("people: {", "people: {{"));
    for line in ["decides    azure.scopes: not known: ", "GUARDRAIL  cannot be used, and allows nothing: "] {
        assert!(broken.contains(line), "{line}\n{broken}");
    }
    assert!(broken.contains("azure.scopes: ") && broken.contains("not known from the file alone"), "{broken}");
}

#[test]
fn a_word_is_told_with_its_lines_and_a_miss_proposes_what_is_near() {
    let file = File::of("guardrail.yaml", FILE);
    let told = |about| word::known(about, &file).iter().map(word::Word::text).collect::<Vec<_>>().join("\n");
    expect![[r#"
        GUARDRAIL_CAPABILITY (reason)
        means      The guardrail does not allow what the role lets people do.
        whose move the customer's or the service provider's
        to do      the customer adds the capability under `capabilities.allow`; or an exemption leaves it out
        your file  guardrail.yaml:12: allow: [readIncidents, readLogs, readAuthorization]

        azure.scopes (guardrail key)
        means      where roles may be assigned, and below (`/subscriptions/GUID`, a resource group or a resource in it)
        takes      list: ARM scope
        left out   `[]`
        narrower   what is not allowed any more is given to nobody, and what was given stays, REFUSED, until `entente-agent revoke --not-allowed`
        your file  azure.scopes: no line: add `scopes` under `azure`; left out it is `[]`

        capabilities (guardrail key)
        means      what roles may let people do, judged by what Azure and Defender say of each role; in no list means never
        takes      section
        left out   `{}`
        your file  guardrail.yaml:11: capabilities:
                   guardrail.yaml:12: allow: [readIncidents, readLogs, readAuthorization]

        HELD (state)
        means      Held back by a cap, a freeze, a pause or an expired lease, or because what it would give was not read.
        whose move none needed: it continues by itself
        to do      wait until what the reason names has ended
    "#]].assert_eq(
        &[told("guardrail_capability"), told("azure.scopes"), told("capabilities"), told("held")].join("\n"),
    );
    assert_eq!(word::by_last_name("scopes", &file).len(), 1);
    let nothing = File::not_known("there is no configuration file".into());
    let text = word::known("reviewBy", &nothing)[0].text();
    assert!(text.contains("your file  reviewBy: not known: there is no configuration file"), "{text}");
    for (about, near) in [
        ("GUARDRAIL_CAPABILTY", "did you mean GUARDRAIL_CAPABILITY?"),
        ("azure.scope", "did you mean azure.scopes?"),
        ("mayaa@nordwall.example", "did you mean maya@nordwall.example?"),
    ] {
        assert!(missed(about, &status()).contains(near), "{}", missed(about, &status()));
    }
    assert!(!missed("something-else-entirely", &status()).contains("did you mean"));
}

#[test]
fn without_a_name_what_waits_for_the_customer_is_told() {
    let status = status();
    let chosen = chosen(None, &status);
    assert_eq!(chosen.len(), 1);
    assert_eq!(chosen[0].reason, Some(Reason::GuardrailScope));
}

#[test]
fn an_older_agents_file_has_no_words_and_is_read_all_the_same() {
    let mut old = serde_json::to_value(status()).unwrap();
    old.as_object_mut().unwrap().remove("settled");
    for item in old["open"].as_array_mut().unwrap() {
        item.as_object_mut().unwrap().retain(|key, _| !["what", "leaving", "grounds", "needs"].contains(&key.as_str()));
    }
    let read: AgentStatus = serde_json::from_value(old).unwrap();
    let file = File::of("guardrail.yaml", FILE);
    let explained = item::explained(&read.open[1], &file).text();
    assert!(explained.contains("decides    azure.scopes: no line: add `scopes` under `azure`"), "{explained}");
}

#[test]
fn what_only_denies_can_be_what_says_no_where_it_denies_something() {
    let file = |people: &str| File::of("guardrail.yaml", &FILE.replace("maxOperators: 25", people));
    let denies = |people: &str| file(people).can_deny("people.barred");
    assert!(!denies("maxOperators: 25"), "it is not there");
    assert!(!denies("maxOperators: 25, barred: []"), "it bars nobody");
    assert!(denies("maxOperators: 25, barred: [li@nordwall.example]"));
    assert!(denies("maxOperators: many"), "what the file says is not known");
    assert!(file("maxOperators: 25, barred: []").can_deny("people.userTypes"));
}
