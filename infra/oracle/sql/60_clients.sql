-- metrics.md, "Base types", and what a card says beside the orders. The latest
-- statement of a field counts, ties by event id, then by the text.

create macro list_of(name) as from_json(json_extract(getvariable('params'), name), '["VARCHAR"]');

create table stages as
select unnest(list_of('$.funnel')) as stage, generate_subscripts(list_of('$.funnel'), 1) as n;

create table topics as -- what a client ever asked about
select distinct client, interest from (select client, unnest(interests) as interest from acts) where interest <> '';

-- A lead reaches the first stage, an event with a stage that stage.
create table reached as
with facts as (
	select client, moment, interests, 1 as n from acts where kind = 'lead' and exists (from stages)
	union all
	select client, moment, interests, n from acts join stages using (stage)
), named as (
	select client, moment, n, unnest(case when len(list_filter(interests, x -> x <> '')) > 0 then list_filter(interests, x -> x <> '') else [''] end) as interest
	from facts
), sole as (select client, any_value(interest) as single from topics group by client having count(*) = 1)
-- An event without an interest is about the only one the client has; every event
-- is about the client as a whole, too.
select client, interest, n, min(business_day(moment)) as day from (
	select client, moment, n, '' as interest from named
	union all
	select client, moment, n, interest from named where interest <> ''
	union all
	select client, moment, n, single from named join sole using (client) where interest = '')
group by all;

-- Deliveries about one call, chat or form are one contact, missed if the latest result says so.
create table contacts as
with each as (
	select client, moment, case when entity <> '' then concat('entity ', entity) else concat('event ', source, ' ', event_id) end as occasion,
		regexp_replace(lower(result), '[-_ ]', '', 'g') in ('missed', 'voicemail', 'noanswer', 'unanswered', 'notanswered', 'busy') as missed, result <> '' as says
	from acts where kind = 'contact'
), latest as (
	select *, max(moment) filter (where says) over (partition by client, occasion) as said_at from each
)
select client, occasion, max(moment) as moment, coalesce(bool_or(missed) filter (where says and moment = said_at), false) as missed
from latest group by client, occasion;

create table want.consents as
with each as (select client, source, event_id, unnest(consents) as c from acts)
-- The latest statement of a purpose decides; at one instant a withdrawal does.
select distinct on (client, c.purpose) client as client_id, c.purpose as purpose,
	case when c.given then 'given' else 'withdrawn' end as state, c."at" as "at",
	c.text_version as text_version, source as channel, c.evidence as evidence, event_id
from each
where not (c.given and business_day(c."at") > as_of()) -- not given yet; a withdrawal is heeded at once
order by client, c.purpose, c."at" desc, c.given, event_id desc, source desc, c.text_version desc, c.evidence desc;

create table cards as
with asked as (select client, min(moment) as asked from acts where kind = 'lead' or is_order and order_id <> '' group by client),
handled as ( -- who was moved behind the first stage has been answered, too
	select client, max(moment) as moment from acts join stages using (stage) where n > 1 group by client
), met as (
	select c.client, max(c.moment) as last_at, bool_or(asked.asked is null or c.moment >= asked.asked) as answered,
		count(*) filter (where business_day(c.moment) > as_of() - 30) as recent
	from contacts c left join asked using (client) where not missed group by c.client
)
select a.client, min(a.moment) as first_at, max(a.moment) as last_at,
	any_value(met.last_at) as met_at, coalesce(any_value(met.answered), false)
		or coalesce(any_value(handled.moment) >= coalesce(any_value(asked.asked), any_value(handled.moment)), false) as answered, coalesce(any_value(met.recent), 0) as contacts_30d,
	last(stage order by a.moment, event_id, stage) filter (where stage <> '') as said_stage,
	last(manager order by a.moment, event_id, manager) filter (where manager <> '') as manager,
	last(loyalty_level order by a.moment, event_id, loyalty_level) filter (where loyalty_level <> '') as loyalty_level,
	last(rating order by a.moment, event_id, rating) filter (where rating is not null and kind = 'contact' and folded(channel) = 'review') as rating,
	list_sort(list_distinct(list_filter(flatten(list(list_append(more_external_ids, external_id))), x -> x <> ''))) as external_ids,
	list_sort(list_distinct(list_filter(flatten(list(interests)), x -> x <> ''))) as interests,
	list_sort(list_distinct(list_filter(flatten(list(tags)), x -> x <> ''))) as tags,
	-- The first touch, where campaign marks alone tell it; else it is taken as given.
	bool_and(len(click_ids) = 0 and referrer = '' and landing = '') as plain_marks,
	first(trim(utm_source) order by a.moment, event_id, utm_source) filter (where trim(utm_source) <> '') as touch,
	first(trim(utm_campaign) order by a.moment, event_id, utm_source) filter (where trim(utm_source) <> '') as touch_campaign,
	first(source order by a.moment, event_id, source) as teller
from acts a left join met using (client) left join handled using (client) left join asked using (client) group by a.client;

create table standing as
select h.client_id as client, b.*, c.* exclude (client), r.code, r.r, abc.class as abc,
	coalesce(b.orders, 0) as bought,
	as_of() - b.last_day as recency, as_of() - b.first_day as since_first,
	as_of() - business_day(c.last_at) as idle, as_of() - business_day(c.first_at) as age
from have.clients h
left join (select * exclude (client), client as buyer from buyers) b on b.buyer = h.client_id
left join cards c on c.client = h.client_id
left join rfm_codes_of r on r.client = h.client_id
left join want.abc abc on abc.entity = 'client' and abc.id = h.client_id;

-- A purchase is activity, even where no event of it names the client.
create table types as
select *, case
	when bought > days_of('regular_orders') then 'regular'
	when bought > 1 then 'developing'
	when bought = 1 then 'working'
	when answered then 'potential'
	else 'lead' end as lifecycle,
case
	when recency <= days_of('active_days') then 'active'
	when least(idle, recency) >= days_of('dead_days') then 'dead'
	when recency > days_of('sleeping_days') then 'sleeping'
	when recency is not null then 'cooling'
	when age <= days_of('new_days') then 'new'
	else 'waiting' end as activity
from standing;

create macro spelling(tag) as replace(folded(tag), 'ё', 'е'); -- most people type е for it
create macro bears(label, tags, tokens) as
	len(list_intersect(list_transform(coalesce(tags, []), x -> spelling(x)), list_transform(list_of('$.labels.' || label || '.tags'), x -> spelling(x)))) > 0
	or len(list_intersect(tokens, list_of('$.labels.' || label || '.clients'))) > 0;

create table marks as
select *,
	bears('vip', tags, tokens) or param('$.labels.vip.rule')::bool and coalesce(abc = 'A' and r = groups_k(), false) as vip,
	bears('partner', tags, tokens) as partner,
	coalesce(since_first <= days_of('newcomer_days'), false) as newcomer
from types join (select client, list(token) as tokens from token_map group by client) t using (client);

create table want.clients as
select client as client_id, nullif(day_text(first_day), '') as first_order_day, nullif(day_text(last_day), '') as last_order_day,
	bought as orders, coalesce(order_days, 0) as order_days, coalesce(revenue_minor, 0) as revenue_minor,
	per(revenue_minor, priced) as average_order_minor, recency::bigint as recency_days,
	rfm.r, rfm.f, rfm.m, rfm.code as rfm_code, rfm.segment as rfm_segment, abc, nullif(even.class, '') as xyz,
	month_text(first_day) as cohort_month, lifecycle, activity,
	list_filter([
		case when lifecycle = 'regular' and activity = 'active' and not newcomer then 'active_base' end,
		case when vip or lifecycle = 'regular' and since_first > days_of('key_days') then 'key' end,
		case when newcomer then 'newcomer' end,
		case when partner then 'partner' end,
		case when vip then 'vip' end], x -> x is not null) as labels,
	case when bought > 0 and exists (from stages) then (select last(stage order by n) from stages)
		else coalesce((select stage from stages where n = (select max(n) from reached x where x.client = marks.client)), said_stage) end as stage,
	coalesce(interests, []) as interests,
	coalesce(bought_of.categories, []) as categories,
	loyalty_level,
	case when plain_marks then coalesce(touch, teller) else given.source end as source,
	case when plain_marks then nullif(touch_campaign, '') else given.campaign end as campaign,
	manager, coalesce(tags, []) as tags, rating, coalesce(external_ids, []) as external_ids,
	nullif(day_text(business_day(met_at)), '') as last_contact_day, coalesce(contacts_30d, 0) as contacts_30d,
	day_text(business_day(first_at)) as first_event_day, day_text(business_day(last_at)) as last_event_day, coalesce(answered, false) as answered,
	nullif(day_text(least(first_day, (select min(x.day) from reached x where x.client = marks.client))), '') as lead_day,
	coalesce(said.states, map {}) as consents
from marks
left join (select client, r, f, m, code, segment from rfm_codes_of) rfm using (client)
left join (select client, list(category order by minor desc, category) as categories
	from (select client, category, sum(minor) as minor from lines where client is not null and category <> '' group by all) group by client) bought_of using (client)
left join (select client_id as client, map_from_entries(list((purpose, state) order by purpose)) as states from want.consents group by client_id) said using (client)
left join (select client_id as client, source, campaign from have.clients) given using (client)
left join (select id as client, class from want.xyz where entity = 'client' and has_xyz()) even using (client);
