//! Carries out writes that a plan allows: each as one call, those that are independent in one batch.
//!
//! Leaves nothing out and adds nothing: what may be done was decided, and what came of it is told as it is.

use entente_cloud::{
    Added, Answer, Cloud, Failure, Invited, Membership, NewDefenderAssignment, NewDefenderRole, NewGroup,
    NewInvitation, NewRoleAssignment, PrincipalType, Put, Removed, Scope, UserType,
};
use entente_model::Guid;
use entente_model::report::Reason;
use entente_planner::record::Outcome;
use entente_planner::write::{Action, AzureWrite, DefenderWrite, GroupWrite, INVITE_REDIRECT, MemberWrite, UserWrite};
use futures::{FutureExt, StreamExt, stream};

use crate::blame;

/// Writes in one step: the size of a batch (Graph: JSON batching), and as far as a plan goes without looking up.
pub const STEP: usize = 20;

/// Single writes under way at a time within a step.
const CONCURRENT: usize = 4;

/// Whether two actions may be under way together: of one kind they touch different objects.
pub fn go_together(a: &Action, b: &Action) -> bool {
    a.is_alike(b)
}

/// Carries out a step: actions of one kind, at most [`STEP`]. One outcome each, in order.
pub async fn carry_out(cloud: &Cloud, actions: &[&Action]) -> Vec<Outcome> {
    match actions.first() {
        Some(Action::Member(MemberWrite::Add { .. })) => {
            let answers = cloud.graph().add_members(&memberships(actions)).await;
            zip(actions, answers, |added| match added {
                Added::Added | Added::AlreadyThere => done(None),
                Added::NotYetThere => not_yet(),
            })
        }
        Some(Action::Member(MemberWrite::Remove { .. })) => {
            let answers = cloud.graph().remove_members(&memberships(actions)).await;
            zip(actions, answers, |_: Removed| done(None))
        }
        _ => {
            let calls: Vec<_> = actions.iter().map(|action| one(cloud, action).boxed()).collect();
            stream::iter(calls).buffered(CONCURRENT).collect().await
        }
    }
}

fn memberships(actions: &[&Action]) -> Vec<Membership> {
    let membership = |action: &&Action| match action {
        Action::Member(MemberWrite::Add { group, user }) | Action::Member(MemberWrite::Remove { group, user }) => {
            Some(Membership { group: group.as_uuid(), member: user.as_uuid() })
        }
        _ => None,
    };
    actions.iter().filter_map(membership).collect()
}

fn zip<T>(actions: &[&Action], answers: Vec<Answer<T>>, ok: impl Fn(T) -> Outcome) -> Vec<Outcome> {
    let each = actions.iter().zip(answers);
    each.map(|(action, answer)| match answer {
        Ok(value) => ok(value),
        Err(failure) => blame::outcome(&failure, action),
    })
    .collect()
}

async fn one(cloud: &Cloud, action: &Action) -> Outcome {
    match perform(cloud, action).await {
        Ok(outcome) => outcome,
        Err(failure) => explain(cloud, action, &failure).await,
    }
}

async fn perform(cloud: &Cloud, action: &Action) -> Answer<Outcome> {
    let (graph, defender) = (cloud.graph(), cloud.defender());
    Ok(match action {
        Action::User(UserWrite::Block { user, .. }) => {
            graph.set_account_enabled(user.as_uuid(), false).await?;
            done(None)
        }
        Action::User(UserWrite::Unblock { user }) => {
            graph.set_account_enabled(user.as_uuid(), true).await?;
            done(None)
        }
        Action::User(UserWrite::RevokeSessions { user }) => {
            graph.revoke_sessions(user.as_uuid()).await?;
            done(None)
        }
        Action::User(UserWrite::Delete { user }) => {
            graph.delete_user(user.as_uuid()).await?;
            done(None)
        }
        Action::User(UserWrite::Invite { mail, display_name }) => invite(cloud, mail, display_name).await?,
        Action::Group(GroupWrite::Create { display_name, mail_nickname, description }) => {
            let owner = cloud.principal_object_id().await?;
            let group = NewGroup {
                display_name: display_name.clone(),
                mail_nickname: mail_nickname.clone(),
                description: description.clone(),
                owner,
                role_assignable: false,
            };
            done(Some(graph.create_group(&group).await?.id.to_string()))
        }
        Action::Azure(AzureWrite::Put { name, scope, definition, principal, description }) => {
            put_azure_role(cloud, *name, scope, *definition, *principal, description).await?
        }
        Action::Azure(AzureWrite::Delete { scope, name }) => match Scope::parse(scope) {
            Ok(scope) => {
                cloud.arm().delete_role_assignment(&scope, name.as_uuid()).await?;
                done(None)
            }
            Err(_) => no_scope(scope),
        },
        Action::Defender(DefenderWrite::CreateRole { display_name, description, actions }) => {
            done(defender.create_role_definition(&new_role(display_name, description, actions)).await?.id)
        }
        Action::Defender(DefenderWrite::UpdateRole { id, display_name, description, actions }) => {
            defender.update_role_definition(id, &new_role(display_name, description, actions)).await?;
            done(None)
        }
        Action::Defender(DefenderWrite::CreateAssignment {
            display_name,
            description,
            role,
            principal,
            app_scopes,
        }) => {
            let assignment = NewDefenderAssignment {
                display_name: display_name.clone(),
                description: description.clone(),
                role_definition_id: role.clone(),
                principal_ids: vec![principal.as_uuid()],
                app_scope_ids: app_scopes.iter().cloned().collect(),
            };
            done(defender.create_role_assignment(&assignment).await?.id)
        }
        Action::Defender(DefenderWrite::DeleteAssignment { id }) => {
            defender.delete_role_assignment(id).await?;
            done(None)
        }
        Action::Defender(DefenderWrite::DeleteRole { id }) => {
            defender.delete_role_definition(id).await?;
            done(None)
        }
        // Always in a batch.
        Action::Member(MemberWrite::Add { group, user }) => {
            let membership = Membership { group: group.as_uuid(), member: user.as_uuid() };
            match graph.add_member(membership).await? {
                Added::Added | Added::AlreadyThere => done(None),
                Added::NotYetThere => not_yet(),
            }
        }
        Action::Member(MemberWrite::Remove { group, user }) => {
            graph.remove_member(Membership { group: group.as_uuid(), member: user.as_uuid() }).await?;
            done(None)
        }
    })
}

async fn invite(cloud: &Cloud, mail: &str, display_name: &str) -> Answer<Outcome> {
    let invitation = NewInvitation {
        mail: mail.into(),
        display_name: display_name.into(),
        redirect_url: INVITE_REDIRECT.into(),
        // A member is made from a guest, never invited as one (Graph: invitation, invitedUserType).
        user_type: UserType::Guest,
    };
    Ok(match cloud.graph().invite(&invitation).await? {
        Invited::Accepted(invitation) => Outcome::Done {
            id: Some(invitation.user_id.to_string()),
            redeem_url: Some(invitation.redeem_url.reveal().to_owned()),
        },
        Invited::AlreadyThere { .. } => {
            failed(Reason::CloudRefused, format!("{mail} is an internal user of this tenant, who needs no invitation"))
        }
    })
}

async fn put_azure_role(
    cloud: &Cloud,
    name: Guid,
    scope: &str,
    definition: Guid,
    principal: Guid,
    description: &str,
) -> Answer<Outcome> {
    let Ok(parsed) = Scope::parse(scope) else { return Ok(no_scope(scope)) };
    let (definition, principal) = (definition.as_uuid(), principal.as_uuid());
    let assignment = NewRoleAssignment {
        name: name.as_uuid(),
        scope: parsed,
        definition,
        principal,
        principal_type: PrincipalType::Group,
        description: Some(description.to_owned()),
    };
    Ok(match cloud.arm().put_role_assignment(&assignment).await? {
        Put::Created(made) | Put::Updated(made) => done(Some(made.name.to_string())),
        // Of the same content, and not by us: it is never ours to remove.
        Put::ExistsUnder { name } => {
            let name = name.map_or_else(|| "another name".to_owned(), |name| name.to_string());
            failed(Reason::NotOurs, format!("the assignment is there under {name}, made by others"))
        }
        Put::PrincipalNotFound => not_yet(),
    })
}

/// What a refused invitation means. Its status is no guide (no source is sure of it); the words are, and of a bare
/// "insufficient privileges" the token's permissions (Graph: invitation-post, "app permissions do not work if invitations
/// are restricted to administrators").
async fn explain(cloud: &Cloud, action: &Action, failure: &Failure) -> Outcome {
    let (Action::User(UserWrite::Invite { .. }), Failure::Refused(refusal)) = (action, failure) else {
        return blame::outcome(failure, action);
    };
    if refusal.says("invitations not allowed") {
        return closed(failure);
    }
    if !matches!(refusal.status, 401 | 403) {
        return blame::outcome(failure, action);
    }
    let permissions = cloud.permissions().await.unwrap_or_default();
    let may_invite = INVITERS.iter().any(|name| permissions.contains(*name));
    match may_invite {
        true if refusal.message.is_empty() || refusal.says("insufficient privileges") => closed(failure),
        // The reason is in Microsoft's own sentence: cross-tenant access, a list of domains, something new.
        true => failed(Reason::CloudRefused, format!("the tenant refuses the invitation: {}", blame::said(failure))),
        false => blame::outcome(failure, action),
    }
}

fn closed(failure: &Failure) -> Outcome {
    let own = "the tenant's external collaboration settings let no application invite";
    failed(Reason::InvitationsClosed, format!("{own}: {}", blame::said(failure)))
}

/// Permissions that let an application invite (Graph permissions reference).
const INVITERS: [&str; 3] = ["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];

fn new_role(display_name: &str, description: &str, actions: &std::collections::BTreeSet<String>) -> NewDefenderRole {
    NewDefenderRole { display_name: display_name.into(), description: description.into(), actions: actions.clone() }
}

fn done(id: Option<String>) -> Outcome {
    Outcome::Done { id, redeem_url: None }
}

fn failed(reason: Reason, detail: String) -> Outcome {
    Outcome::Failed { reason, detail, retry_after: None }
}

fn not_yet() -> Outcome {
    failed(Reason::Propagation, "Microsoft has not made the object visible everywhere yet".into())
}

fn no_scope(scope: &str) -> Outcome {
    failed(Reason::CloudRefused, format!("{scope} is not a scope of Azure Resource Manager"))
}
