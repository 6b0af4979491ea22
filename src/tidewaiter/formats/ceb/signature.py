"""The enveloped signature of a message, and what of the message it vouches for.

One signature is accepted, a child of the root, with one reference, to the whole document it stands in. Anything else
that the standard allows (references by id or address, objects inside, other transforms, other keys) is refused before
it is looked at, so that nothing can be signed but what is read. What is read is then made anew from the very bytes
that were digested. Whether the certificate is that of somebody we know is not asked here: `Signed.signer` says which
it is. SHA-1 is accepted since the electronic port of China signs with it; see `METHODS`.

Sources: XML Signature Syntax and Processing 1.1; RFC 6931. `signxml` does the arithmetic.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from tidewaiter.formats.tree import Node

SPACE = "http://www.w3.org/2000/09/xmldsig#"
CANONICAL = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = f"{SPACE}enveloped-signature"
METHODS = {
    f"{SPACE}rsa-sha1": f"{SPACE}sha1",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
}
"""Methods of signature that are accepted, each with its digest."""
_CONFIGURATION = SignatureConfiguration(
    location="./",
    expect_references=1,
    signature_methods=frozenset({SignatureMethod.RSA_SHA1, SignatureMethod.RSA_SHA256}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA1, DigestAlgorithm.SHA256}),
)
_KEY_BITS_MIN = 1024


class Signed(NamedTuple):
    """What a signature vouches for: the bytes of the message without it, and the SHA-256 of the certificate."""

    data: bytes
    signer: str


class BadSignature(Exception):
    """Why a signature is not accepted; never leaves this format."""


def signed_part(data: bytes, root: Node) -> Signed | None:
    """What is signed of the message of which `root` is the tree; None where it is not signed. Raises BadSignature."""
    signatures = list(_signatures(root))
    if not signatures:
        return None
    if len(signatures) > 1:
        raise BadSignature("there is more than one signature")
    [signature] = signatures
    if not any(child is signature for child in root.children) or signature.space != SPACE:
        raise BadSignature("the signature does not stand in the root of the message")
    certificate = _plain_certificate(signature)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        document = etree.fromstring(data, parser)
        verified = XMLVerifier().verify(document, x509_cert=certificate, expect_config=_CONFIGURATION)
    except (SignXMLException, etree.LxmlError, ValueError, TypeError) as error:
        raise BadSignature(f"it does not fit what stands in the message ({type(error).__name__})") from error
    if isinstance(verified, list):
        raise BadSignature("there is more than one reference")
    fingerprint = hashlib.sha256(base64.b64decode(_text(signature, "KeyInfo", "X509Data", "X509Certificate")))
    return Signed(verified.signed_data, fingerprint.hexdigest())


def _signatures(node: Node) -> Iterator[Node]:
    """All that is called a signature, in whatever namespace."""
    for child in node.children:
        if child.name == "Signature":
            yield child
        yield from _signatures(child)


def _only(node: Node, *names: str) -> list[Node]:
    """The children, which must be these, once each, in this order, in the namespace of signatures."""
    if [(child.name, child.space) for child in node.children] != [(name, SPACE) for name in names]:
        raise BadSignature(f"{node.name} should hold {', '.join(names)} and nothing else")
    return node.children


def _text(node: Node, *path: str) -> str:
    for name in path:
        [node] = [child for child in node.children if child.name == name]
    return "".join(node.text.split())


def _algorithm(node: Node) -> str:
    if node.children or set(node.attributes) != {"Algorithm"}:
        raise BadSignature(f"{node.name} should name its algorithm and nothing else")
    return node.attributes["Algorithm"]


def _plain_certificate(signature: Node) -> x509.Certificate:
    """The certificate of a signature of the one form that is accepted. Raises BadSignature for any other."""
    information, _, key = _only(signature, "SignedInfo", "SignatureValue", "KeyInfo")
    canonical, method, reference = _only(information, "CanonicalizationMethod", "SignatureMethod", "Reference")
    transforms, digest, _ = _only(reference, "Transforms", "DigestMethod", "DigestValue")
    if set(reference.attributes) != {"URI"} or reference.attributes["URI"]:
        raise BadSignature("the reference should be to the whole message, with an empty URI")
    if _algorithm(canonical) != CANONICAL:
        raise BadSignature("only Canonical XML 1.0 without comments is accepted")
    if any(transform.name != "Transform" or transform.space != SPACE for transform in transforms.children):
        raise BadSignature("only transforms may stand among the transforms")
    if [_algorithm(one) for one in transforms.children] not in ([ENVELOPED], [ENVELOPED, CANONICAL]):
        raise BadSignature("only the enveloped signature transform is accepted, and Canonical XML 1.0 after it")
    if METHODS.get(_algorithm(method)) != _algorithm(digest):
        raise BadSignature("only RSA with SHA-1 or SHA-256 is accepted, and the digest of the same name")
    names = [child.name for child in key.children]
    if names not in (["X509Data"], ["KeyName", "X509Data"]):
        raise BadSignature("KeyInfo should hold one certificate, and before it perhaps the name of the key")
    [held] = _only(key.children[-1], "X509Certificate")
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode("".join(held.text.split()), validate=True))
        size = getattr(certificate.public_key(), "key_size", 0)
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadSignature("the certificate cannot be read") from error
    if size < _KEY_BITS_MIN:
        raise BadSignature(f"the key should have at least {_KEY_BITS_MIN} bits")
    return certificate
