"""Files of denied parties as their publishers write them, read into records.

| form | file | read against the real file |
|---|---|---|
| un | consolidated list of the Security Council, XML | yes |
| canada | consolidated list under the Special Economic Measures Act, XML | yes |
| ofac-xml | SDN.XML and CONSOLIDATED.XML of the Office of Foreign Assets Control | yes, the latter |
| ofac-csv | SDN.CSV with ALT.CSV and ADD.CSV, or CONS_PRIM.CSV with theirs | yes |
| eu | consolidated financial sanctions list, XML 1.1 | **unverified**: no file at hand, from its structure |
| uk | UK Sanctions List, CSV | **unverified**: no file at hand, from its headings |

A list that is not as expected raises `ListError`; half a list is never given.
"""

from __future__ import annotations

from collections.abc import Callable

from tidewaiter.services.list_records import Files, ListError, ReadList
from tidewaiter.services.list_tables import ofac_csv, uk
from tidewaiter.services.list_trees import canada, eu, ofac_xml, un

__all__ = ["FORMS", "ListError", "ReadList", "read_list"]

PARTIES_MAX = 200_000


def read_list(form: str, files: Files) -> ReadList:
    """The list in these files. Raises ListError where there is no such form, or the files are not of it."""
    if form not in FORMS:
        raise ListError(f"there is no form {form}; there are {', '.join(FORMS)}")
    found = FORMS[form](files)
    if not found.parties:
        raise ListError("there is nobody on it")
    if len(found.parties) > PARTIES_MAX:
        raise ListError(f"there are more than {PARTIES_MAX:,} parties on it")
    return found


FORMS: dict[str, Callable[[Files], ReadList]] = {
    "un": un,
    "canada": canada,
    "ofac-xml": ofac_xml,
    "ofac-csv": ofac_csv,
    "eu": eu,
    "uk": uk,
}
"""The forms, by the name they are asked for."""
