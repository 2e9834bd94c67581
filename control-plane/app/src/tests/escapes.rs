//! Ways in which access could be left behind a receipt that says that all of it is gone.

use entente_compiler::Edit;
use entente_model::AgentName;
use entente_model::desired::ItemKey;
use entente_model::report::{AccountState, ItemReport, ItemState, Reason};

use super::agent::account;
use super::removals::{fleet, removals};
use super::*;
use crate::removals::Method;

/// An adopted guest whom no assignment means any more is nobody's to end, and the agent speaks of it no longer. The
/// account is there all the same, and known.
#[tokio::test]
async fn a_leaver_is_removed_also_where_an_account_is_known_that_no_agent_speaks_of_any_more() {
    let bed = Bed::with_sample().await;
    let [mut contoso, mut fabrikam] = fleet(&bed).await;
    let forgotten: Vec<ItemKey> = fabrikam.desired().into_iter().map(|item| item.key).collect();
    bed.relabel("fabrikam", 2).await;
    fabrikam.hear(&bed).await;
    fabrikam.report(Vec::new(), forgotten, false).await;
    // Of those who work nothing is kept in mind for a leave.
    bed.app.parts().removals.settle_removals().await.unwrap();
    bed.leave("operators/maya").await;
    contoso.hear(&bed).await;
    contoso.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let open = [("tenants/fabrikam".to_owned(), ItemState::Pending, false)];
    assert_eq!(removals(&bed, None).await, open);
    fabrikam.hear(&bed).await;
    assert!(fabrikam.absent().iter().any(|key| matches!(key, ItemKey::User(_))), "{:?}", fabrikam.absent());
    fabrikam.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
}

/// A backup from before a customer's agent enrolled is restored: the store knows of no agent there.
#[tokio::test]
async fn an_agent_that_a_restored_backup_has_forgotten_is_not_taken_for_none() {
    let bed = Bed::with_sample().await;
    bed.leave("operators/maya").await;
    assert!(removals(&bed, None).await.is_empty(), "as far as the store knows, no agent ever was anywhere");
    let ca = CertificateAuthority::load(&bed.ca.0, bed.ca.1.expose(), "soc.example").unwrap();
    let (_, csr) = create_key_and_csr().unwrap();
    let key = crate::pki::RequestedKey::from_csr_pem(&csr).unwrap();
    let agent = AgentName::new(tenant("contoso"), "0a1b2c3d").unwrap();
    let serial = crate::pki::Serial::random().unwrap();
    let issued = ca.client(&Who::Agent(agent.clone()), &key, serial, Timestamp::from_unix(start()), 30 * DAY).unwrap();
    assert!(bed.app.check_agent(&peer(&issued.certificate_pem)).is_err());
    bed.app.parts().removals.settle_told().await.unwrap();
    let found = bed.app.removals().list_removals(&viewer(), None, &page()).await.unwrap().items;
    let open: Vec<_> = found.into_iter().map(|it| (it.tenant, it.state, it.reason, it.complete)).collect();
    let unproven = (tenant("contoso"), ItemState::Unproven, Some(Reason::NobodyLooks), false);
    assert_eq!(open, [unproven]);
    // It stays so over a restart.
    let bed = bed.restart(async |_, _| {}).await;
    let found = bed.app.removals().list_removals(&viewer(), None, &page()).await.unwrap().items;
    assert_eq!(found.iter().map(|it| it.state).collect::<Vec<_>>(), [ItemState::Unproven]);
}

/// The agent sees another account, or is revoked, after its proof was judged and before the receipt is written.
#[tokio::test]
async fn what_changes_between_the_judgement_and_the_receipt_makes_no_receipt() {
    for is_revoked in [false, true] {
        let bed = Bed::with_sample().await;
        let [mut contoso, _fabrikam] = fleet(&bed).await;
        bed.leave("operators/maya").await;
        contoso.hear(&bed).await;
        contoso.report_removed().await;
        let judged = bed.app.parts().removals.look(None).await.unwrap().receipts;
        assert!(!judged.is_empty());
        if is_revoked {
            let Who::Agent(name) = &contoso.peer.who else { panic!("an agent's certificate") };
            bed.app.revoke_agent(&admin(), name, &options()).await.unwrap();
        } else {
            let user = contoso.absent().into_iter().find(|key| matches!(key, ItemKey::User(_))).unwrap();
            let second = account("0d0de000-0000-4000-8000-000000000002".parse().unwrap(), AccountState::Enabled);
            let seen = ItemReport { accounts: vec![second], ..contoso.item(user, ItemState::Residual) };
            contoso.report(vec![seen], Vec::new(), false).await;
        }
        let judged = judged.into_iter().filter(|it| it.subject == "person").collect();
        bed.app.parts().removals.write(Method::Prove, Edit::default(), judged).await.unwrap();
        let receipts = removals(&bed, Some("operators/maya")).await;
        assert!(receipts.iter().all(|(_, _, complete)| !complete), "{is_revoked}: {receipts:?}");
    }
}
