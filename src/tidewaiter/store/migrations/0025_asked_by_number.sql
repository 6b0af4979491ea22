-- Consignments by the numbers of parcels (without spaces and hyphens) and by the number that customs gave, as lodging and
-- presenting ask for them. Whatever else is asked of them is asked afterwards (`offset 0`): while a table grows by thousands
-- a second nobody has counted what is in it, and the planner would sooner read all of it, or all of the filer's.
create function of_parcels(numbers text[]) returns setof consignments language sql stable as $$
    select c.* from (select distinct unnest(numbers)) as w(number)
    cross join lateral (select * from consignments where translate(tracking_id, ' -', '') = w.number offset 0) as c
$$;
comment on function of_parcels is 'The consignments of these parcels, by their numbers without spaces and hyphens.';

create function of_mrn(number text) returns setof consignments language sql stable as $$
    select * from consignments where mrn = number offset 0
$$;
comment on function of_mrn is 'The consignments that have this number of customs.';
