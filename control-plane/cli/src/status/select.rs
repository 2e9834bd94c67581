//! Which tenants are asked for.

use entente_model::nearest::nearest;
use entente_proto::fleet::v1 as wire;
use wire::TenantPhase;

use crate::args::Status;
use crate::failure::Failure;
use crate::pages::{full_name, label_pairs};

pub(super) fn names(tenants: &[String]) -> Vec<String> {
    tenants.iter().map(|tenant| full_name("tenants", tenant)).collect()
}

/// By their words, without regard to case; `option` says where they were written.
pub(crate) fn phases(option: &str, words: &[String]) -> Result<Vec<i32>, Failure> {
    let phase = |text: &String| {
        let word = text.to_ascii_uppercase();
        let found = TenantPhase::from_str_name(&format!("TENANT_PHASE_{word}"));
        found.filter(|it| *it != TenantPhase::Unspecified).map(|it| it as i32).ok_or_else(|| {
            Failure::Usage(format!("{option} {text:?} is no phase{}; `entente status --help` lists them", near(&word)))
        })
    };
    words.iter().map(phase).collect()
}

/// The phase that may have been meant.
fn near(word: &str) -> String {
    // Every number from 1 on is one, to the last.
    let phases = (1..).map_while(|number| TenantPhase::try_from(number).ok());
    let words = phases.map(|it| it.as_str_name().trim_start_matches("TENANT_PHASE_").to_owned());
    nearest(word, words).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

pub(super) fn request(ask: &Status) -> Result<wire::ListTenantStatusesRequest, Failure> {
    Ok(wire::ListTenantStatusesRequest {
        page_size: 1_000,
        page_token: String::new(),
        tenants: names(&ask.tenants),
        labels: label_pairs(&ask.labels)?.into_iter().collect(),
        phases: phases("--phase", &ask.phases)?,
    })
}
