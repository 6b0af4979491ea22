"""The log as a tree and as files: whatever is changed in it is found, and told where."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
from logs import Files
from tidewaiter.audit import note, tiles
from tidewaiter.audit.checking import Checked, Fault, check
from tidewaiter.audit.merkle import EMPTY, Edge, leaf_hash, levels_of, path_in, root_by_path, root_of
from tidewaiter.audit.note import Checkpoint, Unsigned

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIZE = 1_500
KEPT = (0, 1, 255, 256, 300, 1_024, 1_400)
ENTRIES = [b'{"at":%d,"kind":"lodged","sha256":"%064x"}' % (n, n * 7919) for n in range(SIZE)]
SOUND = logs.log(ENTRIES, KEY, KEPT)


def checked(files: Files, *older: bytes) -> Checked:
    """What is said of these files, with the checkpoints kept in them and those given besides."""
    kept = [(name, data) for name, data in sorted(files.items()) if name.startswith("checkpoints/")]
    return check(files.get, [KEY.public_key()], [*kept, *((f"given {n}", one) for n, one in enumerate(older))])


def places(files: Files, *older: bytes) -> list[str]:
    return [fault.where for fault in checked(files, *older).faults]


# The leaves and roots that the tests of certificate-transparency's own Merkle tree use.
KNOWN_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    hashes = [leaf_hash(bytes.fromhex(one)) for one in KNOWN_LEAVES[:size]]

    assert root_of(hashes).hex() == KNOWN_ROOTS[size]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1_100), st.data())
def test_root_path_and_edge_agree_with_the_slow_tree(size: int, data: st.DataObject) -> None:
    hashes = [leaf_hash(b"%d" % n) for n in range(size)]
    place = data.draw(st.integers(0, size - 1))
    path = path_in(levels_of(hashes), place)
    edge = Edge()
    for at in range(0, size - 255, 256):
        assert list(edge.add(root_of(hashes[at : at + 256]))) == []
    rest = hashes[size // 256 * 256 :]
    other = (place + data.draw(st.integers(1, max(1, size - 1)))) % size

    assert root_of(hashes) == logs.root(hashes) == edge.root(root_of(rest) if rest else None)
    assert root_by_path(hashes[place], place, size, path) == root_of(hashes)
    assert other == place or root_by_path(hashes[place], other, size, path) != root_of(hashes)
    assert root_by_path(hashes[place], place, size, [*path, EMPTY]) is None
    assert not path or root_by_path(hashes[place], place, size, path[:-1]) is None


def test_a_path_for_no_place_in_the_tree_gives_no_root() -> None:
    assert root_by_path(EMPTY, -1, 4, []) is None
    assert root_by_path(EMPTY, 4, 4, []) is None
    assert root_by_path(EMPTY, 0, 0, []) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=20))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    data = tiles.bundle(entries)

    assert tiles.entries_in(data, len(entries)) == entries
    with pytest.raises(tiles.Malformed):
        tiles.entries_in(data, len(entries) + 1)
    with pytest.raises(tiles.Malformed):
        tiles.entries_in(data + b"\0", len(entries))


def test_an_entry_that_no_bundle_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="65535"):
        tiles.bundle([b"x" * 65_536])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (tiles.path(0, 0), "tile/0/000"), (tiles.path(3, 1_234_067), "tile/3/x001/x234/067"),
        (tiles.path("entries", 255, 7), "tile/entries/255.p/7"), (tiles.path(0, 1_000, 1), "tile/0/x001/000.p/1"),
    ],
)  # fmt: skip
def test_files_are_named_as_the_layout_has_it(path: str, expected: str) -> None:
    assert path == expected


def test_a_note_is_the_one_that_another_hand_writes_and_reads() -> None:
    head = Checkpoint(logs.ORIGIN, SIZE, root_of([leaf_hash(one) for one in ENTRIES]))
    text = note.signed(head, KEY).encode()
    witnessed = text + "— witness.example/w AAAAAAAAAAAAAAAA\n".encode()

    assert text == SOUND["checkpoint"]
    assert note.opened(text, [OTHER.public_key(), KEY.public_key()]) == head
    assert note.opened(witnessed, [KEY.public_key()]) == head
    assert note.verifier(logs.ORIGIN, KEY.public_key()).startswith(f"{logs.ORIGIN}+")
    with pytest.raises(Unsigned, match="not by a key"):
        note.opened(text, [OTHER.public_key()])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace(b"\n1500\n", b"\n01500\n"), lambda text: text.replace(b"\n1500\n", b"\n1501\n"),
        lambda text: text.replace(b"tidewaiter/test\n", b"tidewaiter/other\n", 1), lambda text: text[:-1],
        lambda text: text.replace(b"\n\n", b"\nmore\n\n"), lambda text: text.split(b"\n\n")[0] + b"\n\n",
        lambda text: text.replace(b"=\n", b"\n", 1), lambda text: text[:0], lambda text: b"\xff" + text,
        lambda text: text + b"x" * 20_000, lambda text: text.replace(b"\n", b"\r\n"),
    ],
)  # fmt: skip
def test_a_note_that_was_changed_is_none(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Unsigned):
        note.opened(spoil(SOUND["checkpoint"]), [KEY.public_key()])


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 1_500])
def test_a_sound_log_of_any_size_is_sound(size: int) -> None:
    files = logs.log(ENTRIES[:size], KEY, [one for one in KEPT if one <= size])

    assert checked(files).faults == ()
    assert checked(files).checkpoint == Checkpoint(logs.ORIGIN, size, logs.root([leaf_hash(e) for e in ENTRIES[:size]]))


# --- Whatever is changed is found, and told where -----------------------------------------------------------------


def _needed(chance: random.Random, start: str) -> str:
    return chance.choice(sorted(name for name in SOUND if name.startswith(start)))


def _flip(chance: random.Random, data: bytes) -> tuple[bytes, int]:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :], at


def change_entry(chance: random.Random) -> tuple[Files, set[str]]:
    index = chance.randrange(SIZE)
    entries = list(ENTRIES)
    entries[index], _ = _flip(chance, entries[index])
    changed = {name: data for name, data in logs.log(entries, KEY).items() if name.startswith("tile/entries/")}
    return SOUND | changed, {f"entry {index}"}


def change_entry_and_its_hash(chance: random.Random) -> tuple[Files, set[str]]:
    index = chance.randrange(SIZE // 256 * 256)
    entries = list(ENTRIES)
    entries[index], _ = _flip(chance, entries[index])
    changed = {n: d for n, d in logs.log(entries, KEY).items() if n.startswith(("tile/entries/", "tile/0/"))}
    start = index // 256 * 256
    return SOUND | changed, {f"entries {start} to {start + 255}", f"tile/0/{index // 256:03d}"}


def swap_entries(chance: random.Random) -> tuple[Files, set[str]]:
    one, two = chance.sample(range(256), 2)
    entries = list(ENTRIES)
    entries[one], entries[two] = entries[two], entries[one]
    return SOUND | {"tile/entries/000": logs.log(entries, KEY)["tile/entries/000"]}, {f"entry {one}", f"entry {two}"}


def take_entry_out(chance: random.Random) -> tuple[Files, set[str]]:
    index = chance.randrange(1_024)
    left = ENTRIES[:index] + ENTRIES[index + 1 :]
    name = f"tile/entries/{index // 256:03d}"
    start = index // 256 * 256
    some = left[start : start + 255]
    return SOUND | {name: tiles.bundle(some)}, {name}


def change_tile(chance: random.Random) -> tuple[Files, set[str]]:
    name = chance.choice([one for one in sorted(SOUND) if one.startswith(("tile/0/", "tile/1/"))])
    return SOUND | {name: _flip(chance, SOUND[name])[0]}, {name}


def change_bundle(chance: random.Random) -> tuple[Files, set[str]]:
    name = _needed(chance, "tile/entries/")
    data, at = _flip(chance, SOUND[name])
    place, end = -1, 0
    start = int(name.removeprefix("tile/entries/")[:3]) * 256
    while end <= at:
        place += 1
        end += 2 + len(ENTRIES[start + place])
    is_length = at < end - len(ENTRIES[start + place])
    return SOUND | {name: data}, {name} if is_length else {f"entry {start + place}"}


def lose_file(chance: random.Random) -> tuple[Files, set[str]]:
    name = chance.choice([one for one in sorted(SOUND) if not one.startswith("checkpoints/")])
    return {one: data for one, data in SOUND.items() if one != name}, {name}


def cut_file(chance: random.Random) -> tuple[Files, set[str]]:
    name = chance.choice(sorted(SOUND))
    return SOUND | {name: SOUND[name][: chance.randrange(len(SOUND[name]))]}, {name}


def lengthen_file(chance: random.Random) -> tuple[Files, set[str]]:
    name = chance.choice(sorted(SOUND))
    return SOUND | {name: SOUND[name] + chance.randbytes(chance.randint(1, 40))}, {name}


def change_checkpoint(chance: random.Random) -> tuple[Files, set[str]]:
    name = _needed(chance, "checkpoint")
    return SOUND | {name: _flip(chance, SOUND[name])[0]}, {name}


def sign_by_another(chance: random.Random) -> tuple[Files, set[str]]:
    entries = list(ENTRIES)
    entries[chance.randrange(SIZE)] = b"forged"
    return logs.log(entries, OTHER), {"checkpoint"}


def rewrite_unsigned(chance: random.Random) -> tuple[Files, set[str]]:
    index = chance.randrange(SIZE)
    entries = list(ENTRIES)
    entries[index] = b"forged"
    files = {name: data for name, data in logs.log(entries, KEY).items() if name.startswith("tile/")}
    sizes = (0, *KEPT, SIZE)
    start = max(size for size in sizes if size <= index)
    end = min(size for size in sizes if size > index)
    start_of = index // 256 * 256
    within = {tiles_named(start_of, min(SIZE, start_of + 256)), tiles_named(start, end)}
    return SOUND | files, within


def fork(chance: random.Random) -> tuple[Files, set[str]]:
    """Who has the key writes a log anew from one entry on, and forges what was kept: one checkpoint is elsewhere."""
    index = chance.randrange(1_400)
    files = logs.log([*ENTRIES[:index], *(b"forged %d" % n for n in range(index, SIZE))], KEY)
    return files, {tiles_named(0, 1_400)}


def roll_back(chance: random.Random) -> tuple[Files, set[str]]:
    size = chance.randrange(1, 1_400)
    return logs.log(ENTRIES[:size], KEY), {tiles_named(size, 1_400)}


def tiles_named(start: int, end: int) -> str:
    return f"entry {start}" if end - start == 1 else f"entries {start} to {end - 1}"


CHANGES = [
    change_entry, change_entry_and_its_hash, swap_entries, take_entry_out, change_tile, change_bundle, lose_file,
    cut_file, lengthen_file, change_checkpoint, sign_by_another, rewrite_unsigned, fork, roll_back,
]  # fmt: skip
ELSEWHERE = SOUND[f"checkpoints/{1_400:020d}"]
"""A checkpoint that somebody outside has kept."""


@pytest.mark.parametrize("change", CHANGES)
def test_250_changes_of_every_kind_are_found_and_told_where(
    change: Callable[[random.Random], tuple[Files, set[str]]],
) -> None:
    for seed in range(250 // len(CHANGES) + 1):
        files, expected = change(random.Random(seed))
        found = places(files, ELSEWHERE)

        assert files != SOUND
        assert found, (change.__name__, seed)
        assert set(found) & expected, (change.__name__, seed, found, expected)


@pytest.mark.parametrize("change", [change_entry, change_tile, swap_entries, lose_file])
def test_nothing_is_named_but_what_was_changed(change: Callable[[random.Random], tuple[Files, set[str]]]) -> None:
    for seed in range(60):
        files, expected = change(random.Random(seed))

        assert set(places(files)) == expected, seed


def test_without_a_checkpoint_from_elsewhere_a_fork_by_who_has_the_key_is_not_seen() -> None:
    files, _ = fork(random.Random(1))

    assert places(files) == []


def test_a_log_of_three_levels_is_checked_through_all_of_them() -> None:
    entries = [b"%d" % n for n in range(66_000)]
    files = logs.log(entries, KEY, [65_536, 65_537])
    name = "tile/1/000"
    changed = files | {name: files[name][:-1] + bytes([files[name][-1] ^ 1])}

    assert "tile/2/000.p/1" in files
    assert checked(files).faults == ()
    assert checked(changed).faults == (Fault(name, "hash 255 in it was changed"),)
    assert places(files | {"tile/2/000.p/1": bytes(32)}) == ["tile/2/000.p/1"]


def test_a_checkpoint_of_another_log_is_told_apart() -> None:
    strange = logs.note(10, EMPTY, KEY, "tidewaiter/another")

    assert checked(SOUND, strange).faults == (Fault("given 0", "it is of another log, tidewaiter/another"),)
