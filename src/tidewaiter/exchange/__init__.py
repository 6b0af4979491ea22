"""What goes out: the feed of events, and webhooks that hint at it.

The feed (`feed`) is the truth: whoever reads it from a cursor on has missed nothing. A webhook (`delivering`) is a
hint, sent at least once and in order for each consignment, signed (`signing`), to public addresses only (`addresses`).
`verifying` is for the other side: what a receiver checks before it believes a hint. May import `store` and `model`.
"""
