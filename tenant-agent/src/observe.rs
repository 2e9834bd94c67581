//! Reads of the tenant just what a plan will ask for, and says of the rest that it was not read.
//!
//! Decides nothing: what to read is `entente-planner`'s, how a call is made `entente-cloud`'s.

mod convert;

use std::collections::{BTreeMap, BTreeSet};

use entente_cloud::{Answer, AssignmentsOf, Cloud, Failure, Listing, Scope};
use entente_model::Guid;
use entente_model::report::Reason;
use entente_planner::observed::{AzureAssignment, Defender, Group, Observed, Part, Rights, User};
use entente_planner::reads::ReadSet;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use crate::{blame, clock};
use convert::guid;

/// Single reads under way at a time. Graph and ARM answer in a tenth of a second; more only meets their throttling.
const CONCURRENT: usize = 8;

/// One look.
pub async fn observe(cloud: &Cloud, set: &ReadSet) -> Observed {
    let begun = clock::wall();
    let (people, groups, azure, defender) =
        futures::join!(users(cloud, set), groups(cloud, set), azure(cloud, set), defender(cloud, set));
    let (users, users_by_mail) = people;
    let (groups, groups_by_name) = groups;
    let mut listed = set.members.clone();
    listed.extend(found(&set.members_by_name, &groups_by_name, |group| Some(group.id)));
    let mut principals = set.principals.clone();
    principals.extend(found(&set.principals_by_mail, &users_by_mail, |user: &User| user.id));
    let (members, rights) = futures::join!(members(cloud, &listed), rights(cloud, set, &principals));
    Observed { begun, users, users_by_mail, groups, groups_by_name, members, azure, defender, rights }
}

/// What was found under those of the names.
fn found<T>(
    names: &BTreeSet<String>,
    by_name: &BTreeMap<String, Part<Vec<T>>>,
    id: impl Fn(&T) -> Option<Guid>,
) -> Vec<Guid> {
    let parts = names.iter().filter_map(|name| by_name.get(name)?.read());
    parts.flatten().filter_map(id).collect()
}

async fn users(
    cloud: &Cloud,
    set: &ReadSet,
) -> (BTreeMap<Guid, Part<Option<User>>>, BTreeMap<String, Part<Vec<User>>>) {
    let graph = cloud.graph();
    let ids: Vec<Guid> = set.user_ids.iter().copied().collect();
    let mails: Vec<&str> = set.mails.iter().map(String::as_str).collect();
    let uuids: Vec<_> = ids.iter().map(Guid::as_uuid).collect();
    let (by_id, by_mail) = futures::join!(graph.get_users(&uuids), graph.find_users_by_mails(&mails));
    let by_id = by_id.into_iter().map(|answer| part(answer, blame::READ_USERS, |user| user.map(convert::user)));
    let by_mail = by_mail
        .into_iter()
        .map(|answer| whole(answer, blame::READ_USERS, |users| users.into_iter().map(convert::user).collect()));
    (ids.into_iter().zip(by_id).collect(), set.mails.iter().cloned().zip(by_mail).collect())
}

async fn groups(
    cloud: &Cloud,
    set: &ReadSet,
) -> (BTreeMap<Guid, Part<Option<Group>>>, BTreeMap<String, Part<Vec<Group>>>) {
    let graph = cloud.graph();
    let by_id = each(set.group_ids.iter().copied(), |id| {
        let graph = graph.clone();
        async move { part(graph.get_group(id.as_uuid()).await, blame::READ_GROUPS, |group| group.map(convert::group)) }
    });
    let by_name = each(set.group_names.iter().cloned(), |name| {
        let graph = graph.clone();
        async move {
            let answer = graph.find_groups_by_name(&name).await;
            whole(answer, blame::READ_GROUPS, |groups| groups.into_iter().map(convert::group).collect())
        }
    });
    futures::join!(by_id, by_name)
}

async fn members(cloud: &Cloud, groups: &BTreeSet<Guid>) -> BTreeMap<Guid, Part<BTreeSet<Guid>>> {
    let ids: Vec<_> = groups.iter().map(Guid::as_uuid).collect();
    let answers = cloud.graph().list_members_of(&ids).await;
    let read = groups.iter().copied().zip(answers);
    // A group that is not there has no members to speak of.
    let there = read.filter(|(_, answer)| !matches!(answer, Err(Failure::NotFound(_))));
    there
        .map(|(group, answer)| {
            let members = |all: Vec<entente_cloud::DirectoryObject>| all.iter().map(|it| guid(it.id)).collect();
            (group, whole(answer, blame::READ_GROUPS, members))
        })
        .collect()
}

async fn azure(cloud: &Cloud, set: &ReadSet) -> BTreeMap<String, Part<Vec<AzureAssignment>>> {
    each(set.azure_scopes.iter().cloned(), |scope| assignments(cloud, scope, AssignmentsOf::AtScope)).await
}

async fn assignments(cloud: &Cloud, scope: String, of: AssignmentsOf) -> Part<Vec<AzureAssignment>> {
    let Ok(parsed) = Scope::parse(&scope) else {
        return Part::unread(Reason::CloudRefused, format!("{scope} is not a scope of Azure Resource Manager"));
    };
    let answer = cloud.arm().list_role_assignments(&parsed, of).await;
    whole(answer, blame::READ_AZURE, |all| all.into_iter().map(convert::assignment).collect())
}

async fn defender(cloud: &Cloud, set: &ReadSet) -> Option<Part<Defender>> {
    if !set.defender {
        return None;
    }
    let defender = cloud.defender();
    let (roles, assignments, actions) =
        futures::join!(defender.list_role_definitions(), defender.list_role_assignments(), defender.resource_actions());
    let all = roles.and_then(|roles| Ok((roles, assignments?, actions?)));
    Some(part(all, blame::READ_DEFENDER, |(roles, assignments, actions)| Defender {
        roles: roles.entries.into_iter().map(convert::defender_role).collect(),
        assignments: assignments.entries.into_iter().map(convert::defender_assignment).collect(),
        by_display: actions.entries.iter().map(|action| (action.name.clone(), action.id.clone())).collect(),
        actions: actions.entries.into_iter().map(|action| action.id).collect(),
    }))
}

async fn rights(cloud: &Cloud, set: &ReadSet, principals: &BTreeSet<Guid>) -> BTreeMap<Guid, Rights> {
    let ids: Vec<_> = principals.iter().map(Guid::as_uuid).collect();
    let pairs = principals.iter().flat_map(|id| set.principal_scopes.iter().map(|scope| (*id, scope.clone())));
    let graph = cloud.graph();
    let (memberships, mut azure) = futures::join!(
        graph.memberships_of(&ids),
        each(pairs, |(id, scope)| assignments(cloud, scope, AssignmentsOf::Principal(id.as_uuid())))
    );
    let of = |(id, answer): (Guid, Answer<Listing<entente_cloud::DirectoryObject>>)| {
        let scopes = set.principal_scopes.iter();
        let azure = scopes.filter_map(|scope| Some((scope.clone(), azure.remove(&(id, scope.clone()))?))).collect();
        let memberships = match answer {
            // A user who is not there is in nothing.
            Err(Failure::NotFound(_)) => Part::Read(Vec::new()),
            answer => whole(answer, blame::READ_GROUPS, |all| all.into_iter().map(convert::holding).collect()),
        };
        (id, Rights { memberships, azure })
    };
    principals.iter().copied().zip(memberships).map(of).collect()
}

/// Reads one by one, a few at a time.
fn each<'a, K, V, F>(
    keys: impl IntoIterator<Item = K>,
    read: impl Fn(K) -> F,
) -> impl Future<Output = BTreeMap<K, V>> + Send + 'a
where
    K: Clone + Ord + Send + 'a,
    V: Send + 'a,
    F: Future<Output = V> + Send + 'a,
{
    let read = |key: K| {
        let value = read(key.clone());
        async move { (key, value.await) }.boxed()
    };
    let reads: Vec<BoxFuture<'a, (K, V)>> = keys.into_iter().map(read).collect();
    stream::iter(reads).buffer_unordered(CONCURRENT).collect()
}

fn part<A, T>(answer: Answer<A>, needs: &str, convert: impl FnOnce(A) -> T) -> Part<T> {
    match answer {
        Ok(value) => Part::Read(convert(value)),
        Err(failure) => blame::unread(&failure, needs),
    }
}

/// As [`part`] for a listing: with an entry that was not understood it does not count as read.
fn whole<A, T>(answer: Answer<Listing<A>>, needs: &str, convert: impl FnOnce(Vec<A>) -> T) -> Part<T> {
    match answer {
        Ok(listing) if !listing.is_whole() => Part::unread(Reason::CloudRefused, listing.odd.join("; ")),
        answer => part(answer.map(|listing| listing.entries), needs, convert),
    }
}

/// Which planes were read whole.
pub fn planes_read(observed: &Observed) -> BTreeSet<entente_model::Plane> {
    use entente_model::Plane;
    let all_read = |plane: Plane| match plane {
        Plane::Users => read_all(&observed.users) && read_all(&observed.users_by_mail),
        Plane::Groups => read_all(&observed.groups) && read_all(&observed.groups_by_name),
        Plane::Memberships => read_all(&observed.members),
        Plane::AzureRoles => read_all(&observed.azure),
        Plane::DefenderRoles => observed.defender.as_ref().is_none_or(|part| part.read().is_some()),
        _ => false,
    };
    Plane::ALL.into_iter().filter(|plane| all_read(*plane)).collect()
}

fn read_all<K, T>(parts: &BTreeMap<K, Part<T>>) -> bool {
    parts.values().all(|part| part.read().is_some())
}
