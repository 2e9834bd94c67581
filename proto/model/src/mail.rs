//! Checks mail addresses for invitations by Entra ID.

/// Longest address (RFC 5321, 4.5.3.1.3, less the angle brackets).
const MAX_BYTES: usize = 254;

/// Longest part before `@` (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

/// Characters that an invitation refuses (Graph: invitation, invitedUserEmailAddress), and some that no address has.
/// They include `+`, for plus-addressing, and not the apostrophe.
const REFUSED: &str = "~!#$%^&*()+=[]{}\\/|;:\"<>?,` @";

/// Why Entra ID refuses an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    #[error("write name@domain")]
    Shape,
    #[error("the part before @ has {0} characters; at most {MAX_LOCAL_BYTES} are taken")]
    LongName(usize),
    #[error("it has {0} characters; at most {MAX_BYTES} are taken")]
    Long(usize),
    #[error("invitations do not allow the character {0:?}")]
    Sign(char),
    #[error("the part before @ begins or ends with a period or hyphen, or has two periods side by side")]
    Periods,
    #[error("{0:?} is not a domain")]
    Domain(String),
}

/// Checks that a person can be invited at this address.
pub fn check(mail: &str) -> Result<(), MailError> {
    let (local, domain) = mail.rsplit_once('@').ok_or(MailError::Shape)?;
    let refused = |c: &char| !c.is_ascii() || c.is_control() || REFUSED.contains(*c);
    if let Some(sign) = local.chars().find(refused) {
        return Err(MailError::Sign(sign));
    }
    if local.is_empty() || domain.is_empty() {
        return Err(MailError::Shape);
    }
    if local.len() > MAX_LOCAL_BYTES {
        return Err(MailError::LongName(local.len()));
    }
    if mail.len() > MAX_BYTES {
        return Err(MailError::Long(mail.len()));
    }
    if local.starts_with(['.', '-']) || local.ends_with(['.', '-']) || local.contains("..") {
        return Err(MailError::Periods);
    }
    if is_domain(domain) { Ok(()) } else { Err(MailError::Domain(domain.into())) }
}

/// At least two labels of letters, digits and hyphens (RFC 1035, 2.3.1 and 2.3.4).
fn is_domain(domain: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_kind_15_an_address_is_one_that_an_invitation_takes() {
        for local in ["maya", "m.o'brien", "maya_", "_m-b", "a", &"x".repeat(64)] {
            assert_eq!(check(&format!("{local}@nordwall.example")), Ok(()), "{local}");
        }
        let wrong = |mail: &str| check(mail).unwrap_err();
        for local in [".maya", "maya.", "-maya", "maya..berg"] {
            assert_eq!(wrong(&format!("{local}@nordwall.example")), MailError::Periods, "{local}");
        }
        for sign in ['+', ' ', '@', '\u{a0}', 'ü', '\n', '\u{202e}', '"'] {
            assert_eq!(wrong(&format!("ma{sign}ya@nordwall.example")), MailError::Sign(sign));
        }
        assert_eq!(wrong(&format!("{}@nordwall.example", "x".repeat(65))), MailError::LongName(65));
        for domain in
            ["nordwall..example", "nordwall", "-a.example", "nordwall.example.", "nordwäll.example", "a b.example"]
        {
            assert_eq!(wrong(&format!("maya@{domain}")), MailError::Domain(domain.into()));
        }
        let domain = ["x".repeat(63), "y".repeat(63), "z".repeat(63), "example".into()].join(".");
        assert_eq!(wrong(&format!("{}@{domain}", "x".repeat(64))), MailError::Long(264));
        assert_eq!((wrong("maya"), wrong("@nordwall.example")), (MailError::Shape, MailError::Shape));
    }
}
