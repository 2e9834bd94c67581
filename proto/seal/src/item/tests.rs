//! Items and their bytes: what is kept, what is refused, and what is not understood.

use entente_model::AssignmentName;
use entente_model::desired::{
    AzureRoleBody, DefenderAssignmentBody, DefenderRoleBody, EntraRoleBody, Ground, GroupBody, MAX_GROUNDS, MemberBody,
    UserBody,
};
use proptest::prelude::*;

use super::*;
use crate::samples;

#[test]
fn every_kind_of_item_reads_back_as_it_was_encoded() {
    for item in samples::all_items() {
        assert_eq!(SealedItem::seal(&item).open().unwrap(), item);
    }
}

#[test]
fn the_samples_hold_every_kind() {
    let words: BTreeSet<String> = samples::all_items().iter().filter_map(|it| word_of(&it.key)).collect();
    assert!(ItemKey::WORDS.iter().all(|word| words.contains(*word)), "{words:?}");
}

fn word_of(key: &ItemKey) -> Option<String> {
    key.to_string().split_once('/').map(|(word, _)| word.to_owned())
}

#[test]
fn an_item_of_a_later_kind_is_kept_and_not_acted_upon() {
    // Field 99, a string: a body that this version does not know.
    let bytes = [0x9a, 0x06, 0x01, b'x'];
    for key in ["pim/l1-analyst/new", "group/l1-analyst/standard"] {
        let item = SealedItem::received(key, Bytes::copy_from_slice(&bytes)).unwrap();
        assert_eq!(item.open().unwrap().body, ItemBody::Unknown);
        assert_eq!(item.bytes().as_ref(), bytes);
    }
}

#[test]
fn attacks_s03_an_item_whose_text_breaks_a_line_or_directs_what_follows_is_not_carried_out() {
    for name in ["ent-d\nx", "ent-\u{202e}x", "ent-\u{2028}x", "ent-\u{1b}[2Jx"] {
        for mut item in samples::all_items() {
            match &mut item.body {
                ItemBody::User(UserBody { display_name, .. })
                | ItemBody::Group(GroupBody { display_name, .. })
                | ItemBody::DefenderRole(DefenderRoleBody { display_name, .. })
                | ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, .. }) => {
                    *display_name = name.into()
                }
                ItemBody::AzureRole(AzureRoleBody { role_name, .. })
                | ItemBody::EntraRole(EntraRoleBody { role_name }) => *role_name = name.into(),
                ItemBody::Member(_) | ItemBody::Unknown => continue,
            }
            let read = SealedItem::seal(&item).open().unwrap();
            assert_eq!((read.body, read.want), (ItemBody::Unknown, item.want), "{name:?}");
        }
    }
}

#[test]
fn attacks_s03_a_removal_holds_whatever_the_name_of_who_asked() {
    let mut item = samples::items().remove(0);
    let (actor, addresses) = ("principals/x\nFATAL", ["a@b.example".to_owned(), "a\n@b.example".into()]);
    let (since, known) = (Timestamp::from_unix(1_700_000_000), BTreeSet::new());
    let addresses = BTreeSet::from(addresses);
    item.want = Want::Absent { cause: Cause::Left, actor: actor.into(), since, known, addresses };
    let Want::Absent { actor, addresses, .. } = SealedItem::seal(&item).open().unwrap().want else { panic!() };
    assert_eq!((actor.as_str(), addresses), ("", ["a@b.example".to_owned()].into()));
}

#[test]
fn a_membership_tells_its_assignments_and_holds_without_those_that_cannot_be_shown() {
    let ground = |assignment: &str, text: &str| Ground {
        assignment: AssignmentName::from_id(assignment).unwrap(),
        justification: text.into(),
        ticket: (assignment == "a").then(|| "T-1".into()),
    };
    let read = |grounds: Vec<Ground>| {
        let member = |item: &Item| matches!(item.body, ItemBody::Member(_));
        let item = samples::items().into_iter().find(member).unwrap();
        SealedItem::seal(&Item { body: ItemBody::Member(MemberBody { grounds }), ..item }).open().unwrap().body
    };
    let good = vec![ground("a", "Nordic L1"), ground("b", "Cover")];
    assert_eq!(read(good.clone()), ItemBody::Member(MemberBody { grounds: good.clone() }));
    let bad = [good.clone(), vec![ground("c", "x\n\u{202e}y")]].concat();
    assert_eq!(read(bad), ItemBody::Member(MemberBody { grounds: good }));
    let ItemBody::Member(MemberBody { grounds }) = read(vec![ground("d", "x"); MAX_GROUNDS + 1]) else { panic!() };
    assert_eq!(grounds.len(), MAX_GROUNDS);
}

#[test]
fn attacks_s14_a_removal_for_a_cause_of_a_later_version_is_a_removal() {
    let body = kinds::encode(&ItemBody::Member(MemberBody { grounds: Vec::new() }));
    let bytes = wire::Item { absent: Some(abducted()), windows: vec![], needs: 0, body }.encode_to_vec();
    let item = decode_item(MEMBER, &bytes).unwrap();
    assert!(matches!(item.want, Want::Absent { cause: Cause::Unknown, .. }));
    assert!(Cause::Unknown.is_leaver());
    assert_eq!(item.body, ItemBody::Member(MemberBody { grounds: Vec::new() }));
}

#[test]
fn attacks_s14_a_body_that_is_not_understood_keeps_its_want_and_its_windows() {
    let windows = vec![wire::Window { start: Some(10), end: Some(20) }];
    let bytes = wire::Item { absent: Some(abducted()), windows: windows.clone(), needs: 0, body: None }.encode_to_vec();
    let item = decode_item(MEMBER, &bytes).unwrap();
    assert!(matches!(item.want, Want::Absent { since, .. } if since == Timestamp::from_unix(1)));
    assert_eq!((item.windows.as_slice().len(), item.body), (1, ItemBody::Unknown));
}

#[test]
fn an_item_that_needs_a_later_level_is_not_understood() {
    let member = |needs| {
        let body = kinds::encode(&ItemBody::Member(MemberBody { grounds: Vec::new() }));
        decode_item(MEMBER, &wire::Item { absent: None, windows: vec![], needs, body }.encode_to_vec()).unwrap()
    };
    assert_eq!(member(LEVEL).body, ItemBody::Member(MemberBody { grounds: Vec::new() }));
    assert_eq!((member(LEVEL + 1).want, member(LEVEL + 1).body), (Want::Present, ItemBody::Unknown));
}

#[test]
fn a_known_kind_of_another_shape_is_kept_and_not_understood() {
    for key in ["group/l1-analyst/gold", "user/nordwall/eu/0b0de000-0000-4000-8000-000000000003"] {
        let item = SealedItem::received(key, Bytes::new()).unwrap().open().unwrap();
        assert_eq!((item.key.clone(), item.body), (ItemKey::Other(key.into()), ItemBody::Unknown));
    }
}

const MEMBER: &str = "member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000003";

fn abducted() -> wire::Absent {
    wire::Absent { cause: "ABDUCTED".into(), actor: "jonas".into(), since: 1, ..Default::default() }
}

#[test]
fn a_body_of_another_kind_than_the_key_is_refused() {
    let member =
        encode_item(&samples::items().into_iter().find(|item| matches!(item.body, ItemBody::Member(_))).unwrap());
    assert!(matches!(decode_item("group/l1-analyst/standard", &member), Err(DecodeError::Field { .. })));
}

#[test]
fn a_second_spelling_of_a_key_is_refused() {
    let key = "user/nordwall/0B0DE000-0000-4000-8000-000000000003";
    assert!(matches!(SealedItem::received(key, Bytes::new()), Err(DecodeError::KeySpelling(_))));
}

#[test]
fn what_is_too_large_is_refused_unread() {
    let bytes = vec![0; MAX_ITEM_BYTES + 1];
    assert!(matches!(decode_item("user/x", &bytes), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn as_much_is_known_of_a_leaver_as_is_taken_and_no_more() {
    let removal = |known: usize, addresses: usize| {
        let mut item = samples::items().remove(0);
        item.want = Want::Absent {
            cause: Cause::Left,
            actor: String::new(),
            since: Timestamp::from_unix(1),
            known: (0..known).map(|id| Guid::from_u128(id as u128)).collect(),
            addresses: (0..addresses).map(|at| format!("{at}@b.example")).collect(),
        };
        (SealedItem::seal(&item).open(), item)
    };
    let (read, item) = removal(MAX_KNOWN, MAX_KNOWN);
    assert_eq!(read.unwrap(), item);
    for (known, addresses) in [(MAX_KNOWN + 1, 0), (0, MAX_KNOWN + 1), (MAX_KNOWN + 1, MAX_KNOWN + 1)] {
        assert!(matches!(removal(known, addresses).0, Err(DecodeError::Field { field: "absent.known", .. })));
    }
}

#[test]
fn an_item_as_large_as_is_taken_is_read() {
    // Field 99, a string, which this version does not know.
    let bytes = |len: usize| {
        let text = len - 5;
        let mut bytes =
            vec![0x9a, 0x06, (text & 0x7f) as u8 | 0x80, (text >> 7 & 0x7f) as u8 | 0x80, (text >> 14) as u8];
        bytes.resize(len, b'x');
        bytes
    };
    assert!(decode_item(MEMBER, &bytes(MAX_ITEM_BYTES)).is_ok());
    assert!(matches!(decode_item(MEMBER, &bytes(MAX_ITEM_BYTES + 1)), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn a_thousand_windows_fit() {
    let mut item = samples::items().remove(0);
    item.windows = (0..1_000_i64)
        .map(|at| Window {
            start: Some(Timestamp::from_unix(4_000_000_000 + at * 10)),
            end: Some(Timestamp::from_unix(4_000_000_005 + at * 10)),
        })
        .collect::<Vec<_>>()
        .into();
    assert_eq!(SealedItem::seal(&item).open().unwrap(), item);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), which in 0..6_usize) {
        let items = samples::items();
        let _ = decode_item(&items[which % items.len()].key.to_string(), &bytes);
        let mut mixed = encode_item(&items[which % items.len()]);
        for (at, byte) in bytes.iter().enumerate().take(3) {
            let len = mixed.len();
            mixed[at * 7 % len] ^= byte;
        }
        let _ = decode_item(&items[which % items.len()].key.to_string(), &mixed);
    }
}
