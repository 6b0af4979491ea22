"""The log of what was done: a Merkle tree to which leaves are added, and in which none can be changed unseen.

`leaf` says what is written, `merkle` how it is hashed (RFC 6962), `tiles` how it stands in static files (C2SP
tlog-tiles), `note` what is signed (C2SP tlog-checkpoint), and `checking.check` whether a log is what was signed, from
those files and a public key alone. This room may import no other. The rows are kept by `store.audit`, and signed and
written out by `services.audit`.
"""
