//! A question before a change that is hard to take back. It is asked on a terminal; elsewhere `--yes` is the answer.

use std::io::{IsTerminal as _, Write as _};

use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::output::plain;

/// Who is asked.
pub(crate) enum Asked {
    /// `--yes` was given.
    Yes,
    Terminal,
    Nobody,
}

impl Asked {
    pub(crate) fn of(yes: bool) -> Self {
        match (yes, std::io::stdin().is_terminal()) {
            (true, _) => Self::Yes,
            (false, true) => Self::Terminal,
            (false, false) => Self::Nobody,
        }
    }
}

/// Goes on only if the answer is this text.
pub(crate) async fn by_typing(asked: Asked, what: &str, wanted: &str) -> Result<(), Failure> {
    match asked {
        Asked::Yes => Ok(()),
        Asked::Nobody => {
            let text = format!("nothing was changed: {what}, and there is no terminal to ask on; say --yes to go on");
            Err(Failure::Usage(text))
        }
        Asked::Terminal => {
            let _ = write!(std::io::stderr(), "{}. Type {} to go on: ", plain(what), plain(wanted));
            let _ = std::io::stderr().flush();
            if is_meant(&line().await, wanted) { Ok(()) } else { Err(Failure::Failed("nothing was changed".into())) }
        }
    }
}

fn is_meant(answer: &str, wanted: &str) -> bool {
    !wanted.trim().is_empty() && answer.trim() == wanted.trim()
}

/// A line of standard input. On a thread of its own that nothing waits for, so that Ctrl-C ends the command.
async fn line() -> String {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // What cannot be read is no consent.
        let _ = std::io::stdin().read_line(&mut line);
        let _ = sender.send(line);
    });
    receiver.await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn users_nothing_goes_on_that_nobody_was_asked_about() {
        assert!(by_typing(Asked::Yes, "sam loses everything", "Sam Aalto").await.is_ok());
        let refused = by_typing(Asked::Nobody, "sam loses everything", "Sam Aalto").await.unwrap_err();
        assert!(matches!(&refused, Failure::Usage(text) if text.ends_with("say --yes to go on")), "{refused}");
        assert!(is_meant("Sam Aalto\n", "Sam Aalto"));
        assert!(!is_meant("\n", ""), "what has no name is not consented to by silence");
        for answer in ["", "\n", "sam", "y", "yes", "Sam Aal"] {
            assert!(!is_meant(answer, "Sam Aalto"), "{answer}");
        }
    }
}
