//! `allow-again`: the customer's leave to invite a person once more, whose guest an administrator deleted. A switch that
//! the agent takes note of, now or when it runs again.

use super::screen::{Done, Outcome};
use crate::config::Config;
use crate::status_file::{DeletedPerson, StatusFile};
use crate::switches::Switches;

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
    let known = if known.is_empty() { "nobody".into() } else { known.join(", ") };
    format!(
        "nothing was done: {user:?} is nobody who is wanted here and whose guest was deleted in this tenant; those are: \
         {known}. A deletion is certain after two looks (`entente-agent status`)"
    )
}

#[cfg(test)]
mod tests {
    use entente_model::Timestamp;

    use super::*;

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
        assert!(unknown("li", &[]).contains("nobody. "));
    }
}
