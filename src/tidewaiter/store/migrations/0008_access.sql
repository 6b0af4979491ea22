-- Who may call: machines by their public keys, people by password and second factor; what of theirs was used once; and
-- who sees which rows.
--
-- A guarded request reads as the role `tidewaiter_guarded`, which owns nothing and to which the rules of rows below
-- apply. They say the same as access/policies/looking.cedar. The house itself (lodging, the corridor) goes on as the
-- owner of the tables: not FORCEd, since PostgreSQL takes no COPY into a table whose rules bind the one who copies, and
-- all that is lodged comes in by COPY.

create table clients (
    id text primary key check (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    role text not null,
    filer text not null,
    office text not null,
    country text not null,
    keys jsonb not null,
    is_bound boolean not null,
    added_at timestamptz not null,
    revoked_at timestamptz
);
comment on table clients is 'Machines that may call. `keys` are their public keys (JWK set); `is_bound` where its tokens must be bound to a key (DPoP).';

create table people (
    id text primary key check (id ~ '^[a-z0-9._-]{1,64}$'),
    role text not null,
    filer text not null,
    office text not null,
    country text not null,
    password text not null,
    second_factor text not null,
    last_step bigint not null default 0,
    failures integer not null default 0,
    locked_until timestamptz,
    added_at timestamptz not null,
    removed_at timestamptz
);
comment on table people is 'Local accounts. `password` is an scrypt hash; `second_factor` the TOTP secret, sealed; `last_step` the last time step whose code was used.';

create table sessions (
    token_digest bytea primary key check (octet_length(token_digest) = 32),
    person_id text not null references people,
    form_token text not null,
    began_at timestamptz not null,
    seen_at timestamptz not null,
    ended_at timestamptz
);
create index sessions_person on sessions (person_id);
comment on table sessions is 'Who is logged in. Only the digest of a token is kept, so that a copy of this table opens nothing.';

create table used_once (
    owner text not null,
    once text not null,
    until timestamptz not null,
    primary key (owner, once)
);
create index used_once_until on used_once (until);
comment on table used_once is 'Assertions, proofs and codes that were used, until they would no longer be valid anyway.';

do $$
begin
    if not exists (select from pg_roles where rolname = 'tidewaiter_guarded') then
        create role tidewaiter_guarded nologin;
    end if;
exception when duplicate_object or unique_violation then null;
when insufficient_privilege then
    raise exception 'the role tidewaiter_guarded is missing, and this user may not make it'
        using hint = 'as an administrator: create role tidewaiter_guarded nologin; grant tidewaiter_guarded to ' || current_user;
end
$$;
do $$
begin
    if not pg_has_role(current_user, 'tidewaiter_guarded', 'member') then
        execute format('grant tidewaiter_guarded to %I', current_user);
    end if;
    execute format('grant usage on schema %I to tidewaiter_guarded', current_schema());
end
$$;

-- What the request said of its caller, for the length of its transaction.
create function caller(name text) returns text language sql stable as $$
    select coalesce(current_setting('tidewaiter.' || name, true), '')
$$;

create function office_of(record jsonb) returns text language sql immutable as $$
    select coalesce(
        nullif(record->>'presentation_office', ''), nullif(record->>'declaration_office', ''), record->>'entry_office', ''
    )
$$;
comment on function office_of is 'The office a consignment is dealt with at, as its message names it; empty where it names none.';

create function serves(country text, office text) returns boolean language sql stable as $$
    select caller('country') <> '' and caller('country') = country
        and (caller('office') = '' or office = '' or caller('office') = office or caller('glass') = 'yes')
$$;

create function sees(filer text, country text, office text) returns boolean language sql stable as $$
    select case
        when caller('role') in ('filer', 'marketplace', 'carrier') then caller('filer') <> '' and caller('filer') = filer
        when caller('role') in ('officer', 'supervisor') then serves(country, office)
        when caller('role') in ('targeter', 'auditor') then caller('country') <> '' and caller('country') = country
        else false
    end
$$;

create function sees_risk() returns boolean language sql stable as $$
    select caller('role') in ('officer', 'supervisor', 'targeter', 'auditor')
$$;

create function sees_persons() returns boolean language sql stable as $$
    select case
        when caller('role') in ('officer', 'supervisor') then caller('purpose') <> ''
        when caller('role') in ('targeter', 'auditor') then caller('purpose') <> '' and caller('case') <> ''
        when caller('role') in ('filer', 'marketplace', 'carrier') then caller('purpose') = 'assess'
        else false
    end
$$;

alter table consignments enable row level security;
create policy guarded on consignments for select to tidewaiter_guarded
    using (sees(filer, jurisdiction, office_of(record)));

-- What hangs on a consignment is seen where the consignment is: the inner select is under its rule.
do $$
declare name text;
begin
    foreach name in array array['results', 'decisions', 'events', 'item_events', 'dispatched_items'] loop
        execute format('alter table %I enable row level security', name);
    end loop;
    foreach name in array array['results', 'decisions', 'events'] loop
        execute format(
            'create policy guarded on %I for select to tidewaiter_guarded'
            ' using (exists (select from consignments c where c.id = %I.consignment_id))', name, name
        );
    end loop;
    foreach name in array array['item_events', 'dispatched_items'] loop
        execute format(
            'create policy guarded on %I for select to tidewaiter_guarded using (exists (select from consignments c'
            ' where translate(c.tracking_id, '' -'', '''') = %I.item_number))', name, name
        );
    end loop;
end
$$;
alter table postings enable row level security;
create policy guarded on postings for select to tidewaiter_guarded
    using (exists (select from consignments c where c.id = postings.consignment_id));
alter table signals enable row level security;
create policy guarded on signals for select to tidewaiter_guarded
    using (sees_risk() and exists (select from consignments c where c.id = signals.consignment_id));
alter table vault enable row level security;
create policy guarded on vault for select to tidewaiter_guarded
    using (sees_persons() and exists (select from consignments c where c.id = vault.consignment_id));
alter table messages enable row level security;
create policy guarded on messages for select to tidewaiter_guarded
    using (exists (select from consignments c where c.message_id = messages.id));

grant select on consignments, results, decisions, events, item_events, dispatched_items, postings, signals, vault
    to tidewaiter_guarded;
grant select (id, filer, digest, source, format, received_at, law_digest, findings) on messages to tidewaiter_guarded;

-- A reading of the vault is written down by the reader's own transaction, and by nobody else's name.
alter table vault_reads enable row level security;
create policy guarded on vault_reads for insert to tidewaiter_guarded with check (reader = caller('id'));
grant insert on vault_reads to tidewaiter_guarded;
