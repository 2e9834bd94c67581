//! The doctor against the simulated cloud, and a provider's port with a CA of its own.

use std::path::PathBuf;
use std::time::Duration;

use entente_planner::condition;
use entente_simulator::control::seed::AzureRoleSeed;
use entente_simulator::control::types::Tamper;

use super::check::{Check, State};
use super::*;
use crate::enroll::tests::Scene;
use crate::status_file::AgentStatus;
use crate::testing::{self, CLIENT, Spec, TENANT, World};

fn file(world: &World) -> PathBuf {
    world.config.guardrail.with_file_name("agent.toml")
}

async fn checks(world: &World) -> Vec<Check> {
    look(&file(world), &|_| None).await
}

/// What is told of one thing, all lines of it.
fn of(checks: &[Check], name: &str) -> (State, String) {
    let found: Vec<_> = checks.iter().filter(|check| check.name.starts_with(name)).collect();
    assert!(!found.is_empty(), "nothing is told of {name}: {checks:#?}");
    let worst = if found.iter().all(|it| it.state == State::Ok) { State::Ok } else { found[0].state };
    (worst, found.iter().map(|it| format!("{} / {}\n", it.detail, it.remedy.as_deref().unwrap_or("-"))).collect())
}

fn expect(checks: &[Check], name: &str, state: State, says: &[&str]) {
    let (found, told) = of(checks, name);
    assert_eq!(found, state, "{name}: {told}");
    says.iter().for_each(|part| assert!(told.contains(part), "{name} does not say {part:?}: {told}"));
}

fn faults(checks: &[Check]) -> Vec<&str> {
    checks.iter().filter(|it| it.state == State::Fault).map(|it| it.name.as_str()).collect()
}

/// The agent's Azure role with the condition that its guardrail asks for, and a secret whose end is told.
fn well() -> Spec {
    let guardrail = Guardrail::parse(&testing::guardrail("manage")).unwrap();
    let role = AzureRoleSeed {
        scope: testing::scope(),
        role: condition::RBAC_ADMINISTRATOR.into(),
        condition_role_ids: Vec::new(),
        condition: condition::text(&guardrail),
    };
    Spec { azure_role: role, ..Spec::default() }
}

fn rewrite(world: &World, from: &str, to: &str) {
    let text = std::fs::read_to_string(file(world)).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    std::fs::write(file(world), text.replace(from, to)).unwrap();
}

/// As if an agent ran, which wrote this of itself.
fn runs(world: &World, pid: u32, connected: bool) -> (tokio::net::UnixListener, crate::lock::Lock) {
    let dir = &world.config.state_dir;
    write_status(
        world,
        &AgentStatus { pid, connected, time: "2026-11-23T08:00:00Z".parse().unwrap(), ..Default::default() },
    );
    std::fs::remove_file(dir.join("agent.sock")).ok();
    (tokio::net::UnixListener::bind(dir.join("agent.sock")).unwrap(), crate::lock::Lock::take(dir).unwrap())
}

fn write_status(world: &World, status: &AgentStatus) {
    std::fs::write(world.config.state_dir.join("status.json"), serde_json::to_vec(status).unwrap()).unwrap();
}

const EXPIRES: (&str, &str) = ("[credential]\n", "[credential]\nexpires = \"2099-01-01T00:00:00Z\"\n");

#[tokio::test]
async fn an_agent_that_is_well_is_told_so_line_by_line_and_exits_with_0() {
    let scene = Scene::enrolled(well()).await;
    rewrite(&scene.world, EXPIRES.0, EXPIRES.1);
    let (socket, lock) = runs(&scene.world, std::process::id(), true);
    let checks = checks(&scene.world).await;
    assert_eq!(check::done(&checks), crate::commands::screen::Done::Whole, "{}", check::text(&checks));
    drop((socket, lock));
    expect(&checks, "connection", State::Ok, &["the provider takes it"]);
    expect(&checks, "enrolment", State::Ok, &["tenants/contoso/agents/a1"]);
    expect(&checks, "provider", State::Ok, &[scene.address.as_str(), "pinned CA"]);
    expect(&checks, "permissions", State::Ok, &["all"]);
    expect(&checks, "Azure role at rg-sentinel", State::Ok, &["and no others"]);
    expect(&checks, "clock", State::Ok, &[" s "]);
    expect(&checks, "credential", State::Ok, &["2099"]);
    expect(&checks, "agent", State::Ok, &["is running"]);
    assert!(check::text(&checks).ends_with(&format!("{} OK, 0 FAULT, 0 UNKNOWN\n", checks.len())));
    let left: Vec<_> =
        std::fs::read_dir(&scene.world.config.state_dir).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("doctor")), "{left:?}");
    assert_eq!(scene.world.writes().await, Vec::<String>::new(), "it reads and writes nothing");
}

#[tokio::test]
async fn before_enrolment_the_rest_is_looked_at_and_what_is_not_known_is_not_said_to_be_well() {
    let world = World::of(well()).await;
    let checks = checks(&world).await;
    assert_eq!(faults(&checks), Vec::<&str>::new(), "{}", check::text(&checks));
    expect(&checks, "enrolment", State::Unknown, &["not enrolled", "enroll --token"]);
    expect(&checks, "provider", State::Unknown, &["before enrolment"]);
    expect(&checks, "credential", State::Unknown, &["credential.expires"]);
    expect(&checks, "permissions", State::Ok, &[]);
    assert_eq!(check::done(&checks), crate::commands::screen::Done::Incomplete);
}

#[tokio::test]
async fn a_wrong_secret_is_named_by_microsofts_number_and_what_hangs_on_it_is_unknown() {
    let world = World::of(well()).await;
    std::fs::write(file(&world).with_file_name("client-secret"), "other").unwrap();
    let checks = checks(&world).await;
    expect(&checks, "sign-in", State::Fault, &["AADSTS7000215", "not its id"]);
    expect(&checks, "permissions", State::Unknown, &[]);
    expect(&checks, "Microsoft login", State::Ok, &["answers"]);
    assert_eq!(check::done(&checks), crate::commands::screen::Done::Faulty);
}

#[tokio::test]
async fn each_missing_permission_is_a_fault_and_a_spare_one_is_named() {
    let world = World::of(well()).await;
    let mut permissions: Vec<String> = testing::permissions("manage").iter().map(ToString::to_string).collect();
    permissions.retain(|it| it != "User.Invite.All" && it != "User.EnableDisableAccount.All");
    let set =
        |permissions: &[String]| Tamper::SetAppPermissions { app: CLIENT.into(), permissions: permissions.to_vec() };
    world.control.tamper(TENANT, &set(&permissions)).await.unwrap();
    let found = checks(&world).await;
    let told = of(&found, "permissions").1;
    assert_eq!(faults(&found), ["permissions", "permissions"], "{told}");
    assert!(told.contains("grant User.Invite.All") && told.contains("grant User.EnableDisableAccount.All"), "{told}");
    permissions.extend(["User.Invite.All", "User.EnableDisableAccount.All", "Mail.Read"].map(str::to_owned));
    world.control.tamper(TENANT, &set(&permissions)).await.unwrap();
    expect(&checks(&world).await, "permissions", State::Ok, &["not needed by this guardrail: Mail.Read"]);
}

#[tokio::test]
async fn a_host_that_is_not_reached_is_a_fault_and_what_it_would_have_said_is_unknown() {
    let world = World::of(well()).await;
    let text = std::fs::read_to_string(file(&world)).unwrap();
    let arm = text.lines().find(|line| line.starts_with("arm = ")).unwrap();
    rewrite(&world, arm, "arm = \"https://localhost:1\"");
    let found = checks(&world).await;
    expect(&found, "Azure", State::Fault, &["https://localhost:1 is not reached", "let this machine reach"]);
    expect(&found, "Azure role at rg-sentinel", State::Unknown, &[]);
    expect(&found, "sign-in", State::Ok, &[]);
    rewrite(&world, "extra_ca = \"cloud-ca.pem\"\n", "");
    expect(&checks(&world).await, "Microsoft Graph", State::Fault, &["cloud.extra_ca"]);
}

#[tokio::test]
async fn a_clock_that_is_off_is_a_fault_beyond_what_two_services_may_differ() {
    let world = World::of(well()).await;
    world.control.advance_clock(Duration::from_secs(90)).await.unwrap();
    expect(&checks(&world).await, "clock", State::Ok, &["behind Microsoft's"]);
    world.control.advance_clock(Duration::from_secs(600)).await.unwrap();
    expect(&checks(&world).await, "clock", State::Fault, &["behind Microsoft's", "time service"]);
}

#[tokio::test]
async fn the_condition_of_the_azure_role_is_held_against_the_guardrails() {
    let with = |condition: Option<&str>| {
        let mut spec = well();
        spec.azure_role.condition = condition.map(str::to_owned);
        spec
    };
    let name = "Azure role at rg-sentinel";
    let none = checks(&World::of(with(None)).await).await;
    expect(&none, name, State::Fault, &["no condition limits it", "entente-agent permissions"]);
    let other = "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals \
                 {8d289c81-5878-46d4-8554-54e1e3d8b5cb})";
    let lacking = checks(&World::of(with(Some(other))).await).await;
    expect(&lacking, name, State::Fault, &["does not let the agent assign Microsoft Sentinel Responder"]);
    // As the test's customers have it: the right roles in the portal's words.
    let portal = checks(&World::of(Spec::default()).await).await;
    expect(&portal, name, State::Unknown, &["not word by word the guardrail's"]);
    let mut elsewhere = well();
    elsewhere.azure_role.role = "acdd72a7-3385-48ef-bd42-f606fba81ae7".into();
    let reader = checks(&World::of(elsewhere).await).await;
    expect(&reader, name, State::Unknown, &["no assignment of the agent's own"]);
}

#[tokio::test]
async fn a_condition_is_not_said_to_limit_an_agent_that_holds_other_roles_beside_it() {
    let world = World::of(well()).await;
    let told = of(&checks(&world).await, "sign-in").1;
    let own = told.split("object id ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    let give = async |role: &str| {
        let (scope, role, principal) = (testing::scope(), role.to_owned(), own.clone());
        let op = Tamper::AddAzureAssignment { scope, role, principal, principal_type: "ServicePrincipal".into() };
        world.control.tamper(TENANT, &op).await.unwrap();
        checks(&world).await
    };
    let contributor = give("b24988ac-6180-42a0-ab88-20f7382dd24c").await;
    expect(&contributor, "Azure role at rg-sentinel", State::Unknown, &["other roles beside it", "b24988ac"]);
    let owner = give("8e3af657-a8ff-443c-a75c-2fe8c4bcb635").await;
    expect(&owner, "Azure role at rg-sentinel", State::Fault, &["the agent is Owner"]);
}

#[tokio::test]
async fn every_fault_of_the_files_is_named_and_a_folder_that_others_open_is_one() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::of(well()).await;
    let text = testing::guardrail("manage");
    world.write_guardrail(&text.replace("2099-12-31", "2020-01-01").replace("[nordwall.example]", "[\"x\"]"));
    std::fs::set_permissions(&world.config.state_dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let found = checks(&world).await;
    expect(&found, "guardrail", State::Fault, &["reviewBy", "provider.mailDomains"]);
    let told = of(&found, "state folder").1;
    assert!(told.contains("others than its owner") && told.contains("chmod go="), "{told}");
    world.write_guardrail(&text.replace(TENANT, "0c0de000-0000-4000-8000-00000000000f"));
    expect(&checks(&world).await, "guardrail", State::Fault, &["customer.entraTenant", TENANT]);
    rewrite(&world, "recheck_seconds = 1", "recheck_seconds = 0\ncompare_seconds = 0");
    let found = checks(&world).await;
    expect(&found, "configuration", State::Fault, &["recheck_seconds", "compare_seconds"]);
    expect(&found, "everything else", State::Unknown, &["was not looked at"]);
}

#[tokio::test]
async fn the_provider_that_moved_or_is_inspected_is_a_fault_and_a_running_agent_does_not_mind() {
    let scene = Scene::enrolled(well()).await;
    let socket = tokio::net::UnixListener::bind(scene.world.config.state_dir.join("agent.sock")).unwrap();
    let lock = crate::lock::Lock::take(&scene.world.config.state_dir).unwrap();
    expect(&checks(&scene.world).await, "agent", State::Ok, &["is running"]);
    drop((socket, lock));
    let elsewhere = std::fs::read_to_string(file(&scene.world)).unwrap();
    std::fs::write(file(&scene.world), format!("address = \"localhost:1\"\n{elsewhere}")).unwrap();
    expect(&checks(&scene.world).await, "provider", State::Fault, &["localhost:1 is not reached", "address"]);
    let cloud = std::fs::read_to_string(file(&scene.world)).unwrap();
    let cloud = cloud.lines().find_map(|line| line.strip_prefix("graph = ")).unwrap().trim_matches('"').to_owned();
    rewrite(&scene.world, "localhost:1", cloud.trim_start_matches("https://"));
    expect(&checks(&scene.world).await, "provider", State::Fault, &["not of the pinned CA"]);
}

#[tokio::test]
async fn that_the_provider_takes_the_agent_is_said_only_where_the_one_that_runs_says_so_itself() {
    let scene = Scene::enrolled(well()).await;
    let look = async || checks(&scene.world).await;
    let found = look().await;
    expect(&found, "provider", State::Ok, &["answers, and its certificate is right"]);
    expect(&found, "connection", State::Unknown, &["known only while the agent runs", "start the agent"]);
    // Cut off, or revoked; and what the process before wrote says nothing of this one.
    for (pid, connected, says) in [(std::process::id(), false, "was revoked"), (1, true, "has not written")] {
        let held = runs(&scene.world, pid, connected);
        let found = look().await;
        expect(&found, "connection", State::Unknown, &["whether the provider takes this agent", says]);
        drop(held);
    }
}

#[tokio::test]
async fn of_an_agent_that_does_not_run_it_is_said_since_when() {
    let scene = Scene::enrolled(well()).await;
    let look = async || checks(&scene.world).await;
    expect(&look().await, "agent", State::Ok, &["is not running, and has not looked at the tenant yet"]);
    drop(runs(&scene.world, 1, true));
    expect(&look().await, "agent", State::Ok, &["is not running; it last looked at the tenant 2026-11-23T08:00:00Z"]);
    std::fs::write(scene.world.config.state_dir.join("status.json"), "{").unwrap();
    expect(&look().await, "agent", State::Unknown, &["since when cannot be told", "status.json cannot be read"]);
}

#[tokio::test]
async fn an_agent_that_is_stopped_by_a_switch_is_not_said_to_be_well() {
    let world = World::of(well()).await;
    expect(&checks(&world).await, "switches", State::Ok, &["neither pause nor revoke-all"]);
    world.switches().pause().unwrap();
    let found = checks(&world).await;
    expect(&found, "switches", State::Fault, &["paused since 2", "leavers neither", "entente-agent resume"]);
    assert_eq!(check::done(&found), crate::commands::screen::Done::Faulty);
    world.switches().resume().unwrap();
    world.switches().revoke_all().unwrap();
    let told = ["everything that the agent gave is taken back", "entente-agent resume"];
    expect(&checks(&world).await, "switches", State::Fault, &told);
    // A folder of which nothing can be told: here one that is none.
    let file = world.config.state_dir.join("revoke-all");
    let found = here::switches(&file);
    expect(&found, "switches", State::Unknown, &["cannot be told"]);
}

#[tokio::test]
async fn which_proxy_is_used_and_which_words_of_the_environment_are_not_is_said() {
    let world = World::of(well()).await;
    let config = |env: &[(&str, &str)]| {
        let find = |name: &str| env.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        here::proxy(&Config::load(&file(&world), find).unwrap(), &find).detail
    };
    assert_eq!(config(&[]), "none is used");
    let told = config(&[("HTTPS_PROXY", "http://u:secret@proxy:3128"), ("HTTP_PROXY", "http://plain:1")]);
    assert!(told.starts_with("proxy:3128 is used, by the variable HTTPS_PROXY"), "{told}");
    assert!(told.contains("not used: HTTP_PROXY") && !told.contains("secret"), "{told}");
    let told = config(&[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:2"), ("no_proxy", "localhost")]);
    assert!(
        told.contains("a:1 is used") && told.contains("not used: HTTPS_PROXY") && told.contains("not for localhost")
    );
    rewrite(&world, "[cloud]\n", "[cloud]\nproxy = \"http://file:4\"\n");
    let told = config(&[("HTTPS_PROXY", "http://b:2")]);
    assert!(
        told.starts_with("file:4 is used, by cloud.proxy; set in the environment and not used: HTTPS_PROXY"),
        "{told}"
    );
}
