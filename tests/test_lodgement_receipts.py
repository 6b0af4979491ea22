"""A receipt for a lodgement: whoever has the public key can check it, and nothing in it can be changed."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, OKPKey
from typer.testing import CliRunner

import make
from test_api import client, code_of
from tidewaiter.audit import leaf
from tidewaiter.audit.merkle import leaf_hash
from tidewaiter.cli import app
from tidewaiter.formats import FORMATS
from tidewaiter.services.audit import LogDamaged, publish
from tidewaiter.services.lodgement_receipts import TYPE, LodgementReceipt, receipts_of, verify
from tidewaiter.services.signing import Unverified, encoded, public_key, public_keys, sign, verified
from tidewaiter.store import Commit, LeafRow
from tidewaiter.wiring import House

AT = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
KEY = OKPKey.generate_key("Ed25519")
OTHER = OKPKey.generate_key("Ed25519")
DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference" / "audit.md"
WYCHEPROOF = Path(__file__).resolve().parents[2] / "shared/data/hostile/wycheproof/json_web_signature_test.json"


def message(number: int) -> bytes:
    return b"message %d" % number


def commit(count: int, first: int = 1_000, more: int = 0) -> Commit:
    """A commit of so many lodgements, with `more` consignments in each than one leaf holds."""
    told = [
        leaf.Lodged(
            at=AT, by="seller-7", message=number, sha256=hashlib.sha256(message(number)).hexdigest(), format="json",
            law="0" * 64, decisions=((number, "assessment_complete", "released"),) * (1 + more),
        )
        for number in range(count)
    ]  # fmt: skip
    entries = [leaf.encode(one) for one in told]
    rows = [LeafRow(index=first + n, entry=one, hash=leaf_hash(one)) for n, one in enumerate(entries)]
    return Commit(origin="tidewaiter/test", rows=tuple(rows))


def by_another_hand(receipt: str, jwk: dict[str, Any], told: bytes) -> None:
    """Checks it with nothing of ours: with the lines that docs/reference/audit.md tells. Raises where it is wrong."""
    code = DOCS.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    told_there: dict[str, Any] = {}
    exec(code, told_there)
    told_there["check"](receipt, jwk, told)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 100])
def test_receipts_of_one_commit_share_a_signature_and_each_verifies_by_itself(count: int) -> None:
    made = receipts_of(commit(count), KEY)
    public = public_key(json.dumps(public_keys(KEY)).encode())
    [jwk] = public_keys(KEY)["keys"]

    assert len(made) == count
    assert len({one.split("~")[0] for one in made.values()}) == 1
    for number, one in made.items():
        said = verify(one.encode() + b"\n", public, messages=[b"another", message(number)])
        assert (said.log, said.index, said.leaf.message) == ("tidewaiter/test", 1_000 + number, number)
        assert (said.leaf.at, said.leaf.by) == (AT, "seller-7")
        by_another_hand(one, jwk, message(number))
        with pytest.raises(Unverified, match="another message"):
            verify(one.encode(), public, messages=[b"another"])


def flipped(data: bytes, chance: random.Random) -> bytes:
    bit = chance.randrange(len(data) * 8)
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


def holds(data: bytes, key: OKPKey = KEY) -> LodgementReceipt | None:
    try:
        return verify(data, key)
    except Unverified:
        return None


def flips(count: int, seed: int) -> tuple[int, int]:
    """How many of so many receipts verify, and how many of them with one bit flipped."""
    chance = random.Random(seed)
    made = [one.encode() for first in range(0, count, 100) for one in receipts_of(commit(100, first), KEY).values()]
    spoiled = [flipped(one + b"\n" * (n % 2), chance) for n, one in enumerate(made)]
    return sum(holds(one) is not None for one in made), sum(holds(one) is not None for one in spoiled)


def test_every_receipt_verifies_and_none_with_a_bit_flipped() -> None:
    assert flips(1_000, seed=1) == (1_000, 0)


def test_every_single_bit_of_one_receipt_counts() -> None:
    data = receipts_of(commit(5), KEY)[3].encode()

    for bit in range(0, len(data) * 8, 3):
        spoiled = data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]
        assert holds(spoiled) is None, bit


def test_what_is_put_together_from_several_receipts_does_not_verify() -> None:
    one, two = (receipts_of(commit(4, first), KEY)[1].split("~") for first in (1_000, 1_001))
    third = receipts_of(commit(4), KEY)[2].split("~")
    told = ["~".join(parts) for parts in ([two[0], *one[1:]], [*one[:2], third[2], one[3]], [one[0], "1002", *one[2:]])]
    other = receipts_of(commit(4), OTHER)[1]
    report = sign(b'{"first":1,"log":"x","root":"","size":1}', KEY, "tidewaiter-conformance+json") + "~1~e30~"
    odd = [sign(payload, KEY, TYPE) + "~1~e30~" for payload in (b"{}", b"null", b"\xff", b'{"first":1}')]

    for text in (*told, other, report, *odd, "", "~~~", "a.b.c~1~~", "x" * 300_000, ".." + "~0~~", "é"):
        assert holds(text.encode()) is None, text[:60]


def test_a_leaf_that_is_of_no_lodgement_is_no_receipt_though_it_is_signed() -> None:
    entry = leaf.encode(leaf.VaultRead(at=AT, by="x", purpose="control", consignments=(1,)))
    signed = {"first": 7, "log": "tidewaiter/test", "root": encoded(leaf_hash(entry)), "size": 1}
    token = sign(json.dumps(signed).encode(), KEY, TYPE)

    with pytest.raises(Unverified, match="not of a lodgement"):
        verify(f"{token}~7~{encoded(entry)}~".encode(), KEY)


def test_no_receipt_is_made_of_a_row_that_is_not_what_was_written() -> None:
    sound = commit(2)
    rows = (sound.rows[0], LeafRow(index=1_001, entry=sound.rows[1].entry + b" ", hash=sound.rows[1].hash))

    with pytest.raises(LogDamaged, match="entry 1001"):
        receipts_of(Commit(origin=sound.origin, rows=rows), KEY)


# --- The signature ------------------------------------------------------------------------------------------------

Case = tuple[str, str, str, dict[str, Any]]


def vectors() -> list[Case]:
    """Each case of Wycheproof: what it is, what is right, the token, the key."""
    groups = json.loads(WYCHEPROOF.read_text(encoding="utf-8"))["testGroups"] if WYCHEPROOF.exists() else []
    return [
        (f"{case['tcId']} {case['comment']}", case["result"], case["jws"], group.get("public", group["private"]))
        for group in groups
        for case in group["tests"]
    ]


def judged(token: str, jwk: dict[str, Any]) -> bool:
    """Whether our verification takes the token, with the algorithm that the key is for."""
    usual = {"oct": "HS256", "RSA": "RS256", "EC": "ES256", "OKP": "Ed25519"}
    try:
        key = JWKRegistry.import_key(jwk)
    except (JoseError, ValueError, KeyError):
        return False
    try:
        verified(token, key, jwk.get("alg", usual[jwk["kty"]]))
    except Unverified:
        return False
    return True


@pytest.mark.skipif(not WYCHEPROOF.exists(), reason="the vectors of Wycheproof are not here")
def test_of_the_vectors_of_wycheproof_every_invalid_one_is_rejected() -> None:
    told = [(name, result, (token, str(jwk)), judged(token, jwk)) for name, result, token, jwk in vectors()]
    valid = {what for _, result, what, _ in told if result == "valid"}
    # The vectors contradict themselves: cases 367 and 370 are, byte for byte and key for key, the valid case 357.
    both = [name.split()[0] for name, result, what, _ in told if result == "invalid" and what in valid]

    assert len(told) == 401
    assert both == ["367", "370"]
    assert [name for name, result, _, taken in told if result == "invalid" and taken] == [
        name for name, *_ in told if name.split()[0] in both
    ]
    # That is not by refusing all of them. Four valid ones name another algorithm than their key is for (PS384 and
    # PS256, ES512 and a misspelt ES521), and two are spelt with characters that a lenient reader passes over.
    refused = [name.split()[0] for name, result, _, taken in told if result == "valid" and not taken]
    assert refused == ["346", "347", "350", "351", "372", "373"]


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "EdDSA", "ES256"])
def test_a_signature_that_says_another_algorithm_is_none(algorithm: str) -> None:
    header, payload, signature = sign(b"{}", KEY, TYPE).split(".")
    stated = json.loads(base64.urlsafe_b64decode(header + "=="))
    other = encoded(json.dumps({**stated, "alg": algorithm}, separators=(",", ":")).encode())

    for text in (f"{other}.{payload}.{signature}", f"{other}.{payload}."):
        with pytest.raises(Unverified):
            verified(text, KEY, "Ed25519")


# --- The doors ----------------------------------------------------------------------------------------------------

SHIRT = FORMATS["json"].write([make.consignment(accepted_on=None)])


@pytest.fixture
async def http(house: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client(replace(house, signing_key=KEY), filer) as opened:
        yield opened


@pytest.mark.anyio
async def test_an_answer_links_to_its_receipt_which_is_the_same_when_asked_again(http: httpx.AsyncClient) -> None:
    answers = [await http.post("/v1/messages", content=SHIRT) for _ in range(2)]
    [link, again] = [answer.links["receipt"]["url"] for answer in answers]
    receipt = await http.get(link)
    keys = await http.get("/v1/keys")

    assert link == again == f"/v1/messages/{answers[0].headers['Tidewaiter-Message']}/receipt"
    assert receipt.headers["content-type"].startswith("text/plain")
    assert receipt.content == (await http.get(link)).content
    said = verify(receipt.content, public_key(keys.content), messages=[SHIRT])
    assert str(said.leaf.message) == answers[0].headers["Tidewaiter-Message"]


@pytest.mark.anyio
async def test_a_message_that_could_not_be_read_has_a_receipt_too(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/messages", content=b"<broken")
    receipt = await http.get(answer.links["receipt"]["url"])

    assert answer.status_code == 422
    assert verify(receipt.content, KEY, messages=[b"<broken"]).leaf.decisions == ()


@pytest.mark.anyio
async def test_what_is_anothers_or_not_there_has_no_receipt(http: httpx.AsyncClient, house: House, filer: str) -> None:
    link = (await http.post("/v1/messages", content=SHIRT)).links["receipt"]["url"]

    async with client(replace(house, signing_key=KEY), f"{filer}-other") as other:
        refused = [await other.get(link)]
    async with client(house, filer) as keyless:
        refused.append(await keyless.get(link))
    for number in ("0", "999999999", "9" * 30, "-1", "x", "１"):
        refused.append(await http.get(f"/v1/messages/{number}/receipt"))

    assert {(one.status_code, code_of(one)) for one in refused} == {(404, "receipt_unknown")}


@pytest.mark.anyio
async def test_a_receipt_agrees_with_the_log_and_the_commands_say_so(
    http: httpx.AsyncClient, house: House, tmp_path: Path
) -> None:
    answer = await http.post("/v1/messages", content=SHIRT)
    receipt = (await http.get(answer.links["receipt"]["url"])).content
    for name, data in (("r.txt", receipt), ("shirt", SHIRT), ("else", b"else")):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "key").write_bytes(msgspec.json.encode(public_keys(KEY)))
    (tmp_path / "other").write_bytes(msgspec.json.encode(public_keys(OTHER)))
    said = verify(receipt, KEY)
    await publish(store=house.store, key=KEY, folder=tmp_path / "log", at=AT)
    log, key = ("--log", tmp_path / "log"), ("--key", tmp_path / "key")

    assert "equal" in run("receipt", "verify", "r.txt", *key, "--message", tmp_path / "shirt", *log, into=tmp_path)
    assert f"entry {said.index} of the log" in run("verify", "r.txt", *key, into=tmp_path)
    assert "another message" in run("verify", "r.txt", *key, "--message", tmp_path / "else", into=tmp_path, ends=1)
    assert "another key" in run("receipt", "verify", "r.txt", "--key", tmp_path / "other", into=tmp_path, ends=1)
    assert run("receipt", "verify", "r.txt", "--key", tmp_path / "other", *key, into=tmp_path)
    told = run("audit", "verify", tmp_path / "log", *key)
    assert "are what was signed" in " ".join(told.split())  # the line is broken where there are many entries
    bundle = max((tmp_path / "log" / "tile" / "entries").rglob("*[0-9]"), key=lambda path: path.is_file())
    bundle.write_bytes(bundle.read_bytes()[:-1])
    assert "it breaks off" in run("audit", "verify", tmp_path / "log", *key, ends=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "checkpoint" in run("verify", "r.txt", *key, "--log", empty, into=tmp_path, ends=1)


def run(*words: str | Path, into: Path | None = None, ends: int = 0) -> str:
    """What a command prints; a word that names a file in the folder stands for it."""
    given = [str(into / word) if into and (into / word).is_file() else str(word) for word in words]
    done = CliRunner().invoke(app, given, env={"COLUMNS": "300"})
    assert done.exit_code == ends, done.output
    return done.output


def test_without_a_key_a_receipt_is_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.txt").write_text(receipts_of(commit(1), KEY)[0])
    monkeypatch.setenv("TIDEWAITER_DATA_DIR", str(tmp_path / "data"))

    assert "--key" in run("receipt", "verify", tmp_path / "r.txt", ends=2)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "signing-key.pem").write_bytes(KEY.as_pem(private=True))
    assert "equal" in run("receipt", "verify", tmp_path / "r.txt")


def test_receipts_for_charges_are_still_printed_and_verified(tmp_path: Path) -> None:
    (tmp_path / "shirt.json").write_bytes(SHIRT)
    printed = run("receipt", "--on", "2026-11-02", tmp_path / "shirt.json")
    (tmp_path / "r.jsonl").write_text(printed + receipts_of(commit(1), KEY)[0])
    (tmp_path / "key").write_bytes(KEY.as_pem(private=False))
    words = ("r.jsonl", "--key", tmp_path / "key")

    assert run("receipt", "verify", *words, into=tmp_path).count("equal") == 2
    assert run("verify", *words, into=tmp_path) == run("receipt", "verify", *words, into=tmp_path)
    assert "print" in run("receipt", "--help")


def test_the_slow_checker_of_these_tests_refuses_too() -> None:
    receipt = receipts_of(commit(3), KEY)[1]
    [jwk] = public_keys(OTHER)["keys"]

    with pytest.raises(InvalidSignature):
        by_another_hand(receipt, jwk, message(1))
    with pytest.raises(AssertionError):
        by_another_hand(receipt, public_keys(KEY)["keys"][0], message(2))
