-- The random draw in two halves: what was drawn from which probability, and the tables by which strata have theirs.

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
