"""Directory roles through msgraph, and through Microsoft's client for JavaScript."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import ADMINISTRATOR, SECRET
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
from msgraph.generated.role_management.directory.role_assignments.role_assignments_request_builder import RoleAssignmentsRequestBuilder
from msgraph.generated.role_management.directory.role_definitions.role_definitions_request_builder import RoleDefinitionsRequestBuilder
from test_directory import create_group

READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
PERMISSIONS = [*ADMINISTRATOR, "RoleManagement.ReadWrite.Directory"]
SCRIPT = pathlib.Path(__file__).parent / "javascript" / "directory_roles.mjs"


def asked(builder, **query):
    kind = next(one for name, one in vars(builder).items() if name.endswith("GetQueryParameters"))
    return RequestConfiguration(query_parameters=kind(**query))


async def role_group(graph, name="ent-l1"):
    wanted = Group(display_name=name, mail_nickname=name, mail_enabled=False, security_enabled=True, is_assignable_to_role=True)
    return await graph.groups.post(wanted)


def assignment(principal, role=READER):
    return UnifiedRoleAssignment(principal_id=principal, role_definition_id=role, directory_scope_id="/")


async def test_a_role_is_found_given_once_listed_and_taken_away(make_tenant):
    tenant = make_tenant(PERMISSIONS)
    graph = tenant.graph()
    roles = graph.role_management.directory
    by_name = asked(RoleDefinitionsRequestBuilder, filter="displayName eq 'Security Reader'")
    found = (await roles.role_definitions.get(request_configuration=by_name)).value
    assert [(one.id, one.template_id, one.is_built_in) for one in found] == [(READER, READER, True)]
    assert "microsoft.directory/auditLogs/allProperties/read" in found[0].role_permissions[0].allowed_resource_actions
    assert (await roles.role_definitions.by_unified_role_definition_id(READER).get()).display_name == "Security Reader"
    group = await role_group(graph)
    assert group.is_assignable_to_role
    made = await roles.role_assignments.post(assignment(group.id))
    assert (made.principal_id, made.role_definition_id, made.directory_scope_id) == (group.id, READER, "/")
    of_group = asked(RoleAssignmentsRequestBuilder, filter=f"principalId eq '{group.id}'", expand=["principal"])
    listed = (await roles.role_assignments.get(request_configuration=of_group)).value
    assert [(one.id, one.principal.display_name) for one in listed] == [(made.id, "ent-l1")]
    with pytest.raises(ODataError) as twice:
        await roles.role_assignments.post(assignment(group.id))
    assert (twice.value.response_status_code, twice.value.error.code) == (400, "Request_BadRequest")
    one = roles.role_assignments.by_unified_role_assignment_id(made.id)
    assert (await one.get()).principal_id == group.id
    await one.delete()
    with pytest.raises(ODataError) as gone:
        await one.get()
    assert gone.value.error.code == "Request_ResourceNotFound"
    assert not (await roles.role_assignments.get(request_configuration=of_group)).value


async def test_a_group_that_is_not_role_assignable_is_refused(make_tenant):
    graph = make_tenant(PERMISSIONS).graph()
    ordinary = await create_group(graph, "ordinary")
    with pytest.raises(ODataError) as refused:
        await graph.role_management.directory.role_assignments.post(assignment(ordinary.id))
    assert refused.value.response_status_code == 400


async def test_without_the_permission_no_role_is_given_and_no_such_group_made(tenant):
    graph = tenant.graph()
    member = next(one["id"] for one in tenant.control("GET", "truth")["users"])
    for refused in (graph.role_management.directory.role_assignments.post(assignment(member)), role_group(graph)):
        with pytest.raises(ODataError) as denied:
            await refused
        assert (denied.value.response_status_code, denied.value.error.code) == (403, "Authorization_RequestDenied")


def test_the_client_for_javascript_gives_lists_and_takes_a_role(make_tenant):
    modules = os.environ.get("ENTENTE_NODE_MODULES")
    if not shutil.which("node") or not modules:
        pytest.skip("NOT RUN: there is no node here, or ENTENTE_NODE_MODULES names no folder of modules")
    tenant = make_tenant(PERMISSIONS)
    settings = {"base": tenant.simulator.base, "tenant": tenant.id, "app": tenant.app, "secret": SECRET, "role": READER, "modules": modules}
    surroundings = {**os.environ, "NODE_EXTRA_CA_CERTS": str(tenant.simulator.ca)}
    done = subprocess.run(["node", SCRIPT, json.dumps(settings)], env=surroundings, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["listed"] == [{"id": told["made"], "principalId": told["group"], "principal": "ent-js"}]
    assert told["twice"] == {"statusCode": 400, "code": "Request_BadRequest"}
    assert told["absent"] == {"statusCode": 404, "code": "Request_ResourceNotFound"}
    assert not tenant.control("GET", "truth")["entra_assignments"]
