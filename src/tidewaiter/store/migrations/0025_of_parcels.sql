-- The consignments of parcels, by their numbers without spaces and hyphens. They are asked for number by number
-- (`offset 0`), and by nothing else that an index could be asked by: while a table grows by thousands a second nobody has
-- counted what is in it, and the planner would sooner read all of it.
create function of_parcels(numbers text[]) returns setof consignments language sql stable as $$
    select c.* from (select distinct unnest(numbers)) as w(number)
    cross join lateral (select * from consignments where translate(tracking_id, ' -', '') = w.number offset 0) as c
$$;
comment on function of_parcels is 'The consignments of these parcels, by their numbers without spaces and hyphens.';
