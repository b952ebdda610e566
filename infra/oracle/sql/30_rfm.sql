-- metrics.md, "RFM".

create macro since() as case when days_of('rfm.window_days') > 0 then as_of() - days_of('rfm.window_days') + 1 else date '0001-01-01' end;

-- Clients without a purchase in the window get no code.
create table rfm_members as
select client, as_of() - max(day) as recency,
	case param('$.metrics.rfm.frequency') when 'days' then count(distinct day) else count(*) end as frequency,
	coalesce(sum(minor), 0)::bigint as revenue, count(minor) as priced, max(day) as last_day
from purchases where client is not null and day >= since() group by client;

-- The three values as exact decimals. An average is a fraction, taken at nine digits.
create table rfm_values as
select client, last_day, 'recency' as metric, recency::decimal(28, 10) as v from rfm_members
union all
select client, last_day, 'frequency', frequency::decimal(28, 10) from rfm_members
union all
select client, last_day, 'monetary',
	case when param('$.metrics.rfm.monetary') = 'average' and priced > 0 then nine(revenue::double / priced)::decimal(28, 10)
		else revenue::decimal(28, 10) end
from rfm_members;

-- Type-7 quantiles at i/k, kept k times as large so that nothing is rounded: the
-- value at position (n-1)·i/k of the sorted ones, between two of them in proportion.
create table bounds as
with sorted as (
	select metric, list(v order by v) as vs, count(*) as n from rfm_values group by metric
), places as (
	select metric, vs, i, ((n - 1) * i) // groups_k() + 1 as below, ((n - 1) * i) % groups_k() as rest
	from sorted, unnest(range(1, groups_k())) as t(i)
	where param('$.metrics.rfm.method') = 'quantile'
)
select metric, i, vs[below] * groups_k()::decimal(2, 0)
	+ case when rest > 0 then rest::decimal(2, 0) * (vs[below + 1] - vs[below]) else 0 end as bound_k
from places
union all
-- fixed: from the configuration; money there is in major units.
select metric, i, value::decimal(18, 6)::decimal(28, 10) * groups_k()::decimal(2, 0)
	* (case when metric <> 'monetary' then 1 else 10 ^ digits(base()) end)::decimal(4, 0)
from (
	select metric, unnest(bounds) as value, generate_subscripts(bounds, 1) as i from (
		select metric, from_json(json_extract(getvariable('params'), '$.metrics.rfm.' || name), '["VARCHAR"]') as bounds
		from (values ('recency', 'r_bounds'), ('frequency', 'f_bounds'), ('monetary', 'm_bounds')) as m(metric, name)))
where param('$.metrics.rfm.method') = 'fixed' and exists (from rfm_members);

-- Group 1 has the smallest values: 1 + the number of bounds exceeded, or NTILE by
-- value, then last purchase, then client id.
create table rfm_groups as
with tiles as (
	select client, metric, v,
		case groups_k()
			when 2 then ntile(2) over w when 3 then ntile(3) over w when 4 then ntile(4) over w when 5 then ntile(5) over w
			when 6 then ntile(6) over w when 7 then ntile(7) over w when 8 then ntile(8) over w when 9 then ntile(9) over w
		end as tile
	from rfm_values window w as (partition by metric order by v, last_day, client)
)
select client, metric, v,
	case param('$.metrics.rfm.method') when 'ntile' then tile
	else 1 + (select count(*) from bounds b where b.metric = tiles.metric and tiles.v * groups_k()::decimal(2, 0) > b.bound_k)
	end as place
from tiles;

-- For R the score is k+1 − that.
create table rfm as
select client, max(groups_k() + 1 - place) filter (where metric = 'recency') as r,
	max(place) filter (where metric = 'frequency') as f, max(place) filter (where metric = 'monetary') as m
from rfm_groups group by client;

-- metrics.md, the table of segments; for other numbers of groups the configuration's.
create table playbook as
with configured as (
	select rule->>'$.segment' as segment, unnest(from_json(rule->'$.codes', '["VARCHAR"]')) as code
	from (select unnest(from_json(json_extract(getvariable('params'), '$.metrics.rfm.playbook'), '["JSON"]')) as rule)
), standard as (
	select segment, unnest(string_split(codes, ' ')) as code from (values
		('champions', '333'), ('loyal', '331 332'), ('growing', '321 322 323'), ('new', '311 312'), ('big_new', '313'),
		('cooling_valuable', '233 232'), ('steady', '221 222 223 231'), ('cooling_once', '211 212 213'),
		('cant_lose', '133 132 123'), ('dormant', '121 122 131 113'), ('lost', '111 112')) as t(segment, codes)
)
select code, segment from configured
union all
select code, segment from standard where not exists (from configured);

create table rfm_codes_of as
select client, r, f, m, concat(r, f, m) as code, segment from rfm left join playbook on code = concat(r, f, m);

create table want.rfm_codes as
with digits as (select unnest(range(1, groups_k() + 1)) as d)
select concat(r.d, f.d, m.d) as code, any_value(playbook.segment) as segment, count(c.client) as clients,
	share(count(c.client), (select count(*) from rfm)) as share, coalesce(sum(b.revenue_minor), 0)::bigint as revenue_minor
from digits r cross join digits f cross join digits m
left join rfm_codes_of c on c.r = r.d and c.f = f.d and c.m = m.d
left join buyers b on b.client = c.client
left join playbook on playbook.code = concat(r.d, f.d, m.d)
group by r.d, f.d, m.d;

-- Where the predecessor's clients are, by the id that each has now.
create table want.rfm_moves as
with old as (
	select t.client, first(b.rfm_code order by t.token <> t.client, t.token) as code
	from have_before.clients b join token_map t on t.token = b.client_id where b.rfm_code is not null group by t.client
)
select coalesce(old.code, '') as from_code, now.code as to_code, count(*) as clients
from rfm_codes_of now left join old using (client)
where exists (select 1 from have_before.run)
group by all;

create table want.thresholds as
with rows as (
	select metric, 'client' as entity, param('$.metrics.rfm.method') as rule, list(bound_k::double / groups_k() order by i) as b
	from bounds group by metric
	union all
	select metric, 'client', rule, list(value order by place) from (
		select metric, place, unnest([max(v), min(v), count(*)])::double as value, unnest(['ntile', 'ntile_from', 'ntile_clients']) as rule
		from rfm_groups where param('$.metrics.rfm.method') = 'ntile' group by metric, place
		union all -- sizes of groups that nobody is in
		select metric, place, 0, 'ntile_clients' from (select distinct metric from rfm_groups where param('$.metrics.rfm.method') = 'ntile'),
			(select unnest(range(1, groups_k() + 1)) as place)
		where place > (select count(*) from rfm))
	group by metric, rule
	union all
	select 'abc', entity, param('$.metrics.abc.method'),
		case param('$.metrics.abc.method') when 'rank_share' then [0.20, 0.35]
			else [param('$.metrics.abc.a')::double, param('$.metrics.abc.b')::double] end
	from (values ('client'), ('item'), ('category')) as t(entity)
)
select metric, entity, rule, b[1] as bound_1, b[2] as bound_2, b[3] as bound_3, b[4] as bound_4, b[5] as bound_5,
	b[6] as bound_6, b[7] as bound_7, b[8] as bound_8, b[9] as bound_9
from rows;

-- If two thresholds are equal, the row says that fewer groups are possible.
create table unsaid as
select metric, count(*) as same from (select metric, bound_k, count(*) as c from bounds group by all) where c > 1 group by metric;
