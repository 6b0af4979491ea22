"""The store: PostgreSQL, always. What was lodged, what came of it and what was answered, in one transaction.

`open_store` gives a `Store`; its schema is the numbered files of `migrations/`, applied by `migrating`. Records come
in and go out as records of the model; what is personal in them is parted from the rest by `vault`. Without a URL a real
server is started in the data folder (`embedded`). May import `model`, `matching` and `audit`; it is
asked by `services` alone.
"""

from tidewaiter.store.access import Client, NameTaken, Person, Reader, Session
from tidewaiter.store.acts import REPLYING, Act, Acting, MovedOn, Proposal
from tidewaiter.store.audit import Commit, LeafRow, Log, StoredCheckpoint
from tidewaiter.store.connecting import StoreError, open_store
from tidewaiter.store.downtime import Standing
from tidewaiter.store.embedded import start_embedded
from tidewaiter.store.feed import START, Feed, Position, StoredEvent, position_of
from tidewaiter.store.glass import Opening, Overseen, Review
from tidewaiter.store.inspections import Inspections, Judged, Selected
from tidewaiter.store.known import Asked, Known
from tidewaiter.store.lodgements import CORRIDOR, AlreadyThere, Lodgement, StoredMessage
from tidewaiter.store.migrating import MigrationError
from tidewaiter.store.passkeys import Passkey
from tidewaiter.store.presentations import Awaited, Before, Presented
from tidewaiter.store.profiles import DrawTable, ProfileEvent, Profiles, StoredProfile
from tidewaiter.store.reading import Behind, Decided, Row, SentAnswer, StoredConsignment
from tidewaiter.store.replies import Channel, Document, NewReply, Reply
from tidewaiter.store.screening import ListRow, Screened
from tidewaiter.store.store import Store, StoreUnavailable
from tidewaiter.store.uploads import Upload, Uploads
from tidewaiter.store.webhooks import AlreadyTold, Fresh, Held, LeaseLost, Webhook, Webhooks

__all__ = [
    "CORRIDOR",
    "REPLYING",
    "START",
    "Act",
    "Acting",
    "AlreadyThere",
    "AlreadyTold",
    "Asked",
    "Awaited",
    "Before",
    "Behind",
    "Channel",
    "Client",
    "Commit",
    "Decided",
    "Document",
    "DrawTable",
    "Feed",
    "Fresh",
    "Held",
    "Inspections",
    "Judged",
    "Known",
    "LeafRow",
    "LeaseLost",
    "ListRow",
    "Lodgement",
    "Log",
    "MigrationError",
    "MovedOn",
    "NameTaken",
    "NewReply",
    "Opening",
    "Overseen",
    "Passkey",
    "Person",
    "Position",
    "Presented",
    "ProfileEvent",
    "Profiles",
    "Proposal",
    "Reader",
    "Reply",
    "Review",
    "Row",
    "Screened",
    "Selected",
    "SentAnswer",
    "Session",
    "Standing",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoredCheckpoint",
    "StoredConsignment",
    "StoredEvent",
    "StoredMessage",
    "StoredProfile",
    "Upload",
    "Uploads",
    "Webhook",
    "Webhooks",
    "open_store",
    "position_of",
    "start_embedded",
]
