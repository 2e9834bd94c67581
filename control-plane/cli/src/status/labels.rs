//! Labels that no tenant has: an empty table would be read as a region in which there is nothing to do.

use std::collections::BTreeSet;

use entente_model::nearest::nearest;
use entente_proto::access::v1 as wire;

use crate::args::Status;
use crate::client::Client;
use crate::failure::Failure;
use crate::pages::every_page;

/// Whether an empty answer may be the labels' fault: also where a phase, or names beside them, may be why.
pub(super) fn may_be_wrong(ask: &Status, found: usize) -> bool {
    found == 0 && !ask.labels.is_empty()
}

/// Where nothing was found: an error if that is for the labels, with the one that may have been meant.
pub(super) async fn judge(client: &mut Client, labels: &[String]) -> Result<(), Failure> {
    let request = wire::ListTenantsRequest { page_size: 1_000, page_token: String::new() };
    let all: Vec<wire::Tenant> = every_page!(client.access, list_tenants, request, tenants);
    let of = |it: wire::Tenant| it.labels.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    fault(labels, &all.into_iter().map(of).collect::<Vec<_>>()).map_or(Ok(()), |text| Err(Failure::Failed(text)))
}

/// Why no tenant has all of these labels; none if one has.
fn fault(labels: &[String], tenants: &[BTreeSet<String>]) -> Option<String> {
    let has_all = |tenant: &BTreeSet<String>| labels.iter().all(|label| tenant.contains(label));
    (!tenants.iter().any(has_all)).then(|| text(labels, &tenants.iter().flatten().cloned().collect()))
}

fn text(labels: &[String], known: &BTreeSet<String>) -> String {
    let unknown: Vec<&String> = labels.iter().filter(|it| !known.contains(*it)).collect();
    let [first, ..] = unknown.as_slice() else {
        return format!("no tenant has all of these labels: {}", labels.join(", "));
    };
    let near = nearest(first, known.iter().cloned()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    format!("no tenant has the label {first}{near}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_label_is_looked_for_also_beside_a_phase_and_names() {
        use clap::Parser;
        let may_be = |line: &str| {
            let command = crate::args::Args::parse_from(line.split(' ')).command;
            let crate::args::Command::Status(ask) = command else { panic!("{line}") };
            may_be_wrong(&ask, 0) && !may_be_wrong(&ask, 1)
        };
        assert!(may_be("entente status -l region=nordc --phase PAUSED"));
        assert!(may_be("entente status contoso -l region=nordc"));
        assert!(!may_be("entente status --phase PAUSED"), "nothing is paused");
    }

    #[test]
    fn labels_that_a_tenant_has_are_no_fault_whatever_else_is_asked_for() {
        let of = |labels: &[&str]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
        let tenants = [of(&["region=nordic", "ring=1"]), of(&["region=alpine"])].map(|it| it.into_iter().collect());
        assert_eq!(fault(&of(&["region=nordic", "ring=1"]), &tenants), None);
        assert!(fault(&of(&["region=nordc"]), &tenants).unwrap().ends_with("did you mean region=nordic?"));
        assert!(fault(&of(&["region=alpine", "ring=1"]), &tenants).unwrap().starts_with("no tenant has all"));
    }

    #[test]
    fn users_a_label_that_no_tenant_has_is_told_with_the_nearest() {
        let known = ["region=nordic", "region=alpine", "ring=1"].map(String::from).into();
        let text = |labels: &[&str]| text(&labels.iter().map(ToString::to_string).collect::<Vec<_>>(), &known);
        assert_eq!(
            text(&["ring=1", "region=nordc"]),
            "no tenant has the label region=nordc; did you mean region=nordic?"
        );
        assert_eq!(text(&["zone=x"]), "no tenant has the label zone=x");
        assert_eq!(text(&["ring=1", "region=alpine"]), "no tenant has all of these labels: ring=1, region=alpine");
    }
}
