"""Signing in, through azure-identity."""

import datetime

import pytest
from azure.core.exceptions import ClientAuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa


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
