-- A model of risk has the life of a profile: the same versions, steps and rule of two people. What is written of it, and
-- read by who approves it, is its card; what it reckons with is kept beside it, by the digest that selections name.

alter table profiles add column kind text not null default 'profile' check (kind in ('profile', 'model'));
comment on table profiles is 'Each version of each risk profile as an officer wrote it, in TOML, and the card of each version of each risk model. Where it stands in its life is told by profile_events.';

create table risk_models (
    digest text primary key check (digest ~ '^[0-9a-f]{64}$'),
    profile text not null,
    version integer not null,
    content bytea not null,
    unique (profile, version),
    foreign key (profile, version) references profiles
);
comment on table risk_models is 'What a risk model reckons with, as JSON, by its SHA-256.';
create trigger append_only before update or delete or truncate on risk_models
    for each statement execute function refuse_change();
alter table risk_models enable row level security;
create policy guarded on risk_models for select to tidewaiter_guarded using (sees_risk());
grant select on risk_models to tidewaiter_guarded;

-- Who reads what risk saw in a consignment reads when it was screened again: what was seen then came later.
alter table screenings enable row level security;
create policy guarded on screenings for select to tidewaiter_guarded
    using (sees_risk() and exists (select from consignments c where c.id = screenings.consignment_id));
grant select on screenings to tidewaiter_guarded;
