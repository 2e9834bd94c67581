"""Azure roles through azure-mgmt-authorization, Defender roles raw through msgraph's request adapter."""

import json
import uuid

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.authorization.models import RoleAssignmentCreateParameters
from conftest import OWNER, RESPONDER, SCOPE, SUBSCRIPTION
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_http.middleware.options import RedirectHandlerOption
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from test_directory import create_group


def wanted(principal, kind="Group", role=RESPONDER):
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return RoleAssignmentCreateParameters(role_definition_id=definition, principal_id=principal, principal_type=kind)


async def test_a_role_is_assigned_once_listed_and_removed(tenant):
    group = (await create_group(tenant.graph(), "ent-l1")).id
    assignments = tenant.arm().role_assignments
    name = str(uuid.uuid4())
    made = assignments.create(SCOPE, name, wanted(group))
    assert (made.name, made.principal_id, made.principal_type) == (name, group, "Group")
    with pytest.raises(ResourceExistsError) as twice:
        assignments.create(SCOPE, str(uuid.uuid4()), wanted(group))
    assert twice.value.error.code == "RoleAssignmentExists"
    assert [one.name for one in assignments.list_for_scope(SCOPE, filter=f"principalId eq '{group}'")] == [name]
    assert name in [one.name for one in assignments.list_for_scope(SCOPE, filter="atScope()")]
    assert name in [one.name for one in assignments.list_for_subscription()]
    assert assignments.get(SCOPE, name).scope == SCOPE
    assert assignments.delete(SCOPE, name).name == name
    assert assignments.delete(SCOPE, name) is None


async def test_a_role_above_the_subscription_is_handed_down(tenant):
    group = (await create_group(tenant.graph(), "ent-l1")).id
    above = "/providers/Microsoft.Management/managementGroups/mg-prod"
    owner = {"op": "add_azure_assignment", "scope": above, "role": OWNER, "principal": tenant.app, "principal_type": "ServicePrincipal"}
    tenant.control("POST", "tamper", owner)
    assignments = tenant.arm().role_assignments
    name = str(uuid.uuid4())
    assert assignments.create(above, name, wanted(group)).scope == above
    listed = list(assignments.list_for_subscription(filter=f"principalId eq '{group}'"))
    assert [(one.name, one.scope) for one in listed] == [(name, above)]
    assert assignments.get(above, name).principal_id == group
    assert assignments.delete(above, name).name == name


async def test_assignments_page(tenant):
    tenant.control("PATCH", "settings", {"arm_page_size": 2})
    graph, assignments = tenant.graph(), tenant.arm().role_assignments
    groups = [(await create_group(graph, f"ent-{at}")).id for at in range(5)]
    for group in groups:
        assignments.create(SCOPE, str(uuid.uuid4()), wanted(group))
    listed = [one.principal_id for one in assignments.list_for_scope(SCOPE)]
    assert set(groups) <= set(listed) and len(listed) == 6


def test_a_role_definition_is_found_by_name(tenant):
    found = list(tenant.arm().role_definitions.list(SCOPE, filter="roleName eq 'Microsoft Sentinel Responder'"))
    assert [one.name for one in found] == [RESPONDER]
    assert tenant.arm().role_definitions.get(SCOPE, RESPONDER).role_name == "Microsoft Sentinel Responder"


def test_a_principal_that_does_not_exist_is_refused(tenant):
    with pytest.raises(HttpResponseError) as refused:
        tenant.arm().role_assignments.create(SCOPE, str(uuid.uuid4()), wanted(str(uuid.uuid4())))
    assert refused.value.error.code == "PrincipalNotFound"


class Defender:
    """The beta surface has no SDK of its own here: requests are built by hand and sent by msgraph's adapter."""

    def __init__(self, tenant):
        self.adapter = tenant.adapter(version="beta")

    async def send(self, method, path, body=None):
        request = RequestInformation()
        request.http_method = method
        request.url = f"{self.adapter.base_url}/roleManagement/defender/{path}"
        if body is not None:
            request.set_stream_content(json.dumps(body).encode(), "application/json")
        # The answer to a successful POST redirects to http://: following it would repeat the request in the clear.
        request.add_request_options([RedirectHandlerOption(should_redirect=False)])
        answer = await self.adapter.send_primitive_async(request, "bytes", {"XXX": ODataError})
        return json.loads(answer) if answer else None

    async def actions(self):
        found = await self.send(Method.GET, "resourceNamespaces?$expand=resourceActions")
        return {one["name"].split("\\")[-1].strip(): one["id"] for space in found["value"] for one in space["resourceActions"]}

    async def create(self, path, body):
        """201 with the object, or the redirect, which is not followed; either way it is read back."""
        try:
            await self.send(Method.POST, path, body)
        except ODataError as redirect:
            assert redirect.response_status_code in (302, 307, 308)
        found = await self.send(Method.GET, path)
        return next(one for one in found["value"] if one["displayName"] == body["displayName"])


@pytest.mark.parametrize("redirect", ["off", "302"])
async def test_a_defender_role_is_created_assigned_and_read_back(tenant, redirect):
    tenant.control("PATCH", "switches", {"post_role_redirect": redirect, "post_assignment_redirect": redirect})
    defender = Defender(tenant)
    actions = await defender.actions()
    chosen = [actions["Alerts (manage)"], actions["Security data basics (read)"]]
    role = await defender.create("roleDefinitions", {"displayName": "ent-l1", "description": "", "rolePermissions": [{"allowedResourceActions": chosen}]})
    assert role["rolePermissions"][0]["allowedResourceActions"] == sorted(chosen)
    group = (await create_group(tenant.graph(), "ent-l1")).id
    body = {"displayName": "ent-l1", "roleDefinitionId": role["id"], "principalIds": [group], "appScopeIds": ["/"]}
    assignment = await defender.create("roleAssignments", body)
    assert assignment["principalIds"] == [group]
    await defender.send(Method.DELETE, f"roleAssignments/{assignment['id']}")
    await defender.send(Method.DELETE, f"roleDefinitions/{role['id']}")
    truth = tenant.control("GET", "truth")
    assert not truth["defender_roles"] and not truth["defender_assignments"]


async def test_defender_needs_a_person_to_activate_it(tenant):
    tenant.control("PATCH", "settings", {"defender_active": False})
    with pytest.raises(ODataError) as refused:
        await Defender(tenant).send(Method.GET, "roleDefinitions")
    assert refused.value.response_status_code == 403
