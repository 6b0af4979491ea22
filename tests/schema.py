"""The running server against its own description: schemathesis, all checks, stateful along the links.

    python tests/schema.py                  a hundred examples an operation
    python tests/schema.py --examples 3     so many; --seconds at most so long

A server of its own, an open house, with consignments in it to be acted on. Whatever the description allows must be
taken, whatever it does not must be refused, every answer must be as described, and none may be a fault of ours. What a
description cannot say stands in `schema_hooks.LAWFUL`. The last line is JSON: operations, cases, failures, whether it
is right, seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import msgspec

from faults.lodgings import charged
from load import free_port, served
from schema_hooks import LODGED
from tidewaiter.api.feeding import WAIT_S_MAX
from tidewaiter.store import start_embedded

CONFIG = """
[phases.stateful]
enabled = true
[warnings]
enabled = false
"""
"""Nothing is left to a file that somebody may have in the folder above."""


class Told(msgspec.Struct):
    """What a run came to."""

    operations: int
    cases: int
    failures: list[str]
    is_right: bool
    seconds: float
    output: str


def run(url: str, *, examples: int, seconds: int, seed: int = 1) -> Told:
    """The server tried, on a database that is there already."""
    began, schema, port = time.monotonic(), f"schema_{secrets.token_hex(4)}", free_port()
    with tempfile.TemporaryDirectory(prefix="tidewaiter-schema-") as folder:
        environment = {
            "TIDEWAITER_DATABASE_URL": url, "TIDEWAITER_DATABASE_SCHEMA": schema, "TIDEWAITER_PORT": str(port),
            "TIDEWAITER_DATA_DIR": folder,
        }  # fmt: skip
        config = Path(folder) / "schemathesis.toml"
        config.write_text(CONFIG, encoding="utf-8")
        with served([str(Path(sys.executable).with_name("tidewaiter")), "serve"], environment, port):
            _lodge(port)
            command = [
                sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run",
                f"http://127.0.0.1:{port}/openapi.json", "--checks", "all", "--max-examples", str(examples),
                "--max-time", str(seconds), "--seed", str(seed), "--continue-on-failure", "--request-timeout", "60",
                "--max-response-time", str(WAIT_S_MAX + 10),
            ]  # fmt: skip
            paths = filter(None, [str(Path(__file__).parent), os.getenv("PYTHONPATH")])
            own = {**os.environ, "SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": os.pathsep.join(paths)}
            done = subprocess.run(command, env=own, cwd=folder, capture_output=True, text=True, check=False)
        return _told(done, time.monotonic() - began)


def _lodge(port: int) -> None:
    """Consignments on which duty and tax stand, numbered from 1."""
    data = msgspec.json.encode([charged(f"S-{number}") for number in range(LODGED)])
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/consignments", content=data, timeout=120)
    assert answer.status_code == 200, answer.text


def _told(done: subprocess.CompletedProcess[str], seconds: float) -> Told:
    operations, cases = re.search(r"Tested: (\d+)", done.stdout), re.search(r"(\d+) generated", done.stdout)
    return Told(
        operations=int(operations[1]) if operations else 0,
        cases=int(cases[1]) if cases else 0,
        failures=re.findall(r"^  ❌ (ST.*)$", done.stdout, re.MULTILINE) if done.returncode == 1 else [],
        is_right=done.returncode == 0,
        seconds=round(seconds, 1),
        output=done.stdout + done.stderr,
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--examples", type=int, default=100)
    asked.add_argument("--seconds", type=int, default=5400)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidewaiter-schema-database-") as folder:
        Path(folder).chmod(0o755)  # an embedded server runs as a user of its own
        url = os.environ.get("TIDEWAITER_DATABASE_URL") or start_embedded(Path(folder))
        told = run(url, examples=given.examples, seconds=given.seconds, seed=given.seed)
    print(told.output)
    print(
        json.dumps({name: getattr(told, name) for name in ("operations", "cases", "failures", "is_right", "seconds")})
    )
    sys.exit(0 if told.is_right else 1)


if __name__ == "__main__":
    main()
