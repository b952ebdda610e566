-- metrics.md, "Funnel and cost".

-- What an order's events name as its interests.
create table order_topics as
select distinct shop, order_id, interest from (
	select shop, order_id, unnest(interests) as interest from events where is_order and order_id <> '')
where interest <> '';

create table all_topics as
select distinct interest from topics;

-- A purchase is about the interests that its order names, else those that its
-- categories name, else the only one of the client.
create table won as
with mine as (select shop, order_id, client, day, lines from purchases where client is not null),
named as (select client, day, interest, shop, order_id from mine join order_topics using (shop, order_id)),
by_category as (
	select distinct on (client, shop, order_id, category) client, day, interest, shop, order_id, category
	from (select client, day, shop, order_id, unnest(lines).category as category from mine anti join named using (shop, order_id))
	join all_topics on folded(interest) = folded(category)
	where category <> ''
	order by client, shop, order_id, category, interest <> category, interest <> folded(category), interest
),
only_one as (
	select m.client, m.day, t.interest from mine m
	join (select client, any_value(interest) as interest from topics group by client having count(*) = 1) t using (client)
	anti join named n on n.shop = m.shop and n.order_id = m.order_id
	anti join by_category c on c.shop = m.shop and c.order_id = m.order_id
)
select client, interest, min(day) as day from (
	select client, interest, day from named union all select client, interest, day from by_category union all select client, interest, day from only_one)
group by all;

-- The first day of every stage, as a whole (interest '') and by interest; a purchase implies the last.
create table paths as
with facts as (
	select client, interest, n, day from reached
	union all
	select client, interest, (select max(n) from stages), day from won
	union all
	select client, '', (select max(n) from stages), day from won
	union all
	select client, '', (select max(n) from stages), first_day from buyers
)
select client, interest, n, min(day) as day from facts where n is not null group by all;

create table travellers as
select client, interest, max(n) as furthest, date_trunc('month', min(day))::date as entered,
	folded(coalesce(any_value(h.source), '')) as source, folded(coalesce(any_value(h.campaign), '')) as campaign
from paths join want.clients h on h.client_id = paths.client group by client, interest;

-- What a day's statement about a campaign says replaces the earlier ones; one
-- delivery's parts add up. So does a later statement of an entity.
create table costs as
with said as (
	select *, case when entity <> '' then concat('entity ', entity)
		else concat_ws(chr(0), 'day', source, cost_day, folded(cost_source), folded(cost_campaign)) end as about
	from events where kind = 'cost' and cost_minor is not null
), latest as (
	select distinct on (about, case when entity <> '' then '' else event_id end) *
	from (select * from said qualify (moment, received_at) = max((moment, received_at)) over (partition by about))
	order by about, case when entity <> '' then '' else event_id end, event_id desc, source desc, cost_minor desc
)
select date_trunc('month', cost_day::date)::date as month, folded(cost_source) as source, folded(cost_campaign) as campaign,
	sum(to_base(cost_minor, case when currency = '' then base() else currency end))::bigint as minor
from latest where cost_day::date <= as_of() and to_base(cost_minor, case when currency = '' then base() else currency end) is not null
group by all;

create table funnel_cells as
-- Of a month: the furthest stage first reached in it; of all time: the furthest of all.
with steps as (
	select client, interest, date_trunc('month', day)::date as month, max(n) as upto from paths group by all
	union all
	select client, interest, null, furthest from travellers
), entries as (
	select steps.month, t.interest, unnest(list_distinct(['', t.source])) as source, upto, t.furthest, t.entered, t.client,
		t.interest = '' and exists (from costs c where c.month = t.entered and c.source = t.source and c.campaign = t.campaign) as paid
	from steps join travellers t using (client, interest)
)
select e.month, e.interest, e.source, s.n, count(*) filter (where upto >= s.n) as entered,
	count(*) filter (where furthest = s.n and (e.month is null or e.month = e.entered)) as current,
	count(*) filter (where paid and upto >= s.n) as known
from entries e, stages s group by all;

create table want.funnel as
with spent_at as (
	select month, coalesce(source, '') as source, sum(minor)::bigint as minor from (
		select month, '' as source, minor from costs union all select null, '', minor from costs
		union all select month, source, minor from costs where source <> '' union all select null, source, minor from costs where source <> '')
	group by all
), cells as (
	select month, interest, source from funnel_cells
	union
	select month, '', source from spent_at
)
select coalesce(month_text(c.month), '') as month, s.stage, c.interest, c.source,
	coalesce(f.entered, 0) as entered, coalesce(f.current, 0) as current,
	case when lag(coalesce(f.entered, 0)) over w > 0 then coalesce(f.entered, 0)::double / lag(coalesce(f.entered, 0)) over w end as conversion_from_previous,
	case when first_value(coalesce(f.entered, 0)) over w > 0 then coalesce(f.entered, 0)::double / first_value(coalesce(f.entered, 0)) over w end as conversion_from_top,
	case when c.interest = '' then p.minor end as cost_minor,
	case when c.interest = '' then coalesce(f.known, 0) end as cost_known_for,
	case when c.interest = '' then per(p.minor, coalesce(f.known, 0)) end as cost_per_stage_minor
from cells c cross join stages s
left join funnel_cells f on f.month is not distinct from c.month and f.interest = c.interest and f.source = c.source and f.n = s.n
left join spent_at p on p.month is not distinct from c.month and p.source = c.source
window w as (partition by c.month, c.interest, c.source order by s.n);

create table want.sources as
with brought as (
	select entered as month, t.source, t.campaign, count(*) as leads, count(b.client) as clients,
		coalesce(sum(b.orders), 0)::bigint as orders, coalesce(sum(b.revenue_minor), 0)::bigint as revenue
	from travellers t left join buyers b using (client) where interest = '' group by all
)
select month_text(month) as month, source, campaign, coalesce(leads, 0) as leads, coalesce(clients, 0) as clients,
	coalesce(orders, 0) as orders, coalesce(revenue, 0) as revenue_minor, minor as cost_minor,
	per(minor, leads) as cost_per_lead_minor, per(minor, clients) as cost_per_client_minor,
	case when minor > 0 then coalesce(revenue, 0)::double / minor end as return_on_spend
from brought full join costs using (month, source, campaign);

create table want.bases as
with each as (
	select interest, case when furthest = (select max(n) from stages) then 'client' else 'potential' end as base, coalesce(b.revenue_minor, 0) as minor
	from travellers t left join buyers b using (client) where interest <> ''
)
select i.interest, k.base, count(e.base) as clients, coalesce(sum(e.minor), 0)::bigint as revenue_minor
from (select distinct interest from each) i cross join (values ('client'), ('potential')) as k(base)
left join each e on e.interest = i.interest and e.base = k.base group by all;
