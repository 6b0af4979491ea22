"""What takes too long for every change: `make audit`.

Ten thousand receipts verify and ten thousand with one bit flipped do not; 2,500 changes of a log are found and told
where; and a log of half a million entries is checked at a speed that is printed.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

import logs
from test_audit_tree import CHANGES, ELSEWHERE, places
from test_lodgement_receipts import flips
from tidewaiter.services.audit import verify

ENTRIES = 500_000


def told(**figures: object) -> None:
    print(json.dumps(figures))


def test_ten_thousand_receipts_verify_and_ten_thousand_flipped_do_not() -> None:
    holding, spoiled = flips(10_000, seed=2026)
    told(receipts=10_000, holding=holding, flipped=10_000, flipped_holding=spoiled)

    assert (holding, spoiled) == (10_000, 0)


def test_2500_changes_of_a_log_are_found_and_told_where() -> None:
    missed, elsewhere, tried = [], [], 0
    for change in CHANGES:
        for seed in range(1_000, 1_000 + 2_500 // len(CHANGES) + 1):
            files, expected = change(random.Random(seed))
            found = places(files, ELSEWHERE)
            tried += 1
            if not found:
                missed.append((change.__name__, seed))
            elif not set(found) & expected:
                elsewhere.append((change.__name__, seed, found))
    told(changes=tried, kinds=len(CHANGES), missed=len(missed), told_elsewhere=len(elsewhere))

    assert (missed, elsewhere) == ([], [])


def test_a_long_log_is_checked_at_fifty_thousand_entries_a_second(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    key = OKPKey.import_key(private)
    entry = b'{"at":"2026-11-02T10:30:00Z","by":"seller-7","decisions":[[%d,"pending","released"]],"kind":"lodged"}'
    files = logs.log([entry % n for n in range(ENTRIES)], private)
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    times = []
    for _ in range(3):
        started = time.process_time()
        assert verify(tmp_path, [key]).faults == ()
        times.append(time.process_time() - started)
    told(entries=ENTRIES, checked_a_cpu_second=round(ENTRIES / min(times)))

    assert ENTRIES / min(times) >= 50_000
