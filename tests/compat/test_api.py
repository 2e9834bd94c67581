"""The control plane's API from a client that shares no code with it: Google's gRPC for Python, which knows the API from
reflection alone, as another tool of a service provider would."""

import json
import os
import pathlib
import subprocess
import time
import uuid

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

BUILD = "ENTENTE_CONTROL_PLANE must name the control plane's binary; build it with: cargo build -p entente-control-plane"
PATIENCE = 30
SERVED = ["entente.access.v1.AccessService", "entente.access.v1.AdminService", "entente.fleet.v1.FleetService"]
JONAS = {"name": "operators/jonas", "display_name": "Jonas"}


class Api:
    """Calls by name, with fields as keywords."""

    def __init__(self, channel: grpc.Channel):
        self.channel, self.database = channel, ProtoReflectionDescriptorDatabase(channel)
        self.pool = DescriptorPool(self.database)

    def call(self, method: str, service: str = SERVED[0], **fields):
        asked = self.pool.FindServiceByName(service).methods_by_name[method]
        request, answer = (message_factory.GetMessageClass(it) for it in (asked.input_type, asked.output_type))
        kind = self.channel.unary_stream if asked.server_streaming else self.channel.unary_unary
        call = kind(f"/{service}/{method}", request_serializer=request.SerializeToString, response_deserializer=answer.FromString)
        return call(request(**fields), timeout=PATIENCE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a server that runs; `ready.json` says where."""
    binary = os.environ.get("ENTENTE_CONTROL_PLANE")
    if not binary or not pathlib.Path(binary).is_file():
        pytest.fail(BUILD)
    folder = tmp_path_factory.mktemp("api") / "server"
    ports = [f"--{port}=127.0.0.1:0" for port in ("api", "agents", "metrics")]
    subprocess.run([binary, "init", "--dir", folder, *ports], check=True, stdout=subprocess.DEVNULL)
    ready = folder / "ready.json"
    with subprocess.Popen([binary, "run", "--config", folder / "config.toml", "--ready-file", ready]) as process:
        try:
            end = time.monotonic() + PATIENCE
            while not ready.exists():
                assert process.poll() is None and time.monotonic() < end, "the control plane does not start"
                time.sleep(0.05)
            yield folder
        finally:
            process.terminate()
            process.wait(PATIENCE)


def channel(folder: pathlib.Path, *identity: bytes) -> grpc.Channel:
    port = json.loads((folder / "ready.json").read_text())["api"].rsplit(":", 1)[1]
    return grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes(), *identity))


@pytest.fixture(scope="module")
def api(folder):
    with channel(folder, *((folder / name).read_bytes() for name in ("admin.key", "admin.crt"))) as opened:
        yield Api(opened)


def test_reflection_and_health_know_what_is_served(api):
    assert sorted(api.database.get_services()) == [*SERVED, "grpc.health.v1.Health"]
    for service in ["", *SERVED]:
        answer = health_pb2_grpc.HealthStub(api.channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_resource_is_created_updated_by_mask_and_listed_and_a_repeated_call_gets_the_first_answer(api):
    made = api.call("CreateOperator", operator=JONAS)
    update = {"operator": {**JONAS, "display_name": "Jonas Dahl", "etag": made.etag}, "update_mask": {"paths": ["display_name"]}}
    update["request_id"] = str(uuid.uuid4())
    first = api.call("UpdateOperator", **update)
    assert (first.display_name, first.uid) == ("Jonas Dahl", made.uid)
    assert api.call("UpdateOperator", **update) == first
    assert list(api.call("ListOperators").operators) == [first]


def test_an_error_names_its_reason_and_its_fields(api):
    with pytest.raises(grpc.RpcError) as refused:
        api.call("ApplyIntent", manifests=[{"squad": {"name": "squads/triage", "owner": "nobody"}}])
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    info, fields = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    found = [message for message in (info, fields) for it in rpc_status.from_call(refused.value).details if it.Unpack(message)]
    assert found == [info, fields] and (info.reason, info.domain) == ("INVALID", "entente")
    assert [(it.field, it.reason) for it in fields.field_violations] == [("squads/triage: owner", "MALFORMED")]


def test_a_watch_says_when_it_has_said_everything(api):
    watch = api.call("WatchTenantStatuses", service=SERVED[2])
    assert next(watch).initial_complete
    watch.cancel()


def test_without_a_certificate_nobody_comes_in(folder):
    with channel(folder) as anonymous, pytest.raises(grpc.RpcError) as refused:
        health_pb2_grpc.HealthStub(anonymous).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
