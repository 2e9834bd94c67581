//! Who has access where.

use entente_proto::fleet::v1 as wire;
use serde_json::Value;

use crate::args::{Format, Who};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, instant, or_dash, table};
use crate::pages::{every_page, full_name};

pub(crate) async fn who(client: Client, ask: Who, format: Format) -> Result<(), Failure> {
    let all = access(client, ask.tenant.as_deref(), ask.operator.as_deref()).await?;
    output::print(format, &Value::Array(all.iter().map(output::document).collect()), || access_table(&all))
}

pub(crate) async fn access(
    mut client: Client,
    tenant: Option<&str>,
    operator: Option<&str>,
) -> Result<Vec<wire::Access>, Failure> {
    let request = wire::ListAccessRequest {
        page_size: 1_000,
        page_token: String::new(),
        tenant: tenant.map(|name| full_name("tenants", name)).unwrap_or_default(),
        operator: operator.map(|name| full_name("operators", name)).unwrap_or_default(),
    };
    Ok(every_page!(client.fleet, list_access, request, access))
}

pub(crate) fn access_table(all: &[wire::Access]) -> String {
    let row = |it: &wire::Access| {
        let why = if it.redeem_url.is_empty() { it.reason.clone() } else { format!("{} {}", it.reason, it.redeem_url) };
        [
            it.tenant.trim_start_matches("tenants/").to_owned(),
            it.operator.trim_start_matches("operators/").to_owned(),
            it.role.trim_start_matches("socRoles/").to_owned(),
            it.state.clone(),
            instant(&it.end_time),
            instant(&it.verify_time),
            or_dash(&why),
        ]
    };
    let header = ["TENANT", "OPERATOR", "ROLE", "STATE", "UNTIL", "VERIFIED", "REASON"];
    table(header, &all.iter().map(row).collect::<Vec<_>>())
}

pub(crate) async fn describe_operator(client: Client, operator: &str) -> Result<(), Failure> {
    let all = access(client, None, Some(operator)).await?;
    output::say(&format!("\n{}", access_table(&all)))
}
