"""What can be wrong with a message of ASYCUDA as such: `ASY-`."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_LAW = "ASYCUDA World, files of declarations (SAD) and manifests (AWMDS)"

NOTHING_HELD = Kind(
    code="ASY-01",
    severity="error",
    text="The message holds no declaration and no bill: {detail}.",
    remedy="Export the declaration (ASYCUDA), the manifest (Awmds) or its deconsolidation (Awbolds) as XML.",
    law=_LAW,
)
NO_REFERENCE = Kind(
    code="ASY-02",
    severity="error",
    text="The declaration has no reference of the declarant, or the bill no number.",
    remedy="Fill in box 7, the declarant's reference, or Bol_reference.",
    law=_LAW,
)
NO_JURISDICTION = Kind(
    code="ASY-03",
    severity="error",
    text="Neither the sender nor the message says of which country this is asked.",
    remedy="Give the country of destination (box 17) or of unloading, or name the country when lodging.",
    law=_LAW,
)
KINDS = (NOTHING_HELD, NO_REFERENCE, NO_JURISDICTION)
"""Every kind of finding of this format, besides those of any table and any XML."""
