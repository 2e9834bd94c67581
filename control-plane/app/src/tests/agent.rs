//! An agent without a tenant: it verifies and holds what it is sent, as a real one does, and reports what it is told to.

use entente_model::desired::{Item, ItemKey, Want};
use entente_model::report::{Accepted, ItemReport, ItemState, RemovalProof, Report, Standing};
use entente_seal::{Buckets, Held, Seal, Verifier};
use futures::{FutureExt, StreamExt};

use super::*;

pub(super) struct Agent {
    pub(super) peer: Peer,
    pub(super) tenant: TenantName,
    entra: entente_model::Guid,
    verifier: Verifier,
    pub(super) boot_id: String,
    pub(super) items: Buckets,
    pub(super) held: Option<Accepted>,
    stream: Option<(Inbox, Outbox)>,
    pub(super) welcome: Option<Welcome>,
    reports: u64,
    /// Says nothing to states.
    pub(super) mute: bool,
}

impl Agent {
    pub(super) async fn enrol(bed: &Bed, id: &str) -> Self {
        let tenant = tenant(id);
        let peer = bed.enrol(&tenant).await;
        Self {
            peer,
            entra: bed.entra(&tenant).parse().unwrap(),
            tenant,
            verifier: Verifier::new(bed.root.public()),
            boot_id: Uuid::new_v4().to_string(),
            items: Buckets::default(),
            held: None,
            stream: None,
            welcome: None,
            reports: 0,
            mute: false,
        }
    }

    /// The same agent in another process: what it was enrolled with, and what it holds.
    pub(super) fn copy(&self) -> Self {
        Self {
            peer: self.peer.clone(),
            tenant: self.tenant.clone(),
            entra: self.entra,
            verifier: self.verifier.clone(),
            boot_id: Uuid::new_v4().to_string(),
            items: self.items.clone(),
            held: self.held.clone(),
            stream: None,
            welcome: None,
            reports: 0,
            mute: false,
        }
    }

    pub(super) async fn try_connect(&mut self, bed: &Bed) -> Result<(), Refused> {
        let hello = Hello {
            protocol_min: 1,
            protocol_max: 1,
            build: "test".into(),
            boot_id: self.boot_id.clone(),
            version: self.held.as_ref().map(|held| held.version).unwrap_or_default(),
            held: self.held.clone(),
            guardrail: String::new(),
        };
        let connected = bed.app.connect(&self.peer, hello).await?;
        for signed in connected.welcome.statements.iter() {
            self.verifier.accept(signed).unwrap();
        }
        self.welcome = Some(connected.welcome);
        self.stream = Some((connected.inbox, connected.outbox));
        Ok(())
    }

    pub(super) async fn connect(&mut self, bed: &Bed) {
        self.try_connect(bed).await.unwrap();
    }

    pub(super) fn disconnect(&mut self) {
        self.stream = None;
    }

    /// The next message, if there is one now.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        let (_, outbox) = self.stream.as_mut().unwrap();
        outbox.next().now_or_never().flatten()
    }

    pub(super) async fn say(&mut self, incoming: Incoming) -> Result<(), ProtocolError> {
        self.stream.as_ref().unwrap().0.on(incoming).await
    }

    /// Hears everything that there is to hear, verifies it, answers, and says in a word for each what it was.
    pub(super) async fn hear(&mut self, bed: &Bed) -> Vec<String> {
        let mut heard = Vec::new();
        while let Some(outgoing) = self.next() {
            heard.push(self.take(bed, outgoing).await);
        }
        heard
    }

    async fn take(&mut self, bed: &Bed, outgoing: Outgoing) -> String {
        match outgoing {
            Outgoing::Snapshot { nonce, items, seal } => {
                self.verify(bed, nonce, Buckets::from_items(items.sorted()), &seal).await;
                "snapshot".into()
            }
            Outgoing::Delta { nonce, from, delta, seal } => {
                assert_eq!(from, self.items.digest(), "a delta from what is held");
                self.verify(bed, nonce, self.items.apply(&delta), &seal).await;
                "delta".into()
            }
            Outgoing::Lease(seal) => {
                let held = self.held.as_mut().unwrap();
                let (version, digest) = (held.version, held.digest);
                let now = bed.app.now();
                let lease = self.verifier.verify_lease(&seal, self.entra, Held { version, digest }, now).unwrap();
                assert!(lease.fresh_until > now);
                held.version = lease.version;
                "lease".into()
            }
            Outgoing::Ping { number } => {
                if !self.mute {
                    self.say(Incoming::Pong { number }).await.unwrap();
                }
                "ping".into()
            }
            Outgoing::GoAway { reason, .. } => format!("away: {}", reason.word()),
            Outgoing::ReportAck { number } => format!("ack {number}"),
            Outgoing::PlanRequest { nonce } => format!("plan {nonce}"),
            Outgoing::Compare => "compare".into(),
        }
    }

    async fn verify(&mut self, bed: &Bed, nonce: u64, items: Buckets, seal: &Seal) {
        let held = self.held.as_ref().map(|held| Held { version: held.version, digest: held.digest });
        let verified = self.verifier.verify_state(seal, self.entra, &items, held, bed.app.now()).unwrap();
        if self.mute {
            return;
        }
        let (version, digest) = (verified.header.version, verified.header.digest);
        self.say(Incoming::Received { nonce }).await.unwrap();
        self.items = items;
        self.held = Some(Accepted { version, root: verified.root, digest });
        self.say(Incoming::Accepted { nonce }).await.unwrap();
    }

    pub(super) fn desired(&self) -> Vec<Item> {
        self.items.sorted().iter().map(|item| item.open().unwrap()).collect()
    }

    /// Keys named for removal.
    pub(super) fn absent(&self) -> Vec<ItemKey> {
        self.desired().into_iter().filter(|item| item.want != Want::Present).map(|item| item.key).collect()
    }

    pub(super) async fn report(&mut self, items: Vec<ItemReport>, forgotten: Vec<ItemKey>, full: bool) {
        self.reports += 1;
        let compared = self.items.digest().to_string();
        let standing = Some(Standing { compared, guardrail: "ab".repeat(32), ..Standing::default() });
        let report = Report { number: self.reports, items, forgotten, standing };
        self.say(Incoming::Report { report, full }).await.unwrap();
    }

    pub(super) fn item(&self, key: ItemKey, state: ItemState) -> ItemReport {
        ItemReport {
            key,
            state,
            reason: None,
            detail: String::new(),
            object_id: Some("0d0de000-0000-4000-8000-000000000001".into()),
            owned: true,
            redeem_url: None,
            script: None,
            accounts: Vec::new(),
            proof: None,
            revision: self.held.as_ref().map_or(0, |held| held.version.revision),
            since: Timestamp::from_unix(start()),
        }
    }

    /// Everything that is desired is there, and nothing that is not.
    pub(super) async fn report_applied(&mut self) {
        let present = self.desired().into_iter().filter(|item| item.want == Want::Present);
        let items = present.map(|item| self.item(item.key, ItemState::Applied)).collect();
        self.report(items, Vec::new(), true).await;
    }

    /// What is named for removal is gone, read back twice.
    pub(super) async fn report_removed(&mut self) {
        let proof = |named| RemovalProof {
            named,
            first_empty_read: Timestamp::from_unix(start() + 60),
            second_empty_read: Timestamp::from_unix(start() + 180),
            effective_by: Timestamp::from_unix(start() + 3_600),
            ..RemovalProof::default()
        };
        let gone = |item: Item| match item.want {
            Want::Absent { since, .. } => {
                Some(ItemReport { proof: Some(proof(since)), ..self.item(item.key, ItemState::Removed) })
            }
            Want::Present => None,
        };
        let items = self.desired().into_iter().filter_map(gone).collect();
        self.report(items, Vec::new(), false).await;
    }
}
