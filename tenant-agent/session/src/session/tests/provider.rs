//! An honest service provider: its keys, its states, its responses. Tests make dishonest ones from it.

use entente_model::desired::{GroupBody, Header, Item, ItemBody, ItemKey, Lease, Want};
use entente_model::{Timestamp, Windows};
use entente_seal::{
    Buckets, Log, OnlineKey, Root, RootKey, RootKind, Seal, SealedItem, Statement, Tree, encode_header, encode_lease,
};

use super::*;
use crate::message::Welcome;

pub(crate) const CONTOSO: Guid = Guid::from_u128(0x0c0de000_0000_4000_8000_000000000001);
pub(crate) const START: Timestamp = Timestamp::MIN;

/// A fixed Ed25519 key in PKCS #8 (RFC 8410, section 10.3). It is public, so it protects nothing.
const PKCS8: [u8; 48] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20, 0xd4, 0xee, 0x72,
    0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad, 0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1,
    0xd4, 0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42,
];

fn key(last: u8) -> [u8; 48] {
    let mut pkcs8 = PKCS8;
    pkcs8[47] = last;
    pkcs8
}

pub(crate) struct Provider {
    root: RootKey,
    online: OnlineKey,
    statements: Vec<Signed>,
    pub tenant: Guid,
}

impl Provider {
    pub fn root_key() -> PublicKey {
        RootKey::from_pkcs8(&key(0)).unwrap().public()
    }

    pub fn new() -> Self {
        Self::with_online(1, 1)
    }

    /// Signs with another online key of that delegation.
    pub fn with_online(last: u8, serial: u64) -> Self {
        let (root, online) = (RootKey::from_pkcs8(&key(0)).unwrap(), OnlineKey::from_pkcs8(&key(last)).unwrap());
        let delegation =
            Statement::Delegation { key: online.public(), not_before: START, not_after: Timestamp::MAX, serial };
        let statements = vec![root.state(&delegation), root.state(&epoch(1))];
        Self { root, online, statements, tenant: CONTOSO }
    }

    pub fn state(&mut self, statement: &Statement) -> &mut Self {
        self.statements.push(self.root.state(statement));
        self
    }

    pub fn welcome(&self, uptime: u64) -> Welcome {
        Welcome {
            protocol: 1,
            epoch: 1,
            server_time: at(uptime).wall,
            statements: self.statements.clone(),
            ping: Duration::from_secs(20),
            report_batch: 2,
            report_after: Duration::from_secs(1),
            parked: None,
            resend_reports: false,
        }
    }

    fn seal(&self, kind: RootKind, version: Version, leaf: Vec<u8>) -> Seal {
        // A neighbouring leaf, so that the path has a step.
        let tree = Tree::of([leaf.clone(), b"neighbour".to_vec()]);
        let root = Root {
            kind,
            version,
            compiler: 1,
            signer: self.online.id(),
            previous: Default::default(),
            tree: tree.root(),
            size: tree.size(),
            audit_head: Default::default(),
        };
        Seal { note: root.sign(&self.online, &mut Log::default()), leaf: leaf.into(), path: tree.path(0) }
    }

    pub fn sealed(&self, version: Version, items: &Buckets) -> Seal {
        let header =
            Header { entra_tenant: self.tenant, version, compiler: 1, digest: items.digest(), count: items.len() };
        self.seal(RootKind::States, version, encode_header(&header))
    }

    pub fn leased(&self, version: Version, items: &Buckets, fresh_until: Timestamp) -> Inbound {
        let lease = Lease { entra_tenant: self.tenant, version, digest: items.digest(), fresh_until };
        Inbound::Lease(self.seal(RootKind::Leases, version, encode_lease(&lease)))
    }

    /// A snapshot in one part.
    pub fn snapshot(&self, nonce: &str, version: Version, items: &Buckets) -> Inbound {
        let seal = Some(self.sealed(version, items));
        Inbound::Chunk { nonce: nonce.into(), items: items.sorted(), last: true, seal }
    }

    /// A snapshot with one item in each part.
    pub fn parts(&self, nonce: &str, version: Version, items: &Buckets) -> Vec<Inbound> {
        let all = items.sorted();
        let count = all.len();
        let part = |(n, item): (usize, SealedItem)| Inbound::Chunk {
            nonce: nonce.into(),
            items: vec![item],
            last: n + 1 == count,
            seal: (n + 1 == count).then(|| self.sealed(version, items)),
        };
        all.into_iter().enumerate().map(part).collect()
    }

    pub fn delta(&self, nonce: &str, version: Version, from: &Buckets, to: &Buckets) -> Inbound {
        let seal = Some(self.sealed(version, to));
        Inbound::Delta { nonce: nonce.into(), from: from.digest(), delta: from.diff(to), seal }
    }
}

pub(crate) fn epoch(epoch: u64) -> Statement {
    Statement::Epoch { epoch, reason: "a test".into() }
}

pub(crate) fn v(epoch: u64, revision: u64) -> Version {
    Version { epoch, revision }
}

/// Groups with these names.
pub(crate) fn groups(names: &[&str]) -> Buckets {
    Buckets::from_items(names.iter().map(|name| {
        let key: ItemKey = format!("group/{name}/standard").parse().unwrap();
        let body = ItemBody::Group(GroupBody { display_name: format!("ent-{name}"), description: String::new() });
        SealedItem::seal(&Item { key, want: Want::Present, windows: Windows::always(), body })
    }))
}
