//! A log of four records, and what befalls it.

use super::*;

fn record(revision: i64, previous: &str) -> wire::AuditRecord {
    let field = wire::FieldChange { path: "members".into(), before: r#"["sam"]"#.into(), after: "[]".into() };
    let change = wire::ResourceChange {
        name: "squads/triage".into(),
        kind: wire::ChangeKind::Updated.into(),
        fields: vec![field],
        more_fields: 1,
    };
    let mut record = wire::AuditRecord {
        revision,
        time: Some(prost_types::Timestamp { seconds: revision * 60, nanos: 0 }),
        actor: "principals/admin".into(),
        method: "ApplyIntent".into(),
        request_id: "0b0de000-0000-4000-8000-000000000003".into(),
        resources: vec!["squads/triage".into()],
        summary: "1 updated".into(),
        previous_digest: previous.into(),
        // Records of before had none.
        changes: if revision > 3 { vec![change] } else { Vec::new() },
        ..Default::default()
    };
    record.digest = digest(&record).unwrap();
    record
}

/// The newest first, of revisions 3, 5, 7 and 9.
fn log() -> Vec<wire::AuditRecord> {
    let mut log: Vec<wire::AuditRecord> = Vec::new();
    for revision in [3, 5, 7, 9] {
        let previous = log.first().map(|it| it.digest.clone()).unwrap_or_default();
        log.insert(0, record(revision, &previous));
    }
    log
}

fn walk(log: &[wire::AuditRecord], known: Option<&str>) -> Result<(u64, i64, i64), String> {
    let mut chain = Chain::up_to(self::log()[0].digest.clone(), known.map(Into::into));
    log.iter().try_for_each(|record| chain.take(record))?;
    chain.end().map(|it| (it.count, it.last, it.first))
}

#[test]
fn a_whole_log_holds_and_one_that_grows_while_it_is_read() {
    assert_eq!(walk(&log(), None).unwrap(), (4, 3, 9));
    let mut grown = log();
    grown.insert(0, record(11, &grown[0].digest));
    assert_eq!(walk(&grown, None).unwrap(), (5, 3, 11));
    assert_eq!(walk(&log(), Some(&log()[2].digest.to_uppercase())).unwrap(), (4, 3, 9));
    assert!(walk(&log(), Some("ab")).unwrap_err().contains("no record has the digest ab"));
}

#[test]
fn each_byte_of_a_record_counts() {
    let alter: [fn(&mut wire::AuditRecord); 9] = [
        |it| it.actor = "principals/admim".into(),
        |it| it.summary.push(' '),
        |it| it.time = Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        |it| it.resources.clear(),
        |it| it.request_id = String::new(),
        |it| it.changes[0].fields[0].before = r#"["sal"]"#.into(),
        |it| it.changes[0].more_fields = 0,
        |it| it.changes.clear(),
        |it| it.digest = it.digest.replace(['0', '1', '2'], "3"),
    ];
    for (number, alter) in alter.into_iter().enumerate() {
        let mut log = log();
        alter(&mut log[1]);
        let said = walk(&log, None).unwrap_err();
        assert!(said.contains("revision 7") || said.contains("revision 9"), "{number}: {said}");
    }
}

#[test]
fn a_record_that_is_taken_out_or_moved_is_named_by_its_neighbour() {
    let mut dropped = log();
    dropped.remove(1);
    let text = "revision 9 follows on a record that is not there: before it is revision 5";
    assert_eq!(walk(&dropped, None).unwrap_err(), text);
    let mut swapped = log();
    swapped.swap(1, 2);
    assert_eq!(walk(&swapped, None).unwrap_err(), text);
    let mut turned = log();
    turned.reverse();
    assert!(walk(&turned, None).unwrap_err().contains("out of order"));
}

#[test]
fn a_log_that_is_cut_at_either_end_does_not_hold() {
    let whole = log();
    assert!(walk(&whole[1..], None).unwrap_err().contains("what came after revision 7 is not there"));
    assert_eq!(walk(&whole[..3], None).unwrap_err(), "what was before revision 5 is not there");
    assert!(walk(&[], None).unwrap_err().contains("no record is there, and the server states the head"));
    let mut older = Chain::up_to(String::new(), None);
    whole.iter().try_for_each(|record| older.take(record)).unwrap();
    assert!(older.end().unwrap_err().contains("the server states no head"));
}

#[test]
fn a_whole_chain_is_not_said_to_be_what_was_written_unless_a_digest_of_before_is_in_it() {
    let said = |known: Option<&str>| {
        let mut chain = Chain::up_to(log()[0].digest.clone(), known.map(Into::into));
        log().iter().try_for_each(|record| chain.take(record)).unwrap();
        text(&chain.end().unwrap(), known.is_some())
    };
    let alone = said(None);
    assert!(alone.starts_with("4 records, from revision 3 to 9: the chain is whole; that all of it"), "{alone}");
    assert!(alone.contains("--known") && !alone.contains("as they were written"), "{alone}");
    assert!(said(Some(&log()[2].digest)).contains("and holds the digest that was written down\nhead: "));
}
