//! Where no source is certain: each open question has the other answer in a tenant of its own, and one more tenant has
//! all of them at once. Joining, moving and leaving work everywhere.

use anyhow::{Context, Result, ensure};
use entente_simulator::control::types::{FaultAction, UserRights};
use entente_simulator::switches::SWITCHES;
use entente_tests::{Customer, args};
use serde_json::json;

use crate::kit::{self, SOON, Story};

/// Questions whose other answer changes access or its proof, so refusing it is right. Stories of their own check how
/// the tenant then stands.
const SHUTS_OUT: [&str; 1] = ["member_of_permission"];

pub async fn joining_and_leaving_hold_whichever_way_the_open_questions_fall(story: Story) -> Result<()> {
    let mut customers = Vec::new();
    let open = SWITCHES.iter().filter(|it| !SHUTS_OUT.contains(&it.name));
    let others = open.flat_map(|it| it.values.iter().skip(1).map(move |value| (it.name, *value)));
    for (name, value) in others.clone() {
        let number = u32::try_from(customers.len() + 1)?;
        let mut customer = Customer::new(&format!("switch-{number}"), number);
        customer.switches.insert(name.to_owned(), value.to_owned());
        customers.push(customer);
    }
    let mut all = Customer::new("every-switch", u32::try_from(customers.len() + 1)?);
    all.switches.extend(others.map(|(name, value)| (name.to_owned(), value.to_owned())));
    customers.push(all);
    for customer in &mut customers {
        customer.settings = json!({"auto_redeem_seconds": 0, "page_size": 2, "lag_seconds": 0.2});
    }
    let fleet = story.start(customers).await?;
    for customer in fleet.customers.values() {
        let lost = kit::fault(customer, "POST", "^/v1.0/invitations$", FaultAction::DropAfter, 1);
        fleet.cloud.add_fault(&lost).await?;
    }
    fleet.apply(&kit::triage(&["maya", "sam"])).await?;
    fleet.wait_converged(SOON * 2).await?;
    let left = fleet.cli_json(&args!["operators", "leave", "sam", "--yes", "--timeout", "240"]).await?;
    ensure!(left["complete"] == true, "{left}");
    for customer in fleet.customers.values() {
        let about = || format!("{}: {:?}", customer.name, customer.switches);
        kit::ensure_l1(&fleet, &customer.name, "maya").await.with_context(about)?;
        let sam: Option<UserRights> = kit::account(&fleet, &customer.name, "sam").await.with_context(about)?;
        ensure!(sam.is_none_or(|sam| !sam.enabled && sam.azure_roles.is_empty()), "{}", about());
    }
    println!("{} tenants, one for each other answer and one for all of them", fleet.customers.len());
    kit::ensure_clean(&fleet).await
}
