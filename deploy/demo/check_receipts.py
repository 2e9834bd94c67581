#!/usr/bin/env python3
"""Checks receipts of removals. It needs only the files that `entente removals NAME --receipts DIR` wrote.

    check_receipts.py DIR          checks each receipt against DIR/ca.pem
    check_receipts.py DIR --flip   flips every bit of one receipt and checks that each flip fails

Needs Python 3.9 and the package `cryptography` (42 or later). Exit codes: 0 all are valid, 1 one is not, 2 there is nothing to check.
"""
import base64, json, pathlib, re, sys, warnings
from datetime import datetime, timedelta, timezone
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
FIELDS = ["statement", "entraTenant", "agent", "item", "named", "blocked", "firstEmptyRead", "secondEmptyRead",
          "effectiveBy", "accounts", "unseen"]
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")  # RFC 5758: the algorithm of our authority's signatures
CLOCKS = timedelta(seconds=300)  # how far Microsoft's clock and the control plane's may differ


def need(holds, fault):
    if not holds:
        raise ValueError(fault)


def binary(text, name):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, f"{name} is not canonical base64")
    return data


def moment(text):
    time = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    need(time.strftime("%Y-%m-%dT%H:%M:%SZ") == text, f"{text} is not a canonical time")
    return time


def canonical(raw, separators, fields):
    """The object. Fails unless it is written exactly as Entente writes it."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    value = json.loads(text)
    need(isinstance(value, dict) and list(value) == fields, f"the fields are not {fields}")
    need(json.dumps(value, ensure_ascii=False, separators=separators) == text, "it is not written canonically")
    return value


def enclosed(tag, body):
    """DER. The issuer's signature does not cover the bytes around what it signs, so they are made again and compared."""
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x80 + (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + body


def check(raw, ca):
    receipt = canonical(raw.removesuffix(b"\n"), (",", ":"), ["statement", "signature", "certificate"])
    need(all(isinstance(part, str) for part in receipt.values()), "a part is not a string")
    said = canonical(receipt["statement"], (",", ":"), FIELDS)
    der = binary(receipt["certificate"], "the certificate")
    leaf = x509.load_der_x509_certificate(der)
    leaf.verify_directly_issued_by(ca)
    need(enclosed(0x30, leaf.tbs_certificate_bytes + ECDSA_SHA256 + enclosed(0x03, b"\0" + leaf.signature)) == der,
         "the certificate is not written canonically")
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    need(re.fullmatch("tenants/[a-z0-9-]+/agents/[a-z0-9-]+", said["agent"]), "agent is not an agent's name")
    need(len(uris) == 1 == len(names) and re.fullmatch("spiffe://[a-z0-9._-]+/" + said["agent"], uris[0]),
         f"the certificate is of {uris}, not of {said['agent']}")
    key = leaf.public_key()
    need(isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1), "the key is not of P-256")
    key.verify(binary(receipt["signature"], "the signature"), receipt["statement"].encode(), ec.ECDSA(hashes.SHA256()))
    sane(said, leaf)
    return said


def sane(said, leaf):
    need(said["statement"] == "entente removal proof, version 1", "it is not a removal proof of version 1")
    need(re.fullmatch(GUID, said["entraTenant"]), "entraTenant is not an id")
    need(re.fullmatch(f"(user|member/[^/]+/[^/]+)/[^/]+/{GUID}", said["item"]), "item is not about a person")
    named, first, second, by = (moment(said[it]) for it in ["named", "firstEmptyRead", "secondEmptyRead", "effectiveBy"])
    need(named - CLOCKS <= first < second <= datetime.now(timezone.utc) + CLOCKS, "the reads are out of order")
    need(leaf.not_valid_before_utc - CLOCKS <= second <= leaf.not_valid_after_utc + CLOCKS,
         "the certificate was not valid then")
    need(first <= by and (said["blocked"] is None or moment(said["blocked"]) <= by), "effectiveBy is too early")
    shut = ["BLOCKED", "DELETED", "GONE"] + ([] if said["item"].startswith("user/") else ["ENABLED"])
    for it in said["accounts"]:
        need(re.fullmatch(GUID, it["id"]) and it["state"] in shut, f"the account {it} is not shut")
    need(len({it["id"] for it in said["accounts"]}) == len(said["accounts"]), "an account is named twice")
    need(all(isinstance(it, str) for it in said["unseen"]), "unseen is not a list of strings")


def flip(raw, ca):
    """Flips each bit in turn."""
    warnings.simplefilter("ignore")  # most flipped certificates cause warnings
    for at in range(len(raw)):
        for bit in range(8):
            flipped = raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1:]
            try:
                check(flipped, ca)
            except Exception:  # any error means that the receipt is refused
                continue
            return f"byte {at} with bit {bit} flipped still holds: {flipped[max(0, at - 20):at + 20]!r}"


def main(folder, *flags):
    if not set(flags) <= {"--flip"}:
        sys.exit(__doc__)
    folder = pathlib.Path(folder)
    files = sorted(folder.glob("*.json"))
    if not files:
        print(f"there are no receipts in {folder}")
        return 2
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    need(ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca, "ca.pem is not a CA certificate")
    faults = []
    for file in files:
        try:
            check(file.read_bytes(), ca)
        except Exception as fault:
            faults.append(f"{file.name}: {type(fault).__name__}: {fault}")
    if flags and not faults:
        raw = files[0].read_bytes()
        still = flip(raw, ca)
        faults += [f"{files[0].name}: {still}"] if still else []
        how = "one holds" if still else "each fails"
        print(f"{8 * len(raw)} flips of one bit in the {len(raw)} bytes of {files[0].name}: {how}")
    print("\n".join(faults) if faults else "1 receipt holds" if len(files) == 1 else f"{len(files)} receipts hold")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
