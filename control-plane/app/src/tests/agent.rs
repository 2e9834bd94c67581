//! An agent without a tenant: it verifies and holds what it is sent, as a real one does, and reports what it is told to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entente_model::Guid;
use entente_model::desired::{Item, ItemKey, Want};
use entente_model::report::{
    Accepted, AccountState, ItemReport, ItemState, KnownAccount, Microsoft, MicrosoftState, PlaneStanding,
    ProofSignature, RemovalProof, Report, Standing,
};
use entente_model::{Plane, PlaneMode};
use entente_seal::{Buckets, Held, Seal, Verifier};
use futures::{FutureExt, StreamExt};

use super::*;

pub(super) struct Agent {
    pub(super) peer: Peer,
    /// Of the enrolled key, with the certificate's DER.
    pub(super) key: (KeyPem, Vec<u8>),
    pub(super) tenant: TenantName,
    pub(super) entra: Guid,
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
        let (peer, key, certificate) = bed.enrol_with_key(&tenant).await;
        Self {
            peer,
            key: (key, certificate),
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
            key: self.key.clone(),
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
            Outgoing::Leavers { items, seal, .. } => {
                let items = Buckets::from_items(items.sorted());
                self.verifier.verify_state(&seal, self.entra, &items, None, bed.app.now()).unwrap();
                let named = items.iter().map(|item| item.open().unwrap()).filter(|item| item.want != Want::Present);
                let named = named.filter(|item| matches!(item.key, ItemKey::User(_)));
                format!("leavers: {}", named.count())
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
        let standing = self.standing();
        self.report_with(items, forgotten, full, standing).await;
    }

    /// A healthy agent's, which has read every plane.
    pub(super) fn standing(&self) -> Standing {
        let now = Timestamp::from_unix(start());
        let plane = |plane: Plane| PlaneStanding {
            plane: plane.into(),
            mode: PlaneMode::Manage.into(),
            verified: Some(now),
            unread_since: None,
        };
        Standing {
            compared: self.items.digest().to_string(),
            guardrail: "ab".repeat(32),
            planes: Plane::ALL.iter().copied().map(plane).collect(),
            microsoft: Some(Microsoft { state: MicrosoftState::SignedIn.into(), since: now, detail: String::new() }),
            ..Standing::default()
        }
    }

    pub(super) async fn report_with(
        &mut self,
        items: Vec<ItemReport>,
        forgotten: Vec<ItemKey>,
        full: bool,
        standing: Standing,
    ) {
        self.reports += 1;
        let standing = Some(Box::new(standing));
        let report = Report { number: self.reports, items, forgotten, standing, ..Report::default() };
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
        self.report_removed_with(|_| {}).await;
    }

    /// Likewise, with what is wrong about the proofs.
    pub(super) async fn report_removed_with(&mut self, change: impl Fn(&mut RemovalProof)) {
        let absent = self.desired().into_iter().filter(|item| item.want != Want::Present);
        let items = absent.map(|item| self.removed(&item, &change)).collect();
        self.report(items, Vec::new(), false).await;
    }

    pub(super) fn removed(&self, item: &Item, change: impl Fn(&mut RemovalProof)) -> ItemReport {
        let Want::Absent { since, known, .. } = &item.want else { panic!("{} is not named for removal", item.key) };
        let mut proof = RemovalProof {
            named: *since,
            first_empty_read: Timestamp::from_unix(since.as_unix() + 60),
            second_empty_read: Timestamp::from_unix(since.as_unix() + 180),
            blocked: Some(Timestamp::from_unix(since.as_unix() + 1)),
            effective_by: Timestamp::from_unix(since.as_unix() + 3_600),
            accounts: known.iter().map(|id| account(*id, AccountState::Blocked)).collect(),
            unseen: vec!["the recycle bin".into()],
            signed: None,
        };
        change(&mut proof);
        let proof = Some(RemovalProof { signed: Some(self.sign(&item.key, &proof)), ..proof });
        let object_id = known.first().map(ToString::to_string);
        ItemReport { object_id, proof, ..self.item(item.key.clone(), ItemState::Removed) }
    }

    /// With the enrolled key, as what it is.
    pub(super) fn sign(&self, item: &ItemKey, proof: &RemovalProof) -> ProofSignature {
        use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
        use rustls_pki_types::PrivatePkcs8KeyDer;
        use rustls_pki_types::pem::PemObject;
        let Who::Agent(agent) = &self.peer.who else { panic!("an agent's certificate") };
        let statement = entente_seal::removal_statement(self.entra, agent, item, proof);
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.key.0.expose().as_bytes()).unwrap();
        let dice = ring::rand::SystemRandom::new();
        let bytes = key.secret_pkcs8_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, bytes, &dice).unwrap();
        let signature = key.sign(&dice, statement.as_bytes()).unwrap();
        ProofSignature { certificate: STANDARD.encode(&self.key.1), signature: STANDARD.encode(signature) }
    }
}

pub(super) fn account(id: Guid, state: AccountState) -> KnownAccount {
    KnownAccount { id, name: String::new(), state, owned: true }
}
