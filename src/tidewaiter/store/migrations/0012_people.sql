-- What a filer is asked and replies, and what it is told of what people do, in its own dialect.

alter table later_answers add column message bytea;
comment on column later_answers.message is 'The answers in the format of the message they are about, as they were sent; null of those from before it was kept.';

alter table acts drop constraint acts_kind_check;
alter table acts add constraint acts_kind_check check (kind in ('release', 'refuse', 'refund', 'ask', 'complete'));

create table replies (
    id bigint generated always as identity primary key,
    consignment_id bigint not null references consignments,
    request_id bigint not null unique,
    channel text not null check (channel in ('security', 'control')),
    at timestamptz not null,
    filer text not null,
    actor text not null check (actor <> ''),
    digest bytea not null check (octet_length(digest) = 32),
    documents smallint not null,
    amendment bigint references messages,
    key text,
    unique (actor, key),
    foreign key (consignment_id, request_id) references decisions (consignment_id, id)
);
create index replies_consignment on replies (consignment_id, id);
comment on table replies is 'Replies of filers to what an officer or the corridor asked for. Each request is replied to once.';
comment on column replies.request_id is 'The decision by which it was asked.';
comment on column replies.digest is 'SHA-256 over what was said and the digests of the documents.';
comment on column replies.amendment is 'The message with the amended declaration, where the reply is one.';

-- What a reply says is personal, as the vault is, and may be destroyed where the row above stays.
create table reply_contents (
    reply_id bigint primary key references replies,
    text text not null,
    documents json not null
);
create table reply_files (
    reply_id bigint not null references reply_contents on delete cascade,
    place smallint not null,
    content bytea not null,
    primary key (reply_id, place)
);

create trigger append_only before update or delete or truncate on replies
    for each statement execute function refuse_change();
do $$
declare name text;
begin
    foreach name in array array['replies', 'reply_contents', 'reply_files'] loop
        execute format('alter table %I enable row level security', name);
    end loop;
end
$$;
create policy guarded on replies for select to tidewaiter_guarded
    using (exists (select from consignments c where c.id = replies.consignment_id));
create policy guarded on reply_contents for select to tidewaiter_guarded
    using (sees_persons() and exists (select from replies r where r.id = reply_contents.reply_id));
create policy guarded on reply_files for select to tidewaiter_guarded
    using (sees_persons() and exists (select from replies r where r.id = reply_files.reply_id));
grant select on replies, reply_contents, reply_files to tidewaiter_guarded;

-- People whom an OpenID provider lets in: no password of theirs is here.
alter table people add column issuer text not null default '', add column subject text not null default '';
create unique index people_federated on people (issuer, subject) where issuer <> '';
comment on column people.subject is 'The name by which the provider knows the person; the account is named by a digest of it.';
