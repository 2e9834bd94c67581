//! Three roots of one key and two of the next, and what befalls them.

use entente_model::desired::Version;
use entente_seal::{OnlineKey, verifier_key};

use super::*;

/// A fixed Ed25519 key in PKCS #8 (RFC 8410, section 10.3): known to all, so it guards nothing.
const PKCS8: [u8; 48] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20, 0xd4, 0xee, 0x72,
    0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad, 0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1,
    0xd4, 0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42,
];

fn key(number: u8) -> OnlineKey {
    let mut pkcs8 = PKCS8;
    pkcs8[47] = number;
    OnlineKey::from_pkcs8(&pkcs8).unwrap()
}

/// Signs on, as the control plane does.
struct Signing {
    log: Log,
    roots: Roots,
    previous: Digest,
}

impl Signing {
    fn sign(&mut self, signer: u8, kind: RootKind, revision: u64) -> String {
        let key = key(signer);
        let root = Root {
            kind,
            version: Version { epoch: 1, revision },
            compiler: 1,
            signer: key.id(),
            previous: self.previous,
            tree: Digest([revision as u8; 32]),
            size: 1,
            audit_head: Digest([7; 32]),
        };
        let note = String::from_utf8(root.sign(&key, &mut self.log).to_vec()).unwrap();
        self.roots.verifier_keys.insert(verifier_key(&root.log_origin(), &key.public()));
        if kind == RootKind::States {
            self.previous = root_digest(&root.encode());
            self.roots.notes.insert(0, note.clone());
        }
        note
    }
}

fn signing() -> Signing {
    let mut signing = Signing { log: Log::default(), roots: Roots::default(), previous: Digest::default() };
    (1..=3).for_each(|revision| drop(signing.sign(1, RootKind::States, revision)));
    signing.log = Log::default();
    (4..=5).for_each(|revision| drop(signing.sign(2, RootKind::States, revision)));
    signing
}

fn records() -> HashSet<String> {
    [Digest([7; 32]).to_string()].into()
}

fn judge(roots: &Roots, kept: Option<&str>) -> Result<Verified, String> {
    roots.verify(&records(), kept)
}

#[test]
fn whole_logs_hold_and_go_on_from_every_checkpoint_that_was_kept() {
    let mut signing = signing();
    let lease = signing.sign(2, RootKind::Leases, 6);
    let roots = signing.roots;
    let newest = roots.notes[0].clone();
    assert_eq!(judge(&roots, None), Ok(Verified { roots: 5, logs: 2, checkpoint: Some(newest) }));
    for note in roots.notes.iter().chain([&lease]) {
        assert!(judge(&roots, Some(note)).is_ok(), "{note}");
    }
    let none = Roots::default();
    assert_eq!(judge(&none, None), Ok(Verified { roots: 0, logs: 0, checkpoint: None }));
    assert!(judge(&none, Some(&lease)).unwrap_err().contains("is not there"));
}

#[test]
fn a_checkpoint_of_roots_that_are_gone_shows_a_fork() {
    let mut lost = signing();
    let kept = lost.sign(2, RootKind::States, 60);
    assert!(judge(&signing().roots, Some(&kept)).unwrap_err().contains("of size 3: it was forked, or cut"));
    let mut forked = signing();
    forked.sign(2, RootKind::States, 6);
    assert!(judge(&forked.roots, None).is_ok());
    assert!(judge(&forked.roots, Some(&kept)).unwrap_err().contains("forked"));
}

#[test]
fn a_root_that_is_taken_out_moved_or_altered_is_found() {
    let whole = signing().roots;
    for at in 1..5 {
        let mut notes = whole.notes.clone();
        notes.remove(at);
        let cut = Roots { notes, verifier_keys: whole.verifier_keys.clone() };
        assert!(judge(&cut, None).unwrap_err().contains("follows on a root that is not there"), "without {at}");
        let mut notes = whole.notes.clone();
        notes.swap(at - 1, at);
        let moved = Roots { notes, verifier_keys: whole.verifier_keys.clone() };
        assert!(judge(&moved, None).is_err(), "moved {at}");
    }
    for (at, byte) in whole.notes[2].bytes().enumerate() {
        let mut bytes = whole.notes[2].clone().into_bytes();
        bytes[at] = byte ^ 1;
        let Ok(note) = String::from_utf8(bytes) else { continue };
        let mut notes = whole.notes.clone();
        notes[2] = note;
        let bent = Roots { notes, verifier_keys: whole.verifier_keys.clone() };
        assert!(judge(&bent, None).is_err(), "byte {at}");
    }
}

#[test]
fn a_log_that_its_own_key_signed_over_other_roots_is_found() {
    let mut signing = signing();
    signing.log = Log::kept(2, vec![Digest([9; 32])]).unwrap();
    signing.sign(2, RootKind::States, 6);
    assert!(judge(&signing.roots, None).unwrap_err().contains("was signed over other roots"));
}

#[test]
fn a_root_over_an_audit_record_that_is_not_there_is_found() {
    let said = signing().roots.verify(&HashSet::new(), None).unwrap_err();
    assert!(said.contains("audit record 0707") && said.contains("not there"), "{said}");
}

#[test]
fn a_lease_among_the_roots_and_a_key_of_another_name_are_refused() {
    let mut signing = signing();
    let lease = signing.sign(2, RootKind::Leases, 6);
    signing.roots.notes.insert(0, lease);
    assert!(judge(&signing.roots, None).unwrap_err().contains("of leases"));
    let mut roots = self::signing().roots;
    let origin = roots.verifier_keys.iter().map(|it| it.split('+').next().unwrap().to_owned()).collect::<Vec<_>>();
    roots.verifier_keys = origin.iter().map(|origin| verifier_key(origin, &key(9).public())).collect();
    assert!(judge(&roots, None).unwrap_err().contains("is not signed by the key in its name"));
}
