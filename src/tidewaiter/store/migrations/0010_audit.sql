-- The log of what was done: a leaf for each effect, added in the transaction of its effect, in an order without gaps.

create table audit_log (origin text not null);
comment on table audit_log is 'One row: what this log is called in its checkpoints, for ever.';
insert into audit_log (origin) values ('tidewaiter/' || gen_random_uuid());

create table audit_leaves (
    index bigint primary key check (index >= 0),
    entry bytea not null check (octet_length(entry) <= 65535),
    hash bytea not null check (hash = sha256('\x00'::bytea || entry)),
    first bigint not null,
    size integer not null check (index >= first and index < first + size),
    message_id bigint
);
create unique index audit_leaves_message on audit_leaves (message_id) where message_id is not null;
comment on column audit_leaves.hash is 'The leaf hash (RFC 6962) as it was reckoned where the leaf was made.';
comment on column audit_leaves.first is 'Index of the first leaf of the same commit, which has `size` of them: a receipt is signed over these together.';
comment on column audit_leaves.message_id is 'The message whose lodging this is; null for leaves of other kinds. No foreign key, whose check would lock the message again: that it is there is seen before a checkpoint is signed.';

create table audit_checkpoints (
    size bigint primary key,
    root bytea not null check (octet_length(root) = 32),
    note text not null,
    signed_at timestamptz not null
);
comment on table audit_checkpoints is 'What was signed: `note` over the first `size` leaves. Never two for one size.';

-- Leaves get their index here. The lock is held until the transaction ends, so this is the last thing it does: who
-- comes later sees what was committed before, and a transaction that fails gives its indexes back.
-- Whoever may do a thing at all may have it written down, by this and in no other way.
create function audit_append(entries bytea[], hashes bytea[], messages bigint[]) returns bigint
    language plpgsql security definer set search_path from current as $$
declare
    start bigint;
begin
    perform pg_advisory_xact_lock(1635083369, 'audit_leaves'::regclass::oid::integer);
    select coalesce(max(index) + 1, 0) into start from audit_leaves;
    insert into audit_leaves (index, entry, hash, first, size, message_id)
        select start + place - 1, given.entry, given.hash, start, cardinality(entries), given.message
        from unnest(entries, hashes, messages) with ordinality as given(entry, hash, message, place);
    return start;
end
$$;

do $$
declare name text;
begin
    foreach name in array array['audit_log', 'audit_leaves', 'audit_checkpoints'] loop
        execute format(
            'create trigger append_only before update or delete or truncate on %I for each statement execute function refuse_change()',
            name
        );
    end loop;
end
$$;
