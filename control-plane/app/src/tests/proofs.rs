//! What a proof must be worth, what comes back, and what a removal knows.

use std::collections::BTreeSet;

use entente_model::desired::{ItemKey, MAX_KNOWN, Want};
use entente_model::report::{AccountState, ItemReport, ItemState, ProofSignature, Reason, RemovalProof};
use entente_model::{Guid, OperatorName};
use futures::FutureExt;

use super::agent::{Agent, account};
use super::removals::{fleet, removals};
use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// What `removals` says of contoso.
async fn standing(bed: &Bed, of: Option<&str>) -> Removal {
    let of = of.map(|name| name.parse().unwrap());
    let found = bed.app.removals().list_removals(&viewer(), of.as_ref(), &page()).await.unwrap().items;
    let mut here: Vec<_> = found.into_iter().filter(|it| it.tenant == tenant("contoso")).collect();
    here.pop().unwrap()
}

async fn contoso_alone(bed: &Bed) -> Agent {
    bed.relabel("fabrikam", 2).await;
    let mut agent = Agent::enrol(bed, "contoso").await;
    agent.connect(bed).await;
    agent.hear(bed).await;
    agent.report_applied().await;
    bed.leave("operators/maya").await;
    agent.hear(bed).await;
    agent
}

fn user(agent: &Agent) -> entente_model::desired::Item {
    let is_user = |item: &&entente_model::desired::Item| matches!(item.key, ItemKey::User(_));
    agent.desired().iter().find(|item| is_user(item) && item.want != Want::Present).unwrap().clone()
}

fn known(agent: &Agent) -> Vec<Guid> {
    let Want::Absent { known, .. } = user(agent).want else { panic!("named for removal") };
    known.into_iter().collect()
}

#[tokio::test]
async fn proofs_that_are_not_worth_their_word_make_no_receipt() {
    type Change = fn(&mut RemovalProof);
    let wrong: [(&str, Change, Reason); 6] = [
        ("G04b", |it| it.accounts.clear(), Reason::ProofRefused),
        ("field-reports, kind 1", |it| it.accounts[0].state = AccountState::Enabled, Reason::ProofRefused),
        ("field-reports, kind 2", |it| it.accounts[0].state = AccountState::Unread, Reason::ProofRefused),
        ("G05", |it| it.second_empty_read = it.second_empty_read.plus(HOUR), Reason::ProofRefused),
        ("before it", |it| it.first_empty_read = Timestamp::from_unix(start() - 301), Reason::ProofRefused),
        ("out of order", |it| it.second_empty_read = it.first_empty_read, Reason::ProofRefused),
    ];
    for (name, change, reason) in wrong {
        let bed = Bed::with_sample().await;
        let mut agent = contoso_alone(&bed).await;
        assert_eq!(known(&agent).len(), 1, "as it was reported before the leave");
        agent.report_removed_with(change).await;
        bed.app.parts().removals.settle_removals().await.unwrap();
        let it = standing(&bed, None).await;
        assert_eq!((it.state, it.reason, it.complete), (ItemState::Unproven, Some(reason), false), "{name}: {it:?}");
        assert!(it.detail.starts_with("the agent's proof is refused: "), "{name}: {}", it.detail);
        // The next one may be good.
        agent.report_removed().await;
        bed.app.parts().removals.settle_removals().await.unwrap();
        assert!(standing(&bed, Some("operators/maya")).await.complete, "{name}");
    }
}

#[tokio::test]
async fn a_proof_is_signed_by_the_agent_that_reports() {
    let bed = Bed::with_sample().await;
    let mut agent = contoso_alone(&bed).await;
    let other = Agent::enrol(&bed, "fabrikam").await;
    let good = agent.removed(&user(&agent), |_| {});
    let with = |signed: Option<ProofSignature>| {
        let proof = good.proof.clone().map(|proof| RemovalProof { signed, ..proof });
        ItemReport { proof, ..good.clone() }
    };
    let signature = good.proof.clone().unwrap().signed.unwrap();
    // Contoso's key with fabrikam's certificate, and fabrikam's own.
    let theirs = other.sign(&good.key, good.proof.as_ref().unwrap());
    let mixed = ProofSignature { certificate: theirs.certificate.clone(), ..signature.clone() };
    let of_other_text = agent.sign(&good.key, &RemovalProof { unseen: vec![], ..good.proof.clone().unwrap() });
    let stranger = ProofSignature { certificate: signed_by_nobody(&agent), ..signature.clone() };
    for (signed, text) in [
        (None, "it is not signed"),
        (Some(theirs), "which is not the agent that reports here"),
        (Some(mixed), "which is not the agent that reports here"),
        (Some(of_other_text), "its signature is of another statement"),
        (Some(stranger), "not signed by this control plane's CA"),
        (Some(ProofSignature { certificate: "?".into(), ..signature.clone() }), "not base64"),
    ] {
        agent.report(vec![with(signed)], Vec::new(), false).await;
        bed.app.parts().removals.settle_removals().await.unwrap();
        let it = standing(&bed, None).await;
        assert_eq!((it.state, it.reason), (ItemState::Unproven, Some(Reason::ProofRefused)), "{text}");
        assert!(it.detail.contains(text), "{text}: {}", it.detail);
    }
    agent.report(vec![good], Vec::new(), false).await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
}

/// The agent's name and key under another authority.
fn signed_by_nobody(agent: &Agent) -> String {
    use base64::Engine as _;
    let ca = create_ca("soc.example", Timestamp::from_unix(start()), 3650 * DAY).unwrap();
    let ca = CertificateAuthority::load(&ca.certificate_pem, ca.key_pem.expose(), "soc.example").unwrap();
    let (_, csr) = create_key_and_csr().unwrap();
    let key = crate::pki::RequestedKey::from_csr_pem(&csr).unwrap();
    let Who::Agent(name) = &agent.peer.who else { panic!("an agent's certificate") };
    let issued =
        ca.client(&Who::Agent(name.clone()), &key, agent.peer.serial, Timestamp::from_unix(start()), 30 * DAY).unwrap();
    base64::engine::general_purpose::STANDARD.encode(leaf(&issued.certificate_pem))
}

#[tokio::test]
async fn a_proof_with_the_certificate_of_before_a_renewal_counts() {
    let bed = Bed::with_sample().await;
    let mut agent = contoso_alone(&bed).await;
    bed.sleep(16 * DAY);
    let (_, csr) = create_key_and_csr().unwrap();
    bed.app.renew(&agent.peer, &csr).await.unwrap();
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
}

#[tokio::test]
async fn attacks_g01_an_agent_that_came_after_the_account_was_seen_proves_nothing_until_it_is_vouched_for() {
    let bed = Bed::with_sample().await;
    contoso_alone(&bed).await;
    bed.sleep(HOUR);
    let mut new = Agent::enrol(&bed, "contoso").await;
    new.connect(&bed).await;
    new.hear(&bed).await;
    assert_eq!(known(&new).len(), 1, "what the former agent knew");
    // Also if it says that it saw the account itself.
    let seen = new.item(user(&new).key, ItemState::Pending);
    new.report(vec![seen], Vec::new(), true).await;
    new.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let it = standing(&bed, None).await;
    assert_eq!((it.state, it.reason), (ItemState::Unproven, Some(Reason::AgentUnvouched)), "{it:?}");
}

#[tokio::test]
async fn field_reports_kind_1_every_account_that_is_seen_is_in_the_removal_from_then_on() {
    let bed = Bed::with_sample().await;
    let mut agent = contoso_alone(&bed).await;
    let second: Guid = "0d0de000-0000-4000-8000-000000000002".parse().unwrap();
    let both = |state| vec![account(known(&agent)[0], AccountState::Blocked), account(second, state)];
    let seen =
        ItemReport { accounts: both(AccountState::Enabled), ..agent.item(user(&agent).key, ItemState::Residual) };
    agent.report(vec![seen], Vec::new(), false).await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(agent.hear(&bed).await.last().unwrap(), "delta");
    assert_eq!(known(&agent).len(), 2);
    assert_eq!(standing(&bed, None).await.state, ItemState::Residual);
    agent.report_removed_with(|it| it.accounts.retain(|it| it.id != second)).await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(standing(&bed, None).await.reason, Some(Reason::ProofRefused));
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
    // A restart forgets none of them.
    drop(agent);
    let bed = bed.restart(async |_, _| {}).await;
    let known =
        |channel: Arc<crate::channel::Channel>| channel.lock().known.values().map(|row| row.known.ids.len()).max();
    assert_eq!(known(bed.app.parts().channels.get(&tenant("contoso")).unwrap()), Some(2));
}

#[tokio::test]
async fn what_comes_back_opens_the_removal_again_and_a_new_proof_makes_a_new_receipt() {
    let bed = Bed::with_sample().await;
    let mut agent = contoso_alone(&bed).await;
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
    bed.sleep(3 * DAY);
    let old = agent.removed(&user(&agent), |_| {});
    agent.report(vec![agent.item(user(&agent).key, ItemState::Applied)], Vec::new(), false).await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let it = standing(&bed, None).await;
    assert_eq!((it.reason, it.complete), (Some(Reason::CameBack), false), "{it:?}");
    // The proof of before is none of now.
    agent.report(vec![old], Vec::new(), false).await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(standing(&bed, None).await.reason, Some(Reason::ProofRefused));
    let later = |it: &mut RemovalProof| {
        for time in [&mut it.first_empty_read, &mut it.second_empty_read] {
            *time = time.plus(3 * DAY);
        }
    };
    agent.report_removed_with(later).await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let maya = "operators/maya".parse().unwrap();
    let all = bed.app.removals().list_removals(&viewer(), Some(&maya), &page()).await.unwrap().items;
    let of_person: Vec<_> = all.iter().filter(|it| it.subject == "person" && it.tenant == tenant("contoso")).collect();
    assert_eq!(of_person.iter().map(|it| it.complete).collect::<Vec<_>>(), [true, true], "{of_person:?}");
    assert!(of_person[0].detail.contains("its agent said otherwise"), "{}", of_person[0].detail);
    let audit = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    let methods: Vec<_> = audit.iter().map(|it| it.method.as_str()).filter(|it| it.ends_with("Removals")).collect();
    assert_eq!(methods, ["ProveRemovals", "ReopenRemovals", "ProveRemovals"]);
}

#[tokio::test]
async fn a_receipt_holds_what_was_signed_and_the_audit_log_its_digest() {
    let bed = Bed::with_sample().await;
    let mut agent = contoso_alone(&bed).await;
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let it = standing(&bed, Some("operators/maya")).await;
    let signed = it.signed.unwrap();
    let Who::Agent(name) = &agent.peer.who else { panic!("an agent's certificate") };
    assert_eq!((&signed.agent, signed.enrolled), (name, Timestamp::from_unix(start())));
    let proof = it.proof.unwrap();
    assert_eq!(signed.statement, entente_seal::removal_statement(agent.entra, name, &user(&agent).key, &proof));
    assert_eq!((it.accounts, it.proven), (proof.accounts, Some(bed.app.now())));
    let record = bed.app.audit(&viewer(), &page(), None).await.unwrap().items.remove(0);
    let digest = crate::rows::sha256(signed.statement.as_bytes()).to_string();
    assert!(record.method == "ProveRemovals" && record.summary.contains(&digest), "{record:?}");
    assert_eq!(record.resources, ["operators/maya"]);
}

#[tokio::test]
async fn a_removal_stays_open_whatever_happens_to_its_tenant() {
    let bed = Bed::with_sample().await;
    let [mut contoso, fabrikam] = fleet(&bed).await;
    bed.leave("operators/maya").await;
    contoso.hear(&bed).await;
    contoso.report_removed().await;
    bed.relabel("fabrikam", 2).await;
    let nobody = [("tenants/fabrikam".to_owned(), ItemState::Unproven, false)];
    let mut offboarded = serde_json::to_value(customer("fabrikam", 2)).unwrap();
    offboarded["labels"] = json!({"region": "alpine"});
    offboarded["state"] = json!("OFFBOARDED");
    if bed.apply(vec![manifest(offboarded)]).await.is_ok() {
        bed.app.parts().removals.settle_removals().await.unwrap();
        assert_eq!(removals(&bed, None).await, nobody);
    }
    bed.delete("tenants/fabrikam").await.unwrap();
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(removals(&bed, None).await, nobody);
    bed.sleep(40 * DAY);
    bed.app.parts().removals.settle_removals().await.unwrap();
    drop((contoso, fabrikam));
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!(removals(&bed, None).await, nobody);
    let found = bed.app.removals().list_removals(&viewer(), None, &page()).await.unwrap().items;
    assert_eq!(found[0].reason, Some(Reason::NobodyLooks));
    assert!(found[0].detail.contains("deleted"), "{}", found[0].detail);
}

#[tokio::test]
async fn a_revoked_agent_looks_at_nothing_and_a_parked_one_is_told_of_leavers_alone() {
    let bed = Bed::with_sample().await;
    let agent = contoso_alone(&bed).await;
    let parked = crate::channel::Parked::Clone("two agents answered".into());
    bed.app.parts().channels.get(&tenant("contoso")).unwrap().lock().parked = Some(parked);
    let it = standing(&bed, None).await;
    assert_eq!((it.state, it.reason), (ItemState::Unproven, Some(Reason::NobodyLooks)), "{it:?}");
    let Who::Agent(name) = &agent.peer.who else { panic!("an agent's certificate") };
    bed.app.revoke_agent(&admin(), name, &options()).await.unwrap();
    let it = standing(&bed, None).await;
    assert!(it.reason == Some(Reason::NobodyLooks) && it.detail.contains("no agent may connect"), "{it:?}");
}

#[tokio::test]
async fn where_no_agent_was_ever_enrolled_there_is_nothing_to_remove_until_one_is() {
    let bed = Bed::with_sample().await;
    bed.leave("operators/maya").await;
    assert!(removals(&bed, None).await.is_empty());
    let it = standing(&bed, Some("operators/maya")).await;
    assert!(it.complete && it.proof.is_none() && it.detail.contains("no agent was ever enrolled"), "{it:?}");
    let mut agent = Agent::enrol(&bed, "contoso").await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(removals(&bed, None).await, [("tenants/contoso".into(), ItemState::Pending, false)]);
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let it = standing(&bed, Some("operators/maya")).await;
    assert!(it.complete && it.proven.is_some(), "{it:?}");
    assert!(removals(&bed, None).await.is_empty());
}

#[tokio::test]
async fn removals_are_told_apart_and_named_in_order_also_while_the_clock_goes_back() {
    let bed = Bed::with_sample().await;
    bed.sleep(3 * HOUR);
    drop(fleet(&bed).await);
    let maya: OperatorName = "operators/maya".parse().unwrap();
    let row = || {
        let snapshot = bed.app.snapshot();
        let rows: Vec<_> = snapshot.fleet.intent().revocations.values().cloned().collect();
        rows.into_iter().max_by_key(|row| row.time).unwrap()
    };
    bed.leave("operators/maya").await;
    let first = row();
    bed.app.intents().rejoin_operator(&editor(), &maya, &options()).await.unwrap();
    bed.time.fetch_sub(7_200, Ordering::SeqCst);
    bed.leave("operators/maya").await;
    let second = row();
    assert_ne!(first.id, second.id, "within one second and before it");
    assert!(second.time >= first.time, "{} {}", second.time, first.time);
    let bed = bed.restart(async |_, _| {}).await;
    let audit = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    assert!(audit.windows(2).all(|pair| pair[0].time >= pair[1].time));
    bed.app.intents().rejoin_operator(&editor(), &maya, &options()).await.unwrap();
    assert!(bed.app.audit(&viewer(), &page(), None).await.unwrap().items[0].time >= second.time);
}

#[tokio::test]
async fn an_address_of_before_is_in_the_removal_also_when_the_operator_is_deleted() {
    let bed = Bed::with_sample().await;
    let [mut contoso, mut fabrikam] = fleet(&bed).await;
    let mut maya = serde_json::to_value(person("maya", 3)).unwrap();
    for field in ["mail", "upn"] {
        maya["identities"][0][field] = json!("maya.berg@nordwall.example");
    }
    bed.apply(vec![manifest(maya)]).await.unwrap();
    contoso.disconnect();
    fabrikam.disconnect();
    let bed = bed.restart(async |_, _| {}).await;
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    bed.delete("operators/maya").await.unwrap();
    contoso.connect(&bed).await;
    contoso.hear(&bed).await;
    let Want::Absent { addresses, known, .. } = user(&contoso).want else { panic!("named for removal") };
    assert_eq!(addresses.into_iter().collect::<Vec<_>>(), ["maya.berg@nordwall.example", "maya@nordwall.example"]);
    assert_eq!(known.len(), 1, "also after a restart");
}

#[tokio::test]
async fn more_addresses_than_are_kept_prove_nothing() {
    let bed = Bed::with_sample().await;
    bed.relabel("fabrikam", 2).await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.report_applied().await;
    for name in 0..MAX_KNOWN {
        let mut maya = serde_json::to_value(person("maya", 3)).unwrap();
        maya["identities"][0]["mail"] = json!(format!("maya{name}@nordwall.example"));
        bed.apply(vec![manifest(maya)]).await.unwrap();
    }
    bed.leave("operators/maya").await;
    agent.hear(&bed).await;
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let it = standing(&bed, None).await;
    assert_eq!((it.state, it.reason), (ItemState::Unproven, Some(Reason::ProofRefused)), "{it:?}");
    assert!(it.detail.contains("more accounts or addresses"), "{}", it.detail);
}

#[tokio::test]
async fn a_person_with_two_accounts_at_home_has_two_removals_that_are_told_apart() {
    let bed = Bed::with_sample().await;
    let mut maya = serde_json::to_value(person("maya", 3)).unwrap();
    let mut second = maya["identities"][0].clone();
    second["objectId"] = json!("0b0de000-0000-4000-8000-0000000000ff");
    for field in ["mail", "upn"] {
        second[field] = json!("maya-admin@nordwall.example");
    }
    second["class"] = json!("privileged");
    maya["identities"].as_array_mut().unwrap().push(second);
    let mut lead = serde_json::to_value(role(1, "alerts.manage")).unwrap();
    lead["name"] = json!("socRoles/lead");
    lead["identityClass"] = json!("privileged");
    let assignment = json!({
        "kind": "Assignment", "name": "assignments/leads", "squad": "squads/leads", "role": "socRoles/lead@1",
        "tenants": {"labels": {"region": "nordic"}}, "justification": "Leads", "owner": "operators/jonas",
    });
    let squad = json!({"kind": "Squad", "name": "squads/leads", "owner": "operators/jonas",
        "members": [{"operator": "operators/maya"}]});
    bed.apply([maya, lead, squad, assignment].map(manifest).to_vec()).await.unwrap();
    let mut agent = contoso_alone(&bed).await;
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let all = bed
        .app
        .removals()
        .list_removals(&viewer(), Some(&"operators/maya".parse().unwrap()), &page())
        .await
        .unwrap()
        .items;
    let ids: BTreeSet<_> = all.iter().map(|it| it.id.as_str()).collect();
    assert_eq!((all.len(), ids.len()), (2, 2));
}

#[tokio::test]
async fn whoever_works_is_not_asked_of_the_writer_when_their_item_changes() {
    let bed = Bed::with_sample().await;
    let [contoso, _fabrikam] = fleet(&bed).await;
    let is_told = || bed.app.parts().channels.removals_told.notified().now_or_never().is_some();
    assert!(!is_told(), "of people who work");
    assert!(!bed.app.parts().channels.unexpected_accounts().is_empty(), "kept, for a leave that is being written");
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(bed.app.parts().channels.unexpected_accounts().is_empty());
    drop(contoso);
}

#[tokio::test]
async fn what_is_not_proven_keeps_a_tenant_from_being_converged() {
    let bed = Bed::with_sample().await;
    let mut agent = contoso_alone(&bed).await;
    agent.report_removed().await;
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Converged);
    agent.report(vec![agent.item(user(&agent).key, ItemState::Unproven)], Vec::new(), false).await;
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Partial);
}

#[tokio::test]
async fn what_was_known_of_people_is_forgotten_when_they_are_nobodys_and_their_removal_is_over() {
    let bed = Bed::with_sample().await;
    let mut agent = contoso_alone(&bed).await;
    let is_known = async || {
        bed.app.parts().cleanup.look().await.unwrap();
        let rows = bed.app.parts().history.store.scan("known/contoso/", None, 100).await.unwrap().entries;
        rows.iter().any(|(_, entry)| String::from_utf8_lossy(&entry.value).contains("000000000003"))
    };
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    bed.delete("operators/maya").await.unwrap();
    assert!(is_known().await, "the removal is watched");
    bed.sleep(36 * DAY);
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(!is_known().await);
}
