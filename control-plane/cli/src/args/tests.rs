//! The command line is consistent, and asks for what its words say.

use clap::CommandFactory;

#[test]
fn the_command_line_is_consistent() {
    super::Args::command().debug_assert();
}

#[test]
fn what_is_no_list_is_refused_as_names_or_cells_before_anything_is_done() {
    let is_list = |words: &[&str]| {
        let words = ["entente"].iter().chain(words);
        <super::Args as clap::Parser>::try_parse_from(words).unwrap().command.is_list()
    };
    assert!(!is_list(&["operators", "leave", "sam"]) && !is_list(&["delete", "squads/a"]));
    assert!(!is_list(&["apply", "-f", "x"]) && !is_list(&["get", "tenants/contoso"]));
    assert!(is_list(&["removals"]) && is_list(&["context", "list"]) && !is_list(&["context", "use", "dev"]));
    assert!(is_list(&["get", "tenants"]) && is_list(&["agents", "list"]) && is_list(&["status"]));
}

#[test]
fn a_resource_is_named_in_one_word_or_in_two() {
    let what = |words: &[&str]| {
        let words = ["entente", "get"].iter().chain(words);
        match <super::Args as clap::Parser>::try_parse_from(words).map_err(|error| error.to_string())?.command {
            super::Command::Get(ask) => Ok(ask.what.join("/")),
            other => Err(format!("{other:?}")),
        }
    };
    assert_eq!(what(&["squads", "triage"]), Ok("squads/triage".to_owned()));
    assert_eq!(what(&["squads/triage"]), Ok("squads/triage".to_owned()));
    assert!(what(&["squads", "triage", "more"]).is_err() && what(&[]).is_err());
}

#[test]
fn users_d23_who_without_options_asks_for_everybody() {
    let args = <super::Args as clap::Parser>::try_parse_from(["entente", "who"]).unwrap();
    assert!(matches!(args.command, super::Command::Who(super::Who { tenant: None, operator: None, .. })));
}
