"""The page of the messages, made from their tables."""

from __future__ import annotations

from tidewaiter.formats.ics2.shape import CODES, FILINGS, ROWS

_HEAD = """\
# ICS2 messages

What Tidewaiter reads and writes of the Union's import control system, at house level. Namespace
`urn:wco:datamodel:eu:ics2:2`. `IE4Q04`, `IE4S02` and `IE4N99` are those of the common repository's contract, version
2.0.0, and what we write is valid by its schemas. The filings `IE3F43` (post) and `IE3F32` (express) are not public as
files: their house consignment has the order of the contract's types for one, and what stands around it is
**unverified**, as are the content of F32 and the codes of a risk analysis.

Need: M mandatory, O optional; a path ending in `[]` may stand several times; `@name` is an attribute. In
`communication@EM` and `documentNumber@N750` what follows the sign is the type that stands beside the value. What has
no field of ours is named as not kept. Which elements must be told before loading is law, by day:
`jurisdictions/eu/codes/entry-minimum.csv`, found by check HDR-17.

Made by `python -m tidewaiter.formats.ics2`; a test holds it to the code.
"""
_TITLES = {"filings": "Filings", "notices": "Referrals, results and errors"}
_TABLE = ("| in | path | need | WCO id | our field | what it is |", "|---|---|---|---|---|---|")


def page() -> str:
    """The reference page: a table of the filings, one of the notices, then the codes."""
    lines = [_HEAD]
    for part, title in _TITLES.items():
        rows = [row for row in ROWS if (row.messages[0] in FILINGS) == (part == "filings")]
        lines += [
            f"## {title}",
            "",
            "| in | path | need | WCO id | our field | what it is |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows:
            path = "/".join(row.path) + ("[]" if row.many else "")
            field = {"": "not kept", "=": "a record", ".": ""}.get(row.field, f"`{row.field}`")
            lines.append(
                f"| {', '.join(row.messages)} | `{path}` | {row.need} | {row.element} | {field} | {row.text} |"
            )
        lines.append("")
    lines += ["## Codes", "", "| list | code | ours | meaning | source |", "|---|---|---|---|---|"]
    lines += [f"| {row.list} | `{row.code}` | `{row.ours}` | {row.text} | {row.source} |" for row in CODES]
    return "\n".join(lines) + "\n"
