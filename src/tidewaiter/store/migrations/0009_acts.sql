-- What people did with a consignment after it was lodged, and what one proposed and another approved. Appended to, never
-- changed. The reasons here are for officials; what a filer is told is in `decisions`.

-- Answers given about a consignment after those that its lodging gave, which stand in `results`.
create table later_answers (
    id bigint generated always as identity primary key,
    consignment_id bigint not null references consignments,
    sent_at timestamptz not null,
    answers json not null
);
create index later_answers_consignment on later_answers (consignment_id, id);
alter table later_answers enable row level security;
create policy guarded on later_answers for select to tidewaiter_guarded
    using (exists (select from consignments c where c.id = later_answers.consignment_id));
grant select on later_answers to tidewaiter_guarded;
create trigger append_only before update or delete or truncate on later_answers
    for each statement execute function refuse_change();

create table proposals (
    id bigint generated always as identity primary key,
    consignment_id bigint not null references consignments,
    kind text not null check (kind in ('release', 'refund')),
    detail jsonb not null,
    pinned text not null,
    reason text not null check (reason <> ''),
    proposed_by text not null check (proposed_by <> ''),
    proposed_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > proposed_at and expires_at <= proposed_at + interval '24 hours'),
    unique (id, proposed_by, expires_at)
);
create index proposals_consignment on proposals (consignment_id);
comment on column proposals.pinned is 'The decision and the leg that stood last when it was proposed: approved is what was seen, or nothing.';

create table closings (
    proposal_id bigint primary key,
    proposed_by text not null,
    expires_at timestamptz not null,
    is_approved boolean not null,
    closed_by text not null check (closed_by <> ''),
    closed_at timestamptz not null,
    reason text not null,
    foreign key (proposal_id, proposed_by, expires_at) references proposals (id, proposed_by, expires_at),
    constraint approved_by_another check (not is_approved or closed_by <> proposed_by),
    constraint approved_in_time check (not is_approved or closed_at <= expires_at)
);
comment on table closings is 'How a proposal ended: approved by another person in time, declined, or withdrawn. Each ends once.';

create table acts (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    consignment_id bigint not null references consignments,
    kind text not null check (kind in ('release', 'refuse', 'refund')),
    actor text not null check (actor <> ''),
    policy text not null,
    reason text not null check (reason <> ''),
    detail jsonb not null,
    proposal_id bigint unique references closings,
    key text,
    unique (actor, key)
);
create index acts_consignment on acts (consignment_id, id);
comment on column acts.policy is 'The policy that allowed it.';
comment on column acts.key is 'An Idempotency-Key: the same act sent again is done once.';

-- Never more is given back than was charged, whatever a program does. Looked at only where income is debited.
create function refuse_over_refund() returns trigger language plpgsql as $$
begin
    if exists (select from legs where account like 'revenue:%' and debit_micro > 0) and exists (
        select from postings p
        where p.account like 'revenue:%'
            and p.consignment_id in (select consignment_id from legs where account like 'revenue:%' and debit_micro > 0)
        group by p.consignment_id, p.account, p.currency having sum(p.debit_micro) > sum(p.credit_micro)
    ) then
        raise exception 'more would be given back than was charged' using errcode = 'check_violation';
    end if;
    return null;
end
$$;
create trigger never_over_refunded after insert on postings
    referencing new table as legs for each statement execute function refuse_over_refund();

-- Looking where one otherwise may not, for an hour at most, for a case: who, why, and at what.
create table openings (
    id bigint generated always as identity primary key,
    person_id text not null references people,
    reason text not null check (reason <> ''),
    case_id text not null check (case_id <> ''),
    began_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > began_at and ends_at <= began_at + interval '60 minutes')
);
create index openings_person on openings (person_id, ends_at desc);
create table glass_reads (
    id bigint generated always as identity primary key,
    opening_id bigint not null references openings,
    consignment_id bigint not null references consignments,
    at timestamptz not null
);

do $$
declare name text;
begin
    foreach name in array array['proposals', 'closings', 'acts', 'openings', 'glass_reads'] loop
        execute format(
            'create trigger append_only before update or delete or truncate on %I for each statement execute function refuse_change()',
            name
        );
        execute format('alter table %I enable row level security', name);
    end loop;
end
$$;
create policy guarded on proposals for select to tidewaiter_guarded
    using (sees_risk() and exists (select from consignments c where c.id = proposals.consignment_id));
create policy guarded on closings for select to tidewaiter_guarded
    using (exists (select from proposals p where p.id = closings.proposal_id));
create policy guarded on acts for select to tidewaiter_guarded
    using (sees_risk() and exists (select from consignments c where c.id = acts.consignment_id));
grant select on proposals, closings, acts to tidewaiter_guarded;
