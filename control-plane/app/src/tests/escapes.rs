//! Ways in which access could be left behind a receipt that says that all of it is gone.

use entente_model::desired::ItemKey;
use entente_model::report::ItemState;

use super::removals::{fleet, removals};
use super::*;

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
    bed.app.settle_removals().await.unwrap();
    bed.leave("operators/maya").await;
    contoso.hear(&bed).await;
    contoso.report_removed().await;
    bed.app.settle_removals().await.unwrap();
    let open = [("tenants/fabrikam".to_owned(), ItemState::Pending, false)];
    assert_eq!(removals(&bed, None).await, open);
    fabrikam.hear(&bed).await;
    assert!(fabrikam.absent().iter().any(|key| matches!(key, ItemKey::User { .. })), "{:?}", fabrikam.absent());
    fabrikam.report_removed().await;
    bed.app.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
}
