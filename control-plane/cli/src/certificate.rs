//! When our own certificate ends: said where a call fails for it. A server that refuses it has no words for that, only a
//! handshake that fails.

use entente_model::Timestamp;

use crate::context::Context;
use crate::failure::Failure;

/// A failure to reach the server, with the reason that is on this side. The server's clock decides, not ours: what works is
/// not refused.
pub(crate) fn explained(failure: Failure, context: &Context, now: Timestamp) -> Failure {
    let Some(status) = failure.status() else { return failure };
    let is_unheard = std::error::Error::source(status).is_some() || status.code() == tonic::Code::Unauthenticated;
    let ended = std::fs::read(&context.certificate).ok().and_then(|pem| end(&pem)).filter(|end| *end <= now);
    let Some(end) = ended.filter(|_| is_unheard) else { return failure };
    let certificate = context.certificate.display();
    Failure::Failed(format!("your certificate ended on {end}: ask an admin for a new one ({certificate}; {failure})"))
}

/// Of the first certificate of a file.
fn end(pem: &[u8]) -> Option<Timestamp> {
    let pem = entente_model::text::unmarked(pem).ok()?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem).ok()?;
    let certificate = pem.parse_x509().ok()?;
    Some(Timestamp::from_unix(certificate.validity().not_after.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_kind_17_a_certificate_that_ended_is_named_where_nobody_answers_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.not_after = rcgen::date_time_ymd(2026, 11, 20);
        let pair = rcgen::KeyPair::generate().unwrap();
        let certificate = folder.path().join("it.pem");
        std::fs::write(&certificate, params.self_signed(&pair).unwrap().pem()).unwrap();
        let none = std::path::PathBuf::new();
        let context = Context { server: "x:1".into(), ca: none.clone(), certificate, key: none };
        let unheard = || Failure::from(tonic::Status::from_error("broken pipe".into()));
        let (before, after) = ("2026-11-19T00:00:00Z".parse().unwrap(), "2026-11-20T00:00:00Z".parse().unwrap());
        let text = explained(unheard(), &context, after).to_string();
        assert!(
            text.starts_with("your certificate ended on 2026-11-20T00:00:00Z: ask an admin for a new one"),
            "{text}"
        );
        assert!(text.contains("broken pipe"), "{text}");
        assert!(!explained(unheard(), &context, before).to_string().contains("ended"));
        let said = || Failure::from(tonic::Status::not_found("operators/x does not exist"));
        assert_eq!(explained(said(), &context, after).to_string(), "operators/x does not exist");
    }
}
