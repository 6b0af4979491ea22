"""Listing consignments, newest first, a page at a time."""

from __future__ import annotations

import msgspec

from tidewaiter.store import Row, Store

PAGE_SIZE = 50


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one page, and the ids to give as `before` and `after` for those next to it; null where there is none."""

    rows: tuple[Row, ...]
    older: int | None
    newer: int | None


async def list_consignments(
    *,
    store: Store,
    control: str | None = None,
    reference: str | None = None,
    before: int | None = None,
    after: int | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """The newest consignments, or those next before or next after an id.

    All of them, or those in one state of control, or of one reference whoever lodged it.
    """
    found = await store.page(control=control, reference=reference, before=before, after=after, size=size + 1)
    is_more = len(found) > size
    if after is not None:
        rows = found[-size:]
        has_newer, has_older = is_more, True
    else:
        rows = found[:size]
        has_newer, has_older = before is not None, is_more
    return Page(
        rows=tuple(rows),
        older=rows[-1].id if rows and has_older else None,
        newer=rows[0].id if rows and has_newer else None,
    )
