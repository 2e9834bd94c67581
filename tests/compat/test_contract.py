"""contract.py finds what is wrong, and only that."""

import json

import contract
import pytest

DESCRIPTION = {
    "servers": [{"url": "https://graph.microsoft.com/v1.0"}],
    "paths": {
        "/groups": {"post": {"requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/group"}}}}}},
        "/groups/{group-id}/members/graph.user": {"get": {"parameters": [{"name": "$top", "in": "query"}]}},
    },
    "components": {"schemas": {
        "entity": {"type": "object", "properties": {"id": {"type": "string"}}},
        "group": {"allOf": [{"$ref": "#/components/schemas/entity"}, {"type": "object", "properties": {
            "displayName": {"type": "string", "nullable": True}, "mailEnabled": {"type": "boolean"}, "kinds": {"type": "array", "items": {"type": "string"}},
            "members": {"type": "array", "items": {"$ref": "#/components/schemas/entity"}},
        }}]},
    }},
}
GOOD = {"plane": "graph", "method": "POST", "path": "/v1.0/groups", "request": {"displayName": "ent-l1", "mailEnabled": False, "members@odata.bind": ["https://x"]}}


def run(tmp_path, *entries):
    logs, openapi = tmp_path / "logs", tmp_path / "openapi"
    logs.mkdir(), openapi.mkdir()
    (openapi / "graph.json").write_text(json.dumps(DESCRIPTION))
    (logs / "calls.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return contract.main(logs, openapi)


def test_requests_of_the_schema_pass(tmp_path):
    cast = {"plane": "graph", "method": "GET", "path": "/v1.0/groups/1/members/microsoft.graph.user?$top=5&$skiptoken=x", "request": None}
    assert run(tmp_path, GOOD, cast) == 0


@pytest.mark.parametrize("change, fault", [
    ({"path": "/v1.0/planets"}, "no description has this method and path"),
    ({"method": "PUT"}, "no description has this method and path"),
    ({"path": "/v1.0/groups?colour=red"}, "query parameter 'colour' is not known"),
    ({"request": {"displayNam": "x"}}, "has no property 'displayNam'"),
    ({"request": {"mailEnabled": "no"}}, "boolean expected, not str"),
    ({"request": {"mailEnabled": None}}, "body.mailEnabled: null"),
    ({"request": {"kinds": [1]}}, "body.kinds[0]: string expected"),
    ({"request": {"nobody@odata.bind": []}}, "has no property 'nobody@odata.bind'"),
])
def test_a_wrong_request_fails_and_says_why(tmp_path, capsys, change, fault):
    assert run(tmp_path, GOOD, {**GOOD, **change}) == 1
    assert fault in capsys.readouterr().out


def test_what_is_wrong_on_purpose_does_not_count_and_nothing_at_all_fails(tmp_path, capsys):
    assert run(tmp_path, {**GOOD, "path": "/v1.0/planets", "deliberate": True}) == 1
    assert "0 requests validated, 0 failures" in capsys.readouterr().out


def test_absent_descriptions_are_skipped_loudly(tmp_path, capsys):
    assert contract.main(tmp_path, tmp_path / "absent") == 0
    assert "SKIPPED" in capsys.readouterr().out
