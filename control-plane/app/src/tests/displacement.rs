//! Who speaks for a tenant: to put another agent in a live one's place is to revoke it.

use entente_model::AgentName;

use super::agent::Agent;
use super::*;

async fn token(bed: &Bed, caller: &Caller, replaces: bool) -> Result<String, AppError> {
    let created = bed.app.create_token(caller, &tenant("contoso"), Duration::ZERO, replaces, &options()).await?;
    Ok(secret(created.file.expose()))
}

async fn enrol(bed: &Bed, token: &str) -> Result<Peer, AppError> {
    let ((_, csr_pem), entra) = (create_key_and_csr().unwrap(), bed.entra(&tenant("contoso")));
    let enrolled = bed.app.enroll(&EnrollRequest { token, csr_pem: &csr_pem, entra_tenant: &entra }).await?;
    Ok(peer(&enrolled.certificate_pem))
}

fn name(peer: &Peer) -> AgentName {
    let pki::Who::Agent(name) = &peer.who else { panic!("an agent") };
    name.clone()
}

/// Contoso's, connected once.
async fn live(bed: &Bed) -> Agent {
    let mut agent = Agent::enrol(bed, "contoso").await;
    agent.connect(bed).await;
    agent.hear(bed).await;
    agent.report_applied().await;
    agent
}

#[tokio::test]
async fn an_editor_displaces_no_live_agent() {
    let bed = Bed::with_sample().await;
    let agent = live(&bed).await;
    let refused = token(&bed, &editor(), false).await.unwrap_err();
    assert_eq!(refused.reason(), "AGENT_LIVES");
    let text = format!(
        "tenants/contoso has a live agent, {}, which another would displace; an admin makes a token for that: \
         `entente tokens create contoso --replace`",
        name(&agent.peer)
    );
    assert_eq!(refused.to_string(), text);
    assert_eq!(token(&bed, &editor(), true).await.unwrap_err().reason(), "ROLE_MISSING");
    assert_eq!(token(&bed, &admin(), false).await.unwrap_err().reason(), "AGENT_LIVES", "not by mistake either");
    bed.app.check_agent(&agent.peer).unwrap();
}

#[tokio::test]
async fn a_token_from_before_an_agent_came_does_not_displace_it() {
    let bed = Bed::with_sample().await;
    let early = [token(&bed, &editor(), false).await.unwrap(), token(&bed, &admin(), false).await.unwrap()];
    let agent = live(&bed).await;
    for token in &early {
        assert_eq!(enrol(&bed, token).await.unwrap_err().reason(), "ENROLMENT_REFUSED");
    }
    bed.app.check_agent(&agent.peer).unwrap();
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Converged);
}

#[tokio::test]
async fn an_agent_that_never_came_or_whose_certificate_has_ended_holds_no_place() {
    let bed = Bed::with_sample().await;
    let never_came = enrol(&bed, &token(&bed, &editor(), false).await.unwrap()).await.unwrap();
    let agent = live(&bed).await;
    assert!(bed.app.check_agent(&never_came).is_err());
    drop(agent);
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!(token(&bed, &editor(), false).await.unwrap_err().reason(), "AGENT_LIVES", "a restart forgets no agent");
    bed.sleep(31 * DAY);
    enrol(&bed, &token(&bed, &editor(), false).await.unwrap()).await.unwrap();
    assert!(bed.status(&tenant("contoso")).displacements.is_empty());
}

#[tokio::test]
async fn an_agent_row_from_before_first_sight_was_kept_counts_as_live() {
    let bed = Bed::with_sample().await;
    let agent = enrol(&bed, &token(&bed, &editor(), false).await.unwrap()).await.unwrap();
    let key = rows::agent(&name(&agent));
    let bed = bed
        .restart(async |store, _| {
            let row = String::from_utf8(store.get(&key).await.unwrap().unwrap().value.to_vec()).unwrap();
            let older = row.replace(",\"awaited\":true", "");
            assert_ne!(older, row);
            store.commit(entente_store::Commit::new().put(key.clone(), older)).await.unwrap();
        })
        .await;
    assert_eq!(token(&bed, &editor(), false).await.unwrap_err().reason(), "AGENT_LIVES");
}

#[tokio::test]
async fn a_displacement_alarms_until_an_admin_has_looked_also_over_a_restart() {
    let bed = Bed::with_sample().await;
    let mut former = live(&bed).await;
    let mut agent = live(&bed).await;
    let (old, new) = (name(&former.peer), name(&agent.peer));
    let alarmed = bed.status(&tenant("contoso"));
    let time = Timestamp::from_unix(start());
    let principal = Some(admin().principal);
    let expected = [Displacement { agent: new.clone(), displaced: old.clone(), principal, time }];
    assert_eq!((alarmed.phase, alarmed.displacements.as_slice()), (TenantPhase::Partial, &expected[..]));
    for part in [new.to_string(), old.to_string(), admin().principal.to_string(), time.to_string()] {
        assert!(alarmed.explanation.contains(&part), "{}", alarmed.explanation);
    }
    let audit = bed.app.audit(&viewer(), &page(), Some(&super::name("tenants/contoso"))).await.unwrap().items;
    let said = format!("displaced the live agent {old}");
    assert!(audit.iter().any(|record| record.method == "Enroll" && record.summary.contains(&said)), "{audit:?}");

    former.disconnect();
    agent.disconnect();
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!(bed.status(&tenant("contoso")).displacements, expected);
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    let seen = bed.app.acknowledge_displacement(&admin(), &new, &options()).await.unwrap();
    assert_eq!((seen.row.displaced, seen.row.vouched), (Some(old), None), "vouched for nobody");
    assert!(seen.row.acknowledged.is_some());
    let status = bed.status(&tenant("contoso"));
    assert_eq!((status.phase, status.displacements.as_slice()), (TenantPhase::Converged, &[][..]));
}

#[tokio::test]
async fn an_alarm_outlives_the_row_of_an_agent_that_is_gone() {
    let bed = Bed::with_sample().await;
    let (_former, _agent, last) = (live(&bed).await, live(&bed).await, live(&bed).await);
    bed.sleep(90 * DAY - Duration::from_secs(1));
    bed.app.parts().cleanup.look().await.unwrap();
    let left = bed.status(&tenant("contoso")).displacements;
    assert_eq!(left.len(), 2, "{left:?}");
    bed.app.revoke_agent(&admin(), &name(&last.peer), &options()).await.unwrap();
    assert_eq!(bed.status(&tenant("contoso")).displacements.len(), 1, "whoever revokes has looked");
}

#[tokio::test]
async fn only_an_admin_vouches_and_the_word_stays() {
    let bed = Bed::with_sample().await;
    live(&bed).await.disconnect();
    let mut agent = live(&bed).await;
    agent.disconnect();
    let new = name(&agent.peer);
    assert!(bed.app.get_agent(&admin(), &new).unwrap().row.vouched.is_none());
    let denied = bed.app.vouch_agent(&editor(), &new, &options()).await.unwrap_err();
    assert_eq!(denied.reason(), "ROLE_MISSING");
    bed.app.vouch_agent(&admin(), &new, &options()).await.unwrap();
    bed.sleep(DAY);
    let again = bed.app.vouch_agent(&admin(), &new, &options()).await.unwrap();
    let vouch = Vouch { by: admin().principal, at: Timestamp::from_unix(start()) };
    assert_eq!(again.row.vouched.as_ref(), Some(&vouch), "the first word stands");
    assert!(bed.status(&tenant("contoso")).displacements.is_empty());
    let bed = bed.restart(async |_, _| {}).await;
    let agent = bed.app.get_agent(&admin(), &new).unwrap();
    assert_eq!((agent.row.vouched, agent.row.displaced.is_some()), (Some(vouch), true));
    bed.app.revoke_agent(&admin(), &new, &options()).await.unwrap();
    let revoked = bed.app.vouch_agent(&admin(), &new, &options()).await.unwrap_err();
    assert_eq!(revoked.reason(), "CONTRADICTS");
}

#[tokio::test]
async fn a_token_ends_with_its_maker() {
    let bed = Bed::with_sample().await;
    let agent = live(&bed).await;
    let of_admin = token(&bed, &admin(), true).await.unwrap();
    let create = async |id: &str, caller: &Caller| {
        let (_, csr_pem) = create_key_and_csr().unwrap();
        let new = NewPrincipal { name: &id.parse().unwrap(), role: ApiRole::Admin, operator: None, csr_pem: &csr_pem };
        let made = bed.app.create_principal(caller, new, &options()).await.unwrap();
        bed.app.principal_of(&peer(&made.certificate_pem)).unwrap()
    };
    let other = create("principals/other", &admin()).await;
    bed.sleep(DAY);
    bed.app.delete_principal(&other, &admin().principal, &options()).await.unwrap();
    assert_eq!(enrol(&bed, &of_admin).await.unwrap_err().reason(), "ENROLMENT_REFUSED");
    create("principals/admin", &other).await;
    assert_eq!(enrol(&bed, &of_admin).await.unwrap_err().reason(), "ENROLMENT_REFUSED", "of its name, and another");
    bed.app.check_agent(&agent.peer).unwrap();
}

#[tokio::test]
async fn a_token_of_a_deleted_editor_enrols_nobody_where_there_is_no_agent_either() {
    let bed = Bed::with_sample().await;
    let token = token(&bed, &editor(), false).await.unwrap();
    bed.app.delete_principal(&admin(), &editor().principal, &options()).await.unwrap();
    assert_eq!(enrol(&bed, &token).await.unwrap_err().reason(), "ENROLMENT_REFUSED");
}

#[tokio::test]
async fn deleting_a_tenant_with_a_live_agent_is_an_admins_too() {
    let bed = Bed::with_sample().await;
    let agent = live(&bed).await;
    bed.relabel("contoso", 1).await;
    let delete = async |caller: &Caller, validate_only| {
        let deletes = vec![Delete { name: super::name("tenants/contoso"), etag: None }];
        let options = Options { validate_only, ..options() };
        bed.app.intents().change(caller, Change { puts: Vec::new(), deletes }, &options).await
    };
    for dry in [true, false] {
        let refused = delete(&editor(), dry).await.unwrap_err();
        assert_eq!(refused.reason(), "ROLE_MISSING");
        assert!(refused.to_string().contains(&name(&agent.peer).to_string()), "{refused}");
    }
    bed.app.check_agent(&agent.peer).unwrap();
    delete(&admin(), false).await.unwrap();
}
