-- What goes out: events in the order of their transactions, the addresses they are sent to, and what could not be sent.

-- An identity value is taken before the commit, so that a reader who remembers the last one he saw would miss what
-- commits late under a lower one. The number of the transaction tells from which point on there may still be some:
-- whoever reads no further than the oldest transaction in progress has seen everything up to there.
alter table events disable trigger append_only;
alter table events add column filer text, add column xid xid8 not null default pg_current_xact_id();
update events e set
    filer = m.filer,
    body = case when e.kind <> 'decided' then e.body else jsonb_set(e.body, '{answers}', coalesce(
        (select jsonb_agg(a.one -> 'id' order by a.place) from results r,
            json_array_elements(r.answers) with ordinality as a (one, place) where r.consignment_id = e.consignment_id), '[]'
    )) end
    from messages m where m.id = e.message_id;
alter table events alter column filer set not null;
alter table events enable trigger append_only;
create index events_feed on events (filer, xid, id);
create index events_all on events (xid, id);
comment on column events.xid is 'The transaction that wrote it. Events are in the order of xid and id.';
comment on column events.body is 'decided: the state on both channels, and the ids of the answers given with it.';

create table webhooks (
    id bigint generated always as identity primary key,
    filer text not null check (filer <> ''),
    url text not null check (length(url) <= 2000),
    created_at timestamptz not null,
    sent_xid xid8 not null,
    sent_id bigint not null,
    failures integer not null default 0,
    wait_until timestamptz,
    failure text,
    fence bigint not null default 0,
    leased_until timestamptz,
    unique (filer, url)
);
comment on table webhooks is 'Where a filer wants to be told of events. All up to sent_xid and sent_id have been delivered or are held.';
comment on column webhooks.failures is 'Requests that failed since the last that did not.';
comment on column webhooks.wait_until is 'Nothing new is sent before then.';
comment on column webhooks.fence is 'Counts the leases. Whoever holds an older one may write nothing more.';

create table webhook_held (
    webhook_id bigint not null references webhooks on delete cascade,
    xid xid8 not null,
    event_id bigint not null references events,
    lane text not null,
    attempts integer not null,
    next_at timestamptz,
    failure text,
    dead_at timestamptz,
    primary key (webhook_id, event_id)
);
create index webhook_held_lane on webhook_held (webhook_id, lane, xid, event_id) where dead_at is null;
create index webhook_held_due on webhook_held (webhook_id, next_at) where dead_at is null and next_at is not null;
comment on table webhook_held is 'Events a receiver did not take, and those behind them in the same lane. Delivered ones are deleted.';
comment on column webhook_held.lane is 'The reference of the consignment: within it the order is kept.';
comment on column webhook_held.next_at is 'When it is tried next; null while it waits behind another of its lane.';
comment on column webhook_held.dead_at is 'When it was given up: a dead letter.';
