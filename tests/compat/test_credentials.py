"""Signing in, through azure-identity."""

import base64
import datetime
import hashlib
import json
import time
import uuid

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def certificate(name="administration"):
    """A self-signed certificate: (PEM, PEM with its key)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, pem + private


async def test_a_certificate_signs_in(make_tenant):
    pem, both = certificate()
    tenant = make_tenant(certificates=[pem.decode()])
    graph = tenant.graph(tenant.certificate_credential(both))
    assert (await graph.organization.get()).value[0].id == tenant.id


def test_a_strangers_certificate_does_not(make_tenant):
    pem, _ = certificate()
    _, other = certificate("stranger")
    tenant = make_tenant(certificates=[pem.decode()])
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        tenant.certificate_credential(other).get_token("https://graph.microsoft.com/.default")


def test_a_wrong_secret_is_refused_in_entras_words(tenant):
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        tenant.credential("wrong").get_token("https://graph.microsoft.com/.default")


def test_a_token_is_for_one_resource_and_is_cached(tenant):
    credential = tenant.credential()
    graph = credential.get_token("https://graph.microsoft.com/.default")
    assert credential.get_token("https://graph.microsoft.com/.default").token == graph.token
    assert credential.get_token("https://management.azure.com/.default").token != graph.token


def assertion(tenant, both, algorithm, **claims):
    """A client assertion made by hand, as SDKs of other languages make it."""
    def encoded(part):
        return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

    certificate_, key = x509.load_pem_x509_certificate(both), serialization.load_pem_private_key(both, None)
    der = certificate_.public_bytes(serialization.Encoding.DER)
    thumbprint = {"x5t#S256": encoded(hashlib.sha256(der).digest())} if algorithm == "PS256" else {"x5t": encoded(hashlib.sha1(der).digest())}
    now = int(time.time())
    audience = f"{tenant.simulator.base}/{tenant.id}/oauth2/v2.0/token"
    body = {"aud": audience, "iss": tenant.app, "sub": tenant.app, "jti": str(uuid.uuid4()), "nbf": now, "exp": now + 300} | claims
    signed = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"} | thumbprint, body))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    scheme = pss if algorithm == "PS256" else padding.PKCS1v15()
    return f"{signed}.{encoded(key.sign(signed.encode(), scheme, hashes.SHA256()))}"


def ask(tenant, proof):
    form = {
        "grant_type": "client_credentials", "client_id": tenant.app, "scope": "https://graph.microsoft.com/.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": proof,
    }
    answer = httpx.post(f"{tenant.simulator.base}/{tenant.id}/oauth2/v2.0/token", data=form, verify=tenant.simulator.tls)
    return answer.status_code, answer.json().get("error_codes", [None])[0]


def test_assertions_of_both_kinds_are_checked_in_every_part(make_tenant):
    pem, both = certificate()
    tenant = make_tenant(certificates=[pem.decode()])
    for algorithm in ("PS256", "RS256"):
        proof = assertion(tenant, both, algorithm)
        assert ask(tenant, proof) == (200, None)
        head, body, tag = proof.split(".")
        forged = ("A" if tag[0] != "A" else "B") + tag[1:]
        assert ask(tenant, ".".join([head, body, forged])) == (400, 700027)
        assert ask(tenant, assertion(tenant, both, algorithm, exp=int(time.time()) - 900)) == (400, 700024)
        assert ask(tenant, assertion(tenant, both, algorithm, nbf=int(time.time()) + 900)) == (400, 700024)
        assert ask(tenant, assertion(tenant, both, algorithm, iss=str(uuid.uuid4()))) == (400, 700021)
        assert ask(tenant, assertion(tenant, both, algorithm, aud=f"https://login.microsoftonline.com/{uuid.uuid4()}/v2.0")) == (400, 700023)
    tenant.control("PATCH", "switches", {"rs256_assertion": "refused"})
    assert ask(tenant, assertion(tenant, both, "RS256")) == (400, 5002738)
    assert ask(tenant, assertion(tenant, both, "PS256")) == (200, None)
