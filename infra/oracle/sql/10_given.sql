-- What the definitions take as given: the parameters, the day, and which client a
-- token belongs to. All else is recomputed from lake/events.
--
-- oracle.mjs sets the variables params (JSON) and as_of, makes the table events
-- (columns in its head) and the views have.* of the night's tables.

create macro param(path) as json_extract_string(getvariable('params'), path);
create macro as_of() as getvariable('as_of')::date;
create macro base() as param('$.business.currency');
create macro groups_k() as param('$.metrics.rfm.groups')::int;
create macro days_of(name) as param('$.metrics.' || name)::int;
create macro business_day(t) as timezone(param('$.business.timezone'), t)::date;
create macro day_text(d) as coalesce(strftime(d, '%Y-%m-%d'), '');
create macro month_text(d) as strftime(d, '%Y-%m');
create macro folded(name) as lower(trim(name));
-- A sum by a count, half away from zero, in whole numbers.
create macro per(total, n) as case when n > 0 then (sign(total) * ((2 * abs(total::hugeint) + n) // (2 * n)))::bigint end;
create macro share(part, whole) as case when whole <> 0 then part::double / whole else 0 end;
-- Nine significant digits, as every float of a table has.
create macro nine(x) as format('{:.8e}', x::double)::double;

-- Everything up to the end of the as-of day in the business's time zone counts.
delete from events where business_day(moment) > as_of();

create table token_map as
select client_id as client, unnest(list_append(aliases, client_id)) as token from have.clients;

-- A token that links nothing, because too many share it, does not say whose an event is.
create table apart as
select distinct token from have.links where why in ('shared', 'email_off');

create table owner as
with lists as (select distinct tokens from events where len(tokens) > 0),
each as (select tokens, unnest(tokens) as token, generate_subscripts(tokens, 1) as n from lists)
select tokens,
	coalesce(
		first(client order by n) filter (where token not in (select token from apart)),
		first(client order by n)) as client
from each join token_map using (token) group by tokens;

create table acts as
select events.*, owner.client from events join owner using (tokens);

-- Minor digits of a currency (ISO 4217) where they are not two.
create macro digits(currency) as case currency when 'JPY' then 0 when 'KRW' then 0 when 'KWD' then 3 when 'BHD' then 3 else 2 end;
create macro rate_of(currency) as param('$.business.rates.' || currency);
-- Money of a currency with a rate, in minor units of the base, half away from zero.
create macro to_base(minor, currency) as case
	when currency = base() then minor
	when rate_of(currency) is null then null
	else round(minor::decimal(19, 0) * rate_of(currency)::decimal(12, 8) *
		(case digits(base()) - digits(currency)
			when 0 then 1 when 1 then 10 when 2 then 100 when -1 then 0.1 when -2 then 0.01 end)::decimal(5, 2))::bigint
end;
