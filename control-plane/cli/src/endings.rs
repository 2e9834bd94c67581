//! What ends soon, or has ended.

use entente_proto::fleet::v1 as wire;
use serde_json::Value;
use tonic_types::StatusExt;

use crate::args::Format;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, List, instant};
use crate::pages::every_page;

pub(crate) async fn endings(mut client: Client, format: Format) -> Result<(), Failure> {
    let ends = known(of(&mut client).await)?.ok_or_else(|| Failure::Failed(UNKNOWN.into()))?;
    list(&ends).print(format, &Value::Array(ends.iter().map(output::document).collect()), ("", ""))
}

/// What is said where the control plane has no `ListEndings`.
pub(crate) const UNKNOWN: &str = "what ends is not known: the control plane is older than this command and does not tell it; update it, \
                       and look meanwhile with `entente-control-plane check-config`";

/// Nothing if the server has no such method. What it knows and does not carry out has words of its own.
pub(crate) fn known(answer: Result<Vec<wire::Ending>, Failure>) -> Result<Option<Vec<wire::Ending>>, Failure> {
    let has_none = |status: &tonic::Status| {
        status.code() == tonic::Code::Unimplemented && status.get_error_details().error_info().is_none()
    };
    match answer {
        Err(Failure::Call(status)) if has_none(&status) => Ok(None),
        answer => answer.map(Some),
    }
}

pub(crate) async fn of(client: &mut Client) -> Result<Vec<wire::Ending>, Failure> {
    let request = wire::ListEndingsRequest { page_size: 1_000, ..Default::default() };
    Ok(every_page!(client.fleet, list_endings, request, endings))
}

pub(crate) fn warning(it: &wire::Ending) -> String {
    let word = if it.ended { "ended" } else { "ends" };
    format!("{} of {} {word} {}: {}", it.kind, it.name, instant(&it.expire_time), it.remedy)
}

pub(crate) fn shown(ends: &[wire::Ending]) -> String {
    list(ends).shown(false)
}

fn list(ends: &[wire::Ending]) -> List {
    let now = output::now();
    let row = |it: &wire::Ending| {
        let at = instant(&it.expire_time);
        let at = if it.ended { format!("{at} (ended)") } else { at };
        [it.name.clone(), it.kind.clone(), output::until(&it.expire_time, now), at, it.remedy.clone()]
    };
    List::of(["NAME", "WHAT", "IN", "ENDS", "WHAT TO DO"], ends.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_is_not_known_of_a_server_that_has_no_such_method_and_of_no_other() {
        let older = tonic::Status::unimplemented("unknown method ListEndings");
        assert_eq!(known(Err(older.into())).unwrap(), None);
        let mut details = tonic_types::ErrorDetails::new();
        details.set_error_info("UNIMPLEMENTED", "entente", std::collections::HashMap::new());
        let ours = tonic::Status::with_error_details(tonic::Code::Unimplemented, "not carried out", details);
        known(Err(ours.into())).unwrap_err();
        known(Err(tonic::Status::unavailable("gone").into())).unwrap_err();
        assert_eq!(known(Ok(Vec::new())).unwrap(), Some(Vec::new()));
    }
}
