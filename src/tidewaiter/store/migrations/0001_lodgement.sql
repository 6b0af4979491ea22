-- What was lodged, what came of it, and what was answered. Every table but `consignments` and `vault` is appended to
-- and never changed; a consignment changes in its state alone, and a vault record can be destroyed.
-- Money is in whole millionths of a currency. No table but `messages` and `vault` holds anything personal.

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is appended to, never changed', tg_table_name using errcode = 'restrict_violation';
end
$$;

create table messages (
    id bigint generated always as identity primary key,
    filer text not null check (filer <> ''),
    digest bytea not null check (octet_length(digest) = 32),
    source text not null,
    format text not null,
    received_at timestamptz not null,
    law_digest text not null,
    raw bytea not null,
    unique (filer, digest)
);
comment on table messages is 'Each message as it came: the legal record, so its personal data stay as long as it must be kept.';
comment on column messages.digest is 'SHA-256 of raw. The same bytes from the same filer are one lodgement.';
comment on column messages.format is 'The name of a format; empty where the message was of none.';

create table idempotency (
    filer text not null,
    key text not null,
    message_id bigint not null references messages,
    primary key (filer, key)
);
comment on table idempotency is 'Which message a filer first sent under an Idempotency-Key.';

create table consignments (
    id bigint primary key,
    message_id bigint not null references messages,
    place integer not null,
    filer text not null,
    reference text not null,
    function text not null,
    version bigint,
    mrn text,
    tracking_id text,
    jurisdiction text not null,
    accepted_on date not null,
    received_at timestamptz not null,
    format text not null,
    channel text,
    items integer not null,
    regime text,
    duty_micro bigint,
    tax_micro bigint,
    fee_micro bigint,
    currency text not null,
    law_digest text not null,
    security text not null,
    control text not null,
    record jsonb not null,
    unique (message_id, place)
);
create sequence consignment_ids owned by consignments.id;
comment on column consignments.record is 'The consignment as lodged, without what is personal: that is in the vault.';
comment on column consignments.duty_micro is 'Sums due at the border; null where a charge in them is unknown.';

-- What was not accepted was never a declaration: its reference may be used again. Amendments without a version may
-- be many. This index is the last word when two lodge at once.
create unique index consignments_natural_key on consignments (filer, reference, function, coalesce(version, 0))
    where control <> 'not_accepted' and (function = 'original' or version is not null);
create index consignments_reference on consignments (reference, id desc);
create index consignments_control on consignments (control, id desc);
create index consignments_tracking_id on consignments (tracking_id) where tracking_id is not null;
create index consignments_mrn on consignments (mrn) where mrn is not null;

create function only_state_changes() returns trigger language plpgsql as $$
begin
    if (to_jsonb(new) - 'security' - 'control') is distinct from (to_jsonb(old) - 'security' - 'control') then
        raise exception 'of a consignment only the state changes' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger only_state_changes before update on consignments for each row execute function only_state_changes();
create trigger no_delete before delete or truncate on consignments for each statement execute function refuse_change();

create table repeats (
    message_id bigint not null references messages,
    place integer not null,
    consignment_id bigint not null references consignments,
    primary key (message_id, place)
);
comment on table repeats is 'Consignments in a message that had been lodged before with the same content: they have no new effect.';

create table vault (
    consignment_id bigint primary key references consignments,
    private jsonb not null
);
comment on table vault is 'What is personal in a consignment, by JSON pointer. Read only with a purpose, which is logged.';

create table vault_reads (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    reader text not null check (reader <> ''),
    purpose text not null check (purpose <> ''),
    consignment_ids bigint[] not null
);

create table findings (
    message_id bigint not null references messages,
    consignment_id bigint references consignments,
    place integer not null,
    code text not null,
    severity text not null,
    pointer text not null,
    source_pointer text not null,
    text text not null,
    remedy text not null,
    law text not null
);
create index findings_consignment on findings (consignment_id);
create index findings_message on findings (message_id) where consignment_id is null;
comment on column findings.consignment_id is 'Null where the finding is about the message as a whole.';

create table charges (
    consignment_id bigint not null references consignments,
    place integer not null,
    type text not null,
    code text not null,
    item integer,
    measure text not null,
    base text,
    rate text not null,
    conversion text,
    rounding text not null,
    amount text,
    currency text not null,
    collector text not null,
    why text not null,
    law text not null,
    confidence text not null,
    primary key (consignment_id, place)
);
comment on table charges is 'The receipt as it was told: amounts are exact decimals as text. Sums are in consignments, legs in postings.';

create table signals (
    consignment_id bigint not null references consignments,
    place integer not null,
    profile text not null,
    lane text not null,
    score bigint not null,
    reason text not null,
    item integer,
    primary key (consignment_id, place)
);
comment on table signals is 'What risk saw. For officers; never told to a filer.';

create table decisions (
    id bigint generated always as identity primary key,
    consignment_id bigint not null references consignments,
    decided_at timestamptz not null,
    decided_by text not null,
    security text not null,
    control text not null,
    reasons text[] not null,
    law_digest text not null
);
create index decisions_consignment on decisions (consignment_id, id desc);
comment on column decisions.decided_by is 'corridor, or the name of the officer.';

create table postings (
    id bigint generated always as identity primary key,
    consignment_id bigint not null references consignments,
    item integer,
    account text not null,
    debit_micro bigint not null check (debit_micro >= 0),
    credit_micro bigint not null check (credit_micro >= 0),
    currency text not null,
    charge text not null,
    check ((debit_micro = 0) <> (credit_micro = 0))
);
create index postings_consignment on postings (consignment_id);
create index postings_account on postings (account, currency);

create function refuse_imbalance() returns trigger language plpgsql as $$
begin
    if exists (
        select from legs group by consignment_id, currency having sum(debit_micro) <> sum(credit_micro)
    ) then
        raise exception 'the legs of an entry do not balance' using errcode = 'check_violation';
    end if;
    return null;
end
$$;
comment on function refuse_imbalance is 'All legs of an entry are inserted by one statement.';
create trigger balanced after insert on postings
    referencing new table as legs for each statement execute function refuse_imbalance();

create table answers (
    id text not null,
    message_id bigint not null references messages,
    consignment_id bigint references consignments,
    place integer not null,
    kind text not null,
    format text not null,
    sent_at timestamptz not null,
    body bytea not null,
    primary key (id)
);
create index answers_consignment on answers (consignment_id, place);
create unique index answers_whole on answers (message_id) where consignment_id is null;
comment on table answers is 'Each answer in our own form, and one row a message, without consignment, with all of them in the sender''s format as sent.';

create table events (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    message_id bigint not null references messages,
    consignment_id bigint references consignments,
    kind text not null,
    body jsonb not null
);
create index events_consignment on events (consignment_id, id);

do $$
declare name text;
begin
    foreach name in array array[
        'messages', 'idempotency', 'repeats', 'vault_reads', 'findings', 'charges', 'signals', 'decisions', 'postings', 'answers', 'events'
    ] loop
        execute format(
            'create trigger append_only before update or delete or truncate on %I for each statement execute function refuse_change()',
            name
        );
    end loop;
end
$$;
