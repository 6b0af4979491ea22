"""Every rule there is, and the page of documentation that is made of them."""

from __future__ import annotations

from tidewaiter.checks import goods, loading, numbers, parties, procedures, values, whole
from tidewaiter.checks.rule import Rule, rules_in
from tidewaiter.model.finding import Kind

_GROUPS = (whole, goods, values, parties, numbers, procedures, loading)

RULES: tuple[Rule, ...] = tuple(rule for group in _GROUPS for rule in rules_in(group))
KINDS: tuple[Kind, ...] = tuple(rule.kind for rule in RULES)
"""What can be found, by group and code."""

_HEAD = """\
# Checks

What is looked for in a consignment before it is priced. An *error* cannot be accepted as it is, a *warning* is
accepted and worth mending, a *note* is for information. `{detail}` stands for the value found, never for
anything personal. Made by `python -m tidewaiter.checks`; a test holds it to the code.
"""


def page() -> str:
    """The reference page: a table of all codes, then each rule with where it points, its remedy and its law."""
    lines = [_HEAD, "| code | severity | what is wrong |", "|---|---|---|"]
    lines += [f"| [{k.code}](#{k.code.lower()}) | {k.severity} | {k.text} |" for k in KINDS]
    for group in _GROUPS:
        title = (group.__doc__ or "").partition("\n\n")[0]
        lines += ["", f"## {' '.join(title.split())}"]
        for rule in rules_in(group):
            lines += ["", *_section(rule)]
    return "\n".join(lines) + "\n"


def _section(rule: Rule) -> list[str]:
    kind = rule.kind
    points = ", ".join(f"`{pointer(rule, field)}`" for field in rule.tests)
    return [
        f"### {kind.code}",
        "",
        f"**{kind.text}** {kind.remedy}",
        "",
        f"- severity: {kind.severity}",
        f"- points to: {points}",
        f"- law: {kind.law}",
    ]


def pointer(rule: Rule, field: str) -> str:
    """Where a finding of the rule points, with N for the place in a list: '/items/N/price'."""
    return {"consignments": f"/{field}"}.get(rule.on, f"/{rule.on}/N/{field}")
