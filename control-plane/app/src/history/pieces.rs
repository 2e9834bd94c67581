//! A removal's rows: one for a few tenants, several for many, because a store's value has a bound and each proof writes
//! the tenant's part anew. Which part a tenant is in follows from its name alone.

use std::collections::BTreeMap;

use entente_model::TenantName;
use entente_model::revocation::Revocation;

use crate::rows;

/// Most tenants in one row: some 200 bytes each, so that a proof writes a few tens of KiB.
const MAX_TENANTS: usize = 256;

/// Parts of a removal in more tenants than that: with ten thousand of them, some 150 in each.
const PARTS: u8 = 64;

/// Rows that differ: as they are to be written, or to be deleted.
pub(crate) fn changed(before: Option<&Revocation>, after: Option<&Revocation>) -> BTreeMap<String, Option<Revocation>> {
    let [before, after] = [before, after].map(|row| row.map(pieces).unwrap_or_default());
    let gone = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), None));
    let written = after.iter().filter(|(key, piece)| before.get(*key) != Some(*piece));
    gone.chain(written.map(|(key, piece)| (key.clone(), Some(piece.clone())))).collect()
}

/// Whole removals of their rows.
pub(crate) fn joined(pieces: impl Iterator<Item = Revocation>) -> impl Iterator<Item = Revocation> {
    let mut whole: BTreeMap<String, Revocation> = BTreeMap::new();
    for piece in pieces {
        match whole.get_mut(&piece.id) {
            Some(row) => row.tenants.extend(piece.tenants),
            None => drop(whole.insert(piece.id.clone(), piece)),
        }
    }
    whole.into_values()
}

fn pieces(row: &Revocation) -> BTreeMap<String, Revocation> {
    let key = rows::revocation(&row.id);
    if row.tenants.len() <= MAX_TENANTS {
        return [(key, row.clone())].into();
    }
    let mut pieces: BTreeMap<String, Revocation> = BTreeMap::new();
    for (tenant, it) in &row.tenants {
        let empty = || Revocation { tenants: BTreeMap::new(), ..row.clone() };
        let piece = pieces.entry(format!("{key}#{:02}", part(tenant))).or_insert_with(empty);
        piece.tenants.insert(tenant.clone(), it.clone());
    }
    pieces
}

fn part(tenant: &TenantName) -> u8 {
    rows::sha256(tenant.id().as_bytes()).0[0] % PARTS
}

#[cfg(test)]
mod tests {
    use entente_model::Timestamp;
    use entente_model::revocation::InTenant;

    use super::*;

    fn row(tenants: usize) -> Revocation {
        let text = r#"{"id":"li/x@1","operator":"operators/li","displayName":"Li","identity":{"home":"homeTenants/nordwall","objectId":"0b0de000-0000-4000-8000-000000000005","upn":"li@nordwall.example","mail":"li@nordwall.example"},"subject":"person","tenants":{},"cause":"LEFT","actor":"principals/jonas","time":"2026-12-24T12:00:00Z"}"#;
        let row: Revocation = serde_json::from_str(text).unwrap();
        let name = |at| TenantName::from_id(&format!("t{at}")).unwrap();
        Revocation { tenants: (0..tenants).map(|at| (name(at), InTenant::default())).collect(), ..row }
    }

    #[test]
    fn parts_join_to_the_whole_and_a_proof_writes_one_of_them() {
        for (tenants, parts) in [(1, 1), (256, 1), (257, 64), (10_000, 64)] {
            let whole = row(tenants);
            let pieces = changed(None, Some(&whole));
            assert!(pieces.len() <= parts && (parts == 1 || pieces.len() > 32), "{tenants}: {}", pieces.len());
            let largest = pieces.values().flatten().map(|piece| rows::encode(piece).len()).max().unwrap();
            assert!(largest < entente_store::MAX_VALUE_BYTES / 4, "{largest}");
            let back: Vec<_> = joined(pieces.into_values().flatten()).collect();
            assert!(matches!(&*back, [one] if *one == whole));
            let mut proven = whole.clone();
            proven.tenants.values_mut().next().unwrap().proven = Some(Timestamp::from_unix(1));
            assert_eq!(changed(Some(&whole), Some(&proven)).len(), 1);
            assert!(changed(Some(&whole), Some(&whole)).is_empty());
            assert!(changed(Some(&whole), None).values().all(Option::is_none));
        }
        // One that shrinks to a single row leaves no part behind.
        let all = changed(Some(&row(300)), Some(&row(200)));
        assert_eq!(all.values().filter(|piece| piece.is_some()).count(), 1);
        assert!(all.len() > 32);
    }
}
