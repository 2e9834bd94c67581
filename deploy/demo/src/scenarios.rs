//! The scenes, in order: the intent, a late agent, a joiner, a mover, a leaver, and manual changes in tenants.
//!
//! Each scene does what a person would do, with the command line and with files. It waits until the control plane
//! reports it as verified *and* the simulated cloud confirms it, and prints what was refused and why.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use entente_model::Timestamp;
use entente_simulator::control::types::Tamper;
use entente_tests::{Fleet, args, provider};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::customers::{LATE, Part, STRANGER};
use crate::intent::{Intent, SQUADS};
use crate::screen::Screen;
use crate::truth;
use crate::view::Tenant;
use crate::watch::{self, Settled};

/// Longer than any receipt takes on any machine, in seconds.
const LEAVE_WITHIN: &str = "3600";

/// Everything that a scene needs.
#[derive(Debug)]
pub struct Stage<'a> {
    pub fleet: &'a mut Fleet,
    pub cast: &'a [Part],
    pub intent: &'a Intent,
    pub screen: &'a mut Screen,
}

/// The result of one scene.
#[derive(Debug, Clone, Serialize)]
pub struct Played {
    pub name: &'static str,
    pub ok: bool,
    /// Seconds until it was verified. 0 if it was not.
    pub seconds: f64,
}

#[derive(Debug, Clone, Copy)]
enum Scene {
    Intent,
    LateAgent,
    Joiner,
    Mover,
    Leaver,
    Tampering,
}

impl Scene {
    const ALL: [Self; 6] = [Self::Intent, Self::LateAgent, Self::Joiner, Self::Mover, Self::Leaver, Self::Tampering];

    fn name(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::LateAgent => "late agent",
            Self::Joiner => "joiner",
            Self::Mover => "mover",
            Self::Leaver => "leaver",
            Self::Tampering => "tampering",
        }
    }

    fn verified(self) -> &'static str {
        match self {
            Self::Intent => "Five tenants have converged, or report why they have not, after",
            Self::LateAgent => "The sixth has caught up by itself after",
            Self::Joiner => "Rosa works in six tenants, verified after",
            Self::Mover => "Li works as L2 in six tenants, verified after",
            Self::Leaver => "Sam is gone from six tenants, with six receipts, after",
            Self::Tampering => "Found, corrected where the agent may, and verified after",
        }
    }
}

/// Plays all scenes. After a scene that fails, the others would show nothing, so they count as failed.
pub async fn play(stage: &mut Stage<'_>) -> Vec<Played> {
    let mut played: Vec<Played> = Vec::new();
    for scene in Scene::ALL {
        let mut one = Played { name: scene.name(), ok: false, seconds: 0.0 };
        if played.iter().all(|it| it.ok) {
            match act(stage, scene).await {
                Ok(took) => {
                    (one.ok, one.seconds) = (true, took.as_secs_f64());
                    stage.screen.good(&format!("{} {:.1} s.", scene.verified(), one.seconds));
                }
                Err(error) => stage.screen.bad(&format!("{error:#}")),
            }
        }
        played.push(one);
    }
    played
}

async fn act(stage: &mut Stage<'_>, scene: Scene) -> Result<Duration> {
    match scene {
        Scene::Intent => intent(stage).await,
        Scene::LateAgent => late_agent(stage).await,
        Scene::Joiner => joiner(stage).await,
        Scene::Mover => mover(stage).await,
        Scene::Leaver => leaver(stage).await,
        Scene::Tampering => tampering(stage).await,
    }
}

async fn intent(stage: &mut Stage<'_>) -> Result<Duration> {
    stage.screen.heading("The intent");
    stage.screen.say(
        "Six files declare who works where: two squads, their roles, two assignments. First a dry run shows who is \
         affected. Then the change: one transaction, one signed state for each tenant.",
    );
    stage.screen.gap();
    let dir = stage.intent.dir.clone();
    stage.apply(&dir, "intent/ --dry-run", &args!["--dry-run"]).await?;
    let begun = Instant::now();
    stage.apply(&dir, "intent/", &[]).await?;
    stage.screen.gap();
    let settled = stage.settle(begun, &[LATE], async |fleet| {
        for (person, role) in [("li", "l1-analyst"), ("sam", "l1-analyst"), ("jonas", "l2-analyst")] {
            everywhere(fleet, stage.cast, &[LATE], person, role).await?;
        }
        Ok(())
    });
    let settled = settled.await?;
    explain(stage.screen, &settled.tenants, None);
    Ok(settled.took)
}

async fn late_agent(stage: &mut Stage<'_>) -> Result<Duration> {
    stage.screen.heading("An agent that starts late");
    stage.screen.say(
        "Northwind's agent was not running. No one has to repeat anything: the agent enrols, gets the newest state, \
         and applies it.",
    );
    stage.screen.gap();
    let begun = Instant::now();
    stage.fleet.enroll(LATE).await?;
    stage.fleet.start_agent(LATE).await?;
    let settled =
        stage.settle(begun, &[], async |fleet| everywhere(fleet, stage.cast, &[], "li", "l1-analyst").await).await?;
    Ok(settled.took)
}

async fn joiner(stage: &mut Stage<'_>) -> Result<Duration> {
    stage.screen.heading("A joiner: Rosa");
    stage.screen.say("One more line in a file; no one signs in to any tenant.");
    stage.screen.gap();
    let line = member("rosa");
    stage.intent.insert(SQUADS, "name: squads/triage", &member("sam"), &line)?;
    stage.screen.change(&format!("+{line}"));
    let begun = Instant::now();
    stage.apply_squads().await?;
    let settled =
        stage.settle(begun, &[], async |fleet| everywhere(fleet, stage.cast, &[], "rosa", "l1-analyst").await).await?;
    explain(stage.screen, &settled.tenants, Some(&["/l1-analyst/", "operators/rosa/"]));
    Ok(settled.took)
}

async fn mover(stage: &mut Stage<'_>) -> Result<Duration> {
    stage.screen.heading("A mover: Li, from triage to investigation");
    stage.screen.say(
        "Two lines, one transaction: Li gains and loses access at the same time. The account stays the same, and \
         there is no second invitation.",
    );
    stage.screen.gap();
    let line = member("li");
    stage.intent.remove(SQUADS, "name: squads/triage", &line)?;
    stage.intent.insert(SQUADS, "name: squads/investigation", &member("jonas"), &line)?;
    stage.screen.change(&format!("-{line}    in squads/triage"));
    stage.screen.change(&format!("+{line}    in squads/investigation"));
    let before = truth::figures(stage.fleet, "li").await?.invitations;
    let begun = Instant::now();
    stage.apply_squads().await?;
    let settled =
        stage.settle(begun, &[], async |fleet| everywhere(fleet, stage.cast, &[], "li", "l2-analyst").await).await?;
    let after = truth::figures(stage.fleet, "li").await?.invitations;
    ensure!(before == after, "{} invitations were sent for a mover", after - before);
    explain(stage.screen, &settled.tenants, Some(&["/l2-analyst/", "operators/li/"]));
    Ok(settled.took)
}

async fn leaver(stage: &mut Stage<'_>) -> Result<Duration> {
    stage.screen.heading("A leaver: Sam");
    stage.screen.say(
        "One command. A tenant has confirmed when the agent has read everything about Sam as empty twice, further \
         apart than Microsoft's replication lag. Until then the receipt is listed as open.",
    );
    stage.screen.gap();
    stage.screen.command("entente operators leave sam");
    stage.screen.gap();
    let begun = Instant::now();
    let command = args!["operators", "leave", "sam", "--yes", "--timeout", LEAVE_WITHIN];
    let (fleet, cast) = (&*stage.fleet, stage.cast);
    let asked = async {
        let answer = fleet.cli_json(&command).await?;
        anyhow::Ok((answer, begun.elapsed()))
    };
    let gone = async || {
        for part in cast {
            let held = truth::held(fleet, &part.customer, "sam").await?;
            ensure!(held.residual() == 0, "sam at {}: {held:?}", part.customer.name);
        }
        Ok(())
    };
    let (answer, settled) = tokio::join!(asked, watch::until_settled(fleet, stage.screen, &[], begun, gone));
    let ((answer, took), settled) = (answer?, settled?);
    stage.screen.gap();
    receipts(stage.screen, &answer, cast.len())?;
    explain(stage.screen, &settled.tenants, Some(&["operators/sam/"]));
    Ok(claimed(took, settled.took))
}

/// The later of two clocks: no row of the table may show more than the sentence below it.
fn claimed(answered: Duration, settled: Duration) -> Duration {
    answered.max(settled)
}

/// Prints each tenant's receipt. It must have two empty reads.
fn receipts(screen: &mut Screen, answer: &Value, tenants: usize) -> Result<()> {
    ensure!(answer["complete"] == true, "not complete: {answer}");
    let all = answer["removals"].as_array().context("a list")?;
    let named: BTreeSet<_> = all.iter().filter_map(|it| it["tenant"].as_str()).collect();
    ensure!(named.len() == tenants, "receipts of {} tenants, not of {tenants}", named.len());
    for receipt in all {
        let at = |field: &str| -> Result<Timestamp> {
            let text = receipt["proof"][field].as_str().with_context(|| format!("{field} in {receipt}"))?;
            Ok(text.parse()?)
        };
        let (first, second) = (at("firstEmptyReadTime")?, at("secondEmptyReadTime")?);
        let unread: Vec<&str> =
            receipt["proof"]["unread"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let unread = if unread.is_empty() { String::new() } else { format!("; not read: {}", unread.join(", ")) };
        let tenant = receipt["tenant"].as_str().unwrap_or_default().trim_start_matches("tenants/");
        screen.note(tenant, &format!("empty twice, {:.1} s apart{unread}", second.since(first).as_secs_f64()));
    }
    Ok(())
}

async fn tampering(stage: &mut Stage<'_>) -> Result<Duration> {
    stage.screen.heading("Changes by hand");
    stage.screen.say("In two tenants an administrator makes changes by hand:");
    stage.screen.gap();
    let (contoso, wingtip) = (stage.part("contoso")?, stage.part("wingtip")?);
    let since = truth::log_end(stage.fleet, &wingtip.customer).await?;
    let begun = Instant::now();
    for (about, tampering) in behind_contosos_back(stage.fleet, contoso).await? {
        stage.fleet.cloud.tamper(&contoso.customer.entra_tenant(), &tampering).await?;
        stage.screen.note("contoso", about);
    }
    let jonas = stage.fleet.cloud.rights(&wingtip.customer.entra_tenant(), &provider::mail("jonas")).await?;
    let user = jonas.users.first().context("jonas has an account at wingtip")?.user.clone();
    let block = Tamper::SetEnabled { user, enabled: false };
    stage.fleet.cloud.tamper(&wingtip.customer.entra_tenant(), &block).await?;
    stage.screen.note("wingtip", "Jonas's account is blocked");
    stage.screen.gap();
    stage.screen.say(
        "The agents would see this at their next comparison; the demo asks for one now. They correct what they made. \
         They never undo a customer's block.",
    );
    stage.screen.gap();
    for name in ["contoso", "wingtip"] {
        stage.screen.command(&format!("entente compare {name}"));
        stage.fleet.cli(&args!["compare", name]).await?.ok()?;
    }
    stage.screen.gap();
    let settled = stage.settle(begun, &[], async |fleet| {
        ensure_mended(fleet, contoso).await?;
        ensure_blocked(fleet, wingtip).await
    });
    let settled = settled.await?;
    let writes = truth::writes_since(stage.fleet, &wingtip.customer, since).await?;
    ensure!(writes.is_empty(), "a customer's block is never answered with a write: {writes:?}");
    explain(stage.screen, &settled.tenants, Some(&["operators/jonas/"]));
    Ok(settled.took)
}

/// What an administrator of contoso changes in access that the agent gave.
async fn behind_contosos_back(fleet: &Fleet, contoso: &Part) -> Result<Vec<(&'static str, Tamper)>> {
    let truth = fleet.cloud.truth(&contoso.customer.entra_tenant()).await?;
    let group = truth.groups.iter().find(|it| it.display_name == L1_GROUP).context("contoso has the group of L1")?;
    let right = truth.azure_assignments.iter().find(|it| it.principal == group.id).context("L1 has an Azure role")?;
    let member = provider::mail("maya");
    Ok(vec![
        ("Maya is taken out of our group", Tamper::RemoveMember { group: group.id.clone(), member }),
        ("a stranger is put into it", Tamper::AddMember { group: group.id.clone(), member: STRANGER.into() }),
        ("an Azure role of the group is deleted", Tamper::DeleteAzureAssignment { name: right.name.clone() }),
    ])
}

const L1_GROUP: &str = "ent-l1-analyst-standard";

async fn ensure_mended(fleet: &Fleet, contoso: &Part) -> Result<()> {
    truth::ensure_works_as(fleet, contoso, "maya", "l1-analyst").await?;
    let members = truth::members(fleet, &contoso.customer, L1_GROUP).await?;
    ensure!(members == 2, "{members} members where Maya and Rosa should be");
    Ok(())
}

async fn ensure_blocked(fleet: &Fleet, wingtip: &Part) -> Result<()> {
    let said = fleet.items(&wingtip.customer.name).await?;
    let is_said = said.values().any(|it| it["operator"] == "operators/jonas" && it["state"] == "BLOCKED_BY_CUSTOMER");
    ensure!(is_said, "no report shows that wingtip has blocked jonas");
    let held = truth::held(fleet, &wingtip.customer, "jonas").await?;
    ensure!(held.enabled == 0, "a customer's block was undone: {held:?}");
    Ok(())
}

fn member(person: &str) -> String {
    format!("  - {{operator: operators/{person}}}")
}

/// Checks that the person works as `role` at every customer except those in `away`.
async fn everywhere(fleet: &Fleet, cast: &[Part], away: &[&str], person: &str, role: &str) -> Result<()> {
    for part in cast.iter().filter(|part| !away.contains(&part.customer.name.as_str())) {
        truth::ensure_works_as(fleet, part, person, role).await?;
    }
    Ok(())
}

/// Prints what was refused or waits and why, as the control plane reports it: everything, or what concerns some.
pub fn explain(screen: &mut Screen, tenants: &[Tenant], concerning: Option<&[&str]>) {
    let mut notes = Vec::new();
    for tenant in tenants {
        let all = tenant.explanations().into_iter();
        let all = all.filter(|it| concerning.is_none_or(|words| it.concerns(words)));
        notes.extend(all.map(|it| (tenant.status.name(), format!("{} {}", it.state, it.sentence()))));
        let followers = tenant.followers();
        if concerning.is_none() && !followers.is_empty() {
            notes.push((tenant.status.name(), format!("WAITING {}: waits for the item above.", followers.join(", "))));
        }
    }
    if !notes.is_empty() {
        screen.gap();
    }
    notes.iter().for_each(|(tenant, text)| screen.note(tenant, text));
}

impl<'a> Stage<'a> {
    fn part(&self, name: &str) -> Result<&'a Part> {
        self.cast.iter().find(|part| part.customer.name == name).with_context(|| format!("there is no customer {name}"))
    }

    async fn settle(
        &mut self,
        begun: Instant,
        away: &[&str],
        holds: impl AsyncFn(&Fleet) -> Result<()>,
    ) -> Result<Settled> {
        watch::until_settled(self.fleet, self.screen, away, begun, async || holds(self.fleet).await).await
    }

    async fn apply_squads(&mut self) -> Result<()> {
        let file = self.intent.file(SQUADS);
        self.apply(&file, &format!("intent/{SQUADS}"), &[]).await?;
        self.screen.gap();
        Ok(())
    }

    /// Applies files, and prints what they affect.
    pub async fn apply(&mut self, path: &PathBuf, shown: &str, more: &[OsString]) -> Result<()> {
        self.screen.command(&format!("entente apply -f {shown}"));
        let mut command = args!["apply", "--yes", "-f", path];
        command.extend_from_slice(more);
        let answer = self.fleet.cli(&command).await?.ok()?;
        let touches = answer.lines().find(|line| line.starts_with("touches "));
        self.screen.say(touches.with_context(|| format!("an apply says what it touches: {answer}"))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_d21_no_row_takes_longer_than_the_sentence_claims() {
        let (answered, row) = (Duration::from_millis(17_000), Duration::from_millis(19_600));
        assert_eq!(claimed(answered, row), row);
        assert_eq!(claimed(row, answered), row);
    }
}
