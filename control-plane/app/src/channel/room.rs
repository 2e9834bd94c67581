//! How much is kept of what one tenant's agent says. An agent is the customer's, and what it says shares the memory and the
//! disk of all tenants: beyond a bound its texts are left out, and never a state, a reason, or what a removal needs.

use entente_model::report::bounds::bounded;
use entente_model::report::{Finding, ItemReport, KnownAccount, Standing};

/// Most bytes of texts that are kept of one tenant's items, in memory and as rows. The largest tenant foreseen has some
/// thousand sentences, links and scripts of a few KiB: this is all of them, several times.
pub(crate) const MAX_KEPT_BYTES: usize = 16 << 20;

/// Most bytes of texts in a tenant's standing: it is one row, and a store takes 1 MiB as one. The rest of that is for as many
/// findings and permissions as are taken, each with what stays of it.
const MAX_STANDING_BYTES: usize = 256 << 10;

/// What stays of a finding's sentence for which there is no room.
const SHORT_FINDING_BYTES: usize = 64;

/// What stays of a sentence for which there is no room: enough to see what it was about.
const SHORT_BYTES: usize = 120;

/// Longest id that stays where there is no room: those of Graph have 36 bytes.
const SHORT_ID_BYTES: usize = 64;

/// What an account takes beside its name.
const ACCOUNT_BYTES: usize = 120;

/// Room for more, as reports change; less than nothing in a store of an older version.
pub(crate) struct Room(i64);

impl Room {
    pub(crate) fn of(kept_bytes: usize) -> Self {
        Self(signed(MAX_KEPT_BYTES) - signed(kept_bytes))
    }

    /// The item goes, or another takes its place.
    pub(crate) fn free(&mut self, item: &ItemReport) {
        self.0 += signed(weight(item));
    }

    /// The item as it is kept. Of a leaver, what proves that they are gone stays whole, whatever room there is: there are
    /// only so many of them, and each is bounded.
    pub(crate) fn take(&mut self, item: &ItemReport, leaves: bool) -> ItemReport {
        let mut kept = item.clone();
        if self.0 < signed(weight(item)) {
            shorten(&mut kept, leaves);
        }
        self.0 -= signed(weight(&kept));
        kept
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Bytes of an item's texts as they are kept. Its key and the rest are bounded by their number.
pub(crate) fn weight(item: &ItemReport) -> usize {
    let texts = [&item.object_id, &item.redeem_url, &item.script].into_iter().flatten();
    let proof = item.proof.iter().map(|proof| {
        let signed = proof.signed.iter().map(|it| it.certificate.len() + it.signature.len());
        accounts(&proof.accounts) + proof.unseen.iter().map(|it| length(it)).sum::<usize>() + signed.sum::<usize>()
    });
    length(&item.detail) + texts.map(|it| length(it)).sum::<usize>() + accounts(&item.accounts) + proof.sum::<usize>()
}

fn accounts(accounts: &[KnownAccount]) -> usize {
    accounts.iter().map(|it| ACCOUNT_BYTES + length(&it.name)).sum()
}

/// In a row, where some characters take more than one.
fn length(text: &str) -> usize {
    let of = |byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(of).sum()
}

/// The beginning, without what takes more than a byte in a row.
fn short(text: &str, most: usize) -> String {
    let plain = text.chars().filter(|it| !it.is_control() && !['"', '\\'].contains(it));
    bounded(plain.collect(), most)
}

fn shorten(item: &mut ItemReport, leaves: bool) {
    let left_out = item.script.take().is_some() | item.redeem_url.take().is_some();
    item.object_id.take_if(|id| id.len() > SHORT_ID_BYTES);
    if !leaves {
        item.accounts.clear();
        item.proof = None;
    }
    if left_out || item.detail.len() > SHORT_BYTES {
        let detail = short(&item.detail, SHORT_BYTES);
        let more = if left_out { ", the link and the script" } else { "" };
        let note = format!(
            "(the rest of this text{more} are not kept: this tenant's agent has reported more than {} MiB)",
            MAX_KEPT_BYTES >> 20
        );
        item.detail = format!("{detail} {note}").trim_start().to_owned();
    }
}

/// A standing that fits into its row: what is found is there, each with as much of its sentence as there is room for.
pub(crate) fn fitting(mut standing: Standing) -> Standing {
    let mut left = MAX_STANDING_BYTES;
    let mut fits = |text: &mut String| {
        if length(text) > left {
            *text = short(text, SHORT_FINDING_BYTES);
        }
        left = left.saturating_sub(length(text));
    };
    standing.guardrail_fault.iter_mut().for_each(&mut fits);
    standing.microsoft.iter_mut().map(|it| &mut it.detail).for_each(&mut fits);
    standing.findings.iter_mut().map(|Finding { detail, .. }| detail).for_each(&mut fits);
    standing.permissions.iter_mut().for_each(&mut fits);
    standing
}
