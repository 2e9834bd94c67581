//! Access tokens: minted by the token endpoint, checked on every Graph and ARM call; and OIDC discovery.
//!
//! A token looks like Entra's (a JWT with `tid`, `oid`, `appid`, `aud`, `exp`, `roles`), but it is signed with a key of
//! this process (HS256): to a client an access token is opaque, and only the stand-in itself has to check it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::assertion::{self, Expected};
use crate::clock::Now;
use crate::http::{Answer, Call, Reply, parse_pairs};
use crate::tenant::{App, Caller, Tenant};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Graph,
    Arm,
    /// The simulator's own address was asked for; good for both.
    Here,
}

/// The claims that matter here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    pub aud: String,
    pub iss: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub appid: String,
    pub azp: String,
    pub idtyp: String,
    pub oid: String,
    pub sub: String,
    pub tid: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    pub uti: String,
    pub ver: String,
}

impl Claims {
    pub fn caller(&self) -> Caller {
        Caller { app_id: self.appid.clone(), sp_id: self.oid.clone(), roles: self.roles.clone() }
    }
}

/// Why a bearer token is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadToken {
    Missing,
    Malformed,
    Expired,
    Audience,
}

/// The key that signs this process's tokens.
#[derive(Debug)]
pub struct Mint(hmac::Key);

impl Mint {
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    fn sign(&self, claims: &Claims) -> String {
        let header = json!({"typ": "JWT", "alg": "HS256", "kid": "simulator"});
        let part = |value: String| URL_SAFE_NO_PAD.encode(value);
        let signed = format!("{}.{}", part(header.to_string()), part(json!(claims).to_string()));
        let tag = hmac::sign(&self.0, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The claims of a token made here, still valid, and meant for `plane`.
    pub fn check(&self, authorization: Option<&str>, plane: Audience, unix_now: i64) -> Result<Claims, BadToken> {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).filter(|token| !token.is_empty());
        let (signed, tag) = token.ok_or(BadToken::Missing)?.rsplit_once('.').ok_or(BadToken::Malformed)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| BadToken::Malformed)?;
        hmac::verify(&self.0, signed.as_bytes(), &tag).map_err(|_| BadToken::Malformed)?;
        let body = signed.split_once('.').map(|(_, body)| body).ok_or(BadToken::Malformed)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| BadToken::Malformed)?;
        let claims: Claims = serde_json::from_slice(&body).map_err(|_| BadToken::Malformed)?;
        if claims.exp <= unix_now {
            return Err(BadToken::Expired);
        }
        match audience(&claims.aud) {
            Some(meant) if meant == plane || meant == Audience::Here => Ok(claims),
            _ => Err(BadToken::Audience),
        }
    }
}

/// Which service a resource identifier means, in any of Microsoft's clouds.
fn audience(resource: &str) -> Option<Audience> {
    let host = resource.trim_start_matches("https://").trim_end_matches('/');
    match host {
        "graph.microsoft.com" | "graph.microsoft.us" | "dod-graph.microsoft.us" | "microsoftgraph.chinacloudapi.cn" => {
            Some(Audience::Graph)
        }
        "00000003-0000-0000-c000-000000000000" => Some(Audience::Graph),
        "management.azure.com"
        | "management.core.windows.net"
        | "management.usgovcloudapi.net"
        | "management.chinacloudapi.cn" => Some(Audience::Arm),
        _ => {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            ["localhost", "127.0.0.1", "[::1]"].contains(&name).then_some(Audience::Here)
        }
    }
}

/// `POST /{tenant}/oauth2/v2.0/token`: client credentials, by secret or by assertion.
pub fn issue(tenant: &mut Tenant, call: &Call, mint: &Mint, now: Now) -> Reply {
    let form = parse_pairs(&call.body);
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    if field("grant_type") != "client_credentials" {
        return Err(refuse(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.", now));
    }
    let Some(resource) = field("scope")
        .split(' ')
        .find_map(|scope| scope.strip_suffix("/.default"))
        .map(|one| one.trim_end_matches('/'))
    else {
        let text = format!(
            "The provided value for scope {} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
            field("scope")
        );
        return Err(refuse(400, "invalid_scope", 1002012, &text, now));
    };
    let Some(meant) = audience(resource) else {
        let text = format!(
            "The resource principal named {resource} was not found in the tenant named {}.",
            tenant.display_name
        );
        return Err(refuse(400, "invalid_resource", 500011, &text, now));
    };
    let client_id = field("client_id");
    let Some(app) = tenant.app(client_id) else {
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{}'.",
            tenant.display_name
        );
        return Err(refuse(400, "unauthorized_client", 700016, &text, now));
    };
    if !app.enabled {
        return Err(refuse(
            400,
            "unauthorized_client",
            7000112,
            &format!("Application '{client_id}'({}) is disabled.", app.display_name),
            now,
        ));
    }
    authenticate(tenant, app, field("client_secret"), field("client_assertion"), now)?;
    let roles = if meant == Audience::Arm { Vec::new() } else { app.permissions.clone() };
    let lifetime = tenant.settings.token_lifetime_seconds;
    let issued = now.wall.unix_timestamp();
    let claims = Claims {
        aud: resource.to_owned(),
        iss: format!("https://sts.windows.net/{}/", tenant.id),
        iat: issued,
        nbf: issued,
        exp: issued + lifetime as i64,
        appid: app.app_id.clone(),
        azp: app.app_id.clone(),
        idtyp: "app".to_owned(),
        oid: app.sp_id.clone(),
        sub: app.sp_id.clone(),
        tid: tenant.id.clone(),
        roles,
        uti: uuid::Uuid::new_v4().simple().to_string(),
        ver: "1.0".to_owned(),
    };
    tenant.counters.tokens += 1;
    Ok(Answer::json(
        200,
        json!({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": mint.sign(&claims)}),
    ))
}

fn authenticate(tenant: &Tenant, app: &App, secret: &str, proof: &str, now: Now) -> Result<(), Answer> {
    let status = tenant.switches.status("invalid_client_status");
    if proof.is_empty() {
        return match &app.secret {
            _ if secret.is_empty() => {
                let text =
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
                Err(refuse(status, "invalid_client", 7000218, text, now))
            }
            Some(right) if right == secret => Ok(()),
            _ => {
                let text = format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{}'.",
                    app.app_id
                );
                Err(refuse(status, "invalid_client", 7000215, &text, now))
            }
        };
    }
    let expected = Expected {
        client_id: &app.app_id,
        certificates: &app.certificates,
        unix_now: now.wall.unix_timestamp(),
        tenant_names: [&tenant.id, &tenant.domain],
        allow_rs256: tenant.switches.is("rs256_assertion", "accepted"),
    };
    assertion::verify(proof, &expected).map_err(|why| {
        let text = why.to_string();
        let text = text.split_once(": ").map_or(text.as_str(), |(_, text)| text);
        refuse(status, "invalid_client", why.number(), text, now)
    })
}

/// The token endpoint's error body.
pub fn refuse(status: u16, error: &str, number: u64, text: &str, now: Now) -> Answer {
    let (trace, correlation) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
    let stamp = now.date().replace('T', " ");
    Answer::json(
        status,
        json!({
            "error": error,
            "error_description": format!("AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"),
            "error_codes": [number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
        }),
    )
}

/// `/{tenant}/v2.0/.well-known/openid-configuration`
pub fn discovery(origin: &str, tenant: &str) -> Value {
    json!({
        "token_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/devicecode"),
        "issuer": format!("{origin}/{tenant}/v2.0"),
        "jwks_uri": format!("{origin}/{tenant}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "msgraph_host": "graph.microsoft.com",
    })
}

/// `/common/discovery/instance`: which hosts are one cloud. Ours is a cloud of its own.
pub fn instance_discovery(origin: &str) -> Value {
    let host = origin.trim_start_matches("https://");
    json!({
        "tenant_discovery_endpoint": format!("{origin}/common/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    })
}
