//! Labels that no tenant has: an empty table would be read as a region in which there is nothing to do.

use std::collections::BTreeSet;

use entente_model::nearest::nearest;
use entente_proto::access::v1 as wire;

use crate::client::Client;
use crate::failure::Failure;
use crate::pages::every_page;

/// Why nothing was found, with the label that may have been meant.
pub(super) async fn unknown(client: &mut Client, labels: &[String]) -> Failure {
    match known(client).await {
        Ok(known) => Failure::Failed(text(labels, &known)),
        Err(failure) => failure,
    }
}

async fn known(client: &mut Client) -> Result<BTreeSet<String>, Failure> {
    let request = wire::ListTenantsRequest { page_size: 1_000, page_token: String::new() };
    let all: Vec<wire::Tenant> = every_page!(client.access, list_tenants, request, tenants);
    Ok(all.into_iter().flat_map(|it| it.labels).map(|(key, value)| format!("{key}={value}")).collect())
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
