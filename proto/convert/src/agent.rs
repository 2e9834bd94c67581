//! Reports, standings and plans of agents.

use entente_model::Guid;
use entente_model::desired::ItemKey;
use entente_model::plan::PlannedChange;
use entente_model::report::{
    AccountState, Finding, ItemReport, ItemState, KnownAccount, Mended, Microsoft, PlaneStanding, ProofSignature,
    Reason, RemovalProof, Report, RevokeAll, Standing,
};
use entente_model::word::Open;

use super::time;
use entente_proto::agent::v1 as wire;

/// A field holds a value that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value:?}, which is not known here")]
pub struct UnknownWord {
    pub field: &'static str,
    pub value: String,
}

fn key(text: &str) -> Result<ItemKey, UnknownWord> {
    text.parse().map_err(|_| UnknownWord { field: "key", value: text.chars().take(80).collect() })
}

fn reason(text: &str) -> Option<Reason> {
    (!text.is_empty()).then(|| Reason::of(text))
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub fn report_to_proto(report: &Report, full: bool) -> wire::Report {
    wire::Report {
        number: report.number,
        items: report.items.iter().map(item_to_proto).collect(),
        forgotten: report.forgotten.iter().map(ToString::to_string).collect(),
        standing: report.standing.as_deref().map(standing_to_proto),
        full,
        mended: report.mended.iter().map(mended_to_proto).collect(),
    }
}

pub fn report_from_proto(report: &wire::Report) -> Result<Report, UnknownWord> {
    Ok(Report {
        number: report.number,
        items: report.items.iter().map(item_from_proto).collect::<Result<_, _>>()?,
        forgotten: report.forgotten.iter().map(|text| key(text)).collect::<Result<_, _>>()?,
        standing: report.standing.as_ref().map(standing_from_proto).map(Box::new),
        mended: report.mended.iter().map(mended_from_proto).collect::<Result<_, _>>()?,
    })
}

fn mended_to_proto(it: &Mended) -> wire::MendedDrift {
    wire::MendedDrift {
        number: it.number,
        key: it.key.to_string(),
        reason: it.reason.word().into(),
        detail: it.detail.clone(),
        find_time: Some(time::to_proto(it.found)),
        mend_time: Some(time::to_proto(it.mended)),
    }
}

fn mended_from_proto(it: &wire::MendedDrift) -> Result<Mended, UnknownWord> {
    let at = |value: &Option<prost_types::Timestamp>| time::from_proto_opt(value.as_ref()).unwrap_or_default();
    Ok(Mended {
        number: it.number,
        key: key(&it.key)?,
        reason: Reason::of(&it.reason),
        detail: it.detail.clone(),
        found: at(&it.find_time),
        mended: at(&it.mend_time),
    })
}

pub fn item_to_proto(item: &ItemReport) -> wire::ItemReport {
    wire::ItemReport {
        key: item.key.to_string(),
        state: item.state.word().into(),
        reason: item.reason.map_or("", Reason::word).into(),
        detail: item.detail.clone(),
        object_id: item.object_id.clone().unwrap_or_default(),
        owned: item.owned,
        redeem_url: item.redeem_url.clone().unwrap_or_default(),
        script: item.script.clone().unwrap_or_default(),
        proof: item.proof.as_ref().map(proof_to_proto),
        revision: item.revision,
        since_time: Some(time::to_proto(item.since)),
        accounts: item.accounts.iter().map(account_to_proto).collect(),
    }
}

pub fn item_from_proto(item: &wire::ItemReport) -> Result<ItemReport, UnknownWord> {
    Ok(ItemReport {
        key: key(&item.key)?,
        state: ItemState::of(&item.state),
        reason: reason(&item.reason),
        detail: item.detail.clone(),
        object_id: some(&item.object_id),
        owned: item.owned,
        redeem_url: some(&item.redeem_url),
        script: some(&item.script),
        accounts: accounts_from_proto(&item.accounts)?,
        proof: item.proof.as_ref().map(proof_from_proto).transpose()?,
        revision: item.revision,
        since: time::from_proto_opt(item.since_time.as_ref()).unwrap_or_default(),
    })
}

fn proof_to_proto(proof: &RemovalProof) -> wire::RemovalProof {
    wire::RemovalProof {
        named_time: Some(time::to_proto(proof.named)),
        first_empty_read_time: Some(time::to_proto(proof.first_empty_read)),
        second_empty_read_time: Some(time::to_proto(proof.second_empty_read)),
        effective_by_time: Some(time::to_proto(proof.effective_by)),
        unseen: proof.unseen.clone(),
        blocked_time: time::to_proto_opt(proof.blocked),
        accounts: proof.accounts.iter().map(account_to_proto).collect(),
        signed: proof.signed.as_ref().map(|signed| wire::ProofSignature {
            certificate: signed.certificate.clone(),
            signature: signed.signature.clone(),
        }),
    }
}

fn account_to_proto(account: &KnownAccount) -> wire::KnownAccount {
    wire::KnownAccount {
        id: account.id.as_bytes().to_vec().into(),
        name: account.name.clone(),
        state: account.state.word().into(),
        owned: account.owned,
    }
}

fn accounts_from_proto(accounts: &[wire::KnownAccount]) -> Result<Vec<KnownAccount>, UnknownWord> {
    let one = |it: &wire::KnownAccount| {
        let id: [u8; 16] = it
            .id
            .as_ref()
            .try_into()
            .map_err(|_| UnknownWord { field: "accounts.id", value: format!("{} bytes", it.id.len()) })?;
        Ok(KnownAccount {
            id: Guid::from_u128(u128::from_be_bytes(id)),
            name: it.name.clone(),
            state: AccountState::of(&it.state),
            owned: it.owned,
        })
    };
    accounts.iter().map(one).collect()
}

fn proof_from_proto(proof: &wire::RemovalProof) -> Result<RemovalProof, UnknownWord> {
    let at = |value: &Option<prost_types::Timestamp>| time::from_proto_opt(value.as_ref()).unwrap_or_default();
    Ok(RemovalProof {
        named: at(&proof.named_time),
        first_empty_read: at(&proof.first_empty_read_time),
        second_empty_read: at(&proof.second_empty_read_time),
        effective_by: at(&proof.effective_by_time),
        unseen: proof.unseen.clone(),
        blocked: time::from_proto_opt(proof.blocked_time.as_ref()),
        accounts: accounts_from_proto(&proof.accounts)?,
        signed: proof.signed.as_ref().map(|signed| ProofSignature {
            certificate: signed.certificate.clone(),
            signature: signed.signature.clone(),
        }),
    })
}

pub fn standing_to_proto(standing: &Standing) -> wire::Standing {
    let plane = |plane: &PlaneStanding| wire::PlaneStanding {
        plane: plane.plane.word().into(),
        mode: plane.mode.word().into(),
        verify_time: time::to_proto_opt(plane.verified),
        unread_since_time: time::to_proto_opt(plane.unread_since),
    };
    let finding = |finding: &Finding| wire::Finding {
        plane: finding.plane.word().into(),
        reason: finding.reason.word().into(),
        detail: finding.detail.clone(),
    };
    wire::Standing {
        compared_digest: standing.compared.clone(),
        paused: standing.paused,
        guardrail_fault: standing.guardrail_fault.clone().unwrap_or_default(),
        guardrail_digest: standing.guardrail.clone(),
        planes: standing.planes.iter().map(plane).collect(),
        permissions: standing.permissions.clone(),
        credential_expire_time: time::to_proto_opt(standing.credential_expires),
        findings: standing.findings.iter().map(finding).collect(),
        pause_time: time::to_proto_opt(standing.paused_since),
        guardrail_fault_time: time::to_proto_opt(standing.guardrail_fault_since),
        review_end_time: time::to_proto_opt(standing.review_ends),
        revoke_all: standing.revoke_all.as_ref().map(revoke_all_to_proto),
        microsoft: standing.microsoft.as_ref().map(microsoft_to_proto),
    }
}

fn revoke_all_to_proto(it: &RevokeAll) -> wire::RevokeAll {
    wire::RevokeAll { state: it.state.word().into(), since_time: Some(time::to_proto(it.since)) }
}

fn microsoft_to_proto(it: &Microsoft) -> wire::Microsoft {
    let (state, since_time) = (it.state.word().into(), Some(time::to_proto(it.since)));
    wire::Microsoft { state, since_time, detail: it.detail.clone() }
}

fn revoke_all_from_proto(it: &wire::RevokeAll) -> RevokeAll {
    let since = time::from_proto_opt(it.since_time.as_ref()).unwrap_or_default();
    RevokeAll { state: Open::of(&it.state), since }
}

fn microsoft_from_proto(it: &wire::Microsoft) -> Microsoft {
    let since = time::from_proto_opt(it.since_time.as_ref()).unwrap_or_default();
    Microsoft { state: Open::of(&it.state), since, detail: it.detail.clone() }
}

pub fn standing_from_proto(standing: &wire::Standing) -> Standing {
    let plane = |it: &wire::PlaneStanding| PlaneStanding {
        plane: Open::of(&it.plane),
        mode: Open::of(&it.mode),
        verified: time::from_proto_opt(it.verify_time.as_ref()),
        unread_since: time::from_proto_opt(it.unread_since_time.as_ref()),
    };
    let finding = |it: &wire::Finding| Finding {
        plane: Open::of(&it.plane),
        reason: Reason::of(&it.reason),
        detail: it.detail.clone(),
    };
    Standing {
        compared: standing.compared_digest.clone(),
        paused: standing.paused,
        guardrail_fault: some(&standing.guardrail_fault),
        guardrail: standing.guardrail_digest.clone(),
        planes: standing.planes.iter().map(plane).collect(),
        permissions: standing.permissions.clone(),
        credential_expires: time::from_proto_opt(standing.credential_expire_time.as_ref()),
        findings: standing.findings.iter().map(finding).collect(),
        paused_since: time::from_proto_opt(standing.pause_time.as_ref()),
        guardrail_fault_since: time::from_proto_opt(standing.guardrail_fault_time.as_ref()),
        review_ends: time::from_proto_opt(standing.review_end_time.as_ref()),
        revoke_all: standing.revoke_all.as_ref().map(revoke_all_from_proto),
        microsoft: standing.microsoft.as_ref().map(microsoft_from_proto),
    }
}

pub fn change_to_proto(change: &PlannedChange) -> wire::PlannedChange {
    wire::PlannedChange {
        key: change.key.to_string(),
        class: change.class.word().into(),
        verdict: change.verdict.word().into(),
        reason: change.reason.map_or("", Reason::word).into(),
        action: change.action.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    }
}

pub fn change_from_proto(change: &wire::PlannedChange) -> Result<PlannedChange, UnknownWord> {
    Ok(PlannedChange {
        key: key(&change.key)?,
        class: Open::of(&change.class),
        verdict: Open::of(&change.verdict),
        reason: reason(&change.reason),
        action: change.action.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    })
}

#[cfg(test)]
mod tests {
    use entente_model::{Plane, PlaneMode};

    use super::*;

    #[test]
    fn a_report_survives_the_wire() {
        let report = Report {
            number: 7,
            items: ItemState::ALL
                .into_iter()
                .zip(Reason::ALL)
                .map(|(state, reason)| ItemReport {
                    key: "group/l1-analyst/standard".parse().unwrap(),
                    state,
                    reason: Some(*reason),
                    detail: "words".into(),
                    object_id: Some("id".into()),
                    owned: true,
                    redeem_url: None,
                    script: Some("az rest".into()),
                    accounts: Vec::new(),
                    proof: Some(RemovalProof {
                        named: entente_model::Timestamp::from_unix(5),
                        first_empty_read: entente_model::Timestamp::from_unix(1),
                        second_empty_read: entente_model::Timestamp::from_unix(2),
                        effective_by: entente_model::Timestamp::from_unix(3),
                        blocked: Some(entente_model::Timestamp::from_unix(6)),
                        accounts: vec![KnownAccount {
                            id: Guid::from_u128(7),
                            name: "maya@contoso.example".into(),
                            state: AccountState::Blocked,
                            owned: true,
                        }],
                        unseen: vec!["azureRoles".into()],
                        signed: Some(ProofSignature { certificate: "Yw==".into(), signature: "cw==".into() }),
                    }),
                    revision: 9,
                    since: entente_model::Timestamp::from_unix(4),
                })
                .collect(),
            forgotten: vec!["defenderRole/l1-analyst".parse().unwrap()],
            standing: Some(Box::new(Standing {
                compared: "cd".repeat(32),
                planes: vec![PlaneStanding {
                    plane: Plane::Users.into(),
                    mode: PlaneMode::Verify.into(),
                    verified: None,
                    unread_since: Some(entente_model::Timestamp::from_unix(8)),
                }],
                paused: true,
                paused_since: Some(entente_model::Timestamp::from_unix(9)),
                guardrail_fault: Some("line 1".into()),
                guardrail_fault_since: Some(entente_model::Timestamp::from_unix(10)),
                review_ends: Some(entente_model::Timestamp::from_unix(11)),
                revoke_all: Some(RevokeAll { state: Open::of("DONE"), since: entente_model::Timestamp::from_unix(12) }),
                microsoft: Some(Microsoft {
                    state: Open::of("SLEEPING"),
                    since: entente_model::Timestamp::from_unix(13),
                    detail: "AADSTS1: no".into(),
                }),
                findings: vec![Finding {
                    plane: Plane::Memberships.into(),
                    reason: Reason::DriftExtra,
                    detail: "x".into(),
                }],
                ..Standing::default()
            })),
            mended: vec![Mended {
                number: 3,
                key: "member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000003".parse().unwrap(),
                reason: Reason::DriftMissing,
                detail: "words".into(),
                found: entente_model::Timestamp::from_unix(14),
                mended: entente_model::Timestamp::from_unix(15),
            }],
        };
        assert_eq!(report_from_proto(&report_to_proto(&report, false)).unwrap(), report);
    }

    #[test]
    fn architecture_1_5_words_of_a_later_agent_are_kept_as_they_came() {
        let finding = wire::Finding { plane: "tides".into(), reason: "MOON_FULL".into(), detail: "x".into() };
        let plane = wire::PlaneStanding { plane: "tides".into(), mode: "watch".into(), ..Default::default() };
        let standing = wire::Standing { planes: vec![plane], findings: vec![finding], ..Default::default() };
        let item = wire::ItemReport {
            key: "tide/high".into(),
            state: "SHINING".into(),
            reason: "MOON_FULL".into(),
            since_time: Some(time::to_proto(entente_model::Timestamp::from_unix(4))),
            accounts: vec![wire::KnownAccount {
                id: vec![7; 16].into(),
                state: "DREAMING".into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let report = wire::Report { items: vec![item], standing: Some(standing), number: 7, ..Default::default() };
        assert_eq!(report_to_proto(&report_from_proto(&report).unwrap(), false), report);
        let change = wire::PlannedChange {
            key: "tide/high".into(),
            class: "FLOOD".into(),
            verdict: "PERHAPS".into(),
            reason: "MOON_FULL".into(),
            ..Default::default()
        };
        assert_eq!(change_to_proto(&change_from_proto(&change).unwrap()), change);
    }

    #[test]
    fn what_is_no_key_is_named() {
        let item = wire::ItemReport { key: "group".into(), ..Default::default() };
        assert_eq!(item_from_proto(&item).unwrap_err().to_string(), "key is \"group\", which is not known here");
    }
}
