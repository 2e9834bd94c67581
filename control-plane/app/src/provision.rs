//! What is put into a store before a server opens it: the root key, what it states, and the first admin.
//!
//! For a stopped server: `init`, `delegate` and `new-epoch` call it. Nothing here holds a private key.

use entente_model::{PrincipalName, Timestamp};
use entente_seal::{PublicKey, SealError, Signed, Statement, Verifier};
use entente_store::{Commit, CommitError, Expect, Store};
use serde::{Deserialize, Serialize};

use crate::api_role::ApiRole;
use crate::identity::PrincipalRow;
use crate::pki::Serial;
use crate::rows::{self, RowError, as_hex};

/// Why nothing was put into the store.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the statement is not one of the root key")]
    Statement(#[source] SealError),
    #[error("the store belongs to root key {stored}, and this is {given}: use the root key that made the store")]
    OtherRoot { stored: String, given: String },
    #[error("epoch {given} does not follow epoch {current}: state a later one")]
    OldEpoch { given: u64, current: u64 },
    #[error(transparent)]
    Row(#[from] RowError),
    #[error("the stored root key cannot be read: restore the store from an export")]
    RootKey,
    #[error("the store cannot be written")]
    Commit(#[from] CommitError),
}

#[derive(Debug, Serialize, Deserialize)]
struct StatementRow {
    #[serde(with = "as_hex")]
    statement: Vec<u8>,
    #[serde(with = "as_hex")]
    signature: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RootKeyRow {
    #[serde(with = "as_hex")]
    key: Vec<u8>,
}

/// Keeps a statement of the root key. The first one pins that key; one that is kept already is not a new one.
pub async fn import(store: &dyn Store, root: PublicKey, signed: &Signed) -> Result<Statement, ImportError> {
    let statement = Verifier::new(root).accept(signed).map_err(ImportError::Statement)?;
    let mut commit = Commit::new();
    match root_key(store).await? {
        Some(stored) if stored != root => {
            return Err(ImportError::OtherRoot { stored: stored.id().to_string(), given: root.id().to_string() });
        }
        Some(_) => {}
        None => {
            let row = rows::encode(&RootKeyRow { key: root.as_bytes().to_vec() });
            commit = commit.expect(rows::ROOT_KEY, Expect::Absent).put(rows::ROOT_KEY, row);
        }
    }
    let key = rows::statement(&signed.statement);
    if rows::get::<StatementRow>(store, &key).await?.is_some() {
        return Ok(statement);
    }
    if let Statement::Epoch { epoch: given, .. } = statement
        && let Some(current) = epoch(store).await?.filter(|current| given <= *current)
    {
        return Err(ImportError::OldEpoch { given, current });
    }
    let row = StatementRow { statement: signed.statement.clone(), signature: signed.signature.clone() };
    store.commit(commit.put(key, rows::encode(&row))).await?;
    Ok(statement)
}

/// The root key that the store belongs to.
pub async fn root_key(store: &dyn Store) -> Result<Option<PublicKey>, ImportError> {
    let Some(row) = rows::get::<RootKeyRow>(store, rows::ROOT_KEY).await? else { return Ok(None) };
    PublicKey::from_bytes(&row.key).map(Some).map_err(|_| ImportError::RootKey)
}

/// The history that is the one now.
pub async fn epoch(store: &dyn Store) -> Result<Option<u64>, ImportError> {
    let epochs = statements(store).await?.into_iter().filter_map(|signed| match Statement::decode(&signed.statement) {
        Ok(Statement::Epoch { epoch, .. }) => Some(epoch),
        _ => None,
    });
    Ok(epochs.max())
}

/// Everything that the root key has stated, as it was imported.
pub async fn statements(store: &dyn Store) -> Result<Vec<Signed>, ImportError> {
    let signed = |row: StatementRow| Signed { statement: row.statement, signature: row.signature };
    rows::all(store, rows::STATEMENT).await?.into_iter().map(|(_, row)| Ok(signed(row?))).collect()
}

/// The first admin, whose certificate was signed where the CA was made; or one who lost it.
pub async fn put_principal(
    store: &dyn Store,
    name: &PrincipalName,
    role: ApiRole,
    serial: Serial,
    expires: Timestamp,
    now: Timestamp,
) -> Result<(), ImportError> {
    let row = PrincipalRow { role, created: now, serial, expires, operator: None };
    store.commit(Commit::new().put(rows::principal(name), rows::encode(&row))).await?;
    Ok(())
}
