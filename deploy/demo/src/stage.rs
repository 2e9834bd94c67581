//! The run from start to end: starts the fleet, plays the scenes, gives the verdict, cleans up.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use entente_tests::{Fleet, FleetSpec, args};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Args;
use crate::customers::{self, LATE, Part};
use crate::intent::{self, CUSTOMERS, Intent};
use crate::lag::Lag;
use crate::patience::Patience;
use crate::report::Report;
use crate::scenarios::{self, Stage};
use crate::screen::Screen;
use crate::truth::{self, Figures};
use crate::{keep, prove, watch};

/// The exit code that shells use for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

pub async fn run(args: &Args) -> Result<ExitCode> {
    let mut screen = Screen::new();
    if args.picture.is_some() {
        screen.draw();
    }
    let folder = tempfile::Builder::new().prefix("entente-demo-").tempdir().context("cannot make a folder")?;
    let stop = stopped()?;
    tokio::pin!(stop);
    let opened = tokio::select! {
        biased;
        () = &mut stop => return Ok(ExitCode::from(INTERRUPTED)),
        opened = open(&mut screen, args, folder.path()) => opened,
    };
    let mut fleet = match opened {
        Ok(fleet) => fleet,
        Err(error) => {
            keep_logs(&mut screen, folder);
            return Err(error);
        }
    };
    let verdict = tokio::select! {
        // Check this first: the same Ctrl-C ends the fleet's processes, which is not a failure of the scene.
        biased;
        () = &mut stop => {
            screen.gap();
            // How they end no longer matters.
            let _ = fleet.stop().await;
            return Ok(ExitCode::from(INTERRUPTED));
        }
        verdict = perform(&mut screen, args, &mut fleet) => verdict,
    };
    let is_good = verdict.unwrap_or_else(|error| {
        screen.bad(&format!("{error:#}"));
        false
    });
    if args.keep {
        keep::print(&mut screen, &fleet)?;
        stop.await;
        screen.gap();
        let _ = fleet.stop().await;
        keep::left(&mut screen, &folder.keep());
        return Ok(code(is_good));
    }
    if let (Some(path), Some(picture)) = (&args.picture, screen.picture()) {
        std::fs::write(path, picture.svg()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let stopped = fleet.stop().await;
    if !is_good || stopped.is_err() {
        keep_logs(&mut screen, folder);
    }
    stopped.map(|()| code(is_good))
}

fn code(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Completes when this program should end: Ctrl-C, `kill`, a closed terminal.
fn stopped() -> Result<impl Future<Output = ()>> {
    let listen = |kind| signal(kind).context("cannot listen to signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Keeps the logs, because a person has to look at what went wrong.
fn keep_logs(screen: &mut Screen, folder: TempDir) {
    let kept = folder.keep();
    screen.gap();
    screen.say("Everything is kept for a look at what went wrong: state, guardrails, and a log for each process, in");
    screen.code(&kept.join("logs").display().to_string());
}

/// Starts the cloud and the control plane.
async fn open(screen: &mut Screen, args: &Args, folder: &Path) -> Result<Fleet> {
    if args.prove {
        return prove::open(screen, args.tenants, Lag::below(args.lag), folder).await;
    }
    screen.heading("Entente: one intent, six customers");
    screen.say(
        "Nordwall runs a SOC for other companies. Its people need access in each customer's tenant, and must lose it \
         everywhere when they leave; and each customer decides what may happen in its own. What follows is real: a \
         control plane, six agents, TLS between them, Graph and ARM over HTTPS. Only the cloud is simulated.",
    );
    screen.gap();
    screen.say(&customers::LAG.sentence());
    let mut spec = FleetSpec::of(customers::cast().into_iter().map(|part| part.customer).collect());
    spec.dir = Some(folder.to_owned());
    spec.lag_seconds = customers::LAG.agents;
    spec.introduce = false;
    Fleet::start_without_agents(spec).await
}

/// Plays it, and returns whether everything is as it should be.
async fn perform(screen: &mut Screen, args: &Args, fleet: &mut Fleet) -> Result<bool> {
    if args.prove {
        return prove::perform(screen, fleet, Lag::below(args.lag), args.report.as_deref()).await;
    }
    let cast = customers::cast();
    let intent = Intent::write(&fleet.dir.join(intent::FOLDER))?;
    a_working_day(&mut Stage { fleet, cast: &cast, intent: &intent, screen }, args).await
}

/// Enrols the agents, plays the scenes, and gives the verdict.
async fn a_working_day(stage: &mut Stage<'_>, args: &Args) -> Result<bool> {
    enrol(stage).await?;
    let scenes = scenarios::play(stage).await;
    stage.screen.heading("Result");
    let patience = scenes.iter().all(|it| it.ok).then(Patience::new);
    let tenants = watch::last_look(stage.fleet, stage.screen, patience).await?;
    scenarios::explain(stage.screen, &tenants, None);
    let figures = truth::figures(stage.fleet, "sam").await?;
    print_figures(stage.screen, &figures);
    let report = Report::new(&tenants, &scenes, &figures);
    if let Some(path) = &args.report {
        report.write(path)?;
    }
    let faults = report.faults();
    match faults.as_slice() {
        [] => stage.screen.good("Every tenant has converged, or reports why it has not. Nothing else happened."),
        faults => stage.screen.bad(&format!("Not as it should be: {}.", faults.join("; "))),
    }
    Ok(faults.is_empty())
}

async fn enrol(stage: &mut Stage<'_>) -> Result<()> {
    stage.screen.heading("The customers");
    let files = CUSTOMERS.map(|name| stage.intent.file(name));
    let mut command = args!["apply", "--yes", "-f"];
    command.extend(files.map(Into::into));
    stage.fleet.cli(&command).await?.ok()?;
    for Part { customer, about, .. } in stage.cast {
        stage.screen.note(&customer.name, about);
    }
    stage.screen.gap();
    stage.screen.say(
        "Each agent enrols with a token of its own, once, and from then on connects outward only. Its guardrail, a \
         file of the customer's, limits what it may do.",
    );
    for Part { customer, .. } in stage.cast.iter().filter(|part| part.customer.name != LATE) {
        stage.fleet.enroll(&customer.name).await?;
        stage.fleet.start_agent(&customer.name).await?;
    }
    Ok(())
}

/// From the simulator's own records.
fn print_figures(screen: &mut Screen, figures: &Figures) {
    screen.gap();
    screen.say("Counted by the simulated cloud itself, not by Entente:");
    screen.gap();
    let count = |number: u64| number.to_string();
    for (number, what) in [
        (count(figures.calls), "calls to Graph and ARM"),
        (count(figures.throttled), "of them answered with \"slow down\", and repeated later"),
        (count(figures.invitations), "invitations"),
        (count(figures.duplicate_invitations), "of them for a person who already had one"),
        (count(figures.writes_to_unowned), "writes to objects that the agents had not made"),
        (figures.leaver_residual_rights.to_string(), "rights left to the leaver"),
    ] {
        screen.figure(&number, what);
    }
    for one in &figures.unowned {
        screen.say(one);
    }
}
