//! The addresses of a cloud's services, and their names inside a token.
//!
//! Address and name are separate: an address may be replaced (by a proxy or a simulator), the audience of a token may
//! not. `client.rs` builds the requests.

use std::fmt;
use std::str::FromStr;

use crate::ConfigError;

/// One of Microsoft's separate clouds. A token of one is not valid in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NationalCloud {
    /// The worldwide cloud, GCC included.
    Global,
    /// US Government L4 (GCC High).
    UsGovL4,
    /// US Government L5 (DoD).
    UsGovL5,
    /// China, operated by 21Vianet.
    China,
}

/// The addresses that requests go to. Each is an https origin without a path: `https://graph.microsoft.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Decides the audiences of tokens, independent of the addresses.
    pub cloud: NationalCloud,
    pub login: String,
    pub graph: String,
    pub arm: String,
}

impl NationalCloud {
    const ALL: [NationalCloud; 4] = [Self::Global, Self::UsGovL4, Self::UsGovL5, Self::China];

    /// Graph: national cloud deployments. ARM: Azure environments.
    pub(crate) fn login(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGovL4 | Self::UsGovL5 => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    pub(crate) fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGovL4 => "https://graph.microsoft.us",
            Self::UsGovL5 => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    pub(crate) fn arm(self) -> &'static str {
        match self {
            Self::Global => "https://management.azure.com",
            Self::UsGovL4 | Self::UsGovL5 => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGovL4 => "usGovL4",
            Self::UsGovL5 => "usGovL5",
            Self::China => "china",
        }
    }
}

impl fmt::Display for NationalCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for NationalCloud {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::ALL.into_iter().find(|cloud| cloud.name() == text).ok_or_else(|| ConfigError::Cloud(text.to_owned()))
    }
}

impl Endpoints {
    /// Microsoft's own addresses for a cloud.
    pub fn of(cloud: NationalCloud) -> Endpoints {
        Endpoints {
            cloud,
            login: cloud.login().to_owned(),
            graph: cloud.graph().to_owned(),
            arm: cloud.arm().to_owned(),
        }
    }

    /// The same endpoints in the one form that the rest of the crate uses: scheme, host and port, no slash.
    pub(crate) fn normalised(&self) -> Result<Endpoints, ConfigError> {
        Ok(Endpoints {
            cloud: self.cloud,
            login: origin("login", &self.login)?,
            graph: origin("graph", &self.graph)?,
            arm: origin("arm", &self.arm)?,
        })
    }
}

fn origin(field: &'static str, address: &str) -> Result<String, ConfigError> {
    let refuse = || ConfigError::Endpoint { field, address: address.to_owned() };
    let url = reqwest::Url::parse(address).map_err(|_| refuse())?;
    // A secret or a token goes there: never without TLS, and never with a password in the address.
    let bare = url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if !bare {
        return Err(refuse());
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph_at(address: &str) -> Result<Endpoints, ConfigError> {
        Endpoints { graph: address.to_owned(), ..Endpoints::of(NationalCloud::Global) }.normalised()
    }

    #[test]
    fn an_endpoint_is_an_https_origin_and_nothing_more() {
        for bad in [
            "http://graph.microsoft.com",
            "https://graph.microsoft.com/v1.0",
            "https://user:word@graph.microsoft.com",
            "https://graph.microsoft.com/?a=b",
            "graph.microsoft.com",
            "",
        ] {
            assert!(graph_at(bad).is_err(), "{bad}");
        }
        let kept = graph_at("https://Proxy.example:8443/").unwrap();
        assert_eq!(kept.graph, "https://proxy.example:8443");
    }

    #[test]
    fn every_cloud_is_read_back_from_its_own_name_and_stands_on_valid_addresses() {
        for cloud in NationalCloud::ALL {
            assert_eq!(cloud.to_string().parse::<NationalCloud>().unwrap(), cloud);
            assert_eq!(Endpoints::of(cloud).normalised().unwrap(), Endpoints::of(cloud));
        }
        assert!("Global".parse::<NationalCloud>().is_err());
    }
}
