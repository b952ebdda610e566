-- metrics.md, "Cohorts". Months are calendar months of the business's time zone.

create table client_months as
select client, date_trunc('month', day)::date as month, coalesce(sum(minor), 0)::bigint as minor
from purchases where client is not null group by all;

create table acquired as
select client, date_trunc('month', first_day)::date as cohort from buyers;

create table want.cohorts as
with sizes as (select cohort, count(*) as size from acquired group by cohort),
cells as (
	select cohort, size, period, (cohort + to_months(period::int))::date as month
	from (select cohort, size, unnest(range(0, datediff('month', cohort, as_of()) + 1)) as period from sizes)
), counted as (
	select a.cohort, m.month, count(*) as active, sum(m.minor)::bigint as minor
	from client_months m join acquired a using (client) group by all
), lasting as ( -- unbounded: who bought in that month or later
	select cells.cohort, cells.month, count(*) as active
	from cells join acquired a on a.cohort = cells.cohort join buyers b on b.client = a.client and b.last_day >= cells.month group by all
), seen as (
	select cohort, month, case param('$.metrics.cohorts') when 'unbounded' then lasting.active else counted.active end as active, minor
	from counted full join lasting using (cohort, month)
)
select month_text(cells.cohort) as cohort_month, period, size as clients, coalesce(active, 0) as active,
	share(coalesce(active, 0), size) as retention, coalesce(minor, 0) as revenue_minor,
	sum(coalesce(minor, 0)) over (partition by cells.cohort order by period)::bigint as cumulative_revenue_minor,
	last_day(cells.month) <= as_of() as complete -- a period that has not ended by D is not
from cells left join seen on seen.cohort = cells.cohort and seen.month = cells.month;

-- Every client who had bought by the end of the month is in exactly one column.
create table want.lifecycle as
with months as (
	select unnest(generate_series(min(cohort), date_trunc('month', as_of())::date, interval 1 month))::date as month from acquired
), each as (
	select months.month, a.cohort = months.month as first_one, now.client is not null as bought, before.client is not null as bought_before
	from months join acquired a on a.cohort <= months.month
	left join client_months now on now.client = a.client and now.month = months.month
	left join client_months before on before.client = a.client and before.month = (months.month - interval 1 month)::date
)
select month_text(month) as month,
	count(*) filter (where first_one) as new,
	count(*) filter (where bought and not first_one and bought_before) as returning,
	count(*) filter (where bought and not first_one and not bought_before) as resurrected,
	count(*) filter (where not bought) as dormant
from each group by month;
