//! What ends is said before it ends; what cannot be signed is refused; what is stated anew needs no restart.

use super::agent::Agent;
use super::*;

fn endings(bed: &Bed) -> Vec<(EndingKind, bool)> {
    let page = bed.app.list_endings(&viewer(), &page()).unwrap();
    page.items.into_iter().map(|it| (it.kind, it.over)).collect()
}

async fn leave(bed: &Bed) -> Result<Applied, AppError> {
    bed.app.intents().leave_operator(&editor(), &"operators/maya".parse().unwrap(), &options()).await
}

#[tokio::test]
async fn field_kind_10_what_ends_is_said_from_the_shorter_of_two_weeks_and_a_third_of_its_life() {
    let bed = Bed::with_sample().await;
    let created = bed.app.create_token(&admin(), &tenant("contoso"), DAY, false, &options()).await.unwrap();
    assert_eq!(created.token.expires, bed.app.now().plus(DAY));
    let now = bed.app.now();
    bed.app.note_server_certificate(now, now.plus(30 * DAY));
    assert!(endings(&bed).is_empty(), "{:?}", endings(&bed));
    bed.sleep(DAY * 2 / 3);
    assert_eq!(endings(&bed), [(EndingKind::EnrollmentToken, false)]);
    bed.sleep(DAY * 19);
    assert_eq!(endings(&bed), [], "a token that ended unused is of no use to anybody");
    bed.sleep(DAY);
    assert_eq!(endings(&bed), [(EndingKind::ServerCertificate, false)]);
    bed.sleep(DAY * 56);
    assert_eq!(endings(&bed), [(EndingKind::ServerCertificate, true), (EndingKind::Delegation, false)]);
    bed.sleep(DAY * 15);
    assert_eq!(endings(&bed), [(EndingKind::ServerCertificate, true), (EndingKind::Delegation, true)]);
}

#[tokio::test]
async fn an_agents_certificate_is_told_only_when_it_was_not_renewed() {
    let bed = Bed::with_sample().await;
    bed.enrol(&tenant("contoso")).await;
    bed.sleep(DAY * 21);
    assert!(endings(&bed).is_empty(), "it is being renewed");
    bed.sleep(DAY * 2);
    assert_eq!(endings(&bed), [(EndingKind::AgentCertificate, false)]);
    bed.sleep(DAY * 8);
    assert_eq!(endings(&bed), [(EndingKind::AgentCertificate, true)]);
}

#[tokio::test]
async fn field_kind_10_a_leave_that_cannot_be_signed_is_refused_and_says_why() {
    let bed = Bed::with_sample().await;
    bed.sleep(DAY * 91);
    let before = bed.app.get(&viewer(), &name("operators/maya")).unwrap();
    let refused = leave(&bed).await.unwrap_err();
    assert_eq!(refused.reason(), "DELEGATION_ENDED");
    assert!(refused.to_string().contains("entente-control-plane delegate"), "{refused}");
    assert_eq!(bed.app.get(&viewer(), &name("operators/maya")).unwrap(), before, "nothing is half done");
    let tried = Options { validate_only: true, ..options() };
    let tried = bed.app.intents().leave_operator(&editor(), &"operators/maya".parse().unwrap(), &tried).await;
    assert_eq!(tried.unwrap_err().reason(), "DELEGATION_ENDED");
    // What touches no tenant needs no signature.
    bed.apply(vec![person("rosa", 9)]).await.unwrap();
}

#[tokio::test]
async fn field_kind_10_a_new_delegation_is_taken_up_without_a_restart() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    bed.app.restate().await.unwrap();
    assert!(bed.status(&tenant("contoso")).connected, "nothing is new, so nobody is sent away");
    bed.sleep(DAY * 91);
    assert!(bed.app.restate().await.is_err(), "the old one has ended");
    let now = bed.app.now();
    let key = OnlineKey::from_pkcs8(&bed.online).unwrap().public();
    let statement = Statement::Delegation { key, not_before: now, not_after: now.plus(30 * DAY), serial: 2 };
    let store = bed.app.parts().history.store.clone();
    provision::import(&*store, bed.root.public(), &bed.root.state(&statement)).await.unwrap();
    assert_eq!(bed.app.restate().await.unwrap(), now.plus(30 * DAY));
    leave(&bed).await.unwrap();
    // The first one's own certificate has ended meanwhile.
    let mut agent = Agent::enrol(&bed, "fabrikam").await;
    agent.connect(&bed).await;
    assert_eq!(agent.welcome.as_ref().unwrap().statements.len(), 3, "the agent can verify what is signed from now on");
}
