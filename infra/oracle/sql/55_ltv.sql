-- metrics.md, "LTV and churn", its first paragraph; fitted models are not repeated.

create macro churn_days() as days_of('churn_days');
create macro margin() as coalesce(param('$.metrics.margin')::double, 1);
create macro horizon() as coalesce(param('$.metrics.ltv_horizon_months')::int, 60);
create macro monthly(churned, at_start) as 1 - power(1 - churned::double / at_start, 30.4375 / churn_days());

-- Active at the start of a month: a purchase within churn_days before it. Lost: none
-- of the following churn_days. Closed: these days, and the month, have ended.
create table churn as
with months as (
	select unnest(generate_series(min(cohort), date_trunc('month', as_of())::date, interval 1 month))::date as month from acquired
), days as (
	select distinct client, day from purchases where client is not null
), bases as (
	select month, client, count(*) filter (where day < month) > 0 as at_start, count(*) filter (where day >= month) > 0 as stays
	from months join days on day >= month - churn_days() and day < month + churn_days() group by all
), lost as (
	select month, count(*) filter (where at_start) as at_start, count(*) filter (where at_start and not stays) as churned
	from bases group by month
), money as (
	select month, count(*) as active, sum(minor)::bigint as revenue_minor from client_months group by month
)
select month, coalesce(active, 0) as active, coalesce(revenue_minor, 0) as revenue_minor,
	coalesce(at_start, 0) as at_start, coalesce(churned, 0) as churned,
	month + churn_days() - 1 <= as_of() and last_day(month) <= as_of() as closed
from months left join lost using (month) left join money using (month);

create table want.ltv as
select month_text(month) as month, active, revenue_minor, per(revenue_minor, active) as arpa_minor,
	case when closed and at_start > 0 then churned::double / at_start end as churned_share,
	case when closed and at_start > 0 then monthly(churned, at_start) end as monthly_churn,
	closed
from churn;

-- Over the last twelve closed months; each number is made of the written ones.
create table want.models as
with recent as (
	select * from churn where closed order by month desc limit 12
), sums as (
	select count(*) as months, min(month) as since, max(month) as until, sum(active) as active, sum(revenue_minor) as revenue,
		sum(at_start) as at_start, sum(churned) as churned,
		case when sum(active) > 0 then nine(sum(revenue_minor)::double / sum(active)) end as arpa,
		case when sum(at_start) > 0 then nine(monthly(sum(churned), sum(at_start))) end as churn
	from recent having count(*) > 0
), lives as (
	select *, horizon() > 0 and (churn = 0 or 1 / churn > horizon()) as binds from sums
), worth as (
	select *, case when active > 0 and at_start > 0 and (churn > 0 or horizon() > 0) then
		case when binds then horizon() else nine(1 / churn) end end as lifetime
	from lives
), rows as (
	select unnest(['arpa', 'churn', 'lifetime_months', 'ltv_minor', 'horizon_binds', 'window_months', 'window_from', 'window_to',
			'revenue_minor', 'active', 'active_at_start', 'churned']) as parameter,
		unnest([arpa, churn, lifetime, round(nine(arpa * margin() * lifetime)), case when lifetime is not null then binds::int end, months,
			strftime(since, '%Y%m')::int, strftime(until, '%Y%m')::int, revenue, active, at_start, churned]::double[]) as value
	from worth
)
select 'ltv' as model, parameter, value from rows where value is not null;

insert into want.thresholds by name
select 'ltv' as metric, 'client' as entity, 'closed_months' as rule, churn_days() as bound_1, margin() as bound_2, horizon() as bound_3, 12 as bound_4
where param('$.metrics.margin') is not null;
