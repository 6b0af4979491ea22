"""The store: PostgreSQL, always. What was lodged, what came of it and what was answered, in one transaction.

`open_store` gives a `Store`; its schema is the numbered files of `migrations/`, applied by `migrating`. Records come
in and go out as records of the model; what is personal in them is parted from the rest by `vault`. Without a URL a real
server is started in the data folder (`embedded`). May import `model` only, and is asked by `services` alone.
"""

from tidewaiter.store.access import Client, NameTaken, Opening, Person, Reader, Session
from tidewaiter.store.acts import Act, Acting, MovedOn, Proposal
from tidewaiter.store.connecting import StoreError, open_store
from tidewaiter.store.embedded import start_embedded
from tidewaiter.store.lodgements import AlreadyThere, Lodgement, StoredMessage
from tidewaiter.store.migrating import MigrationError
from tidewaiter.store.reading import Behind, Decided, Row, SentAnswer, StoredConsignment
from tidewaiter.store.store import Store, StoreUnavailable

__all__ = [
    "Act",
    "Acting",
    "AlreadyThere",
    "Behind",
    "Client",
    "Decided",
    "Lodgement",
    "MigrationError",
    "MovedOn",
    "NameTaken",
    "Opening",
    "Person",
    "Proposal",
    "Reader",
    "Row",
    "SentAnswer",
    "Session",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoredConsignment",
    "StoredMessage",
    "open_store",
    "start_embedded",
]
