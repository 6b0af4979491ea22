-- What is kept of the goods of accepted consignments for the sake of later ones: how an article, or goods in the same words,
-- were declared before, and what goods like these cost. Kept as the history of their consignments is (0018), which see.

create table history_goods (
    consignment_id bigint not null,
    item integer not null,
    at timestamptz not null,
    jurisdiction text not null,
    seller bigint,
    platform bigint,
    article bigint,
    words bigint,
    code integer,
    origin bigint,
    price_per_kg_micro bigint,
    price_per_unit_micro bigint,
    is_low boolean,
    is_cancelled boolean not null default false,
    primary key (consignment_id, item)
);
comment on column history_goods.article is 'Its number in the trade, or that of its seller, as a digest; words is one of its description.';
comment on column history_goods.code is 'The first six digits of its commodity code.';
comment on column history_goods.origin is 'The letters of its country of origin as a number below nought, which no code is.';
comment on column history_goods.is_low is 'Whether it was among the cheapest twentieth of its like; null where that was not known.';
create index history_goods_at on history_goods using brin (at);
comment on table history_sums is 'How many a UTC day: of a seller (other is 0), its goods whose price was compared (2) and the cheapest of these (3); under a scheme number (0), over a platform (its digest; 1 is a shop of one''s own) and from a seller; of an article (0), under a code and with an origin; in the same words (0), and under a code.';

create table price_tables (
    number bigint generated always as identity primary key,
    at timestamptz not null,
    goods bigint not null,
    state bytea not null
);
comment on table price_tables is 'What goods cost, by country, code, origin and platform: the newest holds, and no other is kept. Of so many goods; no figure in it is of one consignment alone where there are more.';

do $$
declare name text;
begin
    -- No policy and no grant: no guarded reader sees a row.
    foreach name in array array['history_goods', 'price_tables'] loop
        execute format('alter table %I enable row level security', name);
    end loop;
end
$$;

-- The pairs that goods are counted by.
create function counted_by(g history_goods) returns table (key bigint, other bigint) language sql immutable as $$
    select p.key, p.other from (values
        (g.article, 0), (g.article, g.code), (g.article, g.origin), (g.words, 0), (g.words, g.code),
        (case when g.is_low is not null then g.seller end, 2), (case when g.is_low then g.seller end, 3)
    ) p(key, other) where p.key is not null and p.other is not null
$$;

-- Adds goods to the sums, in one order as all do. They come after the heads of all their consignments, whose sums have
-- other keys: so nobody waits for one that waits for him.
create function count_goods() returns trigger language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
    insert into history_sums as h
        select k.key, k.other, (g.at at time zone 'UTC')::date, min(g.at), count(*), 0, 0
        from fresh g cross join lateral counted_by(g) k group by 1, 2, 3 order by 1, 2, 3
        on conflict (key, other, day) do update set
            first_at = least(h.first_at, excluded.first_at), count = h.count + excluded.count;
    return null;
end
$$;
create trigger counted after insert on history_goods referencing new table as fresh
    for each statement execute function count_goods();

-- As in 0018, and the goods.
create or replace function take_out_of_history(filers text[], refs text[], mrns text[]) returns void language plpgsql as $$
begin
    with gone as (
        update history set is_cancelled = true where not is_cancelled and consignment_id in (
            select c.id from unnest(filers, refs, mrns) w(filer, reference, mrn) cross join lateral (
                select o.id from consignments o where o.filer = w.filer and o.reference = w.reference
                union select o.id from consignments o where o.filer = w.filer and o.mrn = w.mrn
            ) c
        ) returning *
    ), gone_goods as (
        update history_goods g set is_cancelled = true from gone where g.consignment_id = gone.consignment_id
        returning g.*
    ), sums as (
        update history_sums h set count = h.count - g.count, just = h.just - g.just, near = h.near - g.near
        from (
            select k.key, k.other, k.day, count(*), count(*) filter (where k.below = 1) as just,
                count(*) filter (where k.below = 2) as near
            from (
                select k.key, k.other, (gone.at at time zone 'UTC')::date as day, gone.below
                from gone cross join lateral (
                    values (seller, 0), (scheme, 0), (scheme, coalesce(platform, 1)), (scheme, seller)
                ) k(key, other)
                union all
                select k.key, k.other, (g.at at time zone 'UTC')::date, 0
                from gone_goods g cross join lateral counted_by(g) k
            ) k group by 1, 2, 3
        ) g where h.key = g.key and h.other = g.other and h.day = g.day
    )
    update history_pairs h set count = h.count - g.count
        from (
            select k.key, k.other, count(*) from gone
            cross join lateral (values (seller_place, seller), (identity, consignee_name)) k(key, other) group by 1, 2
        ) g where h.key = g.key and h.other = g.other;
end
$$;

-- As in 0020, and the goods.
create or replace function forget_history(before timestamptz) returns bigint language plpgsql as $$
declare
    forgotten bigint;
    since date := (before at time zone 'UTC')::date;
begin
    delete from history where at < before;
    get diagnostics forgotten = row_count;
    delete from history_goods where at < before;
    delete from history_sums where day < since;
    delete from history_pairs where last_on < since;
    delete from history_results where key <> 0 and last_at < before;
    return forgotten;
end
$$;

-- As in 0020, but that the pairs that are counted are of goods too, and that it says which table of prices is the newest.
drop function recalled(bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], timestamptz, interval, interval, integer);
create function recalled(
    phones bigint[], emails bigint[], names bigint[], addresses bigint[], identities bigint[], sellers bigint[], places bigint[], keys bigint[], others bigint[],
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
    select 'count', w.key, w.other, null, null, s.count, null, null, null
        from unnest(keys, others) w(key, other) cross join lateral (
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
        ) p
    union all
    select 'result', r.key, null, null, null, r.inspected, r.wrong, null, null
        from (select i as key from unnest(sellers) i union all select 0 where cardinality(sellers) > 0) w
        join history_results r on r.key = w.key and (r.key = 0 or r.last_at > until - remembered)
    union all
    select 'table', max(t.number), null, null, null, null, null, null, null from price_tables t;
end
$$;
