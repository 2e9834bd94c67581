//! A listing across pages, and the rule for where the next page may be.
//!
//! The service gives a full address for the next page. We use only its path, only if it belongs to the requested
//! service, and always with the configured address: a token cannot be sent elsewhere.

use std::collections::HashSet;

use serde_json::Value;

use crate::call::{Call, Service};
use crate::endpoints::Endpoints;
use crate::failure::Answer;
use crate::listing::Listing;
use crate::transport::Reply;

/// The most pages of one listing: at the default of 100 entries a page, twenty times the largest group of a SOC, and
/// twice the role assignments that a subscription may have (4,000). More means a loop or a mistake.
const PAGE_LIMIT: usize = 100;

/// The most bytes of one listing over all pages: thirty times a subscription's 4,000 role assignments, and small enough
/// for several at a time.
const SIZE_LIMIT_BYTES: usize = 32 * 1024 * 1024;

/// A listing in progress.
#[derive(Debug)]
pub(crate) struct Pages {
    call: Call,
    so_far: Listing<Value>,
    /// The paths of its pages so far, including the next one.
    seen: HashSet<String>,
    bytes: usize,
}

impl Pages {
    pub(crate) fn new(call: Call) -> Pages {
        let so_far = Listing { entries: Vec::new(), odd: Vec::new(), date: None };
        Pages { seen: HashSet::from([call.path.clone()]), call, so_far, bytes: 0 }
    }

    /// The call for the next page.
    pub(crate) fn call(&self) -> &Call {
        &self.call
    }

    pub(crate) fn listing(self) -> Listing<Value> {
        self.so_far
    }

    /// Adds a page. Returns true if another follows. Pages may be empty (Graph: paging).
    pub(crate) fn turn(&mut self, reply: Reply, endpoints: &Endpoints) -> Answer<bool> {
        self.bytes += reply.bytes;
        if self.bytes > SIZE_LIMIT_BYTES {
            return Err(self.call.unusable(format!("more than {SIZE_LIMIT_BYTES} bytes")));
        }
        let mut page = reply.body;
        let Some(Value::Array(entries)) = page.get_mut("value").map(Value::take) else {
            return Err(self.call.unusable("a listing without a list"));
        };
        self.so_far.entries.extend(entries);
        self.so_far.date = self.so_far.date.max(reply.date);
        // Graph: paging; ARM: paging.
        let next = page.get("@odata.nextLink").or_else(|| page.get("nextLink"));
        let Some(next) = next.filter(|n| !n.is_null()) else {
            return Ok(false);
        };
        if self.seen.len() >= PAGE_LIMIT {
            return Err(self.call.unusable(format!("more than {PAGE_LIMIT} pages")));
        }
        self.call.path = next
            .as_str()
            .and_then(|next| path_of(next, self.call.service, endpoints))
            .ok_or_else(|| self.call.unusable("the next page is not at the address of the service that was asked"))?;
        // Observed with group members: a link that leads back forever.
        if !self.seen.insert(self.call.path.clone()) {
            return Err(self.call.unusable("its next page is one that was read before"));
        }
        Ok(true)
    }
}

/// The path and query of a next link. Its host may be the configured address or, behind a proxy that does not rewrite
/// bodies, Microsoft's own.
fn path_of(next: &str, service: Service, endpoints: &Endpoints) -> Option<String> {
    let (configured, own) = match service {
        Service::Graph => (&endpoints.graph, endpoints.cloud.graph()),
        Service::Arm => (&endpoints.arm, endpoints.cloud.arm()),
        Service::Login => return None,
    };
    let url = reqwest::Url::parse(next).ok()?;
    let origin = url.origin().ascii_serialization();
    if (origin != *configured && origin != own) || !url.username().is_empty() {
        return None;
    }
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    Some(format!("{}{query}", url.path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::NationalCloud;
    use crate::failure::Failure;
    use serde_json::json;

    fn endpoints() -> Endpoints {
        Endpoints { graph: "https://proxy.example:8443".into(), ..Endpoints::of(NationalCloud::Global) }
    }

    fn pages() -> Pages {
        Pages::new(Call::read(Service::Graph, "GET /things", "/v1.0/things".into()))
    }

    fn page(body: Value) -> Reply {
        Reply { body, ..Reply::bare(200) }
    }

    #[test]
    fn the_next_page_is_asked_for_at_the_configured_address_alone() {
        for (link, path) in [
            ("https://proxy.example:8443/v1.0/things?$skiptoken=a%20b", Some("/v1.0/things?$skiptoken=a%20b")),
            ("https://graph.microsoft.com/v1.0/things?a=1", Some("/v1.0/things?a=1")),
            ("https://evil.example/v1.0/things", None),
            ("https://proxy.example/v1.0/things", None),
            ("http://graph.microsoft.com/v1.0/things", None),
            ("https://management.azure.com/v1.0/things", None),
            ("https://x@graph.microsoft.com/v1.0/things", None),
            ("https://graph.microsoft.com.evil.example/", None),
            ("/v1.0/things", None),
        ] {
            assert_eq!(path_of(link, Service::Graph, &endpoints()).as_deref(), path, "{link}");
        }
    }

    #[test]
    fn a_listing_ends_at_the_page_without_a_link_and_may_hold_empty_pages() {
        let mut pages = pages();
        let link = "https://graph.microsoft.com/v1.0/things?p=2";
        assert!(pages.turn(page(json!({"value": [1], "@odata.nextLink": link})), &endpoints()).unwrap());
        let other = "https://graph.microsoft.com/v1.0/things?p=3";
        assert!(pages.turn(page(json!({"value": [], "nextLink": other})), &endpoints()).unwrap());
        assert!(!pages.turn(page(json!({"value": [2], "nextLink": null})), &endpoints()).unwrap());
        assert_eq!(pages.listing().entries, [json!(1), json!(2)]);
    }

    #[test]
    fn a_listing_stops_at_the_first_link_that_it_has_seen() {
        let link = |p: &str| page(json!({"value": [1], "nextLink": format!("https://graph.microsoft.com/v1.0/{p}")}));
        for links in [vec!["things"], vec!["a", "a"], vec!["a", "b", "a"], vec!["a", "b", "things"]] {
            let mut pages = pages();
            let (last, first) = links.split_last().unwrap();
            assert!(first.iter().all(|p| pages.turn(link(p), &endpoints()).unwrap()), "{links:?}");
            let end = pages.turn(link(last), &endpoints());
            assert!(matches!(end, Err(Failure::Unreadable { .. })), "{links:?}");
        }
    }

    #[test]
    fn a_listing_has_a_size_in_all() {
        let mut pages = pages();
        let big = |n| {
            let body = json!({"value": [], "nextLink": format!("https://graph.microsoft.com/v1.0/things?p={n}")});
            Reply { bytes: SIZE_LIMIT_BYTES / 4, ..page(body) }
        };
        assert!((0..4).all(|n| pages.turn(big(n), &endpoints()).unwrap()));
        assert!(matches!(pages.turn(big(4), &endpoints()), Err(Failure::Unreadable { .. })));
    }

    #[test]
    fn a_listing_that_never_ends_is_given_up() {
        let mut pages = pages();
        let body = |n| json!({"value": [1], "nextLink": format!("https://graph.microsoft.com/v1.0/things?p={n}")});
        let end = (1..=PAGE_LIMIT).find_map(|n| Some((n, pages.turn(page(body(n)), &endpoints()).err()?)));
        assert!(matches!(end, Some((PAGE_LIMIT, Failure::Unreadable { .. }))));
        assert!(matches!(self::pages().turn(page(json!({})), &endpoints()), Err(Failure::Unreadable { .. })));
    }
}
