-- The life of a risk profile, what inspections found, and who was picked for them. Appended to, never changed. All of it is
-- for officials: no filer sees a row.

create table profiles (
    id text not null check (id ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$'),
    version integer not null check (version > 0),
    jurisdiction text not null check (jurisdiction <> ''),
    written text not null,
    author text not null check (author <> ''),
    at timestamptz not null,
    primary key (id, version)
);
comment on table profiles is 'Each version of each risk profile as an officer wrote it, in TOML. Where it stands in its life is told by profile_events.';

create table profile_events (
    number bigint generated always as identity primary key,
    profile text not null,
    version integer not null,
    kind text not null check (kind in (
        'drafted', 'backtested', 'tried', 'proposed', 'approved', 'declined', 'replaced', 'expiry_proposed', 'expired'
    )),
    at timestamptz not null,
    actor text not null check (actor <> ''),
    policy text not null,
    reason text not null,
    detail jsonb not null,
    foreign key (profile, version) references profiles
);
create index profile_events_profile on profile_events (profile, version, number);
comment on column profile_events.kind is 'tried: from now on its hits are recorded without effect. approved: it is active. replaced: another version was approved.';

-- That nobody approves their own is said three times: by a policy, by the service, and here.
create function refuse_own_approval() returns trigger language plpgsql as $$
begin
    if new.kind = 'approved' and (
        exists (select from profiles p where p.id = new.profile and p.version = new.version and p.author = new.actor)
        or coalesce((
            select e.actor = new.actor from profile_events e
            where e.profile = new.profile and e.version = new.version and e.kind = 'proposed' order by e.number desc limit 1
        ), true)
    ) then
        raise exception 'a profile is approved by another than who wrote or proposed it' using errcode = 'check_violation';
    end if;
    return new;
end
$$;
create trigger approved_by_another before insert on profile_events for each row execute function refuse_own_approval();

create table risk_rulesets (
    digest text primary key check (digest ~ '^[0-9a-f]{64}$'),
    law_digest text not null,
    profiles jsonb not null,
    at timestamptz not null
);
comment on table risk_rulesets is 'The risk profiles under which decisions were made that stand in no file of the law, by the digest of all that picks.';
alter table decisions add column risk_digest text;
comment on column decisions.risk_digest is 'The digest of the profiles, lists and draw that the corridor decided under; null where a person decided.';

create table inspections (
    id bigint generated always as identity primary key,
    consignment_id bigint not null references consignments,
    at timestamptz not null,
    officer text not null check (officer <> ''),
    policy text not null,
    results text[] not null check (
        cardinality(results) > 0
        and results <@ array['none', 'value', 'class', 'origin', 'quantity', 'prohibited', 'rights', 'document']
        and (not 'none' = any (results) or cardinality(results) = 1)
    ),
    recovered_micro bigint not null check (recovered_micro >= 0),
    currency text not null,
    minutes integer not null check (minutes between 1 and 100000),
    supersedes bigint unique references inspections
);
create index inspections_consignment on inspections (consignment_id, id);
-- Of a consignment one inspection stands: the first, or that which supersedes the one before.
create unique index inspections_first on inspections (consignment_id) where supersedes is null;
comment on column inspections.supersedes is 'The inspection of the same consignment that this one corrects: both stay, this one counts.';

create table selections (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null check (actor <> ''),
    policy text not null,
    jurisdiction text not null,
    shift text not null,
    inputs jsonb not null,
    picks jsonb not null
);
create index selections_jurisdiction on selections (jurisdiction, id desc);
comment on table selections is 'Who was picked for a shift, with all that it followed from but the key of the draw: so it can be picked again.';

do $$
declare name text;
begin
    foreach name in array array['profiles', 'profile_events', 'risk_rulesets', 'inspections', 'selections'] loop
        execute format(
            'create trigger append_only before update or delete or truncate on %I for each statement execute function refuse_change()',
            name
        );
        execute format('alter table %I enable row level security', name);
        execute format('grant select on %I to tidewaiter_guarded', name);
    end loop;
end
$$;
create policy guarded on profiles for select to tidewaiter_guarded using (sees_risk());
create policy guarded on profile_events for select to tidewaiter_guarded using (sees_risk());
create policy guarded on risk_rulesets for select to tidewaiter_guarded using (sees_risk());
create policy guarded on inspections for select to tidewaiter_guarded
    using (sees_risk() and exists (select from consignments c where c.id = inspections.consignment_id));
create policy guarded on selections for select to tidewaiter_guarded
    using (sees_risk() and caller('country') = selections.jurisdiction);
