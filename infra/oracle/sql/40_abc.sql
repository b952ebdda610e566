-- metrics.md, "ABC". Items and categories count the lines of everybody's purchases.

create table want.abc as
with contributions as (
	select 'client' as entity, client as id, revenue_minor as minor from buyers
	union all
	select 'item', item, sum(minor)::bigint from lines where item <> '' group by item
	union all
	select 'category', category, sum(minor)::bigint from lines where category <> '' group by category
), ranked as (
	select *, greatest(minor, 0) as positive,
		row_number() over w as place, count(*) over (partition by entity) as n,
		sum(greatest(minor, 0)) over (partition by entity) as total,
		sum(greatest(minor, 0)) over (w rows unbounded preceding) as so_far
	from contributions window w as (partition by entity order by minor desc, id)
), classed as (
	select *, case
		when param('$.metrics.abc.method') = 'rank_share' then case
			when place <= ceil(0.20 * n) then 'A'
			when place <= ceil(0.20 * n) + ceil(0.35 * n) then 'B'
			else 'C' end
		when minor <= 0 then 'C'
		when (so_far - positive)::decimal(30, 0) < param('$.metrics.abc.a')::decimal(7, 6) * total::decimal(30, 0) then 'A'
		when (so_far - positive)::decimal(30, 0) < param('$.metrics.abc.b')::decimal(7, 6) * total::decimal(30, 0) then 'B'
		else 'C' end as class
	from ranked
)
select entity, id, minor as revenue_minor, share(positive, total) as share, share(so_far, total) as cumulative_share, class
from classed;
