"""A hundred thousand sales with 3 % planted mistakes of eight kinds: every one is found, and no other.

`make matching` runs this, in under a minute; it is no part of `make test`, which has a smaller world.
"""

from __future__ import annotations

import resource
import time
from datetime import timedelta

import sales
from tidewaiter.law import load


def test_every_planted_mistake_among_a_hundred_thousand_sales_is_found_and_no_other() -> None:
    documents, truth = sales.world(100_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    waiting = sales.Waiting(load())
    begin = time.process_time()
    at = sales.arrive_in_batches(waiting, documents)
    arrived_s = time.process_time() - begin
    begin = time.process_time()
    judged = waiting.everything(at + timedelta(days=4))
    judged_s = time.process_time() - begin
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"\n{len(documents):,} documents, {len(truth):,} to be found: arrived and judged in batches of 1,000 in "
        f"{arrived_s:.1f} s, all judged again in {judged_s:.1f} s; "
        f"{(after - before) // 1024:,} MB besides the documents"
    )

    assert sales.found_in(waiting.matches.values()) == {one for one in truth if one[0] != "MTC-01"}
    assert sales.found_in(judged) == truth
