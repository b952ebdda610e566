-- Time since the last purchase, concentration, channels and birthdays, as lib/schema
-- says of each table what it holds.

create table want.recency as
with lasts as (
	select unnest(bounds) as last, generate_subscripts(bounds, 1) as n
	from (select from_json(json_extract(getvariable('params'), '$.metrics.recency_bands'), '["INTEGER"]') as bounds)
), bands as (
	select coalesce((select l.last + 1 from lasts l where l.n = t.n - 1), 0)::bigint as from_days, (select l.last::bigint from lasts l where l.n = t.n) as to_days
	from (select unnest(range(1, (select count(*) + 2 from lasts))) as n) t
)
select from_days, to_days, count(client) as clients, share(count(client), (select count(*) from buyers)) as share,
	coalesce(sum(revenue_minor), 0)::bigint as revenue_minor
from bands left join buyers on as_of() - last_day >= from_days and (to_days is null or as_of() - last_day <= to_days)
where exists (from buyers)
group by from_days, to_days;

-- Gini: Σ (2i − n − 1) xᵢ / (n Σ x), i counted from the smallest.
create table want.concentration as
with positive as (
	select entity, greatest(revenue_minor, 0) as x, row_number() over (partition by entity order by revenue_minor desc, id) as place,
		count(*) over (partition by entity) as n, sum(greatest(revenue_minor, 0)) over (partition by entity) as total
	from want.abc
), apart as (
	select entity, sum((2 * (n + 1 - place) - n - 1)::hugeint * x::hugeint) as difference from positive group by entity
)
select entity, percent / 100.0::double as top_share, ((n * percent + 99) // 100)::bigint as entities,
	coalesce(sum(x) filter (where place <= (n * percent + 99) // 100), 0)::bigint as revenue_minor,
	share(coalesce(sum(x) filter (where place <= (n * percent + 99) // 100), 0), any_value(total)) as share,
	share(any_value(difference), n * any_value(total)) as gini
from positive join apart using (entity), unnest([1, 5, 10, 20, 50]) as t(percent)
group by entity, n, percent;

-- Deliveries about one call or chat are one contact, in the month of the last of them.
create table want.channels as
with each as (
	select client, moment, case when entity <> '' then concat('entity ', entity) else concat('event ', source, ' ', event_id) end as occasion,
		folded(channel) as channel,
		case when folded(direction) in ('in', 'inbound', 'incoming') then 'in' when folded(direction) in ('out', 'outbound', 'outgoing') then 'out' else '' end as direction
	from acts where kind = 'contact'
), one as (
	select client, occasion, max(moment) as moment, max(channel) as channel, max(direction) as direction from each group by client, occasion
), counted as (
	select client, channel, direction, unnest(['', month_text(business_day(moment))]) as month
	from one semi join (from contacts where not missed) m using (client, occasion)
)
select month, channel, direction, count(*) as contacts, count(distinct client) as clients,
	share(count(*), sum(count(*)) over (partition by month)) as share
from counted group by month, channel, direction;

-- The latest statement of each name counts; a whole date of the client's goes before one
-- without a year. The first one after the as-of day; of 29 February the 1st of March.
create macro in_year(y, month_day) as case when month_day = '02-29' and not (y % 4 = 0 and (y % 100 <> 0 or y % 400 = 0))
	then make_date(y, 3, 1) else (y || '-' || month_day)::date end;

create table want.birthdays as
with said as (
	select owner.client, p.moment, p.birth_date, p.attributes from personal p join owner using (tokens) where business_day(p.moment) <= as_of()
), own as (
	select distinct on (client) client, 'client' as who, birth_date[-5:] as month_day from said where birth_date <> ''
	order by client, birth_date like '--%', moment desc, birth_date
), others as (
	select client, moment, unnest(map_entries(attributes)) as a from said
), named as (
	select client, moment, a.key as name, a.value as value, regexp_extract(regexp_replace(lower(a.key), '[_ 0-9-]+', '_', 'g'), '^_?(child|pet)_birth_date_?$', 1) as who from others
), latest as (
	select distinct on (client, name) client, who, case when value like '____-__-__' then value[6:] else value[4:5] || '-' || value[1:2] end as month_day
	from named where who <> '' and (value like '____-__-__' or value like '__.__.____') order by client, name, moment desc, value
)
select distinct client as client_id, who, month_day, day_text(next) as next_day, next - as_of() as days_until from (
	select *, case when in_year(year(as_of()), month_day) > as_of() then in_year(year(as_of()), month_day) else in_year(year(as_of()) + 1, month_day) end as next
	from (from own union all from latest));

insert into want.thresholds by name
with rows as (
	select 'recency_bands' as metric, 'client' as entity, 'days' as rule, list(last::double order by n) as b
	from (select unnest(bounds) as last, generate_subscripts(bounds, 1) as n
		from (select from_json(json_extract(getvariable('params'), '$.metrics.recency_bands'), '["INTEGER"]') as bounds))
	union all
	select 'concentration', entity, 'top_share', [0.01, 0.05, 0.1, 0.2, 0.5] from (values ('client'), ('item'), ('category')) as t(entity)
	union all
	select 'rfm', 'client', param('$.metrics.rfm.method'), [groups_k(), days_of('rfm.window_days')]
	union all
	select 'activity', 'client', 'days', [days_of('active_days'), days_of('sleeping_days'), days_of('dead_days'), days_of('new_days')]
	union all
	select 'lifecycle', 'client', 'orders', [days_of('regular_orders')]
	union all
	select 'purchase', 'order', 'skip_zero_orders', [param('$.metrics.skip_zero_orders')::bool::int]
)
select metric, entity, rule, b[1] as bound_1, b[2] as bound_2, b[3] as bound_3, b[4] as bound_4, b[5] as bound_5,
	b[6] as bound_6, b[7] as bound_7, b[8] as bound_8, b[9] as bound_9
from rows;
