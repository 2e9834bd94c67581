//! What the stories share: a fleet for each, the small intent that most begin with, and the simulator's truth.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use entente_simulator::control::types::{CallEntry, Fault, FaultAction, Match, UserRights};
use entente_tests::{Customer, Fleet, FleetSpec, eventually, provider};
use serde_json::Value;

pub type StoryFn = fn(Story) -> Pin<Box<dyn Future<Output = Result<()>>>>;

/// No story takes this long. One that does is stuck, and says where.
const STORY_LIMIT: Duration = Duration::from_secs(900);

/// Long enough for a small fleet on a loaded machine. Stories wait for conditions, so a long limit costs nothing.
pub const SOON: Duration = Duration::from_secs(120);

/// One story's name, and where it writes its logs.
#[derive(Debug, Clone)]
pub struct Story {
    name: String,
    logs: Option<PathBuf>,
}

pub fn run(name: &str, story: StoryFn) -> Result<()> {
    let logs = std::env::var_os("ENTENTE_STORY_LOGS").map(PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let told = Story { name: name.replace("::", "."), logs };
    runtime.block_on(async { tokio::time::timeout(STORY_LIMIT, story(told)).await.context("the story did not end")? })
}

impl Story {
    pub fn spec(&self, customers: impl IntoIterator<Item = Customer>) -> FleetSpec {
        let mut spec = FleetSpec::of(customers.into_iter().collect());
        if let Some(logs) = &self.logs {
            let dir = logs.join(&self.name);
            // Remove what an earlier run of the same story left.
            let _ = std::fs::remove_dir_all(&dir);
            spec.dir = Some(dir);
            spec.call_log = Some(logs.join(format!("{}.jsonl", self.name)));
        }
        spec
    }

    pub async fn start(&self, customers: impl IntoIterator<Item = Customer>) -> Result<Fleet> {
        Fleet::start(self.spec(customers)).await
    }

    /// A converged fleet in which the triage squad works as L1 everywhere.
    pub async fn converged(&self, customers: impl IntoIterator<Item = Customer>, people: &[&str]) -> Result<Fleet> {
        let fleet = self.start(customers).await?;
        fleet.apply(&triage(people)).await?;
        fleet.wait_converged(SOON).await?;
        Ok(fleet)
    }
}

pub fn contoso() -> Customer {
    Customer::new("contoso", 1)
}

pub fn fabrikam() -> Customer {
    Customer::new("fabrikam", 2)
}

/// Every person in the stories, in the order of their numbers.
const PEOPLE: [&str; 5] = ["jonas", "maya", "li", "sam", "rosa"];

/// The people, their squad, two roles, and the squad's assignment as L1. Jonas owns it and works nowhere.
pub fn triage(members: &[&str]) -> Vec<Value> {
    let mut all: Vec<Value> = (1..).zip(PEOPLE).map(|(number, id)| provider::operator(id, number)).collect();
    all.extend([
        provider::l1_analyst(),
        provider::l2_analyst(),
        provider::squad("triage", "jonas", members),
        provider::assignment("triage", "triage", "l1-analyst", "nordic", "jonas"),
    ]);
    all
}

/// The squad with these members.
pub fn squad_of(members: &[&str]) -> Vec<Value> {
    vec![provider::squad("triage", "jonas", members)]
}

/// What a person has in a customer's tenant, by the simulator's truth: at most one account.
pub async fn account(fleet: &Fleet, customer: &str, person: &str) -> Result<Option<UserRights>> {
    let tenant = fleet.customer(customer)?.entra_tenant();
    let rights = fleet.cloud.rights(&tenant, &provider::mail(person)).await?;
    ensure!(rights.users.len() <= 1, "{person} has {} accounts at {customer}", rights.users.len());
    Ok(rights.users.into_iter().next())
}

/// Everything that L1 gives, as the truth shows it.
pub async fn ensure_l1(fleet: &Fleet, customer: &str, person: &str) -> Result<()> {
    let account = account(fleet, customer, person).await?.with_context(|| format!("{person} has no account"))?;
    ensure!(account.enabled, "{account:?}");
    ensure!(account.azure_roles.len() == 2, "{account:?}");
    ensure!(account.defender_roles.len() == 1, "{account:?}");
    Ok(())
}

/// No access at all, as the truth shows it. The account itself stays, blocked.
pub async fn ensure_gone(fleet: &Fleet, customer: &str, person: &str) -> Result<()> {
    let account = account(fleet, customer, person).await?;
    let left = account.as_ref().map_or(0, |it| {
        usize::from(it.enabled) + it.azure_roles.len() + it.defender_roles.len() + it.entra_roles.len()
    });
    ensure!(left == 0, "{person} at {customer}: {account:?}");
    Ok(())
}

/// There is never a second invitation, and never a write to what the agent did not make.
pub async fn ensure_clean(fleet: &Fleet) -> Result<()> {
    for customer in fleet.customers.values() {
        let figures = fleet.cloud.figures(&customer.entra_tenant(), Some(&customer.client_id())).await?;
        ensure!(figures.duplicate_invitations == 0, "{}: {figures:?}", customer.name);
        ensure!(figures.writes_to_unowned == 0, "{}: {figures:?}", customer.name);
    }
    Ok(())
}

/// Invitations that the tenant accepted.
pub async fn invitations(fleet: &Fleet, customer: &Customer) -> Result<u64> {
    Ok(fleet.cloud.figures(&customer.entra_tenant(), Some(&customer.client_id())).await?.accepted_invitations)
}

/// The item as reported, once `holds` accepts it.
pub async fn wait_item(
    fleet: &Fleet,
    customer: &str,
    key_start: &str,
    holds: impl Fn(&Value) -> bool,
) -> Result<Value> {
    eventually(&format!("{key_start}... at {customer}"), SOON, || async {
        let items = fleet.items(customer).await?;
        let found = items.iter().find(|(key, item)| key.starts_with(key_start) && holds(item));
        found.map(|(_, item)| item.clone()).with_context(|| format!("not among {items:#?}"))
    })
    .await
}

pub fn in_state(state: &'static str, reason: &'static str) -> impl Fn(&Value) -> bool {
    move |item| item["state"] == state && item["reason"] == reason
}

/// A fault for one kind of call of one customer.
pub fn fault(customer: &Customer, method: &str, path: &str, action: FaultAction, count: u64) -> Fault {
    let on = Match { tenant: Some(customer.entra_tenant()), method: Some(method.into()), path: Some(path.into()) };
    Fault { on, action, count: Some(count), skip: 0, probability: None }
}

/// Invitations of one customer.
pub fn inviting(customer: &Customer) -> Match {
    let path = Some("^/v1.0/invitations$".into());
    Match { tenant: Some(customer.entra_tenant()), method: Some("POST".into()), path }
}

/// Whether a call changes something.
pub fn is_write(call: &CallEntry) -> bool {
    call.method != "GET" && call.plane != "login" && !call.path.contains("$batch") && !call.path.contains("/token")
}

/// A customer's calls since `seq`, without its token requests.
pub async fn calls(fleet: &Fleet, customer: &Customer, since: u64) -> Result<Vec<CallEntry>> {
    Ok(fleet.cloud.log(since, Some(&customer.entra_tenant())).await?)
}

/// The number of the newest call.
pub async fn now(fleet: &Fleet) -> Result<u64> {
    Ok(fleet.cloud.log(0, None).await?.last().map_or(0, |call| call.seq))
}
