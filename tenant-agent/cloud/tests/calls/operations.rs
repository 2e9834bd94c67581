//! What each operation on people and groups sends, and how it reads the answers. `roles.rs` has the roles.

use entente_cloud::{
    Added, Answer, Failure, InvitationStatus, Invited, Listing, Membership, NewGroup, NewInvitation, ObjectKind,
    Removed, User, UserType, WhoMayInvite,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fake::{Fake, Reply, Request, error, reply};

const GROUP: Uuid = Uuid::from_u128(0x60);
const MAYA: Uuid = Uuid::from_u128(0xa1);
const ROLE: Uuid = Uuid::from_u128(0x77);

async fn always(answer: Reply) -> Fake {
    Fake::start(move |_, _| answer.clone()).await
}

async fn find_by_mail(fake: &Fake, mail: &str) -> Answer<Listing<User>> {
    fake.cloud().graph().find_users_by_mails(&[mail]).await.remove(0)
}

fn invitation() -> NewInvitation {
    NewInvitation {
        mail: "maya@nordwall.example".into(),
        display_name: "Maya".into(),
        redirect_url: "https://nordwall.example/welcome".into(),
        user_type: UserType::Guest,
    }
}

#[tokio::test]
async fn an_invitation_sends_no_mail_and_hides_its_link() {
    let fake = always(reply(
        201,
        json!({"id": "1", "inviteRedeemUrl": "https://login/redeem?x=1",
        "status": "PendingAcceptance", "invitedUser": {"id": MAYA}}),
    ))
    .await;
    let Invited::Accepted(accepted) = fake.cloud().graph().invite(&invitation()).await.unwrap() else {
        panic!("accepted")
    };
    assert_eq!((accepted.user_id, &accepted.status), (MAYA, &InvitationStatus::PendingAcceptance));
    assert_eq!(accepted.redeem_url.reveal(), "https://login/redeem?x=1");
    assert!(!format!("{accepted:?}").contains("redeem?"));
    let sent = fake.requests()[0].json();
    assert_eq!(sent["sendInvitationMessage"], false);
    assert_eq!(sent["invitedUserType"], "Guest");
    assert_eq!(sent["invitedUserEmailAddress"], "maya@nordwall.example");
}

#[tokio::test]
async fn an_internal_users_address_is_told_from_a_refusal() {
    let words =
        format!("The invited user already exists in the directory as objectID: {MAYA}. They can use that account");
    let fake = always(error(400, "BadRequest", &words)).await;
    let invited = fake.cloud().graph().invite(&invitation()).await.unwrap();
    assert!(matches!(invited, Invited::AlreadyThere { user_id: Some(MAYA) }), "{invited:?}");
}

#[tokio::test]
async fn a_user_is_read_with_all_that_decisions_need_and_without_what_is_missing() {
    let fake = Fake::start(|_, n| match n {
        0 => reply(
            200,
            json!({"id": MAYA, "displayName": "Maya", "userPrincipalName": "maya#EXT#@contoso.example",
            "mail": "maya@nordwall.example", "otherMails": ["m@nordwall.example"], "userType": "Guest",
            "creationType": "Invitation", "createdDateTime": "2026-11-23T10:00:00Z", "externalUserState": "Accepted",
            "accountEnabled": true, "identities": [{"signInType": "federated", "issuer": "ExternalAzureAD",
            "issuerAssignedId": null}], "proxyAddresses": ["SMTP:maya@nordwall.example"]}),
        ),
        _ => error(404, "Request_ResourceNotFound", "gone"),
    });
    let fake = fake.await;
    let graph = fake.cloud().graph();
    let full = graph.get_user(MAYA).await.unwrap().unwrap();
    let yes = Some(true);
    assert_eq!((full.is_guest(), full.is_invited(), full.has_redeemed(), full.is_entra_homed()), (yes, yes, yes, yes));
    assert_eq!(full.created.unwrap().unix_timestamp(), 1_795_428_000);
    assert_eq!(full.proxy_addresses.unwrap(), ["SMTP:maya@nordwall.example"]);
    assert_eq!(graph.get_user(MAYA).await.unwrap(), None);
    for field in ["accountEnabled", "identities", "externalUserState", "otherMails", "creationType", "proxyAddresses"] {
        assert!(fake.requests()[0].path.contains(field), "{field}");
    }
}

#[tokio::test]
async fn a_field_that_is_missing_null_or_of_another_form_is_unknown_and_costs_nothing_else() {
    let odd = [
        json!({"id": MAYA}),
        json!({"id": MAYA, "displayName": null, "mail": null, "otherMails": null, "proxyAddresses": null, "userType": null,
            "creationType": null, "createdDateTime": null, "externalUserState": null, "accountEnabled": null,
            "identities": null}),
        json!({"id": MAYA, "displayName": 7, "mail": {}, "otherMails": "m@x.example", "proxyAddresses": [null],
            "userType": 1, "creationType": [], "createdDateTime": 1, "externalUserState": false,
            "accountEnabled": "true", "identities": [7]}),
    ];
    for body in odd {
        let fake = always(reply(200, body.clone())).await;
        let user = fake.cloud().graph().get_user(MAYA).await.unwrap().unwrap();
        let answers = [user.is_guest(), user.is_invited(), user.has_redeemed(), user.is_entra_homed()];
        assert_eq!((answers, user.account_enabled), ([None; 4], None), "{body}");
        assert_eq!((user.identities, user.other_mails, user.proxy_addresses), (None, None, None), "{body}");
        assert_eq!((user.created, user.mail), (None, None), "{body}");
    }
    let identities = |list: Value| json!({"id": MAYA, "identities": list});
    for (list, expected) in [
        (json!([]), Some(false)),
        (json!([{"issuer": "mail"}]), Some(false)),
        (json!([{"issuer": "mail"}, {"issuer": null}]), None),
        (json!([{"issuer": null}, {"issuer": "externalazuread"}]), Some(true)),
    ] {
        let fake = always(reply(200, identities(list.clone()))).await;
        let user = fake.cloud().graph().get_user(MAYA).await.unwrap().unwrap();
        assert_eq!(user.is_entra_homed(), expected, "{list}");
    }
}

/// Answers each look-up of a batch by its filter.
fn by_filter(request: &Request, answer: impl Fn(&str) -> (u16, Value)) -> Reply {
    let part = |part: &Value| {
        let url = part["url"].as_str().unwrap();
        let filter = ["otherMails", "proxyAddresses"].into_iter().find(|f| url.contains(&format!("{f}%2Fany")));
        let (status, body) = answer(filter.unwrap_or("mail"));
        json!({"id": part["id"], "status": status, "body": body})
    };
    let parts = request.json()["requests"].as_array().unwrap().clone();
    reply(200, json!({"responses": parts.iter().map(part).collect::<Vec<_>>()}))
}

#[tokio::test]
async fn people_are_found_by_each_kind_of_mail_once_each() {
    let fake = Fake::start(|request, _| {
        by_filter(request, |filter| {
            let mut found = vec![json!({"id": MAYA})];
            found.extend((filter == "otherMails").then(|| json!({"id": GROUP})));
            found.extend((filter == "proxyAddresses").then(|| json!({"id": ROLE})));
            (200, json!({ "value": found }))
        })
    });
    let fake = fake.await;
    let found = find_by_mail(&fake, "o'neil@nordwall.example").await.unwrap();
    assert_eq!(found.entries.iter().map(|u| u.id).collect::<Vec<_>>(), [GROUP, ROLE, MAYA]);
    assert_eq!(found.odd, Vec::<String>::new());
    let sent = fake.requests()[0].body.clone();
    assert!(sent.contains("mail%20eq%20%27o%27%27neil%40nordwall.example%27"), "{sent}");
    assert!(sent.contains("otherMails%2Fany%28m%3Am%20eq%20%27o%27%27neil%40nordwall.example%27%29"), "{sent}");
    assert!(sent.contains("proxyAddresses%2Fany%28p%3Ap%20eq%20%27smtp%3Ao%27%27neil%40nordwall.example%27"), "{sent}");
}

#[tokio::test]
async fn a_tenant_that_refuses_to_filter_by_proxy_addresses_spoils_no_more_than_that() {
    let refused = ("Request_UnsupportedQuery", "Unsupported Query.");
    for (refuses, status) in [("proxyAddresses", 400), ("proxyAddresses", 403), ("mail", 400), ("otherMails", 400)] {
        let fake = Fake::start(move |request, _| {
            by_filter(request, |filter| match filter == refuses {
                true => (status, crate::fake::error_body(refused.0, refused.1)),
                false => (200, json!({"value": [{"id": MAYA}]})),
            })
        });
        let fake = fake.await;
        let found = fake.cloud().graph().find_users_by_mails(&["maya@nordwall.example"]).await.remove(0);
        match refuses {
            "proxyAddresses" => {
                let found = found.unwrap();
                assert_eq!((found.entries.len(), found.odd.len()), (1, 1));
                assert!(
                    found.odd[0].contains("proxy addresses") && found.odd[0].contains(refused.0),
                    "{:?}",
                    found.odd
                );
            }
            _ => assert!(matches!(found, Err(Failure::Refused(_))), "without it nobody is known to be absent"),
        }
    }
    let fake = Fake::start(|request, _| {
        by_filter(request, |filter| match filter {
            "proxyAddresses" => (200, json!({"value": "?"})),
            _ => (200, json!({"value": []})),
        })
    });
    let found = find_by_mail(&fake.await, "maya@nordwall.example").await;
    assert!(matches!(found, Err(Failure::Unreadable { .. })), "not answered is not refused");
}

#[tokio::test]
async fn the_bin_is_looked_into_by_mail() {
    let deleted = json!({"id": MAYA, "userPrincipalName": "a1maya#EXT#@contoso.example", "mail": "maya@nordwall.example",
        "otherMails": ["m@nordwall.example"], "deletedDateTime": "2026-11-23T10:00:00Z"});
    let fake = Fake::start(move |request, _| by_filter(request, |_| (200, json!({"value": [deleted.clone()]}))));
    let fake = fake.await;
    let mails = ["maya@nordwall.example", "m@nordwall.example"];
    let found = fake.cloud().graph().find_deleted_users_by_mails(&mails).await;
    assert_eq!(found.len(), 2);
    for listing in found {
        let listing = listing.unwrap();
        let [user] = listing.entries.as_slice() else { panic!("{listing:?}") };
        assert_eq!((user.id, user.mail.as_deref()), (MAYA, Some(mails[0])));
        assert_eq!(user.other_mails.as_deref(), Some(&[mails[1].to_owned()][..]));
        assert_eq!(user.deleted.unwrap().unix_timestamp(), 1_795_428_000);
        assert!(user.upn.as_deref().unwrap().starts_with("a1"));
    }
    let sent = &fake.requests()[0].body;
    assert!(sent.contains("/directory/deletedItems/microsoft.graph.user?$filter=mail"), "{sent}");
}

#[tokio::test]
async fn a_group_is_made_with_its_maker_as_owner() {
    let fake = always(reply(
        201,
        json!({"id": GROUP, "displayName": "ent-l1", "securityEnabled": true,
        "groupTypes": ["DynamicMembership"]}),
    ))
    .await;
    let group = NewGroup {
        display_name: "ent-l1".into(),
        mail_nickname: "ent-l1".into(),
        description: "made for the SOC".into(),
        owner: MAYA,
        role_assignable: false,
    };
    let made = fake.cloud().graph().create_group(&group).await.unwrap();
    assert!(made.id == GROUP && made.security_enabled && made.dynamic && !made.role_assignable);
    let sent = fake.requests()[0].json();
    assert_eq!(
        sent["owners@odata.bind"],
        json!([format!("https://graph.microsoft.com/v1.0/servicePrincipals/{MAYA}")])
    );
    assert_eq!((&sent["mailEnabled"], &sent["securityEnabled"]), (&json!(false), &json!(true)));
    assert!(sent.get("isAssignableToRole").is_none() && sent.get("visibility").is_none());
}

#[tokio::test]
async fn members_are_listed_page_by_page_with_their_kinds() {
    let fake = Fake::start(|request, n| match n {
        0 => reply(
            200,
            json!({"value": [{"@odata.type": "#microsoft.graph.user", "id": MAYA, "displayName": "Maya"}],
            "@odata.nextLink": "https://graph.microsoft.com/v1.0/next?$skiptoken=X%2Fy"}),
        ),
        1 => {
            assert_eq!(request.path, "/v1.0/next?$skiptoken=X/y");
            reply(200, json!({"value": [], "@odata.nextLink": "https://graph.microsoft.com/v1.0/last"}))
        }
        _ => reply(200, json!({"value": [{"@odata.type": "#microsoft.graph.newThing", "id": GROUP}, {"id": ROLE}]})),
    });
    let fake = fake.await;
    let members = fake.cloud().graph().list_members(GROUP).await.unwrap();
    let kinds: Vec<_> = members.entries.into_iter().map(|m| m.kind).collect();
    assert_eq!(kinds, [ObjectKind::User, ObjectKind::Other("newThing".into()), ObjectKind::Other(String::new())]);
    assert_eq!(fake.requests().len(), 3);
    assert!(fake.requests().iter().all(|r| !r.headers.contains_key("consistencylevel")));
}

#[tokio::test]
async fn one_member_that_is_not_understood_is_named_and_the_others_are_listed() {
    let answer = reply(200, json!({"value": [{"id": MAYA}, {"id": "not-an-id"}, null, {"id": ROLE}]}));
    let fake = always(answer.header("Date", "Mon, 23 Nov 2026 10:00:00 GMT")).await;
    let graph = fake.cloud().graph();
    for listing in [graph.list_members(GROUP).await.unwrap(), graph.list_memberships(MAYA).await.unwrap()] {
        assert_eq!(listing.entries.iter().map(|m| m.id).collect::<Vec<_>>(), [MAYA, ROLE]);
        assert!(listing.odd.len() == 2 && listing.odd[0].starts_with("not-an-id: "), "{:?}", listing.odd);
        assert_eq!(listing.date.unwrap().unix_timestamp(), 1_795_428_000);
    }
    let users = graph.find_groups_by_name("ent-l1").await.unwrap();
    assert_eq!((users.entries.len(), users.odd.len()), (2, 2));
    let failure = graph.get_user(MAYA).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreadable { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_listing_without_a_list_is_unreadable_and_never_empty() {
    for body in [json!({"value": null}), json!({}), json!([]), json!({"value": {}}), Value::Null] {
        let fake = always(reply(200, body)).await;
        let failure = fake.cloud().graph().list_members(GROUP).await.unwrap_err();
        assert!(matches!(failure, Failure::Unreadable { .. }), "{failure:?}");
    }
}

#[tokio::test]
async fn a_listing_has_the_newest_date_of_its_pages() {
    let page = |minute: u8, next: Value| {
        let date = format!("Mon, 23 Nov 2026 10:{minute:02}:00 GMT");
        reply(200, json!({"value": [], "@odata.nextLink": next})).header("Date", date)
    };
    let fake = Fake::start(move |_, n| match n {
        0 => page(7, json!("https://graph.microsoft.com/v1.0/second")),
        1 => page(8, json!("https://graph.microsoft.com/v1.0/third")),
        _ => page(6, Value::Null),
    });
    let fake = fake.await;
    let listing = fake.cloud().graph().list_members(GROUP).await.unwrap();
    assert_eq!(listing.date.unwrap().minute(), 8);
}

#[tokio::test]
async fn adding_a_member_knows_already_there_and_not_yet_there_only_by_their_own_words() {
    let place = Membership { group: GROUP, member: MAYA };
    let cases = [
        (reply(204, Value::Null), Some(Added::Added)),
        (
            error(
                400,
                "Request_BadRequest",
                "One or more added object references already exist for the following modified properties: 'members'.",
            ),
            Some(Added::AlreadyThere),
        ),
        (error(404, "Request_ResourceNotFound", "Resource does not exist"), Some(Added::NotYetThere)),
        (error(400, "Request_BadRequest", "This is not a valid reference update."), Some(Added::NotYetThere)),
        (error(400, "Request_BadRequest", "Something else"), None),
        (error(403, "Authorization_RequestDenied", "added object references already exist"), None),
    ];
    for (answer, expected) in cases {
        let fake = always(answer.clone()).await;
        let end = fake.cloud().graph().add_member(place).await;
        assert_eq!(end.as_ref().ok().copied(), expected, "{answer:?}");
        let request = &fake.requests()[0];
        assert_eq!(request.path, format!("/v1.0/groups/{GROUP}/members/$ref"));
        assert_eq!(request.json()["@odata.id"], format!("https://graph.microsoft.com/v1.0/directoryObjects/{MAYA}"));
    }
}

#[tokio::test]
async fn removing_a_member_ends_in_ref() {
    let fake = Fake::start(|_, n| match n {
        0 => reply(204, Value::Null),
        _ => error(404, "Request_ResourceNotFound", "no member"),
    });
    let fake = fake.await;
    let graph = fake.cloud().graph();
    let place = Membership { group: GROUP, member: MAYA };
    assert_eq!(graph.remove_member(place).await.unwrap(), Removed::Removed);
    assert_eq!(graph.remove_member(place).await.unwrap(), Removed::WasNotThere);
    for request in fake.requests() {
        assert_eq!(request.path, format!("/v1.0/groups/{GROUP}/members/{MAYA}/$ref"));
    }
}

#[tokio::test]
async fn more_members_than_graph_binds_at_once_are_not_sent() {
    let fake = always(reply(204, Value::Null)).await;
    let graph = fake.cloud().graph();
    assert_eq!(graph.bind_members(GROUP, &[MAYA; 20]).await.unwrap(), Added::Added);
    assert!(matches!(graph.bind_members(GROUP, &[MAYA; 21]).await.unwrap_err(), Failure::NotSent { .. }));
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn the_tenants_rule_for_invitations_is_read_in_either_form() {
    for body in [json!({"allowInvitesFrom": "everyone"}), json!({"value": [{"allowInvitesFrom": "everyone"}]})] {
        let fake = always(reply(200, body)).await;
        assert_eq!(fake.cloud().graph().who_may_invite().await.unwrap(), WhoMayInvite::Everyone);
    }
    let fake = always(reply(200, json!({"allowInvitesFrom": "newWord"}))).await;
    assert_eq!(fake.cloud().graph().who_may_invite().await.unwrap(), WhoMayInvite::Other("newWord".into()));
}
