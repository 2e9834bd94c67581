//! Which tenants are asked for.

use entente_proto::fleet::v1 as wire;
use wire::TenantPhase;

use crate::args::Status;
use crate::failure::Failure;
use crate::pages::full_name;

pub(super) fn names(ask: &Status) -> Vec<String> {
    ask.tenants.iter().map(|tenant| full_name("tenants", tenant)).collect()
}

/// By their words, without regard to case.
pub(super) fn phases(ask: &Status) -> Result<Vec<i32>, Failure> {
    let phase = |text: &String| {
        let word = text.to_ascii_uppercase();
        let found = TenantPhase::from_str_name(&format!("TENANT_PHASE_{word}"));
        found
            .filter(|it| *it != TenantPhase::Unspecified)
            .map(|it| it as i32)
            .ok_or_else(|| Failure::Usage(format!("--phase {text:?} is no phase; `entente status --help` lists them")))
    };
    ask.phases.iter().map(phase).collect()
}

pub(super) fn request(ask: &Status) -> Result<wire::ListTenantStatusesRequest, Failure> {
    let label = |text: &String| {
        let pair = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
        pair.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .ok_or_else(|| Failure::Usage(format!("--label {text:?} is not KEY=VALUE, such as region=nordic")))
    };
    let labels = ask.labels.iter().map(label).collect::<Result<_, _>>()?;
    Ok(wire::ListTenantStatusesRequest {
        page_size: 1_000,
        page_token: String::new(),
        tenants: names(ask),
        labels,
        phases: phases(ask)?,
    })
}
