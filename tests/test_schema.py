"""A slice of `make schema`: the running server does as its description says."""

from __future__ import annotations

import os

import schema

EXAMPLES, SECONDS = int(os.environ.get("SCHEMA_EXAMPLES", "2")), int(os.environ.get("SCHEMA_SECONDS", "40"))


def test_the_running_server_does_as_its_description_says(database_url: str) -> None:
    told = schema.run(database_url, examples=EXAMPLES, seconds=SECONDS)

    assert told.is_right, told.output
    assert told.operations > 20
    assert told.cases > 100
