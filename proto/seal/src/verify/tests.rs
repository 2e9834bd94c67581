//! Everything that can be wrong with a seal, and the error for it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;
use crate::samples::{self, CONTOSO, FABRIKAM, at};
use crate::{Delta, Log, Tree, encode_header, encode_lease};

const NOON: &str = "2026-12-24T12:00:00Z";

fn delegation(serial: u64, not_before: &str, not_after: &str) -> Statement {
    let key = samples::online_key().public();
    Statement::Delegation { key, not_before: at(not_before), not_after: at(not_after), serial }
}

fn december() -> Statement {
    delegation(7, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")
}

fn epoch(epoch: u64) -> Statement {
    Statement::Epoch { epoch, reason: "first installation".into() }
}

fn verifier(statements: &[Statement]) -> Verifier {
    let root = samples::root_key();
    let mut verifier = Verifier::new(root.public());
    for statement in statements {
        assert_eq!(verifier.accept(&root.state(statement)).unwrap(), *statement);
    }
    verifier
}

fn trusting() -> Verifier {
    verifier(&[december(), epoch(1)])
}

/// Seals leaves under one root. Returns the seal of the first.
fn seal_under(root: Root, leaves: Vec<Vec<u8>>) -> Seal {
    let tree = Tree::of(&leaves);
    let root = Root { tree: tree.root(), size: tree.size(), ..root };
    let note = root.sign(&samples::online_key(), &mut Log::default());
    Seal { note, leaf: leaves.into_iter().next().unwrap().into(), path: tree.path(0) }
}

fn root(kind: RootKind, version: Version) -> Root {
    let (signer, zero) = (samples::online_key().id(), Digest::default());
    Root { kind, version, compiler: 1, signer, previous: zero, tree: zero, size: 0, audit_head: zero }
}

fn state_seal(header: &Header) -> Seal {
    let leaves = vec![encode_header(header), encode_header(&samples::header(FABRIKAM))];
    seal_under(root(RootKind::States, header.version), leaves)
}

fn lease_seal(lease: &Lease) -> Seal {
    let leaves = vec![encode_lease(lease), encode_lease(&samples::lease(FABRIKAM))];
    seal_under(root(RootKind::Leases, lease.version), leaves)
}

/// The root's bytes.
fn stated(seal: &Seal) -> Vec<u8> {
    Checkpoint::read(&seal.note).unwrap().root
}

/// The seal with another text in its note, signed by this online key.
fn with_text(seal: &Seal, key: &crate::OnlineKey, change: impl FnOnce(&str) -> String) -> Seal {
    let note = std::str::from_utf8(&seal.note).unwrap();
    let text = change(&format!("{}\n", note.split_once("\n\n").unwrap().0));
    let origin = text.split('\n').next().unwrap();
    Seal { note: crate::note::tests::sign_as(origin, &text, key).into(), ..seal.clone() }
}

fn contoso() -> (Header, Seal) {
    let header = samples::header(CONTOSO);
    (header, state_seal(&header))
}

fn held(header: &Header) -> Held {
    Held { version: header.version, digest: header.digest }
}

/// The verdict on Contoso's items under this seal.
fn judge(verifier: &Verifier, seal: &Seal, held: Option<Held>, now: &str) -> Result<Verified, SealError> {
    verifier.verify_state(seal, CONTOSO, &samples::buckets(), held, at(now))
}

macro_rules! refused {
    ($result:expr, $pattern:pat) => {
        let result = $result;
        assert!(matches!(&result, Err($pattern)), "{result:?}");
    };
}

#[test]
fn a_state_as_it_was_signed_is_taken_once_and_again() {
    let (header, seal) = contoso();
    let verified = judge(&trusting(), &seal, None, NOON).unwrap();
    assert_eq!(verified, Verified { header, root: root_digest(&stated(&seal)) });
    assert!(judge(&trusting(), &seal, Some(held(&header)), NOON).is_ok());
}

#[test]
fn a_missing_or_stripped_seal_is_refused() {
    let (_, seal) = contoso();
    refused!(judge(&trusting(), &Seal { note: Bytes::new(), ..seal.clone() }, None, NOON), SealError::Missing);
    refused!(judge(&trusting(), &Seal { leaf: Bytes::new(), ..seal.clone() }, None, NOON), SealError::Missing);
    let note = String::from_utf8(seal.note.to_vec()).unwrap();
    let (text, signature) = note.split_at(note.find("\n\n").unwrap() + 2);
    let bare = Seal { note: text.to_owned().into(), ..seal.clone() };
    refused!(judge(&trusting(), &bare, None, NOON), SealError::Malformed(_));
    let witnessed = format!("{text}{}", signature.replace("entente/", "example.com/")).into();
    refused!(judge(&trusting(), &Seal { note: witnessed, ..seal }, None, NOON), SealError::Stripped);
}

#[test]
fn a_state_for_another_tenant_is_refused() {
    let seal = state_seal(&samples::header(FABRIKAM));
    refused!(judge(&trusting(), &seal, None, NOON), SealError::WrongTenant(FABRIKAM));
}

#[test]
fn other_items_than_those_signed_are_refused() {
    let (_, seal) = contoso();
    let mut item = samples::items().remove(0);
    item.windows = entente_model::Windows::always();
    let altered = Delta { upserts: vec![crate::SealedItem::seal(&item)], removed: vec![] };
    let fewer = Delta { upserts: vec![], removed: vec![item.key.to_string().into()] };
    let judge = |items: &Buckets| trusting().verify_state(&seal, CONTOSO, items, None, at(NOON));
    refused!(judge(&samples::buckets().apply(&altered)), SealError::DigestMismatch { .. });
    refused!(judge(&samples::buckets().apply(&fewer)), SealError::CountMismatch { items: 6, header: 7 });
}

#[test]
fn a_key_counts_only_within_its_delegation() {
    let (_, seal) = contoso();
    refused!(judge(&verifier(&[epoch(1)]), &seal, None, NOON), SealError::UnknownSigner(_));
    refused!(judge(&trusting(), &seal, None, "2026-11-30T23:59:59Z"), SealError::KeyNotYetValid(_));
    assert!(judge(&trusting(), &seal, None, "2026-12-01T00:00:00Z").is_ok());
    assert!(judge(&trusting(), &seal, None, "2026-12-31T23:59:59Z").is_ok());
    refused!(judge(&trusting(), &seal, None, "2027-01-01T00:00:00Z"), SealError::KeyExpired(_));
    let renewed = verifier(&[december(), epoch(1), delegation(8, NOON, "2028-01-01T00:00:00Z")]);
    assert!(judge(&renewed, &seal, None, "2027-01-01T00:00:00Z").is_ok());
}

#[test]
fn a_revoked_delegation_stays_revoked_in_whatever_order_it_is_told() {
    let (_, seal) = contoso();
    let revocation = |serial| Statement::Revocation { serials: [serial].into() };
    for statements in [[december(), revocation(7), epoch(1)], [revocation(7), epoch(1), december()]] {
        refused!(judge(&verifier(&statements), &seal, None, NOON), SealError::KeyRevoked(_));
    }
    assert!(judge(&verifier(&[december(), revocation(8), epoch(1)]), &seal, None, NOON).is_ok());
}

#[test]
fn a_statement_that_another_key_signed_is_refused() {
    let mut other = samples::PKCS8;
    other[20] ^= 1;
    let forged = crate::RootKey::from_pkcs8(&other).unwrap().state(&december());
    refused!(trusting().accept(&forged), SealError::BadSignature);
    let mut genuine = samples::root_key().state(&december());
    genuine.signature.clear();
    refused!(trusting().accept(&genuine), SealError::Stripped);
}

#[test]
fn a_note_by_another_key_is_not_the_signers() {
    let (_, seal) = contoso();
    // The root key itself, in the name of its own key and in that of the online key.
    let stolen = crate::OnlineKey::from_pkcs8(&samples::PKCS8).unwrap();
    refused!(judge(&trusting(), &with_text(&seal, &stolen, str::to_owned), None, NOON), SealError::Stripped);
    let (note, other) = (String::from_utf8(seal.note.to_vec()).unwrap(), samples::root_key());
    let (text, line) = note.split_once("\n\n").unwrap();
    let (name, signature) = line.trim_end().rsplit_once(' ').unwrap();
    let hash = BASE64_STANDARD.decode(signature).unwrap()[..4].to_vec();
    let forged = [hash, other.sign(b"", format!("{text}\n").as_bytes())].concat();
    let note = format!("{text}\n\n{name} {}\n", BASE64_STANDARD.encode(forged)).into();
    refused!(judge(&trusting(), &Seal { note, ..seal }, None, NOON), SealError::BadSignature);
}

#[test]
fn a_note_of_another_log_is_refused() {
    let (_, seal) = contoso();
    let online = samples::online_key();
    assert!(judge(&trusting(), &with_text(&seal, &online, str::to_owned), None, NOON).is_ok(), "unchanged");
    let others: [fn(&str) -> String; 2] =
        [|text| text.replacen("/1\n", "/2\n", 1), |text| text.replacen("entente/", "example.com/", 1)];
    for change in others {
        refused!(judge(&trusting(), &with_text(&seal, &online, change), None, NOON), SealError::WrongLog { .. });
    }
}

#[test]
fn the_word_of_the_line_and_the_kind_of_the_root_agree() {
    let (header, seal) = contoso();
    let lease = lease_seal(&samples::lease(CONTOSO));
    let online = samples::online_key();
    let state_as_lease = with_text(&seal, &online, |text| text.replace("entente-state", "entente-lease"));
    let lease_as_state = with_text(&lease, &online, |text| text.replace("entente-lease", "entente-state"));
    for seal in [state_as_lease, lease_as_state] {
        refused!(judge(&trusting(), &seal, None, NOON), SealError::WrongKind(_));
        refused!(trusting().verify_lease(&seal, CONTOSO, held(&header), at(NOON)), SealError::WrongKind(_));
    }
}

#[test]
fn an_older_version_is_refused() {
    let (header, seal) = contoso();
    for newer in [Version { epoch: 1, revision: 43 }, Version { epoch: 2, revision: 0 }] {
        let held = Held { version: newer, ..held(&header) };
        refused!(judge(&trusting(), &seal, Some(held), NOON), SealError::OlderVersion { .. });
    }
}

#[test]
fn the_same_version_with_other_content_is_refused() {
    let (header, seal) = contoso();
    let held = Held { digest: Digest([9; 32]), ..held(&header) };
    refused!(judge(&trusting(), &seal, Some(held), NOON), SealError::OtherContent(_));
    let older = Held { version: Version { epoch: 1, revision: 41 }, ..held };
    assert!(judge(&trusting(), &seal, Some(older), NOON).is_ok());
}

#[test]
fn an_epoch_counts_from_its_statement_until_the_next() {
    let (_, seal) = contoso();
    refused!(judge(&verifier(&[december()]), &seal, None, NOON), SealError::UnknownEpoch(1));
    let later = verifier(&[december(), epoch(1), epoch(2)]);
    refused!(judge(&later, &seal, None, NOON), SealError::EpochOver { offered: 1, current: 2 });
}

#[test]
fn a_header_of_another_version_than_its_root_is_refused() {
    let header = samples::header(CONTOSO);
    let other = Version { epoch: 1, revision: 43 };
    let seal = seal_under(root(RootKind::States, other), vec![encode_header(&header)]);
    refused!(judge(&trusting(), &seal, None, NOON), SealError::WrongVersion { .. });
}

#[test]
fn a_path_that_leads_elsewhere_is_refused() {
    let (header, seal) = contoso();
    let path = Path { index: 1, ..seal.path.clone() };
    refused!(judge(&trusting(), &Seal { path, ..seal.clone() }, None, NOON), SealError::WrongPath);
    let leaf = encode_header(&Header { count: header.count + 1, ..header }).into();
    refused!(judge(&trusting(), &Seal { leaf, ..seal }, None, NOON), SealError::WrongPath);
    // With five leaves and with six, the first has the same path.
    let five = seal_under(root(RootKind::States, header.version), vec![encode_header(&header); 5]);
    assert!(judge(&trusting(), &five, None, NOON).is_ok());
    let path = Path { size: 6, ..five.path.clone() };
    refused!(judge(&trusting(), &Seal { path, ..five }, None, NOON), SealError::WrongPath);
}

#[test]
fn a_lease_renews_what_is_held_and_nothing_else() {
    let (header, lease) = (samples::header(CONTOSO), samples::lease(CONTOSO));
    let judge = |lease: &Lease, held| trusting().verify_lease(&lease_seal(lease), CONTOSO, held, at(NOON));
    assert_eq!(judge(&lease, held(&header)).unwrap(), lease);
    let later = Lease { version: Version { epoch: 1, revision: 50 }, ..lease };
    assert_eq!(judge(&later, held(&header)).unwrap(), later);
    refused!(judge(&Lease { digest: Digest([9; 32]), ..lease }, held(&header)), SealError::OtherState);
    let newer = Held { version: Version { epoch: 1, revision: 43 }, ..held(&header) };
    refused!(judge(&lease, newer), SealError::OlderVersion { .. });
    let former = Held { version: Version { epoch: 0, revision: 42 }, ..held(&header) };
    refused!(judge(&lease, former), SealError::OtherState);
    refused!(judge(&Lease { entra_tenant: FABRIKAM, ..lease }, held(&header)), SealError::WrongTenant(_));
}

#[test]
fn a_lease_lasts_no_longer_than_its_bound_and_its_signers_delegation() {
    let (header, lease) = (samples::header(CONTOSO), samples::lease(CONTOSO));
    let endless = lease_seal(&Lease { fresh_until: at("2036-01-01T00:00:00Z"), ..lease });
    let until = |now: &str| trusting().verify_lease(&endless, CONTOSO, held(&header), at(now)).unwrap().fresh_until;
    assert_eq!(until(NOON), at(NOON).plus(MAX_LEASE));
    assert_eq!(until("2026-12-31T22:00:00Z"), at("2027-01-01T00:00:00Z"), "the delegation ends");
    // Of several that hold, the longest counts.
    let (eve, day) = ("2026-12-31T22:00:00Z", "2027-01-01T06:00:00Z");
    for serial in [6, 8] {
        let both = verifier(&[december(), delegation(serial, NOON, day), epoch(1)]);
        let lease = both.verify_lease(&endless, CONTOSO, held(&header), at(eve)).unwrap();
        assert_eq!(lease.fresh_until, at(day), "serial {serial}");
    }
}

#[test]
fn a_lease_cannot_pass_for_a_state_nor_a_state_for_a_lease() {
    let (header, seal) = contoso();
    let lease = lease_seal(&samples::lease(CONTOSO));
    refused!(judge(&trusting(), &lease, None, NOON), SealError::WrongKind(RootKind::Leases));
    refused!(trusting().verify_lease(&seal, CONTOSO, held(&header), at(NOON)), SealError::WrongKind(RootKind::States));
}

#[test]
fn more_statements_than_are_honest_are_refused() {
    let accept = |serials: std::ops::Range<u64>| {
        trusting().accept(&samples::root_key().state(&Statement::Revocation { serials: serials.collect() }))
    };
    assert!(accept(1..MAX_STATEMENTS as u64 + 1).is_ok());
    refused!(accept(0..MAX_STATEMENTS as u64 + 1), SealError::TooMany);
}

#[test]
fn a_statement_is_as_long_as_is_taken_and_no_longer() {
    let of = |reason: usize| samples::root_key().state(&Statement::Epoch { epoch: 1, reason: "x".repeat(reason) });
    let most = crate::statement::MAX_STATEMENT_BYTES;
    let spare = of(most - 100).statement.len() - (most - 100);
    assert_eq!(of(most - spare).statement.len(), most);
    assert!(trusting().accept(&of(most - spare)).is_ok());
    for more in [1, 2] {
        let refused = trusting().accept(&of(most - spare + more));
        assert!(matches!(&refused, Err(SealError::Malformed(DecodeError::TooLarge { .. }))), "{refused:?}");
    }
}

#[test]
fn a_leaf_is_as_long_as_is_taken_and_no_longer() {
    let header = samples::header(CONTOSO);
    // Field 15, a string: a header of a later version.
    let leaf = |len: usize| {
        let mut leaf = encode_header(&header);
        let text = len - leaf.len() - 3;
        leaf.extend([0x7a, (text & 0x7f) as u8 | 0x80, (text >> 7) as u8]);
        leaf.resize(len, b'x');
        seal_under(root(RootKind::States, header.version), vec![leaf])
    };
    assert!(judge(&trusting(), &leaf(MAX_LEAF_BYTES), None, NOON).is_ok());
    for more in [1, 2] {
        refused!(
            judge(&trusting(), &leaf(MAX_LEAF_BYTES + more), None, NOON),
            SealError::Malformed(DecodeError::TooLarge { .. })
        );
    }
}

fn flip(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    let bit = at % (bytes.len() * 8);
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

proptest! {
    #[test]
    fn no_flipped_bit_passes(at in any::<usize>()) {
        let (_, seal) = contoso();
        let seals = [
            Seal { note: flip(&seal.note, at).into(), ..seal.clone() },
            Seal { leaf: flip(&seal.leaf, at).into(), ..seal.clone() },
        ];
        for seal in seals {
            prop_assert!(judge(&trusting(), &seal, None, NOON).is_err());
        }
        let signed = samples::root_key().state(&december());
        let statement = Signed { statement: flip(&signed.statement, at), ..signed.clone() };
        prop_assert!(trusting().accept(&statement).is_err());
        let signature = Signed { signature: flip(&signed.signature, at), ..signed };
        prop_assert!(trusting().accept(&signature).is_err());
    }

    #[test]
    fn no_flipped_bit_of_an_item_passes(at in any::<usize>(), which in any::<usize>()) {
        let (_, seal) = contoso();
        let item = samples::buckets().iter().nth(which % 7).unwrap().clone();
        let bytes = flip(item.bytes(), at % 1_000_000);
        if let Ok(bent) = crate::SealedItem::received(item.key(), bytes.into()) {
            let items = samples::buckets().apply(&Delta { upserts: vec![bent], removed: vec![] });
            prop_assert!(trusting().verify_state(&seal, CONTOSO, &items, None, samples::at(NOON)).is_err());
        }
    }
}
