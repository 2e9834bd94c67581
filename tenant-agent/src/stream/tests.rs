//! The stream with a control plane at its other end, and a disk below it.

use std::time::Duration;

use entente_proto::agent::v1::connect_request::Message as Heard;
use entente_session::{Config, Kept};
use entente_store::Store;

use super::*;
use crate::testing::provider::{self, ControlPlane, buckets};
use crate::testing::{TENANT, analysts, root};

const PATIENCE: Duration = Duration::from_secs(60);

/// An agent's stream and what it has to do with.
struct Agent {
    view: watch::Receiver<View>,
    status: watch::Sender<Option<Arc<Status>>>,
    plans: mpsc::Receiver<PlanRequest>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), MemoryError>>,
}

impl Agent {
    async fn start(memory: &Memory, channel: Channel) -> Self {
        let on_disk = memory.state().await.unwrap();
        let config = Config {
            entra_tenant: TENANT.parse().unwrap(),
            root_key: root().public(),
            build: "test".into(),
            boot_id: "boot".into(),
            former: None,
        };
        let (session, effects) = Session::new(config, on_disk.statements, on_disk.kept);
        assert!(effects.is_empty(), "{effects:?}");
        let (view, shown) = watch::channel(View::default());
        let (plans, asked) = mpsc::channel(1);
        let status = watch::Sender::new(None);
        let stream = Stream {
            session,
            channel,
            memory: memory.clone(),
            clock: Clock::start(),
            guardrail: "/nonexistent".into(),
            view,
            nudge: Arc::new(Notify::new()),
            status: status.subscribe(),
            plans,
            asked: Default::default(),
            renewed: Arc::new(Notify::new()),
            statements: None,
        };
        let cancel = CancellationToken::new();
        let task = tokio::spawn(stream.run(cancel.clone()));
        Self { view: shown, status, plans: asked, cancel, task }
    }

    async fn until(&mut self, what: impl Fn(&View) -> bool) -> View {
        tokio::time::timeout(PATIENCE, self.view.wait_for(what)).await.unwrap().unwrap().clone()
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
        drop(self.plans);
    }
}

fn memory(dir: &tempfile::TempDir) -> Memory {
    let id = Memory::create(dir.path()).unwrap();
    Memory::open(dir.path(), id).unwrap()
}

fn has(revision: u64) -> impl Fn(&View) -> bool {
    move |view| {
        view.desired.as_ref().is_some_and(|desired| desired.version.revision == revision) && view.fresh_until.is_some()
    }
}

#[tokio::test]
async fn a_state_comes_is_kept_and_is_there_after_a_restart_without_a_second_transfer() {
    let dir = tempfile::tempdir().unwrap();
    let memory = memory(&dir);
    let control_plane = ControlPlane::start(10, &analysts(&[0])).await;
    let mut agent = Agent::start(&memory, control_plane.channel()).await;
    let view = agent.until(has(10)).await;
    assert_eq!(view.desired.unwrap().items.len(), analysts(&[0]).len());
    agent.stop().await;
    let mut agent = Agent::start(&memory, control_plane.channel()).await;
    agent.until(|view| view.connected && has(10)(view)).await;
    let acks = control_plane.heard(|heard| matches!(heard, Heard::Ack(_)).then_some(()));
    assert_eq!(acks.len(), 2, "received and accepted, once");
    agent.stop().await;
}

#[tokio::test]
async fn a_lost_control_plane_is_dialled_again_and_reports_are_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let memory = memory(&dir);
    let control_plane = ControlPlane::start(10, &analysts(&[0])).await;
    let mut agent = Agent::start(&memory, control_plane.channel()).await;
    agent.until(has(10)).await;
    let (address, log) = control_plane.stop().await;
    agent.until(|view| !view.connected).await;
    // Seen while nobody listens.
    let status = Status {
        standing: entente_model::report::Standing { paused: true, ..Default::default() },
        ..Default::default()
    };
    agent.status.send_replace(Some(Arc::new(status)));
    let control_plane = ControlPlane::start_at(address, log, 11, &analysts(&[0, 1])).await;
    agent.until(has(11)).await;
    let told = || {
        let paused = |heard: &Heard| match heard {
            Heard::Report(report) => report.standing.as_ref().filter(|standing| standing.paused).map(|_| ()),
            _ => None,
        };
        !control_plane.heard(paused).is_empty()
    };
    tokio::time::timeout(PATIENCE, async {
        while !told() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn a_state_that_nobody_signed_is_refused_and_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let memory = memory(&dir);
    let control_plane = ControlPlane::start(10, &analysts(&[0])).await;
    let mut agent = Agent::start(&memory, control_plane.channel()).await;
    agent.until(has(10)).await;
    agent.stop().await;
    // Somebody edits an item on disk.
    let good = memory.state().await.unwrap();
    let forged = Kept { items: buckets(&analysts(&[0, 3])), ..good.kept.unwrap() };
    memory.keep_state(&forged).await.unwrap();
    let on_disk = memory.state().await.unwrap();
    let config = Config {
        entra_tenant: TENANT.parse().unwrap(),
        root_key: root().public(),
        build: String::new(),
        boot_id: String::new(),
        former: None,
    };
    let (session, effects) = Session::new(config, on_disk.statements, on_disk.kept);
    assert!(matches!(effects[..], [Effect::Alarm(entente_session::Alarm::StateOnDisk(_))]), "{effects:?}");
    assert_eq!(session.view(Clock::start().now()).desired, None);
}

#[tokio::test]
async fn a_state_on_disk_is_the_old_one_or_the_new_one_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let memory = memory(&dir);
    let kept = |revision, people: &[u8]| {
        let items = buckets(&analysts(people));
        let lease = Some((provider::seal_lease(revision, &items), crate::clock::wall()));
        Kept { seal: provider::seal_state(revision, &items), items, accepted: crate::clock::wall(), lease }
    };
    let (old, new) = (kept(10, &[0, 1]), kept(11, &[1, 2]));
    memory.keep_state(&old).await.unwrap();
    let read = memory.state().await.unwrap().kept.unwrap();
    assert_eq!((read.items.digest(), read.seal, read.lease), (old.items.digest(), old.seal, old.lease));
    memory.keep_state(&new).await.unwrap();
    assert_eq!(memory.state().await.unwrap().kept.unwrap().items.digest(), new.items.digest());
    let rows = memory.store().scan("state/item/", None, 100).await.unwrap().entries.len();
    assert_eq!(rows, new.items.len() as usize, "what nobody names any more is gone");
}
