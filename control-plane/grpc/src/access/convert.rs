//! Answers of `entente-app` about intent, as messages.

use entente_app::{
    Applied, AuditRecord, AuditedChange, ChangeKind, FieldChange, Impact, Outlook, ResourceChange, Right, RightsChange,
    Stored, TenantOutlook,
};
use entente_convert::access::{Meta, Resource, resource_to_proto};
use entente_convert::time;
use entente_model::desired::Digest;
use entente_proto::access::v1 as wire;

pub(super) fn resource(stored: &Stored) -> Resource {
    let meta = &stored.meta;
    let meta = Meta {
        uid: meta.uid.to_string(),
        etag: meta.etag.clone(),
        revision: signed(meta.revision),
        created: meta.created,
        updated: meta.updated,
    };
    resource_to_proto(&stored.manifest, Some(&meta))
}

pub(super) fn applied(applied: &Applied) -> wire::ApplyIntentResponse {
    wire::ApplyIntentResponse {
        revision: signed(applied.revision),
        changes: applied.changes.iter().map(resource_change).collect(),
        impact: Some(impact(&applied.impact)),
        outlook: applied.outlook.as_ref().map(outlook),
        removal_ids: applied.removals.clone(),
    }
}

fn outlook(outlook: &Outlook) -> wire::Outlook {
    let tenant = |it: &TenantOutlook| wire::TenantOutlook {
        tenant: it.tenant.to_string(),
        refused: count(it.refused),
        reasons: it.reasons.clone(),
        over_cap: count(it.over_cap),
        phase: it.obstacle.as_ref().map(|it| it.phase.clone()).unwrap_or_default(),
        explanation: it.obstacle.as_ref().map(|it| it.explanation.clone()).unwrap_or_default(),
        last_seen_time: time::to_proto_opt(it.last_seen),
    };
    wire::Outlook {
        refused: count(outlook.refused),
        unknown: count(outlook.unknown),
        tenants: outlook.tenants.iter().map(tenant).collect(),
        more_tenants: count(outlook.more_tenants),
    }
}

fn kind(kind: ChangeKind) -> wire::ChangeKind {
    match kind {
        ChangeKind::Created => wire::ChangeKind::Created,
        ChangeKind::Updated => wire::ChangeKind::Updated,
        ChangeKind::Unchanged => wire::ChangeKind::Unchanged,
        ChangeKind::Deleted => wire::ChangeKind::Deleted,
    }
}

fn fields(all: &[FieldChange]) -> Vec<wire::FieldChange> {
    let field = |it: &FieldChange| wire::FieldChange {
        path: it.path.clone(),
        before: it.before.clone(),
        after: it.after.clone(),
    };
    all.iter().map(field).collect()
}

fn resource_change(it: &ResourceChange) -> wire::ResourceChange {
    let name = it.name.to_string();
    wire::ResourceChange { name, kind: kind(it.kind).into(), fields: fields(&it.fields), more_fields: 0 }
}

fn audited(it: &AuditedChange) -> wire::ResourceChange {
    let (name, more_fields) = (it.name.clone(), count(it.more));
    wire::ResourceChange { name, kind: kind(it.kind).into(), fields: fields(&it.fields), more_fields }
}

pub(super) fn impact(impact: &Impact) -> wire::Impact {
    wire::Impact {
        tenants: count(impact.tenants),
        people: count(impact.people),
        items_added: count(impact.items_added),
        items_removed: count(impact.items_removed),
        tenant_names: impact.tenant_names.iter().map(ToString::to_string).collect(),
        operator_names: impact.operator_names.iter().map(ToString::to_string).collect(),
        ended_principals: impact.ended_principals.iter().map(ToString::to_string).collect(),
        items_changed: count(impact.items_changed),
        rights: impact.rights.iter().map(rights_change).collect(),
        more_rights: count(impact.more_rights),
    }
}

fn rights_change(it: &RightsChange) -> wire::RightsChange {
    let right = |it: &Right| wire::Right {
        capability: it.capability.clone(),
        phrase: it.phrase.clone(),
        in_part: it.in_part,
        start_time: time::to_proto_opt(it.from),
    };
    wire::RightsChange {
        added: it.added.iter().map(right).collect(),
        removed: it.removed.iter().map(right).collect(),
        people: count(it.people),
        operator_names: it.operator_names.iter().map(ToString::to_string).collect(),
        tenants: count(it.tenants),
        tenant_names: it.tenant_names.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn audit_record(record: &AuditRecord) -> wire::AuditRecord {
    wire::AuditRecord {
        revision: signed(record.revision),
        time: Some(time::to_proto(record.time)),
        actor: record.actor.clone(),
        method: record.method.clone(),
        request_id: record.request_id.map(|id| id.to_string()).unwrap_or_default(),
        resources: record.resources.clone(),
        summary: record.summary.clone(),
        changes: record.changes.iter().map(audited).collect(),
        more_changes: count(record.more_changes),
        digest: record.digest.to_string(),
        previous_digest: if record.previous == Digest::default() { String::new() } else { record.previous.to_string() },
    }
}

/// The etag that came with a manifest, if one did.
pub(super) fn etag_of(manifest: &wire::Manifest) -> Option<String> {
    let etag = match manifest.resource.as_ref()? {
        Resource::HomeTenant(it) => &it.etag,
        Resource::Tenant(it) => &it.etag,
        Resource::Operator(it) => &it.etag,
        Resource::Squad(it) => &it.etag,
        Resource::SocRole(it) => &it.etag,
        Resource::Assignment(it) => &it.etag,
    };
    crate::parse::etag(etag.clone())
}

/// Revisions count commits: they do not reach the top of an `int64`.
fn signed(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
