-- metrics.md, "XYZ": σ/μ of the population, zeros included from the first sale on.

create macro xyz(name, usual) as coalesce(param('$.metrics.xyz.' || name), usual);
create macro has_xyz() as param('$.metrics.xyz.period') is not null;
create macro period_of(d) as date_trunc(xyz('period', 'month'), d)::date;
create macro period_after(p) as (p + case xyz('period', 'month')
	when 'week' then interval 7 day when 'quarter' then interval 3 month else interval 1 month end)::date;
create macro first_period() as case length(xyz('first_period', ''))
	when 7 then period_of((xyz('first_period', '') || '-01')::date)
	when 10 then period_of(xyz('first_period', '')::date)
	else date '0001-01-01' end;

create table sales as
with each as (
	select 'item' as entity, item as id, * from lines where item <> ''
	union all
	select 'category', category, * from lines where category <> ''
)
select entity, id, period_of(day) as period,
	sum(case xyz('value', 'revenue') when 'quantity' then coalesce(quantity, 1) else minor end)::decimal(24, 6) as amount
from each group by all;

create table series as
with spans as (
	select entity, id, greatest(min(period), first_period()) as start from sales group by all
), periods as ( -- whole periods only
	select entity, id, unnest(generate_series(start, period_of(as_of()), case xyz('period', 'month')
		when 'week' then interval 7 day when 'quarter' then interval 3 month else interval 1 month end))::date as period
	from spans
)
select p.entity, p.id, coalesce(s.amount, 0) as x
from periods p left join sales s on s.entity = p.entity and s.id = p.id and s.period = p.period
where period_after(p.period) <= as_of() + 1
union all
-- Clients with four orders or more: the days between the days of their purchases.
select 'client', client, days from (
	select d.client, (day - lag(day) over (partition by d.client order by day))::decimal(24, 6) as days
	from (select distinct client, day from purchases) d join buyers b on b.client = d.client where b.orders >= 4)
where days is not null;

create table want.xyz as
with entities as (
	select distinct entity, id from sales
	union all
	select 'client', client from buyers where orders >= 4
), sums as ( -- in millionths, so that all are whole
	select e.entity, e.id, count(x) as n, coalesce(sum((x * 1000000)::hugeint), 0)::hugeint as s,
		list((x * 1000000)::hugeint) filter (where x is not null) as xs,
		case when e.entity = 'client' then 3 else xyz('min_periods', '6')::int end as least
	from entities e left join series using (entity, id) group by e.entity, e.id
), spreads as (
	select *, case when n > 0 then s::double / n / 1e6 end as mean,
		case when n > 0 then sqrt(list_sum(list_transform(xs, v -> power(v::double - s::double / n, 2))) / n) / 1e6 end as sigma
	from sums
)
select entity, id, n as periods, mean, sigma, case when s > 0 then sigma / mean end as cv,
	case
		when n < least or s <= 0 then ''
		when round(sigma / mean, 12) <= xyz('x', '0.10')::double then 'X'
		when round(sigma / mean, 12) <= xyz('y', '0.25')::double then 'Y'
		else 'Z' end as class
from spreads;

create table want.abc_xyz as
with both_classes as (
	select a.entity, a.class as abc, x.class as xyz, a.revenue_minor
	from want.abc a join want.xyz x on x.entity = a.entity and x.id = a.id where x.class <> ''
)
select e.entity, a.abc, x.xyz, count(b.entity) as count, coalesce(sum(b.revenue_minor), 0)::bigint as revenue_minor
from (select distinct entity from both_classes) e
cross join (values ('A'), ('B'), ('C')) as a(abc) cross join (values ('X'), ('Y'), ('Z')) as x(xyz)
left join both_classes b on b.entity = e.entity and b.abc = a.abc and b.xyz = x.xyz
group by all;

insert into want.thresholds by name
select 'xyz' as metric, entity, case when entity = 'client' then 'intervals' else xyz('period', 'month') end as rule,
	xyz('x', '0.10')::double as bound_1, xyz('y', '0.25')::double as bound_2,
	case when entity = 'client' then 3 else xyz('min_periods', '6')::int end as bound_3
from (values ('client'), ('item'), ('category')) as t(entity) where has_xyz();
