-- Broken glass is looked into by another: who serves where is written down with it, and what a supervisor found.

alter table openings add column country text not null default '', add column office text not null default '';
alter table openings disable trigger append_only;
update openings set country = people.country, office = people.office from people where people.id = openings.person_id;
alter table openings enable trigger append_only;
alter table openings add unique (id, person_id, ends_at);
comment on column openings.office is 'Where the person served then: supervisors of that office are told, and review it.';

create table glass_reviews (
    opening_id bigint primary key,
    person_id text not null,
    ends_at timestamptz not null,
    reviewed_by text not null references people,
    at timestamptz not null,
    is_justified boolean not null,
    finding text not null check (finding <> ''),
    policy text not null,
    foreign key (opening_id, person_id, ends_at) references openings (id, person_id, ends_at),
    constraint reviewed_by_another check (reviewed_by <> person_id),
    constraint reviewed_when_over check (at >= ends_at)
);
comment on table glass_reviews is 'What another person than who broke the glass found of it, when the hour was over. Each is reviewed once.';
create trigger append_only before update or delete or truncate on glass_reviews
    for each statement execute function refuse_change();

-- The same as access/policies/looking.cedar says of an opening.
create function oversees(country text, office text) returns boolean language sql stable as $$
    select caller('country') <> '' and caller('country') = country and (
        caller('role') = 'auditor'
        or (caller('role') = 'supervisor' and (caller('office') = '' or office = '' or caller('office') = office))
    )
$$;
alter table glass_reviews enable row level security;
create policy guarded on openings for select to tidewaiter_guarded using (oversees(country, office));
create policy guarded on glass_reads for select to tidewaiter_guarded
    using (exists (select from openings o where o.id = glass_reads.opening_id));
create policy guarded on glass_reviews for select to tidewaiter_guarded
    using (exists (select from openings o where o.id = glass_reviews.opening_id));
grant select on openings, glass_reads, glass_reviews to tidewaiter_guarded;

-- What was decided by hand while the system was down is an act too: its reason, and the officer as the paper names them.
alter table acts drop constraint acts_kind_check;
alter table acts add constraint acts_kind_check
    check (kind in ('release', 'refuse', 'refund', 'ask', 'complete', 'by_hand'));
comment on column acts.policy is 'The policy that allowed it; empty of what was decided by hand.';
