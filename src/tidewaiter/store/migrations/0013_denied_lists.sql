-- Lists of denied parties as they were brought in, each state a row, and by which of them whom was screened. Of a list
-- the newest row holds. Appended to, never changed: a decision can be looked at again with the lists it was made by.

create table denied_lists (
    id bigint generated always as identity primary key,
    source text not null check (source ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    digest text not null check (digest ~ '^[0-9a-f]{64}$'),
    dated date,
    parties integer not null check (parties > 0),
    taken_at timestamptz not null,
    taken_by text not null check (taken_by <> ''),
    state bytea not null
);
create index denied_lists_source on denied_lists (source, id desc);
comment on column denied_lists.digest is 'SHA-256 of the file, or of the digests of its files in their order.';
comment on column denied_lists.state is 'The parties as they were read, JSON.';

alter table decisions add column lists bigint[];
comment on column decisions.lists is 'The denied_lists by which the parties were screened; null where none held, or a person decided.';

create table screenings (
    id bigint generated always as identity primary key,
    consignment_id bigint not null references consignments,
    at timestamptz not null,
    lists bigint[] not null,
    hits integer not null check (hits >= 0)
);
create index screenings_consignment on screenings (consignment_id, id desc);
comment on table screenings is 'What was screened again after it was lodged, because a list had changed, and by which lists.';

do $$
declare name text;
begin
    foreach name in array array['denied_lists', 'screenings'] loop
        execute format(
            'create trigger append_only before update or delete or truncate on %I for each statement execute function refuse_change()',
            name
        );
    end loop;
end $$;
