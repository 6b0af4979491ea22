-- What became of each candidate of a selection is a row, so that an inspection finds how its consignment was picked, and by
-- which model, without reading whole selections.

create table picks (
    selection bigint not null references selections,
    consignment_id bigint not null references consignments,
    office text not null,
    lane text not null,
    how text check (how in ('obligatory', 'simple', 'stratified', 'loss')),
    place integer check (place > 0),
    propensity_ppm bigint not null check (propensity_ppm between 0 and 1000000),
    primary key (consignment_id, selection),
    check ((how is null) = (place is null))
);
create index picks_selection on picks (selection, consignment_id);
comment on table picks is 'How each candidate was picked, and at which place in its queue; both null where it was not. With the probability it had, given the draws of the others.';
insert into picks (selection, consignment_id, office, lane, how, place, propensity_ppm)
select s.id, p.id, p.office, p.lane, p.how, p.place, p.propensity_ppm
from selections s, jsonb_to_recordset(s.picks)
    as p(id bigint, office text, lane text, how text, place integer, propensity_ppm bigint);
alter table selections drop column picks;
alter table selections add column model text generated always as (inputs->>'model') stored;
comment on column selections.model is 'The digest of the model whose chances the losses were reckoned with; null where there was none. The chances are in inputs.';

create trigger append_only before update or delete or truncate on picks
    for each statement execute function refuse_change();
alter table picks enable row level security;
create policy guarded on picks for select to tidewaiter_guarded
    using (sees_risk() and exists (select from selections s where s.id = picks.selection));
grant select on picks to tidewaiter_guarded;
