//! Directory roles of Entra: by a role-assignable group of their own, looked at by default, managed where the file says so.

use anyhow::{Context, Result, ensure};
use entente_model::PlaneMode;
use entente_simulator::control::types::{GroupTruth, Tamper};
use entente_tests::customer::SECURITY_READER;
use entente_tests::{Customer, Fleet, args, eventually, provider};
use serde_json::Value;

use crate::kit::{self, SOON, Story, contoso};

/// Triage, with a directory role in the role.
fn intent(people: &[&str]) -> Vec<Value> {
    let mut all = kit::triage(people);
    let role = all.iter_mut().find(|it| it["name"] == "socRoles/l1-analyst");
    *role.expect("the intent of triage has the role") = provider::l1_in_the_directory();
    all
}

async fn start(story: &Story, customer: Customer, people: &[&str]) -> Result<Fleet> {
    let fleet = story.start([customer]).await?;
    fleet.apply(&intent(people)).await?;
    Ok(fleet)
}

async fn managed(story: &Story, people: &[&str]) -> Result<Fleet> {
    let fleet = start(story, contoso().with_directory_roles(Some(PlaneMode::Manage)), people).await?;
    fleet.wait_converged(SOON).await?;
    Ok(fleet)
}

async fn carrier(fleet: &Fleet) -> Result<GroupTruth> {
    let truth = fleet.cloud.truth(&fleet.customer("contoso")?.entra_tenant()).await?;
    let mut carriers = truth.groups.into_iter().filter(|group| group.role_assignable);
    let carrier = carriers.next().context("a role-assignable group")?;
    ensure!(carriers.next().is_none(), "one role-assignable group, not two");
    Ok(carrier)
}

async fn holds(fleet: &Fleet, person: &str) -> Result<()> {
    kit::ensure_l1(fleet, "contoso", person).await?;
    let account = kit::account(fleet, "contoso", person).await?.context("an account")?;
    ensure!(account.entra_roles == ["Security Reader"], "{account:?}");
    Ok(())
}

pub async fn a_directory_role_is_given_kept_and_taken_by_a_group_of_its_own(story: Story) -> Result<()> {
    let fleet = managed(&story, &["maya", "sam"]).await?;
    for person in ["maya", "sam"] {
        holds(&fleet, person).await?;
    }
    let group = carrier(&fleet).await?;
    ensure!(group.members.len() == 2, "{group:?}");
    let who = fleet.cli_json(&args!["who", "--operator", "maya"]).await?;
    ensure!(who[0]["rights"] == 4 && who[0]["rightsApplied"] == 4, "{who}");
    // Somebody takes it away by hand, and it is given again.
    let tenant = fleet.customer("contoso")?.entra_tenant();
    let away = Tamper::RemoveDirectoryRole { principal: group.id.clone(), role: SECURITY_READER.into() };
    fleet.cloud.tamper(&tenant, &away).await?;
    eventually("the role is back", SOON, || async {
        fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
        holds(&fleet, "maya").await
    })
    .await?;
    // Somebody puts a stranger's role on the group: named, left, and nobody more joins.
    let more = Tamper::AddDirectoryRole { principal: group.id.clone(), role: "Security Administrator".into() };
    fleet.cloud.tamper(&tenant, &more).await?;
    fleet.apply(&kit::squad_of(&["maya", "sam", "li"])).await?;
    let refused = kit::in_state("REFUSED", "GUARDRAIL_ROLE");
    kit::wait_item(&fleet, "contoso", "member/l1-analyst/standard/roleAssignable/", refused).await?;
    let li = kit::account(&fleet, "contoso", "li").await?.context("an account")?;
    ensure!(li.entra_roles.is_empty(), "{li:?}");
    let less = Tamper::RemoveDirectoryRole { principal: group.id, role: "Security Administrator".into() };
    fleet.cloud.tamper(&tenant, &less).await?;
    eventually("li joins", SOON, || async {
        fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
        holds(&fleet, "li").await
    })
    .await?;
    // What nobody is assigned any more goes.
    fleet.cli(&args!["delete", "assignments/triage"]).await?.ok()?;
    eventually("nobody has anything", SOON, || async {
        for person in ["maya", "sam", "li"] {
            kit::ensure_gone(&fleet, "contoso", person).await?;
        }
        let truth = fleet.cloud.truth(&tenant).await?;
        ensure!(truth.entra_assignments.is_empty(), "{:?}", truth.entra_assignments);
        Ok(())
    })
    .await?;
    kit::ensure_clean(&fleet).await
}

pub async fn who_leaves_is_out_of_the_role_assignable_group_before_the_block(story: Story) -> Result<()> {
    let fleet = managed(&story, &["maya", "sam"]).await?;
    let group = carrier(&fleet).await?;
    let user = kit::account(&fleet, "contoso", "sam").await?.context("an account")?.user;
    let before = kit::now(&fleet).await?;
    let answer = fleet.cli_json(&args!["operators", "leave", "sam", "--yes", "--timeout", "120"]).await?;
    ensure!(answer["complete"] == true, "{answer}");
    kit::ensure_gone(&fleet, "contoso", "sam").await?;
    holds(&fleet, "maya").await?;
    let calls = kit::calls(&fleet, fleet.customer("contoso")?, before).await?;
    let first = |method: &str, path: &str| {
        let is_it = |call: &&entente_simulator::control::types::CallEntry| {
            call.method == method && call.path.contains(path) && call.status < 300
        };
        calls.iter().find(is_it).map(|call| call.seq).with_context(|| format!("{method} {path} in {calls:#?}"))
    };
    let out = first("DELETE", &format!("/groups/{}/members/{user}", group.id))?;
    let blocked = first("PATCH", &format!("/users/{user}"))?;
    ensure!(out < blocked, "out of the group at {out}, blocked at {blocked}");
    let refused = calls.iter().filter(|call| call.method == "PATCH" && call.status == 403).count();
    ensure!(refused == 0, "the block is not tried before it can pass");
    kit::ensure_clean(&fleet).await
}

pub async fn a_file_without_a_mode_lets_the_agent_look_and_a_person_give(story: Story) -> Result<()> {
    let fleet = start(&story, contoso().with_directory_roles(None), &["maya"]).await?;
    let (customer, waits) = (fleet.customer("contoso")?, || kit::in_state("WAITING", "PERSON_TASK"));
    let item = kit::wait_item(&fleet, "contoso", "group/l1-analyst/standard/roleAssignable", waits()).await?;
    ensure!(item["script"].as_str().unwrap_or_default().contains("isAssignableToRole"), "{item}");
    eventually("the rest is delivered", SOON, || kit::ensure_l1(&fleet, "contoso", "maya")).await?;
    let calls = kit::calls(&fleet, customer, 0).await?;
    let is_of_roles = |path: &str| path.contains("/roleManagement/directory/");
    ensure!(!calls.iter().any(|call| kit::is_write(call) && is_of_roles(&call.path)), "nothing is written there");
    let truth = fleet.cloud.truth(&customer.entra_tenant()).await?;
    ensure!(!truth.groups.iter().any(|group| group.role_assignable), "{:?}", truth.groups);
    kit::ensure_clean(&fleet).await
}

pub async fn the_permission_that_is_missing_for_directory_roles_is_named(story: Story) -> Result<()> {
    let mut customer = contoso().with_directory_roles(Some(PlaneMode::Manage));
    customer.withheld = vec!["RoleManagement.ReadWrite.Directory".into()];
    let fleet = start(&story, customer, &["maya"]).await?;
    let missing = |item: &Value| item["reason"] == "PERMISSION_MISSING";
    let item = kit::wait_item(&fleet, "contoso", "group/l1-analyst/standard/roleAssignable", missing).await?;
    let detail = item["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains("RoleManagement.ReadWrite.Directory"), "{item}");
    eventually("the rest is delivered", SOON, || kit::ensure_l1(&fleet, "contoso", "maya")).await?;
    let findings = fleet.cli_json(&args!["status", "contoso"]).await?;
    ensure!(findings.to_string().contains("RoleManagement.ReadWrite.Directory"), "{findings}");
    Ok(())
}

pub async fn taking_everything_back_takes_directory_roles_too(story: Story) -> Result<()> {
    let fleet = managed(&story, &["maya"]).await?;
    let output = fleet.agent_command("contoso", &args!["revoke-all", "--yes"]).await?;
    ensure!(output.code == 0, "{output:?}");
    kit::ensure_gone(&fleet, "contoso", "maya").await?;
    let truth = fleet.cloud.truth(&fleet.customer("contoso")?.entra_tenant()).await?;
    ensure!(truth.entra_assignments.is_empty(), "{:?}", truth.entra_assignments);
    ensure!(carrier(&fleet).await?.members.is_empty(), "nobody is left in the group");
    kit::ensure_clean(&fleet).await
}
