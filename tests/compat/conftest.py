"""Microsoft's own clients, pointed at the simulator.

Starts the simulator once, gives every test a tenant of its own, and builds the clients as their documentation says,
but for the host. What the clients do to the simulator ends up in the call log, which contract.py reads.
"""

import os
import pathlib
import ssl
import subprocess
import tempfile
import uuid

import httpx
import pytest
from azure.identity import CertificateCredential, ClientSecretCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core import GraphClientFactory

BUILD = "ENTENTE_SIMULATOR must name the simulator's binary; build it with: cargo build -p entente-simulator"
START_SECONDS = 30

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
SCOPE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sentinel"
RESPONDER = "3e150937-b8fe-4cfb-8069-0eaf05ecd056"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
SECRET = "not a secret"

ADMINISTRATOR = [
    "User.ReadWrite.All", "User.Invite.All", "User.RevokeSessions.All", "Group.ReadWrite.All", "GroupMember.ReadWrite.All",
    "Policy.Read.All", "Organization.Read.All", "LicenseAssignment.Read.All", "RoleManagement.ReadWrite.Defender",
    "Application.Read.All", "Directory.Read.All",
]


class Simulator:
    """The process, and its control API."""

    def __init__(self, base: str, ca: pathlib.Path, token: str):
        self.base, self.ca = base, ca
        self.tls = ssl.create_default_context(cafile=str(ca))
        self.http = httpx.Client(base_url=f"{base}/_sim/", verify=self.tls, headers={"Authorization": f"Bearer {token}"})

    def ask(self, method: str, path: str, body=None):
        answer = self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def log(self, tenant: str):
        return self.ask("GET", f"log?tenant={tenant}&limit=10000")["entries"]


@pytest.fixture(scope="session")
def simulator():
    binary = os.environ.get("ENTENTE_SIMULATOR")
    if not binary or not pathlib.Path(binary).is_file():
        pytest.fail(BUILD)
    with tempfile.TemporaryDirectory() as data:
        logs = pathlib.Path(os.environ.get("ENTENTE_CALL_LOGS", data))
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"compat-{uuid.uuid4().hex[:8]}.jsonl"
        command = [binary, "--data", data, "--call-log", str(log)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                # The line is printed once the listener is bound and the files are written.
                line = process.stdout.readline()
                assert line.startswith("listening on "), f"the simulator said {line!r}"
                base = line.removeprefix("listening on ").strip().replace("127.0.0.1", "localhost")
                token = (pathlib.Path(data) / "control-token").read_text()
                yield Simulator(base, pathlib.Path(data) / "ca.pem", token)
            finally:
                process.terminate()
                process.wait(START_SECONDS)


class Tenant:
    """One customer tenant, and the clients of an application in it."""

    def __init__(self, simulator: Simulator, permissions, certificates=()):
        self.simulator, self.id, self.app = simulator, str(uuid.uuid4()), str(uuid.uuid4())
        seed = {
            "id": self.id,
            "display_name": "Contoso",
            "domain": f"c{self.id[:8]}.onmicrosoft.com",
            "licences": ["P2"],
            "management_groups": [{"name": "mg-prod", "subscriptions": [SUBSCRIPTION]}],
            "subscriptions": [{"id": SUBSCRIPTION, "resource_groups": [{"name": "rg-sentinel", "workspaces": ["law-contoso"]}]}],
            "apps": [{
                "app_id": self.app, "display_name": "administration", "secret": SECRET, "permissions": list(permissions),
                "certificates_pem": list(certificates), "azure_roles": [{"scope": f"/subscriptions/{SUBSCRIPTION}", "role": OWNER}],
            }],
            "users": [{"display_name": f"Member {at}", "mail": f"member{at}@contoso.example"} for at in range(7)],
        }
        self.seeded = simulator.ask("POST", "tenants", seed)
        self.sp = self.seeded["apps"][0]["sp_id"]

    def control(self, method: str, path: str, body=None):
        return self.simulator.ask(method, f"tenants/{self.id}/{path}", body)

    def credential(self, secret: str = SECRET):
        return ClientSecretCredential(self.id, self.app, secret, **self._login())

    def certificate_credential(self, pem: bytes):
        return CertificateCredential(self.id, self.app, certificate_data=pem, **self._login())

    def _login(self):
        # Instance discovery would ask login.microsoftonline.com whether our host is Microsoft's.
        base, ca = self.simulator.base, str(self.simulator.ca)
        return {"authority": base, "disable_instance_discovery": True, "connection_verify": ca}

    def adapter(self, credential=None, version: str = "v1.0") -> GraphRequestAdapter:
        base = self.simulator.base
        # Without the host in the list the provider sends an empty token and says nothing.
        scopes = ["https://graph.microsoft.com/.default"]
        auth = AzureIdentityAuthenticationProvider(credential or self.credential(), scopes=scopes, allowed_hosts=["localhost"])
        client = httpx.AsyncClient(verify=self.simulator.tls, base_url=base, http2=False)
        http = GraphClientFactory.create_with_default_middleware(client=client, host=base)
        adapter = GraphRequestAdapter(auth, client=http)
        adapter.base_url = f"{base}/{version}"
        return adapter

    def graph(self, credential=None) -> GraphServiceClient:
        return GraphServiceClient(request_adapter=self.adapter(credential))

    def arm(self, credential=None) -> AuthorizationManagementClient:
        return AuthorizationManagementClient(
            credential or self.credential(), SUBSCRIPTION, base_url=self.simulator.base, connection_verify=str(self.simulator.ca),
            credential_scopes=["https://management.azure.com/.default"],
        )


@pytest.fixture
def make_tenant(simulator):
    return lambda permissions=ADMINISTRATOR, certificates=(): Tenant(simulator, permissions, certificates)


@pytest.fixture
def tenant(make_tenant):
    return make_tenant()
