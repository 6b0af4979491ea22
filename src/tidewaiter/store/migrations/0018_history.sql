-- What is kept of accepted consignments for the sake of later ones, where a risk profile looks at the past: who had to do
-- with them as keyed digests, and what the goods cost. Added to in the transaction of the lodgement and never changed;
-- forgotten when it is too old to count. Nobody who calls reads it: only the corridor does.

create table history (
    consignment_id bigint primary key references consignments,
    at timestamptz not null,
    jurisdiction text not null,
    seller text,
    platform text,
    seller_place text,
    consignee bigint,
    consignee_name text,
    identity text,
    scheme text,
    value_micro bigint,
    threshold_share_micro bigint
);
comment on column history.consignee is 'The number of the person, resolved by what history_persons knew.';
comment on column history.value_micro is 'What the goods cost, in millionths of the country''s own currency.';
create index history_at on history (at);
create index history_consignee on history (consignee, at) where consignee is not null;
create index history_identity on history (identity, at) where identity is not null;
create index history_seller on history (seller, at) where seller is not null;
create index history_seller_place on history (seller_place, at) where seller_place is not null;
create index history_scheme on history (scheme, at) where scheme is not null;

create table history_persons (
    consignment_id bigint not null references consignments,
    key text not null,
    person bigint not null,
    primary key (key, consignment_id)
);
create index history_persons_consignment on history_persons (consignment_id);
comment on table history_persons is 'By which digests a person is known again. Of two rows of one key, made at the same time, that of the first consignment holds.';

create table known_before (
    consignment_id bigint primary key references consignments,
    figures json not null
);
comment on table known_before is 'What was known of what came before a consignment when it was decided, in figures by frame and column: so that what risk saw can be reckoned again. Not forgotten with the history.';
create trigger append_only before update or delete or truncate on known_before
    for each statement execute function refuse_change();
alter table known_before enable row level security;
create policy guarded on known_before for select to tidewaiter_guarded
    using (sees_risk() and exists (select from consignments c where c.id = known_before.consignment_id));
grant select on known_before to tidewaiter_guarded;

do $$
declare name text;
begin
    foreach name in array array['history', 'history_persons'] loop
        execute format(
            'create trigger never_changed before update or truncate on %I for each statement execute function refuse_change()',
            name
        );
        execute format('alter table %I enable row level security', name);
    end loop;
end
$$;

create view standing_history as
select h.* from history h
where not exists (
    select from consignments c join consignments x on x.filer = c.filer and x.reference = c.reference
    where c.id = h.consignment_id and x.function = 'cancellation' and x.control = 'cancellation_recorded'
)
and not exists (
    select from consignments c join consignments x on x.filer = c.filer and x.mrn = c.mrn
    where c.id = h.consignment_id and x.function = 'cancellation' and x.control = 'cancellation_recorded'
);
comment on view standing_history is 'The history without what was cancelled, which is nobody''s any more.';
