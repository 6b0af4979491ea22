-- What is kept of accepted consignments for the sake of later ones, where a risk profile looks at the past: who had to do
-- with them as keyed digests of 64 bits, and what the goods cost. Written in the transaction of the lodgement, and
-- forgotten when it is too old to count. Nobody who calls reads it: only the corridor does.
--
-- No row here names another by a foreign key: these tables hold nothing but numbers, and are looked at and added to with
-- every lodgement.

create table history (
    consignment_id bigint primary key,
    at timestamptz not null,
    jurisdiction text not null,
    seller bigint,
    platform bigint,
    seller_place bigint,
    consignee bigint,
    consignee_name bigint,
    identity bigint,
    scheme bigint,
    value_micro bigint,
    below smallint not null,
    phone bigint,
    email bigint,
    named bigint,
    address bigint,
    is_cancelled boolean not null default false
);
comment on column history.consignee is 'The number of the person, resolved by what was known then.';
comment on column history.value_micro is 'What the goods cost, in millionths of the country''s own currency.';
comment on column history.below is 'How near below a threshold of law: 1 by at most a twentieth of it, 2 by at most three more, 0 neither.';
comment on column history.phone is 'What the consignee is to be known again by from this consignment on, as the three columns after it; empty where that is kept already.';
create index history_phone on history (phone) where phone is not null;
create index history_email on history (email) where email is not null;
create index history_named on history (named) where named is not null;
create index history_address on history (address) where address is not null;
create index history_consignee on history (consignee, at) where consignee is not null;
create index history_at on history using brin (at);

create table history_sums (
    key bigint not null,
    other bigint not null,
    day date not null,
    first_at timestamptz not null,
    count integer not null,
    just integer not null,
    near integer not null,
    primary key (key, other, day)
) with (fillfactor = 80);
comment on table history_sums is 'How many a UTC day: of a seller (other is 0), and under a scheme number (other is 0), over a platform (its digest; 1 is a shop of one''s own) and from a seller.';
comment on column history_sums.first_at is 'The instant of the first of the day.';

create table history_pairs (
    key bigint not null,
    other bigint not null,
    last_on date not null,
    count integer not null,
    primary key (key, other)
) with (fillfactor = 80);
comment on table history_pairs is 'Which sellers gave a telephone or address, and under which names an identity number was used: how often, and on which UTC day last.';

create table known_before (
    consignment_id bigint primary key,
    figures text not null
);
comment on table known_before is 'What was known of what came before a consignment when it was decided, as JSON by frame in the order of its columns: so that what risk saw can be reckoned again. Not forgotten with the history.';
create trigger append_only before update or delete or truncate on known_before
    for each statement execute function refuse_change();
alter table known_before enable row level security;
create policy guarded on known_before for select to tidewaiter_guarded
    using (sees_risk() and exists (select from consignments c where c.id = known_before.consignment_id));
grant select on known_before to tidewaiter_guarded;

do $$
declare name text;
begin
    -- No policy and no grant: no guarded reader sees a row.
    foreach name in array array['history', 'history_sums', 'history_pairs'] loop
        execute format('alter table %I enable row level security', name);
    end loop;
end
$$;

-- What is known of the keys of a batch. The plan is made once a connection, and is the only sensible one however large
-- the tables are: by key. Making it anew for each batch of one would cost more than running it.
create function recalled(
    phones bigint[], emails bigint[], names bigint[], addresses bigint[], identities bigint[], sellers bigint[], places bigint[], schemes bigint[], others bigint[],
    until timestamptz, recently interval, remembered interval, newest integer
) returns table (
    part text, key bigint, other bigint, jurisdiction text, first_us bigint, count bigint, week bigint, just bigint,
    near bigint
) language plpgsql stable set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off as $$
#variable_conflict use_column
declare
    today date := (until at time zone 'UTC')::date;
    since date := ((until - remembered) at time zone 'UTC')::date;
begin
    return query
    with known as materialized (
        select w.key, h.consignee as person, h.at from unnest(phones) w(key) join history h on h.phone = w.key
        union all select w.key, h.consignee, h.at from unnest(emails) w(key) join history h on h.email = w.key
        union all select w.key, h.consignee, h.at from unnest(names) w(key) join history h on h.named = w.key
        union all select w.key, h.consignee, h.at from unnest(addresses) w(key) join history h on h.address = w.key
    )
    select 'person', k.key, k.person, null::text, (extract(epoch from k.at) * 1000000)::bigint, null::bigint, null::bigint,
        null::bigint, null::bigint
        from known k
    union all
    select 'event', w.person, h.seller, h.jurisdiction, (extract(epoch from h.at) * 1000000)::bigint, h.value_micro,
        null, null, null
        from (select distinct k.person from known k) w cross join lateral (
            select * from history s where s.consignee = w.person and s.at > until - recently and not s.is_cancelled
            order by s.at desc limit newest
        ) h
    union all
    select 'seller', w.key, null, null, (extract(epoch from s.first_at) * 1000000)::bigint, s.count, s.week, s.just, s.near
        from unnest(sellers) w(key) cross join lateral (
            select min(d.first_at) as first_at, sum(d.count) as count,
                coalesce(sum(d.count) filter (where d.day > today - 7), 0) as week, sum(d.just) as just,
                sum(d.near) as near
            from history_sums d where d.key = w.key and d.other = 0 and d.day >= since
        ) s where s.count is not null
    union all
    select 'scheme', w.key, w.other, null, null, s.count, null, null, null
        from unnest(schemes, others) w(key, other) cross join lateral (
            select sum(d.count) as count from history_sums d
            where d.key = w.key and d.other = w.other and d.day >= since
        ) s where s.count is not null
    union all
    select w.part, w.key, p.other, null, null, null, null, null, null
        from (
            select 'names' as part, i as key from unnest(identities) i
            union all select 'sellers_at', i from unnest(places) i
        ) w cross join lateral (
            select q.other from history_pairs q where q.key = w.key and q.count > 0 and q.last_on >= since limit newest
        ) p;
end
$$;

-- Adds what was accepted to the sums. Who adds to the same sums waits for the other to commit; all add in one order, so
-- that none waits for one that waits for it.
create function count_history() returns trigger language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
    insert into history_sums as h
        select k.key, k.other, (g.at at time zone 'UTC')::date, min(g.at), count(*), count(*) filter (where g.below = 1),
            count(*) filter (where g.below = 2)
        from fresh g cross join lateral (
            values (g.seller, 0), (g.scheme, 0), (g.scheme, coalesce(g.platform, 1)), (g.scheme, g.seller)
        ) k(key, other)
        where k.key is not null and k.other is not null group by 1, 2, 3 order by 1, 2, 3
        on conflict (key, other, day) do update set
            first_at = least(h.first_at, excluded.first_at), count = h.count + excluded.count,
            just = h.just + excluded.just, near = h.near + excluded.near;
    insert into history_pairs as h
        select k.key, k.other, max((g.at at time zone 'UTC')::date), count(*)
        from fresh g cross join lateral (
            values (g.seller_place, g.seller), (g.identity, g.consignee_name)
        ) k(key, other)
        where k.key is not null and k.other is not null group by 1, 2 order by 1, 2
        on conflict (key, other) do update set
            last_on = greatest(h.last_on, excluded.last_on), count = h.count + excluded.count;
    return null;
end
$$;
create trigger counted after insert on history referencing new table as fresh
    for each statement execute function count_history();

-- Takes out of the past what was cancelled: what a filer had under the reference, or under the number of customs. The
-- first instant of a seller stays, and so does what a person is known by: they were seen then.
create function take_out_of_history(filers text[], refs text[], mrns text[]) returns void language plpgsql as $$
begin
    with gone as (
        update history set is_cancelled = true where not is_cancelled and consignment_id in (
            select c.id from unnest(filers, refs, mrns) w(filer, reference, mrn) cross join lateral (
                select o.id from consignments o where o.filer = w.filer and o.reference = w.reference
                union select o.id from consignments o where o.filer = w.filer and o.mrn = w.mrn
            ) c
        ) returning *
    ), sums as (
        update history_sums h set count = h.count - g.count, just = h.just - g.just, near = h.near - g.near
        from (
            select k.key, k.other, (gone.at at time zone 'UTC')::date as day, count(*),
                count(*) filter (where below = 1) as just, count(*) filter (where below = 2) as near
            from gone cross join lateral (
                values (seller, 0), (scheme, 0), (scheme, coalesce(platform, 1)), (scheme, seller)
            ) k(key, other) group by 1, 2, 3
        ) g where h.key = g.key and h.other = g.other and h.day = g.day
    )
    update history_pairs h set count = h.count - g.count
        from (
            select k.key, k.other, count(*) from gone
            cross join lateral (values (seller_place, seller), (identity, consignee_name)) k(key, other) group by 1, 2
        ) g where h.key = g.key and h.other = g.other;
end
$$;

-- How many consignments were forgotten: those from before that instant, and all that rests on them alone.
create function forget_history(before timestamptz) returns bigint language plpgsql as $$
declare
    forgotten bigint;
    since date := (before at time zone 'UTC')::date;
begin
    delete from history where at < before;
    get diagnostics forgotten = row_count;
    delete from history_sums where day < since;
    delete from history_pairs where last_on < since;
    return forgotten;
end
$$;
