//! `resume`: ends a pause at once, and what `revoke-all` began only after a question, as access comes back.

use super::screen::{self, Done, Outcome};
use crate::config::Config;
use crate::receipt::{About, Receipt};
use crate::status_file::{AgentStatus, StatusFile};
use crate::switches::Switches;

pub(super) fn resume(config: &Config, yes: bool) -> Outcome {
    let switches = Switches::of(&config.state_dir);
    if switches.positions().revoke_all && !yes {
        // What cannot be read is no reason to stay stopped: less is said then.
        let receipt = Receipt::read(&config.state_dir, About::All).ok().flatten();
        let status = StatusFile::read(&config.state_dir).ok().flatten();
        println!("{}", question(receipt.as_ref(), status.as_ref()));
        if !screen::agreed("Give access again?")? {
            return Ok(Done::NotAgreed);
        }
    }
    switches.resume()?;
    Receipt::clear(&config.state_dir, About::All)?;
    println!("resumed: the agent keeps the tenant as the desired state says");
    Ok(Done::Whole)
}

/// What comes back, as far as it is known here.
fn question(receipt: Option<&Receipt>, status: Option<&AgentStatus>) -> String {
    let ended = match receipt {
        Some(receipt) if receipt.is_complete() => "revoke-all is complete.",
        _ => "revoke-all is not complete, and ends here.",
    };
    let wanted = status.map(|status| &status.wanted).filter(|wanted| !wanted.is_empty());
    let what = match wanted {
        Some(wanted) => {
            let counts = wanted.iter().map(|(plane, count)| format!("{count} {plane}"));
            format!("the service provider still wants {}", counts.collect::<Vec<_>>().join(", "))
        }
        None => "whatever the service provider still wants".into(),
    };
    format!("{ended} With resume, access comes back as far as the guardrail allows: {what}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_what_comes_back() {
        let wanted = [("azureRoles".to_owned(), 1), ("users".to_owned(), 2)].into();
        let status = AgentStatus { wanted, ..AgentStatus::default() };
        let text = question(None, Some(&status));
        assert!(text.contains("not complete, and ends here"), "{text}");
        assert!(text.contains("still wants 1 azureRoles, 2 users"), "{text}");
        let complete = Receipt { second_empty_read: Some(Default::default()), ..Receipt::default() };
        let text = question(Some(&complete), None);
        assert!(text.contains("is complete") && text.contains("whatever the service provider"), "{text}");
    }
}
