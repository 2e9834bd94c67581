//! The customer's side: the guardrail, verify, adoption, blocks, drift, pause, and revoking everything.

use anyhow::{Context, Result, ensure};
use entente_model::{Plane, PlaneMode};
use entente_simulator::control::types::Tamper;
use entente_tests::{args, eventually, provider};
use serde_json::json;

use crate::kit::{self, SOON, Story, contoso, fabrikam};

pub async fn what_the_guardrail_does_not_allow_is_not_done(story: Story) -> Result<()> {
    let mut customer = contoso();
    customer.allow.retain(|capability| capability != "runPlaybooks");
    let fleet = story.start([customer, fabrikam()]).await?;
    fleet.apply(&kit::triage(&["maya"])).await?;
    let refused = kit::in_state("REFUSED", "GUARDRAIL_CAPABILITY");
    kit::wait_item(&fleet, "contoso", "azureRole/", refused).await?;
    fleet.wait_phase("contoso", "PARTIAL", SOON).await?;
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("an account")?;
    ensure!(maya.azure_roles.len() == 1, "only the role that is allowed: {maya:?}");
    fleet.wait_phase("fabrikam", "CONVERGED", SOON).await?;
    kit::ensure_clean(&fleet).await
}

/// Microsoft changes its role definitions; the customer consented to the earlier ones.
pub async fn a_role_that_microsoft_lets_do_more_is_given_to_nobody_more(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya"]).await?;
    let tenant = fleet.customer("contoso")?.entra_tenant();
    let grown = "Microsoft.SecurityInsights/alertRules/write";
    let grow =
        Tamper::GrowAzureRole { role: "3e150937-b8fe-4cfb-8069-0eaf05ecd056".into(), actions: vec![grown.into()] };
    fleet.cloud.tamper(&tenant, &grow).await?;
    // An agent rereads a definition after half a minute.
    eventually("the role is found to hold more", SOON, || async {
        fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
        let refused = kit::in_state("REFUSED", "GUARDRAIL_CAPABILITY");
        let items = fleet.items("contoso").await?;
        let is_found = items.iter().any(|(key, item)| key.starts_with("azureRole/") && refused(item));
        is_found.then_some(()).with_context(|| format!("{items:#?}"))
    })
    .await?;
    fleet.apply(&kit::squad_of(&["maya", "li"])).await?;
    let refused = kit::in_state("REFUSED", "GUARDRAIL_CAPABILITY");
    kit::wait_item(&fleet, "contoso", "member/", refused).await?;
    let li = kit::account(&fleet, "contoso", "li").await?.context("an account")?;
    ensure!(li.azure_roles.is_empty(), "li is given nothing: {li:?}");
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("an account")?;
    ensure!(maya.azure_roles.len() == 2, "maya keeps what she has: {maya:?}");
    kit::ensure_clean(&fleet).await
}

pub async fn a_plane_that_is_only_verified_is_never_written(story: Story) -> Result<()> {
    let customer = contoso().with_mode(Plane::AzureRoles, PlaneMode::Verify);
    let fleet = story.start([customer]).await?;
    fleet.apply(&kit::triage(&["maya"])).await?;
    let waits = kit::in_state("WAITING", "PERSON_TASK");
    let item = kit::wait_item(&fleet, "contoso", "azureRole/", waits).await?;
    ensure!(item["script"].as_str().unwrap_or_default().contains("az role assignment create"), "{item}");
    let customer = fleet.customer("contoso")?;
    // A person runs the script: the item matches and is APPLIED, but is not ours.
    let group = kit::wait_item(&fleet, "contoso", "group/", |item| item["state"] == "APPLIED").await?;
    let principal = group["objectId"].as_str().context("the group's id")?.to_owned();
    for role in ["3e150937-b8fe-4cfb-8069-0eaf05ecd056", "51d6186e-6489-4900-b93f-92e23144cca5"] {
        let done = Tamper::AddAzureAssignment {
            scope: customer.scope(),
            role: role.into(),
            principal: principal.clone(),
            principal_type: "Group".into(),
        };
        fleet.cloud.tamper(&customer.entra_tenant(), &done).await?;
    }
    fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
    let applied = kit::wait_item(&fleet, "contoso", "azureRole/", |item| item["state"] == "APPLIED").await?;
    ensure!(applied["owned"] == false, "{applied}");
    fleet.wait_converged(SOON).await?;
    let calls = kit::calls(&fleet, customer, 0).await?;
    ensure!(!calls.iter().any(|call| call.method == "PUT"), "nothing was written on the verified plane");
    Ok(())
}

pub async fn a_guest_who_was_there_before_is_not_taken_over(story: Story) -> Result<()> {
    let mut customer = contoso();
    customer.existing_guests = vec![provider::mail("maya")];
    let fleet = story.start([customer]).await?;
    fleet.apply(&kit::triage(&["maya", "sam"])).await?;
    kit::wait_item(&fleet, "contoso", "user/", kit::in_state("NEEDS_APPROVAL", "ADOPTION_APPROVAL")).await?;
    eventually("sam has access", SOON, || kit::ensure_l1(&fleet, "contoso", "sam")).await?;
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("the guest is still there")?;
    ensure!(maya.enabled && maya.memberships.is_empty(), "{maya:?}");
    ensure!(kit::invitations(&fleet, fleet.customer("contoso")?).await? == 1, "only sam is invited");
    kit::ensure_clean(&fleet).await
}

pub async fn a_person_whom_the_customer_blocked_stays_blocked(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    let customer = fleet.customer("contoso")?;
    let user = kit::account(&fleet, "contoso", "maya").await?.context("an account")?.user;
    let block = Tamper::SetEnabled { user, enabled: false };
    fleet.cloud.tamper(&customer.entra_tenant(), &block).await?;
    fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
    let blocked = kit::in_state("BLOCKED_BY_CUSTOMER", "CUSTOMER_BLOCKED");
    kit::wait_item(&fleet, "contoso", "user/", blocked).await?;
    // Also after a change that concerns her.
    fleet.apply(&kit::squad_of(&["maya", "sam", "li"])).await?;
    eventually("li has access", SOON, || kit::ensure_l1(&fleet, "contoso", "li")).await?;
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("an account")?;
    ensure!(!maya.enabled, "the customer's block was undone");
    kit::ensure_clean(&fleet).await
}

pub async fn a_person_whom_the_customer_deleted_is_invited_again_only_with_leave(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    let customer = fleet.customer("contoso")?;
    let before = kit::invitations(&fleet, customer).await?;
    let delete = Tamper::DeleteUser { user: provider::mail("maya") };
    fleet.cloud.tamper(&customer.entra_tenant(), &delete).await?;
    fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
    let deleted = || kit::in_state("BLOCKED_BY_CUSTOMER", "CUSTOMER_DELETED");
    let item = kit::wait_item(&fleet, "contoso", "user/", deleted()).await?;
    ensure!(item["detail"].as_str().unwrap_or_default().contains("entente-agent allow-again"), "{item}");
    // Also after a change that concerns her, and only once.
    fleet.apply(&kit::squad_of(&["maya", "sam", "li"])).await?;
    eventually("li has access", SOON, || kit::ensure_l1(&fleet, "contoso", "li")).await?;
    ensure!(kit::invitations(&fleet, customer).await? == before + 1, "only li is invited");
    let unknown = fleet.agent_command("contoso", &args!["allow-again", "mayaa"]).await?;
    ensure!(unknown.code == 1, "{unknown:?}");
    fleet.agent_command("contoso", &args!["allow-again", "maya"]).await?.ok()?;
    eventually("maya has access", SOON, || kit::ensure_l1(&fleet, "contoso", "maya")).await?;
    ensure!(kit::invitations(&fleet, customer).await? == before + 2, "maya is invited once");
    let second = kit::account(&fleet, "contoso", "maya").await?.context("an account")?.user;
    fleet.cloud.tamper(&customer.entra_tenant(), &delete).await?;
    fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
    kit::wait_item(&fleet, "contoso", "user/", deleted()).await?;
    // The other way back: the customer restores the earlier guest.
    let restore = Tamper::RestoreUser { user: second };
    fleet.cloud.tamper(&customer.entra_tenant(), &restore).await?;
    fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
    eventually("maya has access", SOON, || kit::ensure_l1(&fleet, "contoso", "maya")).await?;
    ensure!(kit::invitations(&fleet, customer).await? == before + 2, "nobody is invited");
    kit::ensure_clean(&fleet).await
}

pub async fn what_somebody_removed_is_mended_and_what_they_added_is_taken_away(story: Story) -> Result<()> {
    let mut customer = contoso();
    customer.existing_guests = vec!["stranger@elsewhere.example".into()];
    let fleet = story.converged([customer], &["maya", "sam"]).await?;
    let tenant = fleet.customer("contoso")?.entra_tenant();
    let group = "ent-l1-analyst-standard".to_owned();
    let remove = Tamper::RemoveMember { group: group.clone(), member: provider::mail("maya") };
    let add = Tamper::AddMember { group: group.clone(), member: "stranger@elsewhere.example".into() };
    let name = fleet
        .cloud
        .truth(&tenant)
        .await?
        .azure_assignments
        .iter()
        .find_map(|it| it.created_by.is_some().then(|| it.name.clone()));
    let delete = Tamper::DeleteAzureAssignment { name: name.context("an assignment of ours")? };
    for tampering in [remove, add, delete] {
        fleet.cloud.tamper(&tenant, &tampering).await?;
    }
    fleet.cli(&args!["compare", "contoso"]).await?.ok()?;
    eventually("mended", SOON, || async {
        kit::ensure_l1(&fleet, "contoso", "maya").await?;
        let truth = fleet.cloud.truth(&tenant).await?;
        let ours = truth.groups.iter().find(|it| it.display_name == group).context("our group")?;
        ensure!(ours.members.len() == 2, "{ours:?}");
        Ok(())
    })
    .await?;
    fleet.wait_converged(SOON).await?;
    // Within a second, so no status ever shows it. The SOC still gets the event.
    eventually("the SOC is told", SOON, || async {
        let events = fleet.cli_json(&args!["events", "contoso", "--since", "1h", "--kind", "DRIFT_MENDED"]).await?;
        let told: Vec<&str> =
            events.as_array().context("a list")?.iter().filter_map(|it| it["text"].as_str()).collect();
        for what in
            ["maya as l1-analyst: DRIFT_MISSING", "without an item", " at rg-sentinel, for l1-analyst: DRIFT_MISSING"]
        {
            ensure!(told.iter().filter(|text| text.contains(what)).count() == 1, "{what}: {told:?}");
        }
        ensure!(told.len() == 3, "{told:?}");
        Ok(())
    })
    .await?;
    let unknown = fleet.cli(&args!["events", "nowhere"]).await?;
    ensure!(unknown.code == 1 && unknown.stderr.contains("tenants/nowhere does not exist"), "{unknown:?}");
    let verified = fleet.cli(&args!["audit", "verify"]).await?.ok()?;
    ensure!(verified.contains("the chain is whole") && verified.contains("signed roots in one log"), "{verified}");
    kit::ensure_clean(&fleet).await
}

pub async fn a_missing_permission_is_named(story: Story) -> Result<()> {
    let mut customer = contoso();
    customer.withheld = vec!["RoleManagement.ReadWrite.Defender".into()];
    let fleet = story.start([customer]).await?;
    fleet.apply(&kit::triage(&["maya"])).await?;
    let item =
        kit::wait_item(&fleet, "contoso", "defenderRole/", |item| item["reason"] == "PERMISSION_MISSING").await?;
    let detail = item["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains("RoleManagement.Read"), "it names what is missing: {item}");
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("an account")?;
    ensure!(maya.azure_roles.len() == 2, "the rest is delivered: {maya:?}");
    Ok(())
}

pub async fn a_pause_stops_writes_and_a_resume_goes_on(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya"]).await?;
    fleet.agent_command("contoso", &args!["pause"]).await?.ok()?;
    eventually("the SOC sees the pause", SOON, || async {
        let status = fleet.cli_json(&args!["status", "contoso"]).await?;
        ensure!(status["paused"] == true, "{status}");
        Ok(())
    })
    .await?;
    let before = kit::now(&fleet).await?;
    fleet.apply(&kit::squad_of(&["maya", "li"])).await?;
    kit::wait_item(&fleet, "contoso", "user/", kit::in_state("HELD", "PAUSED")).await?;
    let writes =
        kit::calls(&fleet, fleet.customer("contoso")?, before).await?.into_iter().filter(kit::is_write).count();
    ensure!(writes == 0, "{writes} writes while paused");
    fleet.agent_command("contoso", &args!["resume"]).await?.ok()?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "li").await
}

pub async fn everything_that_was_given_can_be_taken_back_without_the_control_plane(story: Story) -> Result<()> {
    let mut customer = contoso();
    customer.existing_guests = vec!["stranger@elsewhere.example".into()];
    let mut fleet = story.converged([customer], &["maya", "sam"]).await?;
    fleet.control_plane()?.kill().await?;
    fleet.agent("contoso")?.stop().await?;
    // Also what is on a plane that the customer has closed since.
    let path = fleet.customer_dir("contoso").join("guardrail.yaml");
    let closed = std::fs::read_to_string(&path)?.replace("azureRoles: manage", "azureRoles: verify");
    std::fs::write(&path, closed)?;
    let output = fleet.agent_command("contoso", &args!["revoke-all", "--yes"]).await?;
    ensure!(output.code == 0, "{output:?}");
    for person in ["maya", "sam"] {
        kit::ensure_gone(&fleet, "contoso", person).await?;
    }
    let truth = fleet.cloud.truth(&fleet.customer("contoso")?.entra_tenant()).await?;
    let stranger = truth.users.iter().find(|user| user.mail.as_deref() == Some("stranger@elsewhere.example"));
    ensure!(stranger.is_some_and(|user| user.enabled && !user.deleted), "others are left alone: {stranger:?}");
    // Running it again has the same result.
    fleet.agent_command("contoso", &args!["revoke-all", "--yes"]).await?.ok()?;
    kit::ensure_clean(&fleet).await
}

pub async fn what_a_narrower_guardrail_refuses_goes_when_somebody_says_so(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    let file = fleet.customer_dir("contoso").join("guardrail.yaml");
    let wide = std::fs::read_to_string(&file)?;
    ensure!(wide.contains("manageAlerts, "), "{wide}");
    std::fs::write(&file, wide.replace("manageAlerts, ", ""))?;
    let revoke = |more: &[&str]| [args!["revoke", "--not-allowed"], more.iter().map(Into::into).collect()].concat();
    // Asked of the running agent: it lists, and does nothing.
    let listed = fleet.agent_command("contoso", &revoke(&["--dry-run"])).await?.ok()?;
    ensure!(listed.contains("what l1-analyst may do in Defender (GUARDRAIL_CAPABILITY)"), "{listed}");
    let unasked = fleet.agent_command("contoso", &revoke(&[])).await?;
    ensure!(unasked.code == 2 && unasked.stderr.contains("--yes"), "{unasked:?}");
    kit::ensure_l1(&fleet, "contoso", "maya").await?;
    let done = fleet.agent_command("contoso", &revoke(&["--yes"])).await?.ok()?;
    ensure!(done.contains("complete: of what was confirmed"), "{done}");
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("an account")?;
    ensure!(maya.enabled && maya.defender_roles.is_empty(), "{maya:?}");
    // With an unusable file it lists nothing and removes nothing.
    std::fs::write(&file, wide.replace("planes:", "plains:"))?;
    let unusable = fleet.agent_command("contoso", &revoke(&["--yes"])).await?;
    ensure!(unusable.code == 1 && unusable.stderr.contains("the guardrail cannot be used"), "{unusable:?}");
    // The command also works without an agent: it removes the people of the whole domain.
    fleet.agent("contoso")?.stop().await?;
    std::fs::write(&file, wide.replace("mailDomains: [nordwall.example]", "mailDomains: [other.example]"))?;
    fleet.agent_command("contoso", &revoke(&["--yes"])).await?.ok()?;
    for person in ["maya", "sam"] {
        kit::ensure_gone(&fleet, "contoso", person).await?;
    }
    fleet.start_agent("contoso").await?;
    kit::wait_item(&fleet, "contoso", "user/", kit::in_state("REFUSED", "GUARDRAIL_PERSON")).await?;
    kit::ensure_gone(&fleet, "contoso", "maya").await?;
    kit::ensure_clean(&fleet).await
}

pub async fn a_broken_guardrail_still_lets_a_leaver_go(story: Story) -> Result<()> {
    let fleet = story.converged([contoso()], &["maya", "sam"]).await?;
    let path = fleet.customer_dir("contoso").join("guardrail.yaml");
    let whole = std::fs::read_to_string(&path)?;
    std::fs::write(&path, "guardrail: 1\ncolour: blue\n")?;
    fleet.apply(&kit::squad_of(&["maya", "sam", "li"])).await?;
    kit::wait_item(&fleet, "contoso", "user/", |item| item["reason"] == "GUARDRAIL_UNREADABLE").await?;
    let status = fleet.cli_json(&args!["status", "contoso"]).await?;
    ensure!(status["guardrailFault"].as_str().unwrap_or_default().contains("colour"), "{status}");
    ensure!(kit::account(&fleet, "contoso", "li").await?.is_none(), "no grant without a guardrail");
    // The agent stops granting at once. But the file limits which addresses it may look up, so nothing more is claimed.
    let left = fleet.cli(&args!["operators", "leave", "sam", "--yes", "--timeout", "20", "--output", "json"]).await?;
    ensure!(left.code == 3 && left.stdout.contains("GUARDRAIL_UNREADABLE"), "{left:?}");
    kit::ensure_gone(&fleet, "contoso", "sam").await?;
    std::fs::write(&path, whole)?;
    let left = fleet.cli_json(&args!["operators", "leave", "sam", "--yes", "--timeout", "120"]).await?;
    ensure!(left["complete"] == true, "{left}");
    kit::ensure_gone(&fleet, "contoso", "sam").await
}

pub async fn a_throttled_tenant_converges(story: Story) -> Result<()> {
    let mut customer = contoso();
    customer.settings = json!({"auto_redeem_seconds": 0, "throttle_scale": 0.01, "page_size": 2});
    let fleet = story.start([customer]).await?;
    fleet.apply(&kit::triage(&["maya", "li", "sam", "rosa"])).await?;
    fleet.wait_converged(SOON).await?;
    kit::ensure_l1(&fleet, "contoso", "rosa").await?;
    kit::ensure_clean(&fleet).await
}
