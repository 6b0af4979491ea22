-- Where an item of the post travels, as pre-advices (PREDES) list it, and what happened to it, as events (EMSEVT) tell.
-- `item_number` is the item's number without spaces and hyphens; a consignment is found by the same of its own.

create index consignments_parcel_number on consignments (translate(tracking_id, ' -', '')) where tracking_id is not null;
create index consignments_dispatch on consignments ((record->>'master_bill'))
    where channel = 'post' and tracking_id is not null;

create table dispatched_items (
    message_id bigint not null references messages,
    dispatch_id text not null,
    receptacle_id text not null,
    item_number text not null
);
create index dispatched_items_item on dispatched_items (item_number);
comment on table dispatched_items is 'A row an item in a receptacle, as listed; listed twice, it has two rows, and a finding said so.';

create table item_events (
    message_id bigint not null references messages,
    item_number text not null,
    event text not null,
    at timestamptz not null,
    office text,
    reason text,
    receptacle_id text
);
create index item_events_item on item_events (item_number, at);

do $$
declare name text;
begin
    foreach name in array array['dispatched_items', 'item_events'] loop
        execute format(
            'create trigger append_only before update or delete or truncate on %I for each statement execute function refuse_change()',
            name
        );
    end loop;
end
$$;
