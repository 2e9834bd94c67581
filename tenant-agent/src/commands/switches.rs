//! `pause`, `resume` and `allow-again`: the customer turns a switch, which holds whether or not the agent runs.

use super::screen::{self, Done, Outcome};
use crate::config::Config;
use crate::receipt::{About, Receipt};
use crate::status_file::{AgentStatus, DeletedPerson, StatusFile};
use crate::switches::Switches;

/// Stops all changes but end dates.
pub(super) fn pause(config: &Config) -> Outcome {
    crate::files::make_private_dir(&config.state_dir)?;
    Switches::of(&config.state_dir).pause()?;
    println!(
        "paused: nothing is given or taken away, leavers neither, until `entente-agent resume`; end dates take effect"
    );
    Ok(Done::Whole)
}

/// Ends a pause at once, and `revoke-all` after a question, as access comes back.
pub(super) fn resume(config: &Config, yes: bool) -> Outcome {
    let switches = Switches::of(&config.state_dir);
    if switches.positions().revoke_all && !yes {
        // An unreadable file does not keep the agent stopped; the question then says less.
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

/// The question, with what comes back as far as it is known.
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

/// Lets a person be invited once more whose guest an administrator deleted.
pub(super) fn allow_again(config: &Config, user: &str) -> Outcome {
    let Some(status) = StatusFile::read(&config.state_dir)? else {
        return Err("nothing was done: the agent has not looked at the tenant yet (`entente-agent run`)".into());
    };
    let meant: Vec<&DeletedPerson> = status.deleted.iter().filter(|person| person.is_called(user)).collect();
    if meant.is_empty() {
        return Err(unknown(user, &status.deleted).into());
    }
    for person in meant {
        let name = name(person);
        if person.allowed.is_some() {
            println!("allowed already: {name} may be invited again, for one time");
            continue;
        }
        Switches::of(&config.state_dir).allow_again(person.person)?;
        println!("allowed: {name} may be invited again, for one time");
    }
    Ok(Done::Whole)
}

fn name(person: &DeletedPerson) -> String {
    format!("{} <{}>", person.operator, person.mail)
}

fn unknown(user: &str, deleted: &[DeletedPerson]) -> String {
    let known: Vec<String> = deleted.iter().map(name).collect();
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    format!(
        "nothing was done: {user:?} names no person who is wanted here and whose guest was deleted in this tenant; they are: \
         {known}. A deletion is certain after two looks (`entente-agent status`)"
    )
}

#[cfg(test)]
mod tests {
    use entente_model::Timestamp;

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

    #[test]
    fn a_person_is_called_by_the_operators_name_or_an_address_and_nobody_else_is() {
        let maya = DeletedPerson {
            person: "0b0de000-0000-4000-8000-000000000003".parse().unwrap(),
            operator: "maya".into(),
            mail: "maya@nordwall.example".into(),
            upn: "maya.berg@nordwall.example".into(),
            deleted: Timestamp::from_unix(1_000),
            allowed: None,
        };
        for called in ["maya", "operators/maya", "Maya@Nordwall.example", "maya.berg@nordwall.example"] {
            assert!(maya.is_called(called), "{called}");
        }
        for other in ["", "may", "mayaa", "operators/", "@nordwall.example", "MAYA"] {
            assert!(!maya.is_called(other), "{other}");
        }
        let text = unknown("mayaa", &[maya]);
        assert!(text.contains("\"mayaa\"") && text.contains("maya <maya@nordwall.example>"), "{text}");
        assert!(unknown("li", &[]).contains("none. "));
    }
}
