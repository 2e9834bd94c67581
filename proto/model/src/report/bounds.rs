//! How much an agent may send at once. Both sides use these bounds: the control plane ends a stream that exceeds them,
//! and an agent that sent the same again would never get through.

use crate::desired::MAX_KNOWN;

/// Longest sentence or address in bytes: some thirty groups by name.
pub const MAX_TEXT_BYTES: usize = 4 * 1024;

/// Longest list of what a proof leaves out, in bytes. A receipt stores it, and receipts share commits.
pub const MAX_UNSEEN_BYTES: usize = 32 * 1024;

/// Most accounts of one person: as many as are stored, and as many again that were found.
pub const MAX_ACCOUNTS: usize = 2 * MAX_KNOWN;

/// Most planes of a standing. There are about ten, and a later version may have more.
pub const MAX_PLANES: usize = 64;

/// Most findings and permissions of a standing.
pub const MAX_STANDING_ENTRIES: usize = 2_000;

/// Most mended drift in one report, and the most that an agent keeps until it is acknowledged. More tells people no
/// more.
pub const MAX_MENDED: usize = 100;

/// The text, cut to `most` bytes. A cut text ends with how much is missing.
pub fn bounded(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    // Keep room for the number.
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
