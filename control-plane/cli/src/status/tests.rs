//! What is shown of tenants in the worst cases.

use expect_test::expect;

use wire::TenantPhase;

use super::*;

fn now() -> Timestamp {
    "2026-12-01T12:01:30Z".parse().unwrap()
}

#[test]
fn what_an_agent_says_makes_no_lines_of_its_own() {
    let evil = "unreadable\ntenants/fabrikam: CONVERGED";
    let status = TenantStatus {
        tenant: "tenants/contoso".into(),
        guardrail_fault: evil.into(),
        explanation: evil.into(),
        ..Default::default()
    };
    assert_eq!(watch::line(&status).lines().count(), 1);
    assert!(
        !one(&status, now(), false).lines().any(|line| line.starts_with("tenants/fabrikam")),
        "{}",
        one(&status, now(), false)
    );
}

fn tenant(id: &str, phase: TenantPhase, party: Party, explanation: &str) -> TenantStatus {
    TenantStatus {
        tenant: format!("tenants/{id}"),
        phase: phase.into(),
        party: party.into(),
        explanation: explanation.into(),
        connected: true,
        items: 18,
        done_items: Some(18),
        counts: vec![wire::StateCount { state: "APPLIED".into(), count: 18, ..Default::default() }],
        ..Default::default()
    }
}

fn at(text: &str) -> Option<prost_types::Timestamp> {
    Some(entente_convert::time::to_proto(text.parse().unwrap()))
}

/// First users, section 2, row 1: each of these looked healthy, or vague.
#[test]
fn users_d01_the_worst_cases_have_a_phase_of_their_own_and_a_why() {
    use TenantPhase::*;
    let all = [
        tenant("adatum", AgentRevoked, Party::Provider, "tenants/adatum/agents/a1 was revoked on 2026-12-01T12:01:00Z"),
        tenant("contoso", Paused, Party::Customer, "the customer paused the agent since 2026-12-01T11:30:00Z"),
        tenant("fabrikam", GuardrailFault, Party::Customer, "the guardrail cannot be used: there is no file"),
        tenant("litware", ReviewPast, Party::Customer, "the guardrail's day of review ended on 2026-12-02T00:00:00Z"),
        tenant("northwind", RevokeAllDone, Party::Customer, "the customer took back everything that was given"),
        tenant("tailspin", CannotSignIn, Party::Customer, "AADSTS7000112: the application is disabled"),
        tenant("wingtip", CloudUnreachable, Party::Microsoft, "Microsoft does not answer the agent"),
    ];
    expect![[r#"
        7 tenants: 1 AGENT_REVOKED, 1 GUARDRAIL_FAULT, 1 CANNOT_SIGN_IN, 1 REVOKE_ALL_DONE, 1 PAUSED, 1 REVIEW_PAST, 1 CLOUD_UNREACHABLE

        TENANT     PHASE              FOR  SEEN  DONE   WHY
        adatum     AGENT_REVOKED      -    now   18/18  tenants/adatum/agents/a1 was revoked on 2026-12-01T12:01:00Z
        contoso    PAUSED             -    now   18/18  the customer paused the agent since 2026-12-01T11:30:00Z
        fabrikam   GUARDRAIL_FAULT    -    now   18/18  the guardrail cannot be used: there is no file
        litware    REVIEW_PAST        -    now   18/18  the guardrail's day of review ended on 2026-12-02T00:00:00Z
        northwind  REVOKE_ALL_DONE    -    now   18/18  the customer took back everything that was given
        tailspin   CANNOT_SIGN_IN     -    now   18/18  AADSTS7000112: the application is disabled
        wingtip    CLOUD_UNREACHABLE  -    now   18/18  Microsoft does not answer the agent
    "#]].assert_eq(&fleet::many(&all, false, now()));
}

#[test]
fn what_a_server_does_not_say_is_not_done() {
    let status = TenantStatus { done_items: None, ..tenant("contoso", TenantPhase::Converged, Party::Unspecified, "") };
    assert_eq!(fleet::done(&status), "?/18");
}

#[test]
fn one_tenant_says_since_when_whose_move_it_is_and_what_ends() {
    let plane = wire::PlaneStatus {
        plane: "users".into(),
        mode: "manage".into(),
        verify_time: at("2026-12-01T11:00:00Z"),
        unread_since_time: at("2026-12-01T11:20:00Z"),
    };
    let status = TenantStatus {
        phase_time: at("2026-12-01T11:20:00Z"),
        microsoft_state: "REFUSED".into(),
        microsoft_time: at("2026-12-01T11:20:00Z"),
        microsoft_detail: "AADSTS7000112: the application is disabled".into(),
        guardrail_review_end_time: at("2027-06-01T00:00:00Z"),
        token_expire_time: at("2026-12-04T12:01:00Z"),
        cloud_credential_expire_time: at("2027-01-01T00:00:00Z"),
        planes: vec![plane],
        ..tenant("tailspin", TenantPhase::CannotSignIn, Party::Customer, "AADSTS7000112")
    };
    expect![[r#"
        TENANT    PHASE           FOR  SEEN  DONE   WHY
        tailspin  CANNOT_SIGN_IN  41m  now   18/18  AADSTS7000112

        items: 18 APPLIED
        revision: desired 0, accepted 0
        since: 2026-12-01T11:20:00Z
        move: the customer's
        microsoft: REFUSED since 2026-12-01T11:20:00Z: AADSTS7000112: the application is disabled
        guardrail review: due by 2027-05-31
        token: made and not used, until 2026-12-04T12:01:00Z
        Microsoft credential: until 2027-01-01T00:00:00Z

        PLANE  MODE    VERIFIED              UNREAD SINCE
        users  manage  2026-12-01T11:00:00Z  2026-12-01T11:20:00Z
    "#]]
    .assert_eq(&one(&status, now(), false));
}

#[test]
fn a_why_of_a_screen_is_cut_in_the_fleets_table_and_whole_where_it_is_asked_for() {
    let why =
        format!("Microsoft does not answer the agent since 2026-12-01T11:20:00Z: {}", "graph: timed out; ".repeat(28));
    let down = |name| tenant(name, TenantPhase::CloudUnreachable, Party::Microsoft, &why);
    let all = [down("contoso"), down("tailspin")];
    let table = fleet::many(&all, false, now());
    assert!(table.lines().all(|line| line.chars().count() <= 260) && table.contains(" ..\n"), "{table}");
    assert!(fleet::many(&all, true, now()).contains(why.trim_end()));
    assert!(one(&all[0], now(), false).contains(why.trim_end()), "of one tenant it is said whole");
}

#[test]
fn one_tenant_has_the_wide_columns_where_they_are_asked_for() {
    let status = tenant("contoso", TenantPhase::Converged, Party::Unspecified, "");
    assert!(one(&status, now(), true).lines().next().unwrap().ends_with("CERTIFICATE ENDS"));
    assert!(!one(&status, now(), false).contains("CERTIFICATE ENDS"));
}

#[test]
fn the_help_prints_the_phases_in_their_order() {
    let proto = include_str!("../../../../proto/proto/entente/fleet/v1/fleet_service.proto");
    let order = |text: &str| {
        let order = text.split("If several apply, the first in this order counts:").nth(1).unwrap();
        let order = order.split('.').next().unwrap().replace("//", " ");
        order.split(',').map(|it| it.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order(crate::args::PHASES), order(proto));
}
