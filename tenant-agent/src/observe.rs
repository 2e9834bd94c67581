//! Reads of the tenant just what a plan will ask for, and says of the rest that it was not read.
//!
//! Decides nothing: what to read is `entente-planner`'s, how a call is made `entente-cloud`'s. A service that is slow or
//! broken costs its own part and no other: each part has the whole budget, from when it begins. Parts that hang on what
//! others found begin after those, so a look takes at most three budgets.

mod convert;
mod notes;
pub mod reach;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_cloud::{Answer, AssignmentsOf, Cloud, Failure, Scope};
use entente_model::Guid;
use entente_model::desired::GroupKind;
use entente_model::report::Reason;
use entente_planner::capability::Definition;
use entente_planner::moment::Moment;
use entente_planner::observed::{
    AzureAssignment, Defender, EntraAssignment, EntraDefinition, Group, Listing, Observed, Part, Rights, User,
};
use entente_planner::reads::ReadSet;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::reasons;
use convert::guid;
use notes::Notes;

/// Single reads under way at a time. Graph and ARM answer in a tenth of a second; more only meets their throttling.
const CONCURRENT: usize = 8;

/// One look.
pub async fn observe(cloud: &Cloud, set: &ReadSet, begun: Moment, budget: Duration) -> Observed {
    let look = Look { cloud, set, notes: Notes::default(), budget };
    let (directory, azure, azure_definitions, defender, entra_definitions) = futures::join!(
        look.directory(),
        look.azure(),
        look.azure_definitions(),
        look.defender(),
        look.entra_definitions()
    );
    let (odd, dates) = look.notes.take();
    Observed { begun, azure, azure_definitions, defender, entra_definitions, odd, dates, ..directory }
}

struct Look<'a> {
    cloud: &'a Cloud,
    set: &'a ReadSet,
    notes: Notes,
    budget: Duration,
}

impl Look<'_> {
    fn deadline(&self) -> Instant {
        Instant::now() + self.budget
    }

    /// People and groups, and then what hangs on those that were found.
    async fn directory(&self) -> Observed {
        let set = self.set;
        let (mut users, users_by_mail, bin, groups, groups_by_name) =
            futures::join!(self.users(&set.user_ids), self.by_mail(), self.bin(), self.groups(), self.by_name());
        let mut listed = set.members.clone();
        listed.extend(found(&set.members_by_name, &groups_by_name, |group| Some(group.id)));
        let mut principals = set.principals.clone();
        principals.extend(found(&set.principals_by_mail, &users_by_mail, |user: &User| user.id));
        let mut carriers = set.entra_principals.clone();
        let is_carrier = |group: &Group| (group.kind == Some(GroupKind::RoleAssignable)).then_some(group.id);
        carriers.extend(found(&set.members_by_name, &groups_by_name, is_carrier).into_iter().filter(|_| set.entra));
        let (members, rights, entra) =
            futures::join!(self.members(&listed), self.rights(&principals), self.entra_of(&carriers));
        let mut marking = set.marked_in.clone();
        marking.extend(found(&set.marked_in_name, &groups_by_name, |group| Some(group.id)));
        let marked = marking.iter().filter_map(|group| members.get(group)?.read()).flatten();
        let unseen: BTreeSet<Guid> = marked.filter(|id| !users.contains_key(id)).copied().collect();
        let joined = set.groups_to_join(&members);
        let (marked, group_azure) = futures::join!(self.users(&unseen), self.azure_of(&joined));
        users.extend(marked);
        let found = Observed { users, users_by_mail, bin, groups, groups_by_name, ..Observed::default() };
        Observed { members, rights, entra, group_azure, ..found }
    }

    async fn users(&self, ids: &BTreeSet<Guid>) -> BTreeMap<Guid, Part<Option<User>>> {
        let uuids: Vec<_> = ids.iter().map(Guid::as_uuid).collect();
        let read = async { self.cloud.graph().get_users(&uuids).await };
        let user = |answer| part(answer, reasons::READ_USERS, |user: Option<_>| user.map(convert::user));
        self.batch(ids, read, |_, answer| user(answer)).await
    }

    async fn by_mail(&self) -> BTreeMap<String, Part<Vec<User>>> {
        let mails: Vec<&str> = self.set.mails.iter().map(String::as_str).collect();
        let read = async { self.cloud.graph().find_users_by_mails(&mails).await };
        let users = |mail: &String, answer| {
            self.listing(Listing::UsersByMail(mail.clone()), answer, reasons::READ_USERS, convert::user)
        };
        self.batch(&self.set.mails, read, users).await
    }

    async fn bin(&self) -> BTreeMap<String, Part<Vec<User>>> {
        let mails: Vec<&str> = self.set.bin.iter().map(String::as_str).collect();
        let read = async { self.cloud.graph().find_deleted_users_by_mails(&mails).await };
        let users = |mail: &String, answer| {
            self.listing(Listing::Bin(mail.clone()), answer, reasons::READ_USERS, convert::deleted_user)
        };
        self.batch(&self.set.bin, read, users).await
    }

    async fn groups(&self) -> BTreeMap<Guid, Part<Option<Group>>> {
        self.each(self.set.group_ids.iter().copied(), |id| async move {
            let answer = self.cloud.graph().get_group(id.as_uuid()).await;
            part(answer, reasons::READ_GROUPS, |group| group.map(convert::group))
        })
        .await
    }

    async fn by_name(&self) -> BTreeMap<String, Part<Vec<Group>>> {
        self.each(self.set.group_names.iter().cloned(), |name| async move {
            let answer = self.cloud.graph().find_groups_by_name(&name).await;
            self.listing(Listing::GroupsByName(name), answer, reasons::READ_GROUPS, convert::group)
        })
        .await
    }

    async fn members(&self, groups: &BTreeSet<Guid>) -> BTreeMap<Guid, Part<BTreeSet<Guid>>> {
        let ids: Vec<_> = groups.iter().map(Guid::as_uuid).collect();
        let read = async { self.cloud.graph().list_members_of(&ids).await };
        let members = |group: &Guid, answer| match answer {
            // A group that is not there has no members to speak of.
            Err(Failure::NotFound(_)) => None,
            answer => {
                let listing = Listing::Members(*group);
                let all = self
                    .listing(listing, answer, reasons::READ_GROUPS, |it: entente_cloud::DirectoryObject| guid(it.id));
                Some(match all {
                    Part::Read(all) => Part::Read(all.into_iter().collect()),
                    Part::Unread(why) => Part::Unread(why),
                })
            }
        };
        let all = self.batch_of(groups, read, members, || Some(self.late())).await;
        all.into_iter().filter_map(|(group, part)| Some((group, part?))).collect()
    }

    async fn azure(&self) -> BTreeMap<String, Part<Vec<AzureAssignment>>> {
        self.each(self.set.azure_scopes.iter().cloned(), |scope| {
            let listing = Listing::Azure(scope.clone());
            self.assignments(listing, scope, AssignmentsOf::AtScope)
        })
        .await
    }

    /// Each at a scope where it is in use: what a built-in role holds is the same everywhere.
    async fn azure_definitions(&self) -> BTreeMap<Guid, Part<Option<Definition>>> {
        let wanted = self.set.azure_definitions.iter().map(|(id, scope)| (*id, scope.clone()));
        let all = self.each(wanted, |(id, scope)| async move {
            let Ok(parsed) = Scope::parse(&scope) else { return no_scope(&scope) };
            let answer = self.cloud.arm().get_role_definition(&parsed, id.as_uuid()).await;
            part(answer, reasons::READ_AZURE, |found| found.map(convert::definition))
        });
        all.await.into_iter().map(|((id, _), part)| (id, part)).collect()
    }

    async fn assignments(&self, listing: Listing, scope: String, of: AssignmentsOf) -> Part<Vec<AzureAssignment>> {
        let Ok(parsed) = Scope::parse(&scope) else { return no_scope(&scope) };
        let answer = self.cloud.arm().list_role_assignments(&parsed, of).await;
        self.listing(listing, answer, reasons::READ_AZURE, convert::assignment)
    }

    async fn defender(&self) -> Option<Part<Defender>> {
        if !self.set.defender {
            return None;
        }
        let read = timeout_at(self.deadline(), self.read_defender()).await;
        Some(read.unwrap_or_else(|_| self.late()))
    }

    async fn read_defender(&self) -> Part<Defender> {
        let defender = self.cloud.defender();
        let (roles, assignments, actions) = futures::join!(
            defender.list_role_definitions(),
            defender.list_role_assignments(),
            defender.resource_actions()
        );
        let all = roles.and_then(|roles| Ok((roles, assignments?, actions?)));
        part(all, reasons::READ_DEFENDER, |(roles, assignments, actions)| {
            let odd = [&roles.odd, &assignments.odd].into_iter().flatten().cloned().collect();
            self.notes.add(Listing::Defender, odd, roles.date.min(assignments.date));
            Defender {
                roles: roles.entries.into_iter().map(convert::defender_role).collect(),
                assignments: assignments.entries.into_iter().map(convert::defender_assignment).collect(),
                by_display: actions.entries.iter().map(|action| (action.name.clone(), action.id.clone())).collect(),
                actions: actions.entries.into_iter().map(|action| action.id).collect(),
            }
        })
    }

    async fn rights(&self, principals: &BTreeSet<Guid>) -> BTreeMap<Guid, Rights> {
        let asked = if self.set.entra { principals.clone() } else { BTreeSet::new() };
        let (memberships, mut azure, mut entra) =
            futures::join!(self.memberships(principals), self.azure_of(principals), self.entra_of(&asked));
        let of = |(id, memberships)| {
            let azure = azure.remove(&id).unwrap_or_default();
            (id, Rights { memberships, azure, entra: entra.remove(&id) })
        };
        memberships.into_iter().map(of).collect()
    }

    /// The Azure roles of each principal at, above and below each scope of the set.
    async fn azure_of(
        &self,
        principals: &BTreeSet<Guid>,
    ) -> BTreeMap<Guid, BTreeMap<String, Part<Vec<AzureAssignment>>>> {
        let mut pairs: Vec<(Guid, String)> = Vec::new();
        for id in principals {
            pairs.extend(self.set.principal_scopes.iter().map(|scope| (*id, scope.clone())));
        }
        let all = self.each(pairs, |(id, scope)| {
            let listing = Listing::AzureOf(id, scope.clone());
            self.assignments(listing, scope, AssignmentsOf::Principal(id.as_uuid()))
        });
        let mut found: BTreeMap<Guid, BTreeMap<_, _>> = principals.iter().map(|id| (*id, BTreeMap::new())).collect();
        for ((id, scope), part) in all.await {
            found.entry(id).or_default().insert(scope, part);
        }
        found
    }

    async fn memberships(
        &self,
        principals: &BTreeSet<Guid>,
    ) -> BTreeMap<Guid, Part<Vec<entente_planner::observed::Holding>>> {
        let ids: Vec<_> = principals.iter().map(Guid::as_uuid).collect();
        let read = async { self.cloud.graph().memberships_of(&ids).await };
        let held = |id: &Guid, answer| match answer {
            // A user who is not there is in nothing.
            Err(Failure::NotFound(_)) => Part::Read(Vec::new()),
            answer => self.listing(Listing::MembershipsOf(*id), answer, reasons::READ_GROUPS, convert::holding),
        };
        self.batch(principals, read, held).await
    }

    async fn entra_of(&self, principals: &BTreeSet<Guid>) -> BTreeMap<Guid, Part<Vec<EntraAssignment>>> {
        let ids: Vec<_> = principals.iter().map(Guid::as_uuid).collect();
        let read = async { self.cloud.graph().directory_assignments_of(&ids).await };
        let held = |id: &Guid, answer| {
            self.listing(Listing::EntraOf(*id), answer, reasons::READ_ENTRA, convert::directory_assignment)
        };
        self.batch(principals, read, held).await
    }

    async fn entra_definitions(&self) -> BTreeMap<Guid, Part<Option<EntraDefinition>>> {
        self.each(self.set.entra_definitions.iter().copied(), |id| async move {
            let answer = self.cloud.graph().directory_role(id.as_uuid()).await;
            part(answer, reasons::READ_ENTRA, |role| role.map(convert::directory_role))
        })
        .await
    }

    /// A listing's entries; what of it was not understood, and when it was read, are noted beside.
    fn listing<A, T>(
        &self,
        listing: Listing,
        answer: Answer<entente_cloud::Listing<A>>,
        needs: &str,
        convert: impl FnMut(A) -> T,
    ) -> Part<Vec<T>> {
        part(answer, needs, |all| {
            self.notes.add(listing, all.odd, all.date);
            all.entries.into_iter().map(convert).collect()
        })
    }

    /// Reads that go together: one answer for each key.
    async fn batch<K: Clone + Ord, A, T>(
        &self,
        keys: &BTreeSet<K>,
        read: impl Future<Output = Vec<A>>,
        convert: impl FnMut(&K, A) -> Part<T>,
    ) -> BTreeMap<K, Part<T>> {
        self.batch_of(keys, read, convert, || self.late()).await
    }

    async fn batch_of<K: Clone + Ord, A, T>(
        &self,
        keys: &BTreeSet<K>,
        read: impl Future<Output = Vec<A>>,
        mut convert: impl FnMut(&K, A) -> T,
        late: impl Fn() -> T,
    ) -> BTreeMap<K, T> {
        match timeout_at(self.deadline(), read).await {
            Ok(answers) => keys.iter().zip(answers).map(|(key, answer)| (key.clone(), convert(key, answer))).collect(),
            Err(_) => keys.iter().map(|key| (key.clone(), late())).collect(),
        }
    }

    /// Reads one by one, a few at a time; those that are late are unread, and spoil no other.
    async fn each<K, T, F>(&self, keys: impl IntoIterator<Item = K>, read: impl Fn(K) -> F) -> BTreeMap<K, Part<T>>
    where
        K: Clone + Ord + Send,
        T: Send,
        F: Future<Output = Part<T>> + Send,
    {
        let deadline = self.deadline();
        let read = |key: K| {
            let value = timeout_at(deadline, read(key.clone()));
            async move { (key, value.await.unwrap_or_else(|_| self.late())) }.boxed()
        };
        let reads: Vec<BoxFuture<'_, (K, Part<T>)>> = keys.into_iter().map(read).collect();
        stream::iter(reads).buffer_unordered(CONCURRENT).collect().await
    }

    fn late<T>(&self) -> Part<T> {
        let text = format!("Microsoft did not answer within {} s", self.budget.as_secs());
        Part::unread(Reason::CloudUnavailable, text)
    }
}

fn no_scope<T>(scope: &str) -> Part<T> {
    Part::unread(Reason::CloudRefused, format!("{scope} is not a scope of Azure Resource Manager"))
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

fn part<A, T>(answer: Answer<A>, needs: &str, convert: impl FnOnce(A) -> T) -> Part<T> {
    match answer {
        Ok(value) => Part::Read(convert(value)),
        Err(failure) => reasons::unread(&failure, needs),
    }
}
