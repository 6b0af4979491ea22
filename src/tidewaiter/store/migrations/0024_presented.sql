-- Goods that were declared before they were there. Until they are presented such a declaration stands `lodged`; then it is
-- decided on once, on that day, by what is known then. What was said when it was lodged stays in `results`.

create table presentations (
    consignment_id bigint primary key,
    presented_at timestamptz,
    presented_by text check (presented_by <> ''),
    findings json not null,
    charges json not null,
    check ((presented_at is null) = (presented_by is null))
);
comment on table presentations is 'When goods were presented that had been declared before, and what the corridor said then, as in results; it holds from then on. Nobody presented what is there without an instant: its goods never came, and it lapsed.';

create table seen_when_presented (
    consignment_id bigint primary key,
    figures text,
    first_signal integer not null
);
comment on table seen_when_presented is 'What was known of what came before, when goods were presented, as in known_before; and the place of the first of the signals of that look. Those before it are of the look when it was lodged.';

do $$
declare name text;
begin
    foreach name in array array['presentations', 'seen_when_presented'] loop
        execute format('create trigger known_consignment after insert on %I referencing new table as fresh'
            ' for each statement execute function refuse_unknown_consignment()', name);
        execute format('create trigger append_only before update or delete or truncate on %I'
            ' for each statement execute function refuse_change()', name);
        execute format('alter table %I enable row level security', name);
    end loop;
end
$$;
create function first_signal(consignment bigint) returns integer language sql stable as $$
    select coalesce((select p.first_signal from seen_when_presented p where p.consignment_id = consignment), 0)
$$;
comment on function first_signal is 'The place of the first signal of a consignment that stands.';
create policy guarded on presentations for select to tidewaiter_guarded
    using (exists (select from consignments c where c.id = presentations.consignment_id));
create policy guarded on seen_when_presented for select to tidewaiter_guarded
    using (sees_risk() and exists (select from consignments c where c.id = seen_when_presented.consignment_id));
grant select on presentations, seen_when_presented to tidewaiter_guarded;

-- Of a consignment the state changes; and, once, as its goods are presented, the day it is accepted on and what that day's
-- law makes of it.
create or replace function only_state_changes() returns trigger language plpgsql as $$
declare
    changing text[] := array['security', 'control'];
begin
    if old.control = 'lodged' and new.control <> 'lodged' then
        changing := changing || array['accepted_on', 'regime', 'duty_micro', 'tax_micro', 'fee_micro', 'currency', 'law_digest', 'record'];
        if (new.record - 'accepted_on') is distinct from (old.record - 'accepted_on') then
            raise exception 'what was lodged does not change' using errcode = 'restrict_violation';
        end if;
    end if;
    if (to_jsonb(new) - changing) is distinct from (to_jsonb(old) - changing) then
        raise exception 'of a consignment only the state changes' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create index consignments_awaited on consignments (filer, reference) where control = 'lodged';
