"""What an administrator does to people and groups, through msgraph-sdk."""

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.group import Group
from msgraph.generated.models.invitation import Invitation
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder


async def invite(graph, mail):
    return await graph.invitations.post(Invitation(
        invited_user_email_address=mail, invite_redirect_url="https://myapplications.microsoft.com", invited_user_display_name="Maya Berg",
    ))


async def create_group(graph, name):
    return await graph.groups.post(Group(
        display_name=name, mail_nickname=name, mail_enabled=False, security_enabled=True, group_types=[],
    ))


def reference(oid):
    return ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{oid}")


def query(**parameters):
    return RequestConfiguration(query_parameters=UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(**parameters))


async def test_a_guest_is_invited_found_and_blocked(tenant):
    graph = tenant.graph()
    invited = await invite(graph, "maya@nordwall.example")
    assert invited.status == "PendingAcceptance"
    assert invited.invite_redeem_url.startswith("https://")
    found = await graph.users.get(query(filter="mail eq 'maya@nordwall.example'", select=["id", "userType", "externalUserState", "accountEnabled"]))
    assert [user.id for user in found.value] == [invited.invited_user.id]
    assert (found.value[0].user_type, found.value[0].external_user_state) == ("Guest", "PendingAcceptance")
    await graph.users.by_user_id(invited.invited_user.id).patch(User(account_enabled=False))
    await graph.users.by_user_id(invited.invited_user.id).revoke_sign_in_sessions.post()
    truth = next(user for user in tenant.control("GET", "truth")["users"] if user["id"] == invited.invited_user.id)
    assert not truth["enabled"] and truth["sessions_revoked_at"] and truth["created_by"] == tenant.app


async def test_pages_are_followed_to_the_last_user(tenant):
    tenant.control("PATCH", "settings", {"page_size": 3})
    graph = tenant.graph()
    page = await graph.users.get(query(select=["id", "displayName"]))
    names = [user.display_name for user in page.value]
    pages = 1
    while page.odata_next_link:
        page = await graph.users.with_url(page.odata_next_link).get()
        names += [user.display_name for user in page.value]
        pages += 1
    assert pages == 3
    assert sorted(names) == [f"Member {at}" for at in range(7)]


async def test_an_advanced_query_needs_its_header(tenant):
    graph = tenant.graph()
    wanted = query(filter="endsWith(mail,'@contoso.example')", count=True)
    with pytest.raises(ODataError) as refused:
        await graph.users.get(wanted)
    assert refused.value.error.code == "Request_UnsupportedQuery"
    wanted.headers.add("ConsistencyLevel", "eventual")
    found = await graph.users.get(wanted)
    assert found.odata_count == 7


async def test_a_group_gains_and_loses_a_member(tenant):
    graph = tenant.graph()
    user = (await invite(graph, "maya@nordwall.example")).invited_user.id
    group = (await create_group(graph, "ent-l1-analyst")).id
    members = graph.groups.by_group_id(group).members
    await members.ref.post(reference(user))
    with pytest.raises(ODataError) as twice:
        await members.ref.post(reference(user))
    assert twice.value.response_status_code == 400
    assert "added object references already exist" in twice.value.error.message
    assert [member.id for member in (await members.get()).value] == [user]
    assert type((await members.get()).value[0]) is User
    of = await graph.users.by_user_id(user).member_of.get()
    assert [one.id for one in of.value] == [group]
    await members.by_directory_object_id(user).ref.delete()
    with pytest.raises(ODataError) as absent:
        await members.by_directory_object_id(user).ref.delete()
    assert absent.value.response_status_code == 404
    await graph.groups.by_group_id(group).delete()
    with pytest.raises(ODataError):
        await graph.groups.by_group_id(group).get()


async def test_a_deleted_user_is_restored(tenant):
    graph = tenant.graph()
    user = (await invite(graph, "maya@nordwall.example")).invited_user.id
    await graph.users.by_user_id(user).delete()
    deleted = await graph.directory.deleted_items.graph_user.get()
    assert [one.id for one in deleted.value] == [user]
    restored = await graph.directory.deleted_items.by_directory_object_id(user).restore.post()
    assert type(restored) is User and restored.id == user
    assert (await graph.users.by_user_id(user).get()).display_name == "Maya Berg"


async def test_changes_are_followed_by_delta(tenant):
    graph = tenant.graph()
    page = await graph.users.delta.get()
    assert len(page.value) == 7 and page.odata_next_link is None
    user = (await invite(graph, "maya@nordwall.example")).invited_user.id
    page = await graph.users.delta.with_url(page.odata_delta_link).get()
    assert [one.id for one in page.value] == [user]
    await graph.users.by_user_id(user).delete()
    page = await graph.users.delta.with_url(page.odata_delta_link).get()
    assert page.value[0].additional_data["@removed"] == {"reason": "changed"}
    group = (await create_group(graph, "ent-l1-analyst")).id
    assert [one.id for one in (await graph.groups.delta.get()).value] == [group]


async def test_users_are_sorted(tenant):
    found = await tenant.graph().users.get(query(orderby=["displayName desc"]))
    assert [user.display_name for user in found.value] == [f"Member {at}" for at in reversed(range(7))]


async def test_a_page_of_a_gateway_is_an_error_and_not_an_answer(tenant):
    fault = {"tenant": tenant.id, "path": "^/v1.0/organization", "count": 1, "action": {
        "kind": "answer", "status": 404, "headers": {"Content-Type": "text/html"}, "body": "<html>Not found</html>",
    }}
    tenant.simulator.ask("POST", "faults", fault)
    with pytest.raises(Exception) as refused:
        await tenant.graph().organization.get()
    assert "404" in str(refused.value) or getattr(refused.value, "response_status_code", None) == 404


async def test_posture_is_readable(tenant):
    graph = tenant.graph()
    assert (await graph.organization.get()).value[0].id == tenant.id
    assert (await graph.policies.authorization_policy.get()).allow_invites_from.value == "everyone"
    assert (await graph.policies.identity_security_defaults_enforcement_policy.get()).is_enabled is False
    plans = {plan.service_plan_name for sku in (await graph.subscribed_skus.get()).value for plan in sku.service_plans}
    assert plans == {"AAD_PREMIUM", "AAD_PREMIUM_P2"}
    assert (await graph.service_principals.get()).value[0].app_id == tenant.app


async def test_the_middleware_waits_and_retries_when_throttled(tenant):
    fault = {"tenant": tenant.id, "path": "^/v1.0/organization", "count": 1, "action": {
        "kind": "answer", "status": 429, "headers": {"Retry-After": "1"}, "body": {"error": {"code": "TooManyRequests", "message": "later"}},
    }}
    tenant.simulator.ask("POST", "faults", fault)
    assert (await tenant.graph().organization.get()).value[0].id == tenant.id
    statuses = [entry["status"] for entry in tenant.simulator.log(tenant.id) if "/organization" in entry["path"]]
    assert statuses == [429, 200]


async def test_a_missing_permission_is_an_odata_error(make_tenant):
    graph = make_tenant(["User.Read.All"]).graph()
    with pytest.raises(ODataError) as refused:
        await invite(graph, "maya@nordwall.example")
    assert (refused.value.response_status_code, refused.value.error.code) == (403, "Authorization_RequestDenied")
    assert refused.value.error.inner_error.request_id
