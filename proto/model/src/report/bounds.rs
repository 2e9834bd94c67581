//! How much an agent may say at once. Both sides keep to it: the control plane ends the stream of whoever says more, and
//! an agent that says it again on the next stream would never be heard.

use crate::desired::MAX_KNOWN;

/// Longest sentence or address in bytes: some thirty groups by name.
pub const MAX_TEXT_BYTES: usize = 4 * 1024;

/// Longest list of what a proof leaves out, in bytes: a receipt keeps it, and receipts share commits.
pub const MAX_UNSEEN_BYTES: usize = 32 * 1024;

/// Most accounts of one person: as many as are kept, and as many again that were found.
pub const MAX_ACCOUNTS: usize = 2 * MAX_KNOWN;

/// Most planes of a standing: there are some ten, and a later version may have more.
pub const MAX_PLANES: usize = 64;

/// Most findings and permissions of a standing.
pub const MAX_STANDING_ENTRIES: usize = 2_000;

/// Most mended drift of one report, and that an agent keeps until it is told: more than that in one absence is one story.
pub const MAX_MENDED: usize = 100;

/// A sentence that is taken; of a longer one the beginning, and how much there was.
pub fn bounded(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    // Room for the number.
    let end = (0..=most.saturating_sub(48)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{} .. and {} more bytes", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_between_characters_and_says_so() {
        let long = "ß".repeat(MAX_TEXT_BYTES);
        let cut = bounded(long, MAX_TEXT_BYTES);
        assert!(cut.len() <= MAX_TEXT_BYTES && cut.ends_with(" .. and 4144 more bytes"), "{}", &cut[4_000..]);
        assert_eq!(bounded("short".into(), 5), "short");
    }
}
