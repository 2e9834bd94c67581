//! Enrolment tokens: the right to enrol one agent of one tenant, once. Of the secret only a hash is kept.

use std::fmt;
use std::time::Duration;

use entente_model::desired::Digest;
use entente_model::violation::Fault;
use entente_model::{AgentName, PrincipalName, TenantName, Timestamp, TokenName, Violation};
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

use super::App;
use crate::api_role::ApiRole;
use crate::caller::{Caller, Options};
use crate::error::{AppError, Result};
use crate::history::{AuditEntry, Decision};
use crate::identities;
use crate::identity::{RegistryChange, TokenRow};
use crate::page::{Page, PageRequest};
use crate::rows;

/// A customer answers a mail within three days.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(72 * 3_600);

/// Longer would be a standing key.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentToken {
    pub name: TokenName,
    pub tenant: TenantName,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub used: Option<Timestamp>,
    pub agent: Option<AgentName>,
    /// Who made it. Not known of those from before this was kept.
    #[serde(default)]
    pub by: Option<PrincipalName>,
    /// Whether it may displace a live agent.
    #[serde(default)]
    pub replaces: bool,
}

/// A new token and the file with its secret.
#[derive(Debug, Clone)]
pub struct CreatedToken {
    pub token: EnrollmentToken,
    pub file: TokenFile,
}

/// What the customer gives to its agent. Empty when the request was a repeated one: a secret is shown once.
#[derive(Clone, Default)]
pub struct TokenFile(String);

impl TokenFile {
    /// For the caller that asked, and no log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenFile(..)")
    }
}

impl EnrollmentToken {
    fn of(name: &TokenName, row: &TokenRow) -> Self {
        Self {
            name: name.clone(),
            tenant: row.tenant.clone(),
            created: row.created,
            expires: row.expires,
            used: row.used.as_ref().map(|used| used.time),
            agent: row.used.as_ref().map(|used| used.agent.clone()),
            by: row.by.clone(),
            replaces: row.replaces,
        }
    }
}

impl App {
    /// Makes a token; its secret is in this answer and nowhere else. Only one that `replaces` displaces a live agent, and
    /// only an admin makes it.
    pub async fn create_token(
        &self,
        caller: &Caller,
        tenant: &TenantName,
        lifetime: Duration,
        replaces: bool,
        options: &Options,
    ) -> Result<CreatedToken> {
        caller.needs(if replaces { ApiRole::Admin } else { ApiRole::Editor })?;
        let lifetime = if lifetime.is_zero() { DEFAULT_LIFETIME } else { lifetime };
        if lifetime > MAX_LIFETIME {
            let text = "is more than 30 days; choose less, and make another token later";
            return Err(AppError::Invalid(vec![Violation::new("lifetime_seconds", Fault::TooLarge, text)]));
        }
        let (id, secret) = (random_text(4)?, random_text(32)?);
        let name = TokenName::from_id(&id).expect("hexadecimal digits make an id");
        let right = if replaces { ", with the right to displace a live agent" } else { "" };
        let entry = AuditEntry::by(caller, options, &name, &format!("created for {tenant}{right}"));
        let (asked, hash) = ((tenant, lifetime, replaces), rows::sha256(secret.as_bytes()));
        let (made, tenant) = (name.clone(), tenant.clone());
        let create = move |decision: &mut Decision<'_>, by: &Caller| {
            decision.committed.snapshot.needs_tenant("tenant", &tenant)?;
            if let Some(agent) =
                identities::live_agent(&identities::agents_of(decision, &tenant)?, decision.now).filter(|_| !replaces)
            {
                return Err(AppError::AgentLives { tenant: tenant.clone(), agent: agent.clone() });
            }
            let (tenant, created, by) = (tenant.clone(), decision.now, Some(by.principal.clone()));
            let expires = created.plus(lifetime);
            let row = TokenRow { tenant, secret: hash, created, expires, by, replaces, used: None };
            let token = EnrollmentToken::of(&made, &row);
            decision.register(RegistryChange::Token(made.clone(), Some(row)));
            decision.record(entry.clone());
            Ok(token)
        };
        let token = self.inner.history.answer(caller, options, &asked, create).await?;
        let file = if token.name == name { self.token_file(&token, &secret) } else { TokenFile::default() };
        Ok(CreatedToken { token, file })
    }

    /// By name.
    pub fn list_tokens(&self, caller: &Caller, page: &PageRequest) -> Result<Page<EnrollmentToken>> {
        caller.needs(ApiRole::Viewer)?;
        let after = page.after::<TokenName>()?;
        let tables = self.inner.registry.tables();
        let rows = tables.tokens.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
        Ok(Page::of(rows.map(|(name, row)| EnrollmentToken::of(name, row)), page.limit(), |it| it.name.clone()))
    }

    /// From now on no agent can enrol with it.
    pub async fn delete_token(&self, caller: &Caller, name: &TokenName, options: &Options) -> Result<()> {
        caller.needs(ApiRole::Editor)?;
        let (wanted, entry) = (name.clone(), AuditEntry::by(caller, options, name, "deleted"));
        let delete = move |decision: &mut Decision<'_>, _: &Caller| {
            if decision.view.get(&rows::token(&wanted))?.is_none() {
                return Err(AppError::not_found(&wanted));
            }
            decision.register(RegistryChange::Token(wanted.clone(), None));
            decision.record(entry.clone());
            Ok(())
        };
        self.inner.history.answer(caller, options, name, delete).await
    }

    /// TOML. Nothing in it needs quoting: an address, names, and hexadecimal digits.
    fn token_file(&self, token: &EnrollmentToken, secret: &str) -> TokenFile {
        let snapshot = self.snapshot();
        let entra = snapshot.fleet.intent().tenants.get(&token.tenant).map(|tenant| tenant.entra_tenant.to_string());
        TokenFile(format!(
            "# Enrols one agent of {tenant}, once, until {expires}. Keep it secret, and delete it afterwards.\n\
             address = \"{address}\"\n\
             tenant = \"{tenant}\"\n\
             entra_tenant = \"{entra}\"\n\
             token = \"{id}.{secret}\"\n\
             ca_sha256 = \"{ca}\"\n\
             root_key = \"{root}\"\n",
            tenant = token.tenant,
            expires = token.expires,
            address = self.inner.config.agent_address,
            entra = entra.unwrap_or_default(),
            id = token.name.id(),
            ca = hex::encode(self.inner.ca.sha256()),
            root = self.inner.root_key.id(),
        ))
    }
}

/// A token's name and the hash of its secret, from what an agent sends: `ID.SECRET`.
pub(crate) fn parse_secret(text: &str) -> Option<(TokenName, Digest)> {
    let (id, secret) = text.split_once('.')?;
    Some((TokenName::from_id(id).ok()?, rows::sha256(secret.as_bytes())))
}

/// Random bytes as hexadecimal digits.
pub(crate) fn random_text(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    let filled = ring::rand::SystemRandom::new().fill(&mut random);
    filled.map_err(|_| AppError::internal("the system gives no randomness"))?;
    Ok(hex::encode(random))
}
