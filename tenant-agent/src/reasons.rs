//! What a call's failure means to a plan: one place that turns what Microsoft answered into a reason and a sentence.

use entente_cloud::{Failure, Refusal, head_and_tail};
use entente_model::report::Reason;
use entente_planner::observed::Part;
use entente_planner::record::Outcome;

/// Longest detail kept of an answer: all that the services document, with the code, our call and the request's id. Of a
/// longer one the head and the tail, for what to do about it is said last.
const MAX_DETAIL_CHARS: usize = 1_500;

/// What is read, for people. Which permission is missing in a token is said by the planner, from the file and the token;
/// Azure's rights are in none.
pub const READ_USERS: &str = "users";
pub const READ_GROUPS: &str = "groups and who is in them";
pub const READ_AZURE: &str =
    "role assignments: it needs Reader or Role Based Access Control Administrator at the scope";
pub const READ_DEFENDER: &str = "Defender roles";
pub const READ_ENTRA: &str = "directory roles";

/// Why a part was not read.
pub fn unread<T>(failure: &Failure, what: &str) -> Part<T> {
    let (reason, detail) = match failure {
        Failure::Refused(refusal) if !failure.is_of_credential() && is_denied(refusal) => {
            (Reason::PermissionMissing, format!("Microsoft does not let the agent read {what}: {}", said(failure)))
        }
        _ => explain(failure, what),
    };
    Part::unread(reason, detail)
}

/// How a write ended that did not succeed; `needs` is the right without which it is refused.
pub fn outcome(failure: &Failure, needs: &str) -> Outcome {
    let (reason, detail) = explain(failure, needs);
    if failure.may_have_applied() {
        return Outcome::Unknown { detail };
    }
    Outcome::Failed { reason, detail, retry_after: failure.retry_after() }
}

/// Ours on top; what Microsoft said is always kept beneath.
fn explain(failure: &Failure, needs: &str) -> (Reason, String) {
    let text = said(failure);
    match failure {
        _ if failure.is_of_credential() => (Reason::CredentialRefused, credential(failure)),
        Failure::Refused(refusal) if is_denied(refusal) => {
            (Reason::PermissionMissing, format!("the agent's identity lacks {needs}, or the change needs more: {text}"))
        }
        Failure::Refused(_) | Failure::NotFound(_) | Failure::Unreadable { .. } => (Reason::CloudRefused, text),
        Failure::Throttled { .. } => (Reason::Throttled, text),
        Failure::DefenderNotActivated(_) => {
            let own = "a person activates unified RBAC in the Defender portal";
            (Reason::UnifiedRbacInactive, format!("{own}: {text}"))
        }
        Failure::Unknown { .. } => (Reason::UnknownOutcome, text),
        // Unavailable, not sent, no token for now.
        _ => (Reason::CloudUnavailable, text),
    }
}

/// What is wrong with the credential, Microsoft's number first if it gave one.
pub fn credential(failure: &Failure) -> String {
    let text = said(failure);
    let number = failure.refusal().and_then(number).map(|number| format!("{number}: ")).unwrap_or_default();
    let own = match failure {
        Failure::Refused(_) => "Microsoft does not take the tokens that it gives the agent",
        _ => "the agent gets no token from Microsoft with its credential",
    };
    format!("{number}{own}; a person sees to it in Entra ID: {text}")
}

/// `AADSTS7000222` (Entra: error codes).
fn number(refusal: &Refusal) -> Option<&str> {
    let text = &refusal.message[refusal.message.find("AADSTS")?..];
    let digits = text["AADSTS".len()..].find(|c: char| !c.is_ascii_digit());
    Some(&text[..digits.map_or(text.len(), |end| end + "AADSTS".len())])
}

/// The whole chain, as Microsoft said it.
pub fn said(failure: &Failure) -> String {
    head_and_tail(&crate::guardrail_file::chain(failure), MAX_DETAIL_CHARS)
}

/// Graph and ARM both answer 403 (Graph: error responses; ARM: AuthorizationFailed).
fn is_denied(refusal: &Refusal) -> bool {
    refusal.status == 403
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> Failure {
        let (code, message) = (code.to_owned(), message.to_owned());
        let codes = vec![code.clone()];
        Failure::Refused(Box::new(Refusal { call: "PUT it", status, code, codes, message, request_id: None }))
    }

    #[test]
    fn what_microsoft_says_is_kept_from_its_first_word_to_its_last() {
        let scope = "/subscriptions/1/resourceGroups/rg".repeat(12);
        let message =
            format!("The scope '{scope}' cannot perform write: it is locked. Please remove the lock and try again.");
        for status in [400, 401, 403, 409] {
            let (_, detail) = explain(&refused(status, "ScopeLocked", &message), "a right");
            assert!(detail.contains("ScopeLocked: The scope") && detail.ends_with("try again."), "{detail}");
        }
        let (_, detail) = explain(&refused(409, "ScopeLocked", &message.repeat(9)), "a right");
        assert!(detail.contains("The scope") && detail.ends_with("remove the lock and try again."), "{detail}");
    }

    #[test]
    fn a_401_is_of_the_credential_unless_the_scope_is_in_another_directory() {
        let reason = |code| explain(&refused(401, code, "no"), "a right").0;
        assert_eq!(reason("InvalidAuthenticationToken"), Reason::CredentialRefused);
        assert_eq!(reason("InvalidAuthenticationTokenTenant"), Reason::CloudRefused);
    }

    #[test]
    fn microsofts_number_comes_first() {
        let text = |message| credential(&refused(401, "invalid_client", message));
        assert!(text("AADSTS7000222: The secret").starts_with("AADSTS7000222: Microsoft"));
        assert!(text("see AADSTS53003").starts_with("AADSTS53003: "));
        assert!(text("no number").starts_with("Microsoft"));
    }
}
