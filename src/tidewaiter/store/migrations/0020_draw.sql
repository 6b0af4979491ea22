-- The random draw in two halves: what was drawn from which probability, and the tables by which strata have theirs. And what
-- inspections found of a seller, for its next consignments.

alter table decisions add column drawn_ppm integer check (drawn_ppm between 0 and 1000000);
comment on column decisions.drawn_ppm is 'The probability at which the consignment fell to the random draw, in parts in a million; null where it is not drawn from, and where a person decided.';

create table draw_strata (
    number bigint generated always as identity primary key,
    jurisdiction text not null check (jurisdiction <> ''),
    at timestamptz not null,
    since date not null,
    until date not null check (until > since),
    share_ppm integer not null check (share_ppm between 0 and 1000000),
    counts jsonb not null,
    strata jsonb not null
);
create index draw_strata_jurisdiction on draw_strata (jurisdiction, number desc);
comment on table draw_strata is 'The probabilities of the strata of the random draw, each table with what it follows from: how many consignments of each were accepted in a time before. The newest of a country holds.';
create trigger append_only before update or delete or truncate on draw_strata
    for each statement execute function refuse_change();
alter table draw_strata enable row level security;
create policy guarded on draw_strata for select to tidewaiter_guarded
    using (sees_risk() and caller('country') in ('', draw_strata.jurisdiction));
grant select on draw_strata to tidewaiter_guarded;

alter table risk_rulesets add column strata jsonb not null default '[]';
comment on column risk_rulesets.strata is 'The tables of strata that belong to the digest, by their number.';

-- What inspections found, for the past of a seller's next consignments.
create table history_results (
    key bigint primary key,
    inspected integer not null,
    wrong integer not null,
    last_at timestamptz not null
);
comment on table history_results is 'Of each seller, by its digest, how many consignments were inspected and in how many something was wrong; 0 is of all that fell to the random draw, whoever sent them.';
alter table history_results enable row level security;

-- A first inspection is counted; one that corrects another changes only what was wrong.
create function count_inspection() returns trigger language plpgsql as $$
declare
    is_wrong integer := (new.results <> array['none'])::integer;
    was_wrong integer := (select (i.results <> array['none'])::integer from inspections i where i.id = new.supersedes);
    keys bigint[] := array(
        select h.seller from history h where h.consignment_id = new.consignment_id and h.seller is not null
        union all
        select 0 where exists (
            select from signals s where s.consignment_id = new.consignment_id and s.profile = 'random'
        )
    );
begin
    if new.supersedes is not null then
        update history_results set wrong = wrong + is_wrong - was_wrong where key = any(keys);
    else
        insert into history_results as h select k, 1, is_wrong, new.at from unnest(keys) k order by k
            on conflict (key) do update set
                inspected = h.inspected + 1, wrong = h.wrong + excluded.wrong, last_at = excluded.last_at;
    end if;
    return null;
end
$$;
create trigger counted after insert on inspections for each row execute function count_inspection();

-- As in 0018, and what inspections found of the sellers.
create or replace function recalled(
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
        ) p
    union all
    select 'result', r.key, null, null, null, r.inspected, r.wrong, null, null
        from (select i as key from unnest(sellers) i union all select 0 where cardinality(sellers) > 0) w
        join history_results r on r.key = w.key and (r.key = 0 or r.last_at > until - remembered);
end
$$;

-- As in 0018, and what inspections found.
create or replace function forget_history(before timestamptz) returns bigint language plpgsql as $$
declare
    forgotten bigint;
    since date := (before at time zone 'UTC')::date;
begin
    delete from history where at < before;
    get diagnostics forgotten = row_count;
    delete from history_sums where day < since;
    delete from history_pairs where last_on < since;
    delete from history_results where key <> 0 and last_at < before;
    return forgotten;
end
$$;
