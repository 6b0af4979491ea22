"""What a receiver believes: every part of a request that is altered is found out, and nothing is believed twice."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519
from joserfc.jwk import OKPKey

from tidewaiter.exchange.nonces import NonceFile
from tidewaiter.exchange.signing import COMPONENTS, TAG, Signer, base_of, signed
from tidewaiter.exchange.verifying import Untrusted, Verified, Verifier, keys_of
from tidewaiter.services.signing import public_keys

AT = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
URL = "https://hooks.example:8443/tidewaiter/in?office=GB&x=%2F"
TARGET = "/tidewaiter/in?office=GB&x=%2F"
BODY = b'{"events":[]}'
KEY = OKPKey.generate_key("Ed25519", private=True)
assert isinstance(KEY.private_key, Ed25519PrivateKey)
SIGNER = Signer(KEY.private_key, KEY.thumbprint())


class Receiver:
    """A receiver with a store of nonces in a file, which can be shut and opened again."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self.start()

    def start(self) -> None:
        self.nonces = NonceFile(self._path)
        keys = keys_of(public_keys(KEY))
        self._verifier = Verifier(keys=keys, authority="hooks.example:8443", nonces=self.nonces)

    def stop(self) -> None:
        self.nonces.close()

    def takes(
        self, headers: dict[str, str], *, method: str = "POST", target: str = TARGET, body: bytes = BODY,
        at: datetime = AT,
    ) -> Verified:  # fmt: skip
        return self._verifier.verify(method, target, headers.items(), body, at=at)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path / "nonces.sqlite")
    yield made
    made.stop()


def sent(*, at: datetime = AT, signer: Signer = SIGNER) -> dict[str, str]:
    return signed(URL, BODY, signer=signer, at=at, content_type="application/json")


def test_what_is_signed_here_is_believed(receiver: Receiver) -> None:
    believed = receiver.takes(sent())

    assert believed.key_id == KEY.thumbprint()
    assert believed.created == AT


def test_each_signature_is_another(receiver: Receiver) -> None:
    for _ in range(20):
        receiver.takes(sent())


ALTERED: dict[str, dict[str, object]] = {
    "@method": {"method": "PUT"},
    "@authority": {"Host": "hooks.example"},
    "@path": {"target": "/tidewaiter/out?office=GB&x=%2F"},
    "@path spelled otherwise": {"target": "/tidewaiter/%69n?office=GB&x=%2F"},
    "@query": {"target": "/tidewaiter/in?office=FR&x=%2F"},
    "@query spelled otherwise": {"target": "/tidewaiter/in?office=GB&x=/"},
    "@query gone": {"target": "/tidewaiter/in"},
    "content-digest": {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"},
    "content-type": {"Content-Type": "text/plain"},
    "the body": {"body": b'{"events":[1]}'},
}


@pytest.mark.parametrize("what", ALTERED)
def test_whatever_is_altered_is_found_out(receiver: Receiver, what: str) -> None:
    headers = sent()
    asked = dict(ALTERED[what])
    changed = {name: asked.pop(name) for name in list(asked) if name in headers}

    with pytest.raises(Untrusted):
        receiver.takes(headers | changed, **asked)  # type: ignore[arg-type]
    receiver.takes(headers)


def test_every_component_has_its_alteration() -> None:
    assert set(COMPONENTS) <= set(ALTERED)


@pytest.mark.parametrize("name", ["created", "expires", "nonce", "alg", "keyid", "tag"])
def test_each_parameter_altered_or_left_out_or_said_twice_is_found_out(receiver: Receiver, name: str) -> None:
    headers = sent()
    over = headers["Signature-Input"]
    said = re.search(rf';{name}=("[^"]*"|[0-9]+)', over)
    assert said is not None
    value = said[1]
    other = str(int(value) + 1) if value.isdigit() else value[:-2] + ("A" if value[-2] != "A" else "B") + '"'
    for changed in (f";{name}={other}", "", said[0] + said[0], f";{name.upper()}={value}", f";other={value}"):
        with pytest.raises(Untrusted):
            receiver.takes(headers | {"Signature-Input": over.replace(said[0], changed)})
    receiver.takes(headers)


def resigned(over: str, components: dict[str, str]) -> dict[str, str]:
    """The headers of a request that is truly signed under our key, but says another thing of itself."""
    import base64

    signature = base64.b64encode(SIGNER.key.sign(base_of(components, over))).decode()
    return sent() | {"Signature-Input": f"x={over}", "Signature": f"x=:{signature}:"}


def values() -> dict[str, str]:
    given = sent()
    told = ("POST", given["Host"], "/tidewaiter/in", "?office=GB&x=%2F", given["Content-Digest"], given["Content-Type"])
    return dict(zip(COMPONENTS, told, strict=True))


@pytest.mark.parametrize("left_out", COMPONENTS)
def test_a_true_signature_over_too_little_is_not_believed(receiver: Receiver, left_out: str) -> None:
    kept = {name: value for name, value in values().items() if name != left_out}
    now = int(AT.timestamp())
    rest = f';created={now};expires={now + 300};nonce="{"n" * 24}";alg="ed25519";keyid="{SIGNER.id}";tag="{TAG}"'
    listed = " ".join(f'"{name}"' for name in kept)

    with pytest.raises(Untrusted, match="components"):
        receiver.takes(resigned(f"({listed}){rest}", kept))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("tag", '"tidewaiter-receipt"'), "purpose"),
        (("alg", '"hmac-sha256"'), "purpose"),
        (("nonce", '"short"'), "form"),
        (("keyid", '"another"'), "key"),
        (("created", '"1"'), "form"),
    ],
)
def test_a_true_signature_for_another_purpose_is_not_believed(
    receiver: Receiver, change: tuple[str, str], why: str
) -> None:
    now = int(AT.timestamp())
    said = {
        "created": str(now), "expires": str(now + 300), "nonce": f'"{"n" * 24}"', "alg": '"ed25519"',
        "keyid": f'"{SIGNER.id}"', "tag": f'"{TAG}"',
    }  # fmt: skip
    said |= dict([change])
    listed = " ".join(f'"{name}"' for name in COMPONENTS)
    over = f"({listed})" + "".join(f";{name}={value}" for name, value in said.items())

    with pytest.raises(Untrusted, match=why):
        receiver.takes(resigned(over, values()))


@pytest.mark.parametrize("name", ["Host", "Content-Type", "Content-Digest", "Signature-Input", "Signature"])
def test_a_header_that_is_missing_or_there_twice_is_not_believed(receiver: Receiver, name: str) -> None:
    headers = sent()
    without = {one: value for one, value in headers.items() if one != name}

    with pytest.raises(Untrusted, match="missing"):
        receiver.takes(without)
    with pytest.raises(Untrusted, match="twice"):
        receiver.takes(headers | {name.swapcase(): headers[name]})


def test_one_signature_has_one_spelling(receiver: Receiver) -> None:
    headers = sent()
    signature = headers["Signature"]
    label, _, raw = signature.partition("=:")
    last = raw[-4]
    sibling = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    padded = raw[:-4] + sibling[sibling.index(last) ^ 1] + raw[-3:]  # the same bytes, other bits in the padding

    for spelled in (f"{label}=:{padded}", signature.replace("==:", ":"), f" {signature} , a=:AA==:", signature + ";x"):
        with pytest.raises(Untrusted):
            receiver.takes(headers | {"Signature": spelled})


def test_a_signature_of_another_key_is_not_believed(receiver: Receiver) -> None:
    stranger = Ed25519PrivateKey.generate()

    with pytest.raises(Untrusted, match="not known"):
        receiver.takes(sent(signer=Signer(stranger, "stranger")))
    with pytest.raises(Untrusted, match="does not hold"):
        receiver.takes(sent(signer=Signer(stranger, SIGNER.id)))


@pytest.mark.parametrize("later", [-31, 331, 86_400, -86_400])
def test_what_is_too_old_or_ahead_is_not_believed(receiver: Receiver, later: int) -> None:
    with pytest.raises(Untrusted, match=r"too long ago|in the future"):
        receiver.takes(sent(), at=AT + timedelta(seconds=later))


@pytest.mark.parametrize("later", [-30, 0, 299, 330])
def test_clocks_may_differ_by_half_a_minute(receiver: Receiver, later: int) -> None:
    receiver.takes(sent(), at=AT + timedelta(seconds=later))


def test_a_replay_is_not_believed_nor_after_a_restart(receiver: Receiver) -> None:
    chance = random.Random(1)
    requests = [sent(at=AT + timedelta(seconds=n // 2)) for n in range(200)]
    for one in requests:
        receiver.takes(one, at=AT + timedelta(seconds=100))
    refused = 0
    for round in range(5):
        receiver.stop()
        receiver.start()
        for one in requests:
            # By now the first are too old, and their nonces are forgotten: then the time alone refuses them.
            later = AT + timedelta(seconds=200 + 60 * round, microseconds=chance.randrange(1_000_000))
            with pytest.raises(Untrusted, match=r"received before|too long ago"):
                receiver.takes(one, at=later)
            refused += 1

    assert refused == 1_000


def test_what_is_not_genuine_leaves_no_nonce_behind(receiver: Receiver) -> None:
    headers = sent()
    with pytest.raises(Untrusted):
        receiver.takes(headers, body=b"{}")

    receiver.takes(headers)


def test_a_thousand_random_changes_are_all_found_out(receiver: Receiver) -> None:
    chance = random.Random(3)
    letters = 'abcXYZ019=:;"()-_/+ \t\u00e9'
    for _ in range(1_000):
        headers = sent()
        name = chance.choice(list(headers))
        value = headers[name]
        place = chance.randrange(len(value))
        changed = chance.choice(
            [value[:place] + value[place + 1 :], value[:place] + chance.choice(letters) + value[place + 1 :]]
        )
        if changed.strip(" \t") in (value, value.swapcase()) or (name == "Host" and changed.lower() == value):
            continue
        with pytest.raises(Untrusted):
            receiver.takes(headers | {name: changed})


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        assert key_id == SIGNER.id
        return SIGNER.key.public_key()

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        assert key_id == SIGNER.id
        return SIGNER.key


@pytest.mark.parametrize("url", [URL, "https://hooks.example/", "http://[2001:db8::1]:80/a?b", "https://h.example/a"])
def test_another_implementation_of_the_standard_agrees(url: str) -> None:
    now = datetime.now(UTC)  # the other one has no clock that can be set
    headers = signed(url, BODY, signer=SIGNER, at=now, content_type="application/json")
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=Keys())

    [result] = verifier.verify(SimpleNamespace(method="POST", url=url, headers=headers), body=BODY)

    assert set(result.covered_components) == {f'"{name}"' for name in (*COMPONENTS, "@signature-params")}
    assert result.parameters["tag"] == TAG


def test_what_another_implementation_signs_in_our_profile_is_believed(receiver: Receiver) -> None:
    message = SimpleNamespace(
        method="POST", url=URL, headers={"Host": "hooks.example:8443", "Content-Type": "application/json"}
    )
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=Keys()).sign(
        message, key_id=SIGNER.id, created=AT, expires=AT + timedelta(seconds=300), nonce="n" * 24, tag=TAG,
        covered_component_ids=COMPONENTS, body=BODY,
    )  # fmt: skip

    assert receiver.takes(message.headers).nonce == "n" * 24


def test_the_signature_base_is_that_of_the_standard() -> None:
    """Source: RFC 9421, appendix B.2.6, with the key of B.1.4."""
    import base64

    components = {
        "date": "Tue, 20 Apr 2021 02:07:55 GMT", "@method": "POST", "@path": "/foo", "@authority": "example.com",
        "content-type": "application/json", "content-length": "18",
    }  # fmt: skip
    over = (
        '("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    )
    public = Ed25519PublicKey.from_public_bytes(
        base64.urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs=")
    )
    signature = base64.b64decode(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )

    public.verify(signature, base_of(components, over))
