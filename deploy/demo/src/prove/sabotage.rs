//! Three tenants in which the removal cannot be proven, each for another reason.

use anyhow::{Context, Result};
use entente_simulator::control::types::Tamper;
use entente_tests::customer::AZURE_ROLES;
use entente_tests::{Customer, Fleet};

use super::books;
use super::cast::Part;

/// Without it the agent cannot read who holds a Defender role.
const PERMISSION: &str = "RoleManagement.ReadWrite.Defender";

/// Sabotages a customer, and returns what was done. `None` if its part needs no sabotage.
pub async fn commit(fleet: &mut Fleet, customer: &Customer) -> Result<Option<String>> {
    Ok(match Part::of(customer) {
        Part::Unread => Some(withdraw(fleet, customer).await?),
        Part::Frozen => {
            fleet.agent(&customer.name)?.freeze().await?;
            Some("its agent is frozen (SIGSTOP)".into())
        }
        Part::Held => Some(give(fleet, customer).await?),
        _ => None,
    })
}

async fn withdraw(fleet: &mut Fleet, customer: &Customer) -> Result<String> {
    fleet.withdraw(&customer.name, PERMISSION).await?;
    // An issued token keeps its permissions for an hour.
    fleet.agent(&customer.name)?.stop().await?;
    fleet.start_agent(&customer.name).await?;
    Ok(format!("the permission {PERMISSION} is taken from its agent"))
}

async fn give(fleet: &Fleet, customer: &Customer) -> Result<String> {
    let accounts = books::rights(fleet, customer).await?.users;
    let principal = accounts.into_iter().next().context("sam has an account")?.user;
    let (name, role) = AZURE_ROLES[0];
    let assignment = Tamper::AddAzureAssignment {
        scope: customer.scope(),
        role: role.into(),
        principal,
        principal_type: "User".into(),
    };
    fleet.cloud.tamper(&customer.entra_tenant(), &assignment).await?;
    Ok(format!("the customer itself makes Sam {name}"))
}
