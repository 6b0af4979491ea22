-- Passkeys of local accounts: their public halves, and the challenges that browsers were given and have not answered.

create table passkeys (
    id bytea primary key check (octet_length(id) between 1 and 1023),
    person_id text not null references people,
    name text not null check (name <> '' and length(name) <= 64),
    public bytea not null check (octet_length(public) <= 2048),
    uses bigint not null check (uses between 0 and 4294967295),
    added_at timestamptz not null,
    used_at timestamptz
);
create index passkeys_person on passkeys (person_id, added_at);
comment on table passkeys is 'The public halves of keys by which people log in. `uses` is what the device last said; it never goes back.';
comment on column passkeys.name is 'What its holder calls the device.';

create table challenges (
    challenge bytea primary key check (octet_length(challenge) = 32),
    person_id text references people,
    until timestamptz not null
);
create index challenges_until on challenges (until);
comment on table challenges is 'What browsers were asked to sign and have not: a row goes when it is answered, rightly or not. `person_id` adds a key, null where somebody logs in.';
