//! From a manifest to messages.

use entente_model::intent::{
    Assignment, Cloud, Delivery, Expect, HomeTenant, IdentityClass, IfUnavailable, Manifest, Mode, Operator,
    OperatorState, PermissionSource, RoleItem, RoleItemForm, SocRole, Squad, Tenant, TenantState, UserType,
};

use super::{Meta, Resource, wire};
use crate::time;

/// For a request: without the fields that only the server knows.
pub fn manifest_to_proto(manifest: &Manifest) -> wire::Manifest {
    wire::Manifest { resource: Some(resource_to_proto(manifest, None)) }
}

/// For a response: with what the server stores beside the resource.
pub fn resource_to_proto(manifest: &Manifest, meta: Option<&Meta>) -> Resource {
    macro_rules! stamped {
        ($variant:ident, $message:expr) => {{
            let mut message = $message;
            if let Some(meta) = meta {
                message.uid = meta.uid.clone();
                message.etag = meta.etag.clone();
                message.revision = meta.revision;
                message.create_time = Some(time::to_proto(meta.created));
                message.update_time = Some(time::to_proto(meta.updated));
            }
            Resource::$variant(message)
        }};
    }
    match manifest {
        Manifest::HomeTenant(it) => stamped!(HomeTenant, home_tenant(it)),
        Manifest::Tenant(it) => stamped!(Tenant, tenant(it)),
        Manifest::Operator(it) => stamped!(Operator, operator(it)),
        Manifest::Squad(it) => stamped!(Squad, squad(it)),
        Manifest::SocRole(it) => stamped!(SocRole, soc_role(it)),
        Manifest::Assignment(it) => stamped!(Assignment, assignment(it)),
    }
}

fn text<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn home_tenant(it: &HomeTenant) -> wire::HomeTenant {
    wire::HomeTenant {
        name: it.name.to_string(),
        entra_tenant_id: it.entra_tenant.to_string(),
        cloud: cloud(it.cloud).into(),
        ..Default::default()
    }
}

fn cloud(it: Cloud) -> wire::Cloud {
    match it {
        Cloud::Global => wire::Cloud::Global,
        Cloud::UsGovL4 => wire::Cloud::UsGovL4,
        Cloud::UsGovL5 => wire::Cloud::UsGovL5,
        Cloud::China => wire::Cloud::China,
    }
}

fn user_type(it: UserType) -> wire::UserType {
    match it {
        UserType::Guest => wire::UserType::Guest,
        UserType::Member => wire::UserType::Member,
    }
}

fn class(it: IdentityClass) -> wire::IdentityClass {
    match it {
        IdentityClass::Standard => wire::IdentityClass::Standard,
        IdentityClass::Privileged => wire::IdentityClass::Privileged,
    }
}

fn tenant(it: &Tenant) -> wire::Tenant {
    let state = match it.state {
        TenantState::Onboarding => wire::TenantState::Onboarding,
        TenantState::Active => wire::TenantState::Active,
        TenantState::Paused => wire::TenantState::Paused,
        TenantState::Offboarding => wire::TenantState::Offboarding,
        TenantState::Offboarded => wire::TenantState::Offboarded,
    };
    let delivery = match it.delivery {
        Delivery::B2bInvitation => wire::Delivery::B2bInvitation,
        Delivery::CrossTenantSync => wire::Delivery::CrossTenantSync,
        Delivery::AccessPackage => wire::Delivery::AccessPackage,
    };
    wire::Tenant {
        name: it.name.to_string(),
        customer: it.customer.clone(),
        entra_tenant_id: it.entra_tenant.to_string(),
        cloud: cloud(it.cloud).into(),
        home: it.home.to_string(),
        labels: it.labels.clone().into_iter().collect(),
        state: state.into(),
        delivery: delivery.into(),
        user_type: user_type(it.user_type).into(),
        name_prefix: it.name_prefix.clone(),
        scopes: scopes(it),
        workspaces: workspaces(it),
        attestation: attestation(it),
        exemptions: exemptions(it),
        ..Default::default()
    }
}

fn scopes(it: &Tenant) -> Vec<wire::SymbolicScope> {
    let scope = |(name, scopes): (&String, &Vec<String>)| wire::SymbolicScope {
        name: name.clone(),
        arm_scopes: scopes.clone(),
    };
    it.scopes.iter().map(scope).collect()
}

fn workspaces(it: &Tenant) -> Vec<wire::Workspace> {
    let source = |source| match source {
        PermissionSource::AzureRbac => wire::PermissionSource::AzureRbac,
        PermissionSource::Urbac => wire::PermissionSource::Urbac,
    };
    it.workspaces
        .iter()
        .map(|workspace| wire::Workspace {
            name: workspace.name.clone(),
            arm_id: text(&workspace.id),
            permission_source: source(workspace.permission_source).into(),
        })
        .collect()
}

fn attestation(it: &Tenant) -> Option<wire::Attestation> {
    it.attested.as_ref().map(|attested| wire::Attestation {
        defender_workloads: attested.defender_workloads.clone(),
        attested_by: attested.by.clone(),
        date: attested.date.to_string(),
    })
}

fn exemptions(it: &Tenant) -> Vec<wire::Exemption> {
    it.exemptions
        .iter()
        .map(|exemption| wire::Exemption {
            role: exemption.role.to_string(),
            drop: exemption.drop.clone(),
            reason: exemption.reason.clone(),
            until: exemption.until.to_string(),
        })
        .collect()
}

fn operator(it: &Operator) -> wire::Operator {
    let state = match it.state {
        OperatorState::Active => wire::OperatorState::Active,
        OperatorState::Suspended => wire::OperatorState::Suspended,
        OperatorState::Left => wire::OperatorState::Left,
    };
    let identities = it.identities.iter().map(|identity| wire::Identity {
        home: identity.home.to_string(),
        class: class(identity.class).into(),
        object_id: identity.object_id.to_string(),
        upn: identity.upn.clone(),
        mail: identity.mail.clone(),
    });
    wire::Operator {
        name: it.name.to_string(),
        display_name: it.display_name.clone(),
        state: state.into(),
        identities: identities.collect(),
        ..Default::default()
    }
}

fn squad(it: &Squad) -> wire::Squad {
    let members = it.members.iter().map(|member| wire::SquadMember {
        operator: member.operator.to_string(),
        from: text(&member.from),
        until: text(&member.until),
    });
    let home_group = it
        .home_group
        .as_ref()
        .map(|group| wire::HomeGroup { home: group.home.to_string(), object_id: group.object_id.to_string() });
    wire::Squad {
        name: it.name.to_string(),
        owner: it.owner.to_string(),
        members: members.collect(),
        home_group,
        labels: it.labels.clone().into_iter().collect(),
        ..Default::default()
    }
}

fn soc_role(it: &SocRole) -> wire::SocRole {
    wire::SocRole {
        name: it.pinned().to_string(),
        identity_class: class(it.identity_class).into(),
        minimum_user_type: user_type(it.minimum_user_type).into(),
        items: it.items.iter().map(role_item).collect(),
        labels: it.labels.clone().into_iter().collect(),
        ..Default::default()
    }
}

fn role_item(it: &RoleItem) -> wire::RoleItem {
    let it = RoleItemForm::from(it.clone());
    let mode = match it.mode {
        Mode::Active => wire::RoleMode::Active,
        Mode::Eligible => wire::RoleMode::Eligible,
    };
    let if_unavailable = match it.if_unavailable {
        IfUnavailable::Refuse => wire::IfUnavailable::Refuse,
        IfUnavailable::Degrade => wire::IfUnavailable::Degrade,
    };
    wire::RoleItem {
        plane: it.plane.word().into(),
        permissions: it.permissions.clone(),
        data_sources: it.data_sources.iter().map(|source| source.word().into()).collect(),
        roles: it.roles.clone(),
        at: text(&it.at),
        role: text(&it.role),
        mode: mode.into(),
        when: text(&it.when),
        if_unavailable: if_unavailable.into(),
    }
}

fn assignment(it: &Assignment) -> wire::Assignment {
    let (expect, expect_at_least) = match it.tenants.expect {
        Some(Expect::Exactly(count)) => (Some(count), None),
        Some(Expect::AtLeast(count)) => (None, Some(count)),
        None => (None, None),
    };
    let tenants = wire::TenantSelector {
        names: texts(&it.tenants.names),
        labels: it.tenants.labels.clone().into_iter().collect(),
        except: texts(&it.tenants.except),
        expect,
        expect_at_least,
    };
    wire::Assignment {
        name: it.name.to_string(),
        squad: text(&it.squad),
        operator: text(&it.operator),
        role: it.role.to_string(),
        tenants: Some(tenants),
        start: text(&it.start),
        end: text(&it.end),
        justification: it.justification.clone(),
        ticket: text(&it.ticket),
        owner: it.owner.to_string(),
        labels: it.labels.clone().into_iter().collect(),
        ..Default::default()
    }
}
