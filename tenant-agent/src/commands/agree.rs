//! A question to the person at the terminal, before what cannot be taken back by the same command.

use std::io::{self, BufRead, IsTerminal, Write};

/// Asks, and takes nothing but `yes` for a yes. Where no person sits there, nothing is agreed to.
pub(super) fn agreed(question: &str) -> io::Result<bool> {
    let agreed = io::stdin().is_terminal() && asked(question)?;
    if !agreed {
        eprintln!("entente-agent: nothing was done: say yes, or pass --yes");
    }
    Ok(agreed)
}

fn asked(question: &str) -> io::Result<bool> {
    print!("{question} Type yes: ");
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}
