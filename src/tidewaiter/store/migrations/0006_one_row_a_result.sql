-- A lodgement in fewer rows. What was found, charged and answered of a consignment is written once, read as a whole and
-- never changed: it is one row of `results`. The answer to a message, in the sender's format as sent, and what was found
-- about it as a whole stand with the message. So a consignment makes six rows besides its legs in the ledger, not twenty.

create table results (
    consignment_id bigint primary key,
    findings json not null,
    charges json not null,
    answers json not null
);
comment on table results is 'What the corridor said of a consignment when it came, and what was answered in our own form, each a list in its order.';
comment on column results.charges is 'The receipt as it was told: amounts are exact decimals as text. Sums are in consignments, legs in postings.';

insert into results (consignment_id, findings, charges, answers)
select
    c.id,
    coalesce((
        select json_agg(json_build_object('code', f.code, 'severity', f.severity, 'pointer', f.pointer, 'source_pointer',
            f.source_pointer, 'text', f.text, 'remedy', f.remedy, 'law', f.law) order by f.place)
        from findings f where f.consignment_id = c.id
    ), '[]'),
    coalesce((
        select json_agg(to_jsonb(h) - 'consignment_id' - 'place' order by h.place)
        from charges h where h.consignment_id = c.id
    ), '[]'),
    coalesce((
        select json_agg(convert_from(a.body, 'UTF8')::json order by a.place)
        from answers a where a.consignment_id = c.id
    ), '[]')
from consignments c;

alter table messages
    add column findings json not null default '[]',
    add column answer bytea not null default '';
alter table messages disable trigger append_only;
update messages m set
    answer = (select a.body from answers a where a.message_id = m.id and a.consignment_id is null),
    findings = coalesce((
        select json_agg(json_build_object('code', f.code, 'severity', f.severity, 'pointer', f.pointer, 'source_pointer',
            f.source_pointer, 'text', f.text, 'remedy', f.remedy, 'law', f.law) order by f.place)
        from findings f where f.message_id = m.id and f.consignment_id is null
    ), '[]');
alter table messages enable trigger append_only;
alter table messages alter column answer drop default;
comment on column messages.findings is 'What was found about the message as a whole; what is about a consignment in it is in results.';
comment on column messages.answer is 'All answers in the sender''s format, as sent.';

drop table findings, charges, answers;

-- A row that names a consignment or message which is not there is refused as before, but once a statement and not once a
-- row: nothing is ever taken out of these two tables, so what was there stays there.
do $$
declare one record;
begin
    for one in
        select conrelid::regclass as child, conname as name from pg_constraint
        where contype = 'f' and confrelid in ('messages'::regclass, 'consignments'::regclass)
            and conrelid in ('consignments'::regclass, 'idempotency'::regclass, 'vault'::regclass, 'signals'::regclass,
                'decisions'::regclass, 'postings'::regclass, 'events'::regclass)
    loop
        execute format('alter table %s drop constraint %I', one.child, one.name);
    end loop;
end
$$;

create function refuse_unknown_message() returns trigger language plpgsql
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    if exists (select from fresh where not exists (select from messages m where m.id = fresh.message_id)) then
        raise exception '% names a message that is not there', tg_table_name using errcode = 'foreign_key_violation';
    end if;
    return null;
end
$$;
create function refuse_unknown_consignment() returns trigger language plpgsql
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    if exists (
        select from fresh where fresh.consignment_id is not null
            and not exists (select from consignments c where c.id = fresh.consignment_id)
    ) then
        raise exception '% names a consignment that is not there', tg_table_name using errcode = 'foreign_key_violation';
    end if;
    return null;
end
$$;
do $$
declare name text;
begin
    foreach name in array array['consignments', 'idempotency', 'events'] loop
        execute format('create trigger known_message after insert on %I referencing new table as fresh'
            ' for each statement execute function refuse_unknown_message()', name);
    end loop;
    foreach name in array array['vault', 'results', 'signals', 'decisions', 'postings', 'events'] loop
        execute format('create trigger known_consignment after insert on %I referencing new table as fresh'
            ' for each statement execute function refuse_unknown_consignment()', name);
    end loop;
end
$$;
create trigger append_only before update or delete or truncate on results
    for each statement execute function refuse_change();

-- One index where two were: a consignment's decisions and legs are always asked for by the consignment. The number of a
-- parcel is looked up as consignments_parcel_number has it. Sums by account are for those who read the whole ledger.
alter table decisions drop constraint decisions_pkey;
alter table decisions add primary key (consignment_id, id);
drop index decisions_consignment;
alter table postings drop constraint postings_pkey;
alter table postings add primary key (consignment_id, id);
drop index postings_consignment, postings_account, consignments_tracking_id;

-- A message with its answer is some kilobytes: packing each, or putting it into a table of its own, costs more than all
-- its other rows. What is longer than a page still goes there.
alter table messages set (toast_tuple_target = 8160);
alter table results set (toast_tuple_target = 8160);
alter table consignments set (toast_tuple_target = 8160);
