//! How a command fails, and what it says then: the cause chain once, fields and remedies in their own lines.

use std::io::Write as _;
use std::process::ExitCode;

use tonic_types::StatusExt;

use crate::output::{plain, shown};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
    /// Several lines, each naming a field.
    #[error("{} fault(s) found; nothing was changed", .0.len())]
    Faults(Vec<String>),
    /// What the server found at fault, each where it stands in a file.
    #[error("{0}")]
    Refused(String, Vec<String>),
    /// Begun, and not complete when the command ended.
    #[error("{0}")]
    Incomplete(String),
    /// A dry run would change something: said already, and an exit code for programs.
    #[error("")]
    WouldChange,
    #[error("interrupted; what was asked for goes on at the server")]
    Interrupted,
    #[error("{}", call_text(.0))]
    Call(Box<tonic::Status>),
    /// Asked for, and the answer did not come: it may have been done. With where that is seen.
    #[error("{}; it is not known whether this was done: look with {look}", call_text(.status))]
    Unknown { status: Box<tonic::Status>, look: String },
    #[error("cannot write the output")]
    Output(#[from] std::io::Error),
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        Self::Call(Box::new(status))
    }
}

fn call_text(status: &tonic::Status) -> String {
    // In one line, whatever the other end puts there.
    let text = plain(headline(status));
    let cause = std::error::Error::source(status);
    match status.code() {
        // A status of the server's own has no cause here.
        tonic::Code::Unavailable | tonic::Code::Unknown | tonic::Code::Cancelled if cause.is_some() => {
            format!("the control plane does not answer: {}", cause.map(entente_model::text::chain).unwrap_or_default())
        }
        // tonic's word for an answer over HTTP that is none of gRPC's.
        _ if text.contains("grpc-status header missing") => {
            "what answers there is not the API of a control plane: look at the context's server, HOST:PORT".into()
        }
        code if text.is_empty() => format!("the control plane refused: {code:?}"),
        _ => text,
    }
}

/// Whether a call may have been carried out though no answer says so: it was sent, and the connection broke or the time was
/// over; or the server itself does not know.
fn may_be_done(status: &tonic::Status) -> bool {
    use tonic::Code::{Cancelled, DataLoss, DeadlineExceeded, Internal, OutOfRange, Unavailable, Unknown};
    match status.get_error_details().error_info() {
        Some(info) => ["UNCONFIRMED", "INTERNAL"].contains(&info.reason.as_str()),
        None => {
            // An answer that cannot be read is out of range, or internal.
            let is_none = matches!(
                status.code(),
                Unknown | Unavailable | Cancelled | DeadlineExceeded | Internal | OutOfRange | DataLoss
            );
            is_none && !was_never_sent(status)
        }
    }
}

/// There was no connection, so the server has not received the request.
fn was_never_sent(status: &tonic::Status) -> bool {
    let first = std::error::Error::source(status);
    std::iter::successors(first, |error| error.source()).any(|error| error.is::<tonic::ConnectError>())
}

impl Failure {
    /// Of a call that changes something: an answer that is lost is no refusal. `look` says where it is seen.
    pub(crate) fn of_change(look: impl Into<String>) -> impl FnOnce(tonic::Status) -> Self {
        let look = look.into();
        move |status| match may_be_done(&status) {
            true => Self::Unknown { status: Box::new(status), look },
            false => status.into(),
        }
    }

    /// What the call ended with.
    pub(crate) fn status(&self) -> Option<&tonic::Status> {
        match self {
            Self::Call(status) | Self::Unknown { status, .. } => Some(status),
            _ => None,
        }
    }

    /// With the file and the line of each field that the server names, where `place` knows them.
    pub(crate) fn located(self, place: impl Fn(&str) -> Option<String>) -> Self {
        let Self::Call(status) = &self else { return self };
        let faults = pairs(status);
        let Some((field, text)) = faults.first() else { return self };
        let first = line(field, text);
        let message = status.message();
        let headline = message.find(&first).map_or(message, |at| message[..at].trim_end_matches([';', ' ']));
        let located = |(field, text): &(String, String)| {
            let place = place(field).map(|place| format!("{place}: ")).unwrap_or_default();
            place + &line(field, text)
        };
        Self::Refused(plain(headline), faults.iter().map(located).collect())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Incomplete(_) => 3,
            Self::WouldChange => 4,
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// Says it on standard error. A reader that went away (`| head`) is no failure.
    pub(crate) fn report(self) -> ExitCode {
        if matches!(&self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        if !matches!(self, Self::WouldChange) {
            let _ = std::io::stderr().write_all(self.text().as_bytes());
        }
        ExitCode::from(self.exit_code())
    }

    fn text(&self) -> String {
        let details: String = self.details().iter().map(|line| format!("  {}\n", plain(line))).collect();
        shown(&format!("entente: {self}\n{details}"))
    }

    /// One line for each field at fault.
    fn details(&self) -> Vec<String> {
        match self {
            Self::Faults(lines) => first(lines),
            Self::Refused(_, lines) => lines.clone(),
            Self::Call(status) | Self::Unknown { status, .. } => status_details(status),
            Self::Output(error) => vec![error.to_string()],
            _ => Vec::new(),
        }
    }
}

/// The message without the faults that have lines of their own: it holds the first of them only.
fn headline(status: &tonic::Status) -> &str {
    let message = status.message();
    match faults(status).as_slice() {
        [first, _, ..] => message.find(first.as_str()).map_or(message, |at| message[..at].trim_end_matches([';', ' '])),
        _ => message,
    }
}

fn status_details(status: &tonic::Status) -> Vec<String> {
    let all = faults(status);
    // The message tells a single fault already.
    let is_told = all.len() == 1 && status.message().contains(all[0].as_str());
    if is_told { Vec::new() } else { all }
}

/// The last of many names no field: it counts those that did not fit.
fn line(field: &str, text: &str) -> String {
    if field.is_empty() { text.to_owned() } else { format!("{field}: {text}") }
}

fn faults(status: &tonic::Status) -> Vec<String> {
    pairs(status).iter().map(|(field, text)| line(field, text)).collect()
}

/// Fields, and what is wrong with them.
fn pairs(status: &tonic::Status) -> Vec<(String, String)> {
    let details = status.get_error_details();
    let fields = details.bad_request().into_iter().flat_map(|it| &it.field_violations);
    let contradictions = details.precondition_failure().into_iter().flat_map(|it| &it.violations);
    fields
        .map(|fault| (fault.field.clone(), fault.description.clone()))
        .chain(contradictions.map(|fault| (fault.subject.clone(), fault.description.clone())))
        .collect()
}

/// Most faults that one command shows: more than a person mends in one go.
const MAX_FAULTS: usize = 100;

fn first(faults: &[String]) -> Vec<String> {
    let more = faults.len().saturating_sub(MAX_FAULTS);
    let mut shown: Vec<String> = faults.iter().take(MAX_FAULTS).cloned().collect();
    if more > 0 {
        shown.push(format!("and {more} more; the first {MAX_FAULTS} are shown"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn what_the_other_end_says_is_shown_and_not_obeyed() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("name", "\u{1b}[2J\nall is well");
        let status = Status::with_error_details(Code::FailedPrecondition, "no plan: \u{9b}2J\nall is well", details);
        let text = Failure::from(status).text();
        assert_eq!(text, "entente: no plan: \u{fffd}2J\u{fffd}all is well\n  name: \u{fffd}[2J\u{fffd}all is well\n");
        let local = Failure::Failed("cannot read \u{1b}[2J: line 1\n  ^".into());
        assert_eq!(local.text(), "entente: cannot read \u{fffd}[2J: line 1\n  ^\n");
    }

    #[test]
    fn only_what_may_have_been_done_is_said_to_be_not_known() {
        let failed = |status| Failure::of_change("`entente tokens list`")(status).to_string();
        let said = |reason: &str, code| {
            Status::with_error_details(code, "so", ErrorDetails::with_error_info(reason, "entente", []))
        };
        let lost = [
            Status::from_error(Box::new(tonic::TimeoutExpired(()))),
            Status::from_error("broken pipe".into()),
            Status::new(Code::DeadlineExceeded, "Timeout expired"),
            Status::new(Code::OutOfRange, "decoded message length too large"),
            said("UNCONFIRMED", Code::Unavailable),
            said("INTERNAL", Code::Internal),
        ];
        for status in lost {
            let text = failed(status);
            assert!(
                text.ends_with("; it is not known whether this was done: look with `entente tokens list`"),
                "{text}"
            );
        }
        let known = [
            Status::from_error(Box::new(tonic::ConnectError("nobody".into()))),
            said("STOPPING", Code::Unavailable),
            said("NOT_FOUND", Code::NotFound),
            Status::permission_denied("no"),
        ];
        for status in known {
            let text = failed(status);
            assert!(!text.contains("not known"), "{text}");
        }
    }

    #[test]
    fn users_a_refusal_of_the_server_has_a_line_for_each_fault_with_its_place() {
        let mut details = ErrorDetails::new();
        details.add_precondition_failure_violation("NOT_FOUND", "squads/a: owner", "operators/mya does not exist");
        let message = "the request contradicts other resources; squads/a: owner: operators/mya does not exist";
        let status = Status::with_error_details(Code::FailedPrecondition, message, details);
        let place = |field: &str| (field == "squads/a: owner").then(|| "40.yaml: line 3".to_owned());
        assert_eq!(
            Failure::from(status.clone()).located(place).text(),
            "entente: the request contradicts other resources\n  40.yaml: line 3: squads/a: owner: operators/mya does not exist\n"
        );
        let elsewhere = Failure::from(status).located(|_| None).text();
        assert!(elsewhere.ends_with("\n  squads/a: owner: operators/mya does not exist\n"), "{elsewhere}");
    }

    #[test]
    fn users_of_many_faults_a_hundred_are_shown_and_the_others_counted() {
        let faults = (0..123).map(|at| format!("line {at}: wrong")).collect();
        let text = Failure::Faults(faults).text();
        assert!(text.starts_with("entente: 123 fault(s) found") && text.lines().count() == 102, "{text}");
        assert!(text.ends_with("and 23 more; the first 100 are shown\n"), "{text}");
    }

    #[test]
    fn users_d24_each_of_several_faults_has_a_line_and_none_is_only_counted() {
        let faults: Vec<_> = (1..=7).map(|n| format!("squads/s{n}: owner: operators/no{n} does not exist")).collect();
        let mut details = ErrorDetails::new();
        for fault in &faults {
            let (subject, text) = fault.split_once(": ").unwrap();
            details.add_precondition_failure_violation("NOT_FOUND", subject, text);
        }
        details.add_precondition_failure_violation("MORE", "", "and 3 more; mend these first");
        let message = format!("the request contradicts other resources; {}; and 5 more", faults[..5].join("; "));
        let status = Status::with_error_details(Code::FailedPrecondition, message, details);
        let lines: String = faults.iter().map(|fault| format!("  {fault}\n")).collect();
        assert_eq!(
            Failure::from(status).text(),
            format!("entente: the request contradicts other resources\n{lines}  and 3 more; mend these first\n")
        );

        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("squads/a: owner", "is missing");
        let message = "the request is not well formed; squads/a: owner: is missing";
        let one = Status::with_error_details(Code::InvalidArgument, message, details);
        assert_eq!(Failure::from(one).text(), format!("entente: {message}\n"));
    }
}
