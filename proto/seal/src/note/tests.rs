//! Notes in their canonical spelling, and in others.

use proptest::prelude::*;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::Checkpoint as Theirs;

use super::*;
use crate::samples::{self, CONTOSO};
use crate::{Tree, encode_header, root_digest};

fn root(kind: RootKind) -> Root {
    let (tree, zero) = (Tree::of([encode_header(&samples::header(CONTOSO))]), Digest::default());
    let (version, signer) = (samples::header(CONTOSO).version, samples::online_key().id());
    Root { kind, version, compiler: 1, signer, previous: zero, tree: tree.root(), size: 1, audit_head: zero }
}

fn note_of(kind: RootKind, log: &mut Log) -> String {
    String::from_utf8(root(kind).sign(&samples::online_key(), log).to_vec()).unwrap()
}

fn note() -> String {
    note_of(RootKind::States, &mut Log::default())
}

/// Signs any text as the online key would.
fn sign(text: &str) -> String {
    sign_as(&root(RootKind::States).log_origin(), text, &samples::online_key())
}

/// Signs in any name, with any key.
pub(crate) fn sign_as(origin: &str, text: &str, key: &OnlineKey) -> String {
    let signature = [&key_hash(origin, &key.public())[..], &key.sign(b"", text.as_bytes())].concat();
    format!("{text}\n{DASH}{origin} {}\n", BASE64_STANDARD.encode(signature))
}

fn read(note: &str) -> Result<Checkpoint, DecodeError> {
    Checkpoint::read(note.as_bytes())
}

fn is_ours(note: &str) -> bool {
    read(note).is_ok_and(|it| it.is_signed_by(&samples::online_key().public()))
}

#[test]
fn a_note_reads_back_as_it_was_signed() {
    let (state, bytes) = (root(RootKind::States), root(RootKind::States).encode());
    let mut log = Log::default();
    log.append(Digest([7; 32]));
    let checkpoint = read(&note_of(RootKind::States, &mut log)).unwrap();
    assert_eq!((checkpoint.size, checkpoint.hash), (2, log.hash()));
    let mut expected = Log::default();
    expected.extend([Digest([7; 32]), root_digest(&bytes)]);
    assert_eq!(log, expected);
    assert_eq!((checkpoint.kind, &checkpoint.root), (RootKind::States, &bytes));
    assert_eq!(checkpoint.origin, state.log_origin());
    assert_eq!(checkpoint.origin, format!("entente/{}/1", samples::online_key().id().0));
    assert!(checkpoint.is_signed_by(&samples::online_key().public()));
    assert!(!checkpoint.is_signed_by(&samples::root_key().public()));
}

#[test]
fn leases_show_the_log_as_it_is() {
    let mut log = Log::default();
    note_of(RootKind::States, &mut log);
    let before = log.clone();
    let checkpoint = read(&note_of(RootKind::Leases, &mut log)).unwrap();
    assert_eq!(log, before);
    assert_eq!((checkpoint.kind, checkpoint.size, checkpoint.hash), (RootKind::Leases, 1, before.hash()));
}

#[test]
fn others_read_our_notes() {
    let (origin, key) = (root(RootKind::States).log_origin(), samples::online_key().public());
    let verifier = StandardVerifier::new(&verifier_key(&origin, &key)).unwrap();
    let theirs = Note::from_bytes(note().as_bytes()).unwrap();
    let (verified, other) = theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((verified.len(), other.len()), (1, 0));
    let (theirs, ours) = (Theirs::from_bytes(theirs.text()).unwrap(), read(&note()).unwrap());
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (&*ours.origin, ours.size, ours.hash.0));
    assert_eq!(theirs.extension(), format!("entente-state {}\n", BASE64_STANDARD.encode(&ours.root)));
}

#[test]
fn a_verifier_key_reads_back_and_has_one_spelling() {
    let key = samples::online_key().public();
    let text = verifier_key("entente/x/1", &key);
    assert_eq!(read_verifier_key(&text), Some(("entente/x/1", key)));
    let others = [text.replace("/1+", "/2+"), format!("{text}="), text.replace('+', " "), text.to_uppercase()];
    for other in others.iter().map(String::as_str).chain(["", "+", "a+b", "a+b+AQ=="]) {
        assert_eq!(read_verifier_key(other), None, "{other}");
    }
}

#[test]
fn what_the_format_allows_beside_ours_changes_nothing() {
    let text = note().split_once("\n\n").unwrap().0.to_owned();
    assert!(is_ours(&sign(&format!("{text}\nwitnessed by example.com\n"))));
    let witness = format!("{DASH}example.com {}\n", BASE64_STANDARD.encode([9; 72]));
    assert!(is_ours(&format!("{}{witness}", note())));
    let filled = |len: usize| {
        let line = |fill: usize| format!("{}{DASH}{} {}\n", note(), "x".repeat(fill), BASE64_STANDARD.encode([9; 72]));
        line(len - line(0).len())
    };
    assert!(is_ours(&filled(MAX_NOTE_BYTES)), "as long as is taken");
    assert!(matches!(read(&filled(MAX_NOTE_BYTES + 1)), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn no_other_spelling_is_read() {
    let text = format!("{}\n", note().split_once("\n\n").unwrap().0);
    assert!(is_ours(&sign(&text)), "unchanged");
    let line = |at: usize| text.split('\n').nth(at).unwrap();
    let with = |at: usize, other: &str| -> String {
        let lines = text.split_inclusive('\n').enumerate();
        lines.map(|(place, line)| if place == at { other } else { line }).collect()
    };
    let texts = [
        with(0, "\n"),
        with(0, ""),
        with(1, "01\n"),
        with(1, "+1\n"),
        with(1, "1 \n"),
        with(1, "0x1\n"),
        with(1, "18446744073709551616\n"),
        with(2, &format!("{}\n", line(2).trim_end_matches('='))),
        with(2, &format!("{}\n", BASE64_STANDARD.encode([1; 31]))),
        with(2, &format!("{}\r\n", line(2))),
        with(3, ""),
        with(3, &format!("{0}\n{0}\n", line(3))),
        with(3, &format!("{}\n{}\n", line(3), line(3).replace("state", "lease"))),
        with(3, &format!("\n{}\n", line(3))),
        with(3, &format!("{} \n", line(3))),
        with(3, &format!("other {}\n", line(3))),
        with(3, &format!("{}\nx\ty\n", line(3))),
    ];
    for text in texts {
        assert!(read(&sign(&text)).is_err(), "{text}");
    }
    let note = note();
    let notes = [
        note.trim_end().to_owned(),
        format!("{note}\n"),
        format!("{note}{DASH}\n"),
        format!("{note}not a signature\n"),
        format!("{note}{DASH}example.com\n"),
        format!("{note}{DASH}example.com AAAA\n"),
        format!("{note}{DASH}example.com {}\n", BASE64_STANDARD.encode([9; 4])),
        format!("{note}{DASH} {}\n", BASE64_STANDARD.encode([9; 72])),
        format!("{note}{DASH}a+b {}\n", BASE64_STANDARD.encode([9; 72])),
        format!("{note}{DASH}a\u{2003}b {}\n", BASE64_STANDARD.encode([9; 72])),
        note.replace(DASH, "- "),
        note.replace("\n\n", "\n"),
        note.replace('\n', "\r\n"),
        format!("{note}{}", format!("{DASH}example.com {}\n", BASE64_STANDARD.encode([9; 72])).repeat(40)),
        text.clone(),
        String::new(),
    ];
    for note in notes {
        assert!(read(&note).is_err(), "{note}");
    }
    let twice = format!("{note}{}", &note[note.rfind(DASH).unwrap()..]);
    assert!(read(&twice).is_ok() && !is_ours(&twice), "one signature of a key, and no more");
}

proptest! {
    #[test]
    fn no_flipped_bit_leaves_a_note_ours(at in any::<usize>()) {
        let mut bytes = note().into_bytes();
        let bit = at % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = Checkpoint::read(&bytes);
        prop_assert!(!read.is_ok_and(|it| it.is_signed_by(&samples::online_key().public())));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Checkpoint::read(&bytes).is_err());
    }

    #[test]
    fn a_note_of_any_log_reads_back(size in any::<u64>(), epoch in any::<u64>(), root_bytes in any::<[u8; 32]>()) {
        let log = Log::kept(size, vec![Digest(root_bytes); size.count_ones() as usize]).unwrap();
        let mut root = root(RootKind::Leases);
        (root.version.epoch, root.tree) = (epoch, Digest(root_bytes));
        let note = root.sign(&samples::online_key(), &mut log.clone());
        let read = Checkpoint::read(&note).unwrap();
        prop_assert_eq!((read.size, read.hash, Root::decode(&read.root).unwrap()), (size, log.hash(), root));
        prop_assert!(read.is_signed_by(&samples::online_key().public()));
    }
}
