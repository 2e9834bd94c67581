//! `plan`: what the agent would do now. Asks the running agent, or looks itself if none runs.

use entente_model::plan::PlannedChange;

use super::screen::{self, Done, Outcome, plain};
use crate::args::Output;
use crate::config::Config;
use crate::run::Base;
use crate::socket;

pub(super) async fn show(config: &Config, output: Output) -> Outcome {
    let plan = match socket::ask(&config.state_dir).await {
        Ok(Some(answer)) => answer,
        _ => preview(config).await?,
    };
    let changes = plan?;
    screen::print(output, &changes, || match changes.as_slice() {
        [] => "nothing to do\n".to_owned(),
        changes => changes.iter().map(|change| plain(&line(change)) + "\n").collect(),
    })?;
    Ok(Done::Whole)
}

async fn preview(config: &Config) -> Result<Result<Vec<PlannedChange>, String>, Box<dyn std::error::Error>> {
    let base = Base::open(config, false).await?;
    Ok(base.steward(config).await?.preview().await)
}

fn line(change: &PlannedChange) -> String {
    let reason = change.reason.map_or_else(String::new, |reason| format!(" ({})", reason.word()));
    let verdict = format!("{}{reason}", change.verdict.word());
    format!("{:13} {verdict:34} {}   {}", change.class.word(), change.action, change.key)
}
