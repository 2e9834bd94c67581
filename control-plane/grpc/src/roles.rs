//! The least role for each method, known from its name alone: a request that its caller may not make is refused before its
//! body is read. What the caller may do with a resource is `entente-app`'s to decide, which asks for the role again.

use entente_app::ApiRole;

/// Those of the admin service that need less than an admin.
const ADMIN_SERVICE: [(&str, ApiRole); 6] = [
    ("CreateEnrollmentToken", ApiRole::Editor),
    ("DeleteEnrollmentToken", ApiRole::Editor),
    ("ListEnrollmentTokens", ApiRole::Viewer),
    ("GetAgent", ApiRole::Viewer),
    ("ListAgents", ApiRole::Viewer),
    ("GetPrincipal", ApiRole::Viewer),
];

/// What reads begins so.
const READS: [&str; 4] = ["Get", "List", "Watch", "Plan"];

/// Of a method such as `entente.fleet.v1.FleetService/GetTenantStatus`. None for services that ask for no role: health,
/// reflection, and the agents', who have no roles. A method that is new needs an editor, or an admin, until it is named.
pub(crate) fn least(method: &str) -> Option<ApiRole> {
    let (service, name) = method.rsplit_once('/')?;
    match service {
        "entente.access.v1.AdminService" => {
            let named = ADMIN_SERVICE.iter().find(|(method, _)| *method == name);
            Some(named.map_or(ApiRole::Admin, |(_, role)| *role))
        }
        "entente.access.v1.AccessService" | "entente.fleet.v1.FleetService" => {
            let reads = READS.iter().any(|word| name.starts_with(word));
            Some(if reads { ApiRole::Viewer } else { ApiRole::Editor })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use entente_proto::fleet::v1::{GetTenantStatusRequest, TenantStatus};
    use http::uri::PathAndQuery;
    use tonic::{Code, Request};
    use tonic_prost::ProstCodec;

    use crate::call::METHODS;
    use crate::testing::Fixture;

    /// Whether a viewer may call it, by what each method is for: shared with nothing above.
    fn is_for_viewers(method: &str) -> bool {
        let reads = ["/Get", "/List", "/Watch", "/Plan"].iter().any(|word| method.contains(word));
        reads && !method.ends_with("/ListPrincipals")
    }

    #[tokio::test]
    async fn a_viewer_who_may_not_call_a_method_is_refused_before_what_was_sent_is_read() {
        let fixture = Fixture::start(|_| {}).await;
        let mut client = tonic::client::Grpc::new(fixture.channel(fixture.api, &fixture.li));
        let ours = METHODS.iter().filter(|it| it.starts_with("entente.") && !it.contains(".agent."));
        let mut refused = 0;
        for method in ours {
            client.ready().await.unwrap();
            let path = PathAndQuery::try_from(format!("/{method}")).unwrap();
            // No request of any method: a text where most have a message, of 64 KiB.
            let garbage = GetTenantStatusRequest { tenant: "\u{7f}".repeat(1 << 16) };
            let codec = ProstCodec::<GetTenantStatusRequest, TenantStatus>::default();
            let status = client.unary(Request::new(garbage), path, codec).await.unwrap_err();
            let expected = !is_for_viewers(method);
            assert_eq!(status.code() == Code::PermissionDenied, expected, "{method}: {status:?}");
            refused += usize::from(expected);
        }
        assert!(refused > 20, "{refused} of {} are not for viewers", METHODS.len());
    }
}
