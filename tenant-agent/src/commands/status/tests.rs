//! The customer's screens as people see them: how the agent stands, and who is here, on narrow and wide terminals; and
//! single lines of them.

use std::collections::BTreeMap;

use entente_model::report::{ItemState, Microsoft, MicrosoftState, PlaneStanding, Reason, Standing};
use entente_model::{Plane, PlaneMode, Timestamp};
use expect_test::expect;

use super::*;
use crate::asked::Asked;
use crate::commands::{screen, who};
use crate::here::{Ground, Here, Membership, Right};
use crate::status_file::{AgentStatus, ToldItem};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-12-01T12:00:00Z";
const PLAYBOOK: &str = "azureRole/l1-analyst/standard/subscriptions/11111111-1111-4111-8111-000000000003\
                        /resourcegroups/rg-sentinel/51d6186e-6489-4900-b93f-92e23144cca5";

fn shown() -> Shown {
    let plane = |plane: Plane| PlaneStanding {
        plane: plane.into(),
        mode: PlaneMode::Manage.into(),
        verified: Some(at("2026-12-01T11:59:48Z")),
        unread_since: None,
    };
    let microsoft =
        Microsoft { state: MicrosoftState::SignedIn.into(), since: at("2026-11-30T08:00:00Z"), detail: String::new() };
    let standing = Standing {
        microsoft: Some(microsoft),
        planes: vec![plane(Plane::Users), plane(Plane::Groups), plane(Plane::Memberships), plane(Plane::AzureRoles)],
        ..Standing::default()
    };
    let refused = ToldItem {
        key: PLAYBOOK.parse().unwrap(),
        state: ItemState::Refused,
        reason: Some(Reason::GuardrailCapability),
        detail: "capabilities.allow lacks runPlaybooks".into(),
        script: None,
        since: at("2026-11-28T09:00:00Z"),
        asked: Asked::default(),
    };
    let status = AgentStatus {
        time: at("2026-12-01T11:59:48Z"),
        connected: true,
        version: Some((1, 303)),
        fresh_until: Some(at("2026-12-02T12:00:00Z")),
        standing,
        counts: BTreeMap::from([(ItemState::Applied, 17), (ItemState::Refused, 1)]),
        open: vec![refused],
        ..AgentStatus::default()
    };
    Shown {
        agent: Some("tenants/contoso/agents/7b1e1f0a".into()),
        running: true,
        paused: true,
        paused_since: Some(at("2026-12-01T10:00:00Z")),
        revoke_all: false,
        guardrail: Some(Guardrail { fault: None, review_ends: Some(at("2027-04-03T00:00:00Z")), review_past: false }),
        certificate_ends: None,
        endings: Vec::new(),
        status: Some(status),
        status_fault: None,
        receipt: None,
        revokes: false,
        revoked: None,
    }
}

fn here() -> Here {
    let person = |operator: &str, name: &str, role: &str, state, reason, ticket: &str| Membership {
        operator: operator.into(),
        display_name: name.into(),
        mail: format!("{operator}@nordwall.example"),
        role: role.into(),
        state,
        reason,
        there: Some(state == ItemState::Applied),
        leaving: false,
        until: Some(at("2027-01-01T00:00:00Z")),
        grounds: vec![Ground {
            assignment: "nordic-triage".into(),
            justification: "Nordic L1 service".into(),
            ticket: Some(ticket.into()),
        }],
        since: at("2026-11-20T08:00:00Z"),
    };
    let right = |what: &str, state, reason| Right {
        what: what.into(),
        state,
        reason,
        detail: String::new(),
        there: Some(state == ItemState::Applied),
        leaving: false,
    };
    let refused = Some(Reason::GuardrailCapability);
    Here {
        people: vec![
            person("maya", "Maya Berg", "l1-analyst", ItemState::Applied, None, "CHG-4712"),
            person("rosa", "Rosa Lind", "l1-analyst", ItemState::Waiting, Some(Reason::Redemption), "CHG-4712"),
        ],
        more: 0,
        rights: BTreeMap::from([(
            "l1-analyst".to_owned(),
            vec![
                right(
                    "Microsoft Sentinel Responder at /subscriptions/11111111-1111-4111-8111-000000000003/resourceGroups/rg-sentinel",
                    ItemState::Applied,
                    None,
                ),
                right(
                    "Microsoft Sentinel Playbook Operator at /subscriptions/11111111-1111-4111-8111-000000000003/resourceGroups/rg-sentinel",
                    ItemState::Refused,
                    refused,
                ),
            ],
        )]),
    }
}

fn fitted(width: u16) -> String {
    let status = screen::lines(&text(&shown(), at(NOW)), Some(width));
    let who = who::text(&here(), "as read back 2026-12-01T11:59:48Z", Some(width));
    let all = format!("{status}\n{who}");
    assert!(all.lines().all(|line| line.chars().count() <= usize::from(width)), "wider than {width}:\n{all}");
    all
}

#[test]
fn the_customers_screens_fit_every_terminal() {
    expect_test::expect_file!["../screens/customer-80.txt"].assert_eq(&fitted(80));
    expect_test::expect_file!["../screens/customer-140.txt"].assert_eq(&fitted(140));
    expect_test::expect_file!["../screens/customer-200.txt"].assert_eq(&fitted(200));
}

#[test]
fn where_no_terminal_reads_it_every_line_stays_whole() {
    let whole = text(&shown(), at(NOW));
    assert_eq!(screen::lines(&whole, None), whole);
}

#[test]
fn what_is_over_is_not_told_as_if_it_were_so_now() {
    let later = at("2026-12-03T12:00:00Z");
    for running in [false, true] {
        let told = text(&Shown { running, ..shown() }, later);
        for line in [
            "state      1.303, NOT FRESH since 2026-12-02T12:00:00Z: nothing new is given",
            "microsoft  signed in, since 2026-11-30T08:00:00Z, as of 2026-12-01T11:59:48Z",
            "items      17 APPLIED, 1 REFUSED, as of 2026-12-01T11:59:48Z",
        ] {
            assert!(told.lines().any(|it| it == line), "{line}, running: {running}\n{told}");
        }
    }
    let told = text(&Shown { running: false, ..shown() }, at(NOW));
    assert!(
        told.contains("fresh until 2026-12-02") && told.contains("08:00:00Z, as of 2026-12-01T11:59:48Z"),
        "{told}"
    );
}

fn now() -> Timestamp {
    at("2026-12-01T12:00:00Z")
}

fn status(microsoft: Option<(MicrosoftState, &str)>) -> AgentStatus {
    let microsoft = microsoft.map(|(state, detail)| Microsoft {
        state: state.into(),
        since: at("2026-12-01T11:20:00Z"),
        detail: detail.into(),
    });
    let fault = Some(at("2026-12-01T11:30:00Z"));
    let standing = Standing { microsoft, guardrail_fault_since: fault, ..Standing::default() };
    AgentStatus { standing, ..AgentStatus::default() }
}

#[test]
fn users_d03_the_guardrail_has_a_line_with_the_day_of_its_review() {
    let line = |fault: Option<&str>, ends: Option<&str>| {
        let review_ends = ends.map(at);
        let review_past = review_ends.is_some_and(|ends| ends <= now());
        let guardrail = Guardrail { fault: fault.map(str::to_owned), review_ends, review_past };
        guardrail_line(&guardrail, Some(&status(None)), now()) + "\n"
    };
    let lines = [
        line(None, Some("2027-04-03T00:00:00Z")),
        line(None, Some("2021-01-01T00:00:00Z")),
        line(Some("line 11, column 3: unknown field usrs"), None),
    ];
    expect![[r#"
        guardrail  valid, review within 122 days (by 2027-04-02)
        GUARDRAIL  its day of review, 2020-12-31, is PAST: nothing new is given until you review it
        GUARDRAIL  cannot be used since 2026-12-01T11:30:00Z: nothing is given, leavers go: line 11, column 3: unknown field usrs
    "#]].assert_eq(&lines.concat());
}

#[test]
fn users_d07_microsoft_has_a_line_and_only_what_was_read_is_called_read() {
    let mut lines: Vec<_> = [
        None,
        Some((MicrosoftState::SignedIn, "")),
        Some((MicrosoftState::Refused, "AADSTS7000112: the application is disabled")),
        Some((MicrosoftState::Unreachable, "login.microsoftonline.com: no such host")),
    ]
    .into_iter()
    .map(|microsoft| microsoft_line(&status(microsoft), None))
    .collect();
    let (read, failed) = (Some(at("2026-12-01T11:00:00Z")), Some(at("2026-12-01T11:20:00Z")));
    for (verified, unread_since) in [(read, None), (read, failed), (None, failed), (None, None)] {
        let (plane, mode) = (entente_model::Plane::Users.into(), entente_model::PlaneMode::Manage.into());
        lines.push(plane_line(&PlaneStanding { plane, mode, verified, unread_since }));
    }
    expect![[r#"
        microsoft  not tried yet
        microsoft  signed in, since 2026-12-01T11:20:00Z
        MICROSOFT  cannot sign in since 2026-12-01T11:20:00Z: AADSTS7000112: the application is disabled
        MICROSOFT  cannot be reached since 2026-12-01T11:20:00Z: login.microsoftonline.com: no such host
        plane      users          manage  read 2026-12-01T11:00:00Z
        plane      users          manage  NOT READ whole since 2026-12-01T11:20:00Z; last read 2026-12-01T11:00:00Z
        plane      users          manage  NOT READ since 2026-12-01T11:20:00Z
        plane      users          manage  not read
    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
}
