-- metrics.md, "Fold of an order": per field the statement with the latest at wins;
-- ties: cancelled/returned > completed > shipped > paid > new, then event id.

create table statements as
select distinct on (shop, order_id, event_id, source) *,
	case status when 'new' then 1 when 'paid' then 2 when 'shipped' then 3 when 'completed' then 4
		when 'cancelled' then 5 when 'returned' then 5 else 0 end as rank
from events where is_order and order_id <> ''
order by shop, order_id, event_id, source, received_at;

create table folded_orders as
with fold as (
	select shop, order_id,
		coalesce(last(status order by moment, rank, event_id, source) filter (where status <> ''), '') as status,
		coalesce(last(currency order by moment, rank, event_id, source) filter (where currency <> ''), base()) as currency,
		coalesce(last(total_minor order by moment, rank, event_id, source) filter (where total_minor is not null), 0) as total_minor,
		coalesce(last(shipping_minor order by moment, rank, event_id, source) filter (where shipping_minor is not null), 0) as shipping_minor,
		coalesce(last(tokens order by moment, rank, event_id, source) filter (where len(tokens) > 0), []) as tokens,
		coalesce(last(items order by moment, rank, event_id, source) filter (where len(items) > 0), []) as lines,
		first(source order by moment, rank, event_id, source) as source,
		min(moment) as first_at,
		min(moment) filter (where status in ('paid', 'shipped', 'completed')) as paid_at,
		-- A returned statement names the amount of this return; several add up; absent = all of it.
		coalesce(sum(abs(returned_minor)) filter (where status = 'returned'), 0)::bigint as returns,
		coalesce(bool_or(returned_minor is null) filter (where status = 'returned'), false) as all_returned
	from statements group by shop, order_id
), sums as (
	select *, total_minor - shipping_minor as goods,
		case when all_returned then greatest(total_minor - shipping_minor, 0) else returns end as returned_minor,
		all_returned or returns >= total_minor - shipping_minor as whole
	from fold
)
select *,
	-- Paid, shipped, completed, or returned in part; cancelled never, returned whole is none.
	status in ('paid', 'shipped', 'completed') or status = 'returned' and not whole as purchase,
	business_day(coalesce(paid_at, first_at)) as bought_on
from sums;

create table want.orders as
select shop, order_id, coalesce(tokens[1], '') as token, tokens[2:] as more_tokens, status, purchase,
	case when purchase then day_text(bought_on) else '' end as day,
	case when purchase then coalesce(paid_at, first_at) else first_at end as "at",
	currency,
	case when purchase then goods - returned_minor else 0 end as revenue_minor,
	total_minor, shipping_minor, returned_minor, source, lines
from folded_orders;

create table purchases as
select o.shop, o.order_id, owner.client, bought_on as day, currency, lines, goods - returned_minor as own_minor,
	to_base(goods - returned_minor, currency) as minor -- null: a currency without a rate
from folded_orders o left join owner using (tokens)
where purchase and bought_on <= as_of()
	and not (param('$.metrics.skip_zero_orders')::bool and goods - returned_minor = 0);

create table want.other_revenue as
select coalesce(client, '') as client_id, currency, sum(own_minor)::bigint as revenue_minor
from purchases where minor is null group by all;

-- Lines carry the line's sum; of a currency without a rate they show what is bought, without money.
create table lines as
with each as (select client, currency, day, unnest(lines) as line from purchases)
select client, day, currency, case when line.sku <> '' then line.sku else line.name end as item, line.category,
	try_cast(line.quantity as decimal(18, 6)) as quantity,
	coalesce(to_base(line.sum_minor, currency), 0) as minor
from each;

create table buyers as
select client, min(day) as first_day, max(day) as last_day, count(*) as orders, count(distinct day) as order_days,
	count(minor) as priced, coalesce(sum(minor), 0)::bigint as revenue_minor
from purchases where client is not null group by client;
