-- Messages that arrive in parts over a bad link. What is here is on its way: once it is lodged, `messages` has it.

create table uploads (
    id text primary key check (id ~ '^[A-Za-z0-9_-]{32}$'),
    filer text not null check (filer <> ''),
    key text,
    length bigint check (length >= 0),
    sha256 bytea check (octet_length(sha256) = 32),
    received bigint not null default 0 check (received >= 0),
    is_complete boolean not null default false,
    writer bigint not null default 0,
    message_id bigint references messages,
    begun_at timestamptz not null,
    expires_at timestamptz not null,
    unique (filer, key),
    check (message_id is null or is_complete),
    check (length is null or received <= length)
);
create index uploads_expiry on uploads (expires_at);
comment on table uploads is 'Messages that arrive in parts. Deleted when they expire or their filer no longer wants them.';
comment on column uploads.key is 'The Idempotency-Key it was begun with; without one its id is the key of the lodgement.';
comment on column uploads.length is 'How long it will be, where the filer said so.';
comment on column uploads.received is 'How many bytes are kept in upload_parts, without a gap from the beginning.';
comment on column uploads.writer is 'Grows with each request about the upload: only the last may append.';
comment on column uploads.message_id is 'What it was lodged as. Its parts are then deleted: the message has the same bytes.';

-- What is personal is in here as it is in messages.raw, and for as long as the upload is not lodged and has not expired.
create table upload_parts (
    upload_id text not null references uploads on delete cascade,
    starts bigint not null,
    content bytea not null check (octet_length(content) > 0),
    primary key (upload_id, starts)
);
comment on table upload_parts is 'The parts that came, by where in the whole they start.';

-- No guarded reader sees a row: there is no policy, and nothing is granted.
alter table uploads enable row level security;
alter table upload_parts enable row level security;
