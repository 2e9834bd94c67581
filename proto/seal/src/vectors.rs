//! The committed bytes, digests and signatures. A difference means that agents in the field would refuse what this
//! version signs, or that this version would refuse what they have.

use std::fmt::Write;

use entente_model::desired::Digest;

use crate::samples::{self, CONTOSO, FABRIKAM, at};
use crate::{
    Log, Root, RootKind, SealedItem, Statement, Tree, encode_header, encode_item, encode_lease, root_digest,
    verifier_key,
};

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn vectors() -> String {
    let mut lines = vec![];
    let mut line = |name: &str, value: String| lines.push(format!("{name} = {value}\n"));
    for item in samples::items() {
        let key = item.key.to_string();
        line(&format!("item {key}"), hex(encode_item(&item)));
        line(&format!("leaf {key}"), SealedItem::seal(&item).leaf().to_string());
    }
    line("digest", samples::buckets().digest().to_string());
    let leaves = [encode_header(&samples::header(CONTOSO)), encode_header(&samples::header(FABRIKAM))];
    line("header", hex(&leaves[0]));
    line("lease", hex(encode_lease(&samples::lease(CONTOSO))));
    let tree = Tree::of(&leaves);
    line("tree", tree.root().to_string());
    let (root_key, online) = (samples::root_key(), samples::online_key());
    let root = Root {
        kind: RootKind::States,
        version: samples::header(CONTOSO).version,
        compiler: 1,
        signer: online.id(),
        previous: Digest([1; 32]),
        tree: tree.root(),
        size: tree.size(),
        audit_head: Digest([2; 32]),
    };
    let (mut log, bytes) = (Log::default(), root.encode());
    log.append(Digest([3; 32]));
    let note = root.sign(&online, &mut log);
    let lease = Root { kind: RootKind::Leases, ..root }.sign(&online, &mut log);
    line("root key", root_key.id().to_string());
    line("online key", online.id().to_string());
    line("root", hex(&bytes));
    line("root digest", root_digest(&bytes).to_string());
    line("log edge", log.edge().iter().map(ToString::to_string).collect());
    line("note", String::from_utf8_lossy(&note).escape_default().to_string());
    line("lease note", String::from_utf8_lossy(&lease).escape_default().to_string());
    line("verifier key", verifier_key(&root.log_origin(), &online.public()));
    let (not_before, not_after) = (at("2026-12-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let statements = [
        ("delegation", Statement::Delegation { key: online.public(), not_before, not_after, serial: 7 }),
        ("revocation", Statement::Revocation { serials: [3, 300].into() }),
        ("epoch", Statement::Epoch { epoch: 2, reason: "restored from backup".into() }),
    ];
    for (name, statement) in statements {
        let signed = root_key.state(&statement);
        line(name, hex(&signed.statement));
        line(&format!("{name} signature"), hex(&signed.signature));
    }
    for item in samples::later_items() {
        let key = item.key.to_string();
        line(&format!("item {key}"), hex(encode_item(&item)));
        line(&format!("leaf {key}"), SealedItem::seal(&item).leaf().to_string());
    }
    lines.concat()
}

#[test]
fn bytes_digests_and_signatures_are_the_committed_ones() {
    let committed = include_str!("../vectors.txt");
    let now = vectors();
    for (was, is) in committed.lines().zip(now.lines()) {
        assert_eq!(is, was);
    }
    assert_eq!(now.lines().count(), committed.lines().count(), "\n{now}");
}
