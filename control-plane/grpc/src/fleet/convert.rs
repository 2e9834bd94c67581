//! Answers of `entente-app` about the fleet, as messages.

use entente_app::{
    Access, Displacement, Ending, Ground, ItemStatus, Party, Removal, SignedStatement, TenantPhase, TenantStatus,
    WatchEvent,
};
use entente_convert::time;
use entente_model::plan::PlannedChange;
use entente_model::report::{Finding, KnownAccount, PlaneStanding, Reason, RemovalProof};
use entente_proto::fleet::v1 as wire;

use super::codes;

pub(super) fn tenant_status(it: &TenantStatus) -> wire::TenantStatus {
    let said = &it.standing;
    wire::TenantStatus {
        tenant: it.tenant.to_string(),
        phase: phase(it.phase).into(),
        explanation: it.explanation.clone(),
        connected: it.connected,
        last_seen_time: time::to_proto_opt(it.last_seen),
        desired_revision: signed(it.desired_revision),
        accepted_revision: signed(it.accepted_revision),
        revisions_behind: signed(it.revisions_behind),
        parked_reason: it.parked.clone().unwrap_or_default(),
        paused: said.paused,
        credential_expire_time: time::to_proto_opt(it.credential_expires),
        cloud_credential_expire_time: time::to_proto_opt(said.credential_expires),
        counts: it.counts.iter().map(|(state, many)| state_count(state.word(), *many)).collect(),
        planes: said.planes.iter().map(plane).collect(),
        findings: said.findings.iter().map(finding).collect(),
        guardrail_fault: said.guardrail_fault.clone().unwrap_or_default(),
        guardrail_digest: said.guardrail.clone(),
        items: count(it.items),
        displacements: it.displacements.iter().map(displacement).collect(),
        phase_time: time::to_proto_opt(it.since),
        party: party(it.party).into(),
        guardrail_review_end_time: time::to_proto_opt(said.review_ends),
        token_expire_time: time::to_proto_opt(it.token_expires),
        microsoft_state: said.microsoft.as_ref().map(|it| it.state.word().to_owned()).unwrap_or_default(),
        microsoft_time: said.microsoft.as_ref().map(|it| time::to_proto(it.since)),
        microsoft_detail: said.microsoft.as_ref().map(|it| it.detail.clone()).unwrap_or_default(),
        settled: it.settled,
        done_items: Some(count(it.done)),
    }
}

fn party(party: Party) -> wire::Party {
    match party {
        Party::Nobody => wire::Party::Unspecified,
        Party::Customer => wire::Party::Customer,
        Party::Provider => wire::Party::Provider,
        Party::Microsoft => wire::Party::Microsoft,
        Party::Agent => wire::Party::Agent,
    }
}

pub(super) fn ending(it: Ending) -> wire::Ending {
    wire::Ending {
        kind: it.kind.word().into(),
        name: it.name,
        expire_time: Some(time::to_proto(it.ends)),
        ended: it.over,
        remedy: it.kind.remedy().into(),
    }
}

fn displacement(it: &Displacement) -> wire::Displacement {
    wire::Displacement {
        agent: it.agent.to_string(),
        displaced_agent: it.displaced.to_string(),
        principal: it.principal.as_ref().map(ToString::to_string).unwrap_or_default(),
        displace_time: Some(time::to_proto(it.time)),
    }
}

pub(super) fn phase(phase: TenantPhase) -> wire::TenantPhase {
    match phase {
        TenantPhase::Unenrolled => wire::TenantPhase::Unenrolled,
        TenantPhase::Offline => wire::TenantPhase::Offline,
        TenantPhase::Parked => wire::TenantPhase::Parked,
        TenantPhase::Converging => wire::TenantPhase::Converging,
        TenantPhase::Waiting => wire::TenantPhase::Waiting,
        TenantPhase::Partial => wire::TenantPhase::Partial,
        TenantPhase::Converged => wire::TenantPhase::Converged,
        TenantPhase::AgentRevoked => wire::TenantPhase::AgentRevoked,
        TenantPhase::RevokeAllRunning => wire::TenantPhase::RevokeAllRunning,
        TenantPhase::RevokeAllDone => wire::TenantPhase::RevokeAllDone,
        TenantPhase::Paused => wire::TenantPhase::Paused,
        TenantPhase::GuardrailFault => wire::TenantPhase::GuardrailFault,
        TenantPhase::ReviewPast => wire::TenantPhase::ReviewPast,
        TenantPhase::CannotSignIn => wire::TenantPhase::CannotSignIn,
        TenantPhase::CloudUnreachable => wire::TenantPhase::CloudUnreachable,
    }
}

fn state_count(state: &str, many: u32) -> wire::StateCount {
    wire::StateCount { state: state.into(), count: count(many), state_code: codes::state(state) }
}

fn plane(it: &PlaneStanding) -> wire::PlaneStatus {
    wire::PlaneStatus {
        plane: it.plane.word().into(),
        mode: it.mode.word().into(),
        verify_time: time::to_proto_opt(it.verified),
        unread_since_time: time::to_proto_opt(it.unread_since),
    }
}

fn finding(it: &Finding) -> wire::Finding {
    wire::Finding {
        plane: it.plane.word().into(),
        reason: it.reason.word().into(),
        reason_code: codes::reason(Some(it.reason)),
        detail: it.detail.clone(),
    }
}

pub(super) fn item_status(it: ItemStatus) -> wire::ItemStatus {
    let report = it.report;
    wire::ItemStatus {
        tenant: it.tenant.to_string(),
        plane: report.key.plane().map(|plane| plane.word().to_owned()).unwrap_or_default(),
        key: report.key.to_string(),
        absent: it.absent,
        state: report.state.word().into(),
        state_code: codes::state(report.state.word()),
        reason: reason(report.reason),
        reason_code: codes::reason(report.reason),
        detail: report.detail,
        object_id: report.object_id.unwrap_or_default(),
        owned: report.owned,
        // Personal: only `ListAccess` of that person has it.
        redeem_url: String::new(),
        script: report.script.unwrap_or_default(),
        proof: report.proof.map(proof),
        revision: signed(report.revision),
        since_time: Some(time::to_proto(report.since)),
        operator: it.operator.map(|name| name.to_string()).unwrap_or_default(),
        display: it.display,
    }
}

fn proof(it: RemovalProof) -> wire::RemovalProof {
    wire::RemovalProof {
        first_empty_read_time: Some(time::to_proto(it.first_empty_read)),
        second_empty_read_time: Some(time::to_proto(it.second_empty_read)),
        effective_by_time: Some(time::to_proto(it.effective_by)),
        unseen: it.unseen,
        blocked_time: time::to_proto_opt(it.blocked),
        accounts: it.accounts.into_iter().map(account).collect(),
    }
}

fn account(it: KnownAccount) -> wire::KnownAccount {
    wire::KnownAccount { id: it.id.to_string(), name: it.name, state: it.state.word().into(), owned: it.owned }
}

fn signed_statement(it: SignedStatement) -> wire::SignedStatement {
    wire::SignedStatement {
        statement: it.statement,
        signature: it.signature,
        certificate: it.certificate,
        agent: it.agent.to_string(),
        enroll_time: Some(time::to_proto(it.enrolled)),
        displaced_agent: it.displaced.unwrap_or_default(),
        vouched_by: it.vouched.unwrap_or_default(),
    }
}

pub(super) fn access(it: Access) -> wire::Access {
    wire::Access {
        tenant: it.tenant.to_string(),
        operator: it.operator.to_string(),
        mail: it.mail,
        role: it.role.to_string(),
        identity_class: it.class.word().into(),
        state: it.state.word().into(),
        state_code: codes::state(it.state.word()),
        reason: reason(it.reason),
        reason_code: codes::reason(it.reason),
        detail: it.detail,
        assignments: it.assignments.iter().map(ToString::to_string).collect(),
        start_time: time::to_proto_opt(it.start),
        end_time: time::to_proto_opt(it.end),
        verify_time: time::to_proto_opt(it.verified),
        redeem_url: it.redeem_url.unwrap_or_default(),
        rights: count(it.rights),
        rights_applied: count(it.rights_applied),
        rights_unknown: count(it.rights_unknown),
        grounds: it.grounds.into_iter().map(ground).collect(),
        account_state: it.account.0.word().into(),
        account_reason: reason(it.account.1),
    }
}

fn ground(it: Ground) -> wire::Ground {
    let assignment = it.assignment.to_string();
    wire::Ground { assignment, justification: it.justification, ticket: it.ticket.unwrap_or_default() }
}

pub(super) fn removal(it: Removal) -> wire::Removal {
    wire::Removal {
        tenant: it.tenant.to_string(),
        operator: it.operator.to_string(),
        cause: it.cause.word().into(),
        actor: it.actor,
        request_time: Some(time::to_proto(it.requested)),
        state: it.state.word().into(),
        state_code: codes::state(it.state.word()),
        reason: reason(it.reason),
        reason_code: codes::reason(it.reason),
        detail: it.detail,
        proof: it.proof.map(proof),
        complete: it.complete,
        connected: it.connected,
        subject: it.subject,
        accounts: it.accounts.into_iter().map(account).collect(),
        prove_time: time::to_proto_opt(it.proven),
        signed: it.signed.map(signed_statement),
        id: it.id,
    }
}

pub(super) fn watch_event(event: &WatchEvent) -> wire::WatchTenantStatusesResponse {
    match event {
        WatchEvent::Status(status) => {
            wire::WatchTenantStatusesResponse { tenant_status: Some(tenant_status(status)), ..Default::default() }
        }
        WatchEvent::InitialComplete => {
            wire::WatchTenantStatusesResponse { initial_complete: true, ..Default::default() }
        }
        WatchEvent::Gone(tenant) => {
            wire::WatchTenantStatusesResponse { gone_tenant: tenant.to_string(), ..Default::default() }
        }
    }
}

pub(super) fn planned_change(it: &PlannedChange) -> wire::PlannedChange {
    wire::PlannedChange {
        key: it.key.to_string(),
        class: it.class.word().into(),
        verdict: it.verdict.word().into(),
        reason: reason(it.reason),
        reason_code: codes::reason(it.reason),
        action: it.action.clone(),
        before: it.before.clone(),
        after: it.after.clone(),
    }
}

fn reason(reason: Option<Reason>) -> String {
    reason.map(|reason| reason.word().to_owned()).unwrap_or_default()
}

fn signed(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
