// The night as DuckDB makes it: the newest day folded on top of the folded orders,
// then RFM, ABC, XYZ, cohorts, lifecycle and LTV, written as Parquet.
//
//   node duckdb.mjs --data DIR --asof DAY --out DIR [--threads N] [--job night|own|full|prepare]
//
// night reads the lake that Leadlake wrote; own reads the file that prepare made of
// it, with integer keys and nothing that the job does not need; full folds all events.
// Every statement is the quickest of those that were tried; what was tried and lost
// stands beside it.

import { DuckDBInstance } from "@duckdb/node-api";
import { mkdirSync } from "node:fs";
import { churnDays, daysOfMonth, options, places, playbook, steps, text } from "./arguments.mjs";

const o = options();
const job = o.job ?? "night";
const step = steps();
const instance = await DuckDBInstance.create(":memory:", { threads: o.threads ?? "2" });
const db = await instance.connect();
const run = (sql) => db.run(sql);
const rows = async (sql) => (await db.runAndReadAll(sql)).getRowObjectsJson();
const parquet = (glob) => `read_parquet(${text(glob)}, hive_partitioning = false)`;
const orders = parquet(`${o.data}/lake/orders/*/*.parquet`);
const tokens = parquet(`${o.data}/lake/people/tokens/*.parquet`);
const newest = parquet(`${o.data}/lake/events/day=${o.asof}/*.parquet`);
const own = o.own ?? `${o.data}.duckdb`;

await run("SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET enable_progress_bar = false");
// What memory does not hold lies beside what is written, not in the folder one stands in.
await run(`SET temp_directory = ${text(`${job === "prepare" ? own : o.out}.tmp`)}`);

// Days are counted from the first of January 2000; the calendar gives their months.
const zero = "DATE '2000-01-01'";
const dayOf = (text) => `(${text}::DATE - ${zero})::INT`;
const asof = (Date.parse(o.asof) - Date.parse("2000-01-01")) / 86_400_000;
await run(`CREATE MACRO month_of(d) AS (year(${zero} + d) * 12 + month(${zero} + d) - 1)::INT;
  CREATE MACRO month_text(m) AS format('{:04d}-{:02d}', m // 12, m % 12 + 1);
  CREATE MACRO month_begin(m) AS (make_date(m // 12, m % 12 + 1, 1) - ${zero})::INT;
  CREATE MACRO day_text(d) AS strftime(${zero} + d, '%Y-%m-%d');
  CREATE MACRO per(total, n) AS CASE WHEN n > 0 THEN (sign(total) * ((2 * abs(total) + n) // (2 * n)))::BIGINT END`);

const ranked = `CASE status WHEN 'new' THEN 1 WHEN 'paid' THEN 2 WHEN 'shipped' THEN 3 WHEN 'completed' THEN 4 WHEN 'cancelled' THEN 5 WHEN 'returned' THEN 5 ELSE 0 END AS rank`;

// fold is metrics, "Fold of an order": per field the statement with the latest at wins
// (ties: rank, then event id). One arg_max over a struct of the three costs more than
// sorting inside the aggregate, since an order has two or three statements.
const fold = (from, key, who) => `WITH f AS (
  SELECT ${key},
    last(status ORDER BY "at", rank, event_id, source) FILTER (status <> '') AS status,
    last(currency ORDER BY "at", rank, event_id, source) FILTER (currency <> '') AS currency,
    coalesce(last(total_minor ORDER BY "at", rank, event_id, source) FILTER (total_minor IS NOT NULL), 0) AS total,
    coalesce(last(shipping_minor ORDER BY "at", rank, event_id, source) FILTER (shipping_minor IS NOT NULL), 0) AS shipping,
    ${who},
    min("at") AS first_at, min("at") FILTER (status IN ('paid', 'shipped', 'completed')) AS paid_at,
    coalesce(sum(abs(returned_minor)) FILTER (status = 'returned'), 0) AS returns,
    coalesce(bool_or(returned_minor IS NULL) FILTER (status = 'returned'), false) AS all_returned
  FROM (SELECT DISTINCT ON (${key}, event_id, source) *, ${ranked} FROM ${from}) GROUP BY ${key})
SELECT * EXCLUDE (total, shipping, first_at, paid_at, returns, all_returned, status),
  status IN ('paid', 'shipped', 'completed') OR status = 'returned' AND NOT (all_returned OR returns >= total - shipping) AS purchase,
  ${dayOf("coalesce(paid_at, first_at)")} AS day,
  (total - shipping - CASE WHEN all_returned THEN greatest(total - shipping, 0) ELSE returns END)::BIGINT AS revenue_minor
FROM f`;

const statement = `event_id, source, "at", status, currency, total_minor, shipping_minor, returned_minor`;
const firstToken = `coalesce(last(tokens[1] ORDER BY "at", rank, event_id, source) FILTER (len(tokens) > 0), '') AS token`;
const minor = "CASE WHEN coalesce(nullif(currency, ''), 'RUB') = 'RUB' THEN revenue_minor END AS minor";

// A client is a number, in the order of ids, so that ties by id are ties by number.
async function people() {
  await run(`CREATE TEMP TABLE clients_of AS SELECT client_id, (row_number() OVER (ORDER BY client_id))::INT AS client FROM (SELECT DISTINCT client_id FROM ${tokens});
    CREATE TEMP TABLE token_map AS SELECT token, client FROM ${tokens} JOIN clients_of USING (client_id)`);
  step("people");
}

async function night() {
  await people();
  await run(`CREATE TEMP TABLE fresh AS SELECT shop, order_id, tokens, ${statement} FROM ${newest} WHERE is_order AND order_id <> '';
    CREATE TEMP TABLE touched AS SELECT shop, order_id, token, purchase, ${dayOf("nullif(day, '')")} AS day, currency, revenue_minor, statements
      FROM ${orders} SEMI JOIN (SELECT DISTINCT shop, order_id FROM fresh) USING (shop, order_id)`);
  step("touched");
  await run(`CREATE TEMP TABLE folded AS ${fold(`(SELECT shop, order_id, tokens, ${statement} FROM fresh UNION ALL BY NAME
      SELECT shop, order_id, s.tokens, s.event_id, s.source, s."at", s.status, s.currency, s.total_minor, s.shipping_minor, s.returned_minor
      FROM (SELECT shop, order_id, unnest(statements) AS s FROM touched))`, "shop, order_id", firstToken)};
    CREATE TEMP TABLE gone AS SELECT client, day, ${minor} FROM touched JOIN token_map USING (token) WHERE purchase;
    CREATE TEMP TABLE come AS SELECT client, day, ${minor} FROM folded JOIN token_map USING (token) WHERE purchase`);
  step("fold");
  // The orders as they were are taken out of the few clients whom the day touches: an
  // anti join by order, or by place in the file, over all orders costs as much again as
  // reading them.
  await run(`CREATE TEMP TABLE purchases AS SELECT client, ${dayOf("day")} AS day, ${minor} FROM ${orders} JOIN token_map USING (token) WHERE purchase;
    CREATE TEMP TABLE again AS (SELECT * FROM purchases SEMI JOIN (SELECT DISTINCT client FROM gone) USING (client)) EXCEPT ALL FROM gone;
    DELETE FROM purchases WHERE client IN (SELECT client FROM gone);
    INSERT INTO purchases FROM again UNION ALL FROM come`);
  step("purchases");
}

// The own files: what the job needs and nothing else, orders by number in the order of
// time, statements by order, so that the ones the day touches lie together. They are
// sorted and written in parts of so many orders, each of which fits into memory.
const partOrders = 10_000_000;

async function prepare() {
  await people();
  const { before } = (await rows(`SELECT count(*)::INT AS before FROM ${orders}`))[0];
  await run(`CREATE TEMP TABLE numbered AS SELECT shop, order_id, (row_number() OVER (ORDER BY "at", shop, order_id))::INT AS number FROM ${orders};
    CREATE TEMP TABLE fresh AS SELECT * FROM ${newest} WHERE is_order AND order_id <> '';
    INSERT INTO numbered SELECT shop, order_id, (${before} + row_number() OVER (ORDER BY shop, order_id))::INT
      FROM (SELECT DISTINCT shop, order_id FROM fresh) ANTI JOIN numbered USING (shop, order_id)`);
  mkdirSync(own, { recursive: true });
  const write = (name, sql) => run(`COPY (${sql}) TO ${text(`${own}/${name}.parquet`)} (FORMAT parquet)`);
  await run("SET preserve_insertion_order = true");
  await write("clients", "SELECT client, client_id FROM clients_of ORDER BY client");
  const told = (from, numbers) => `SELECT number, t.client, ${statement} FROM ${from} s JOIN ${numbers} USING (shop, order_id) LEFT JOIN token_map t ON t.token = s.tokens[1] ORDER BY number`;
  for (let part = 0; part * partOrders < before; part++) {
    const numbers = `(SELECT * FROM numbered WHERE number > ${part * partOrders} AND number <= ${Math.min((part + 1) * partOrders, before)})`;
    const suffix = part === 0 ? "" : `-${String(part).padStart(3, "0")}`;
    await write(`orders${suffix}`, `SELECT number, client, purchase, ${dayOf("nullif(day, '')")} AS day, currency, revenue_minor
      FROM ${orders} JOIN ${numbers} USING (shop, order_id) LEFT JOIN token_map USING (token) ORDER BY number`);
    await write(`statements${suffix}`, told(`(SELECT shop, order_id, s.* FROM (SELECT shop, order_id, unnest(statements) AS s FROM ${orders} SEMI JOIN ${numbers} USING (shop, order_id)))`, numbers));
  }
  await write("day", told("fresh", "numbered"));
}

async function nightOfOwn() {
  const file = (name) => parquet(`${own}/${name}*.parquet`); // one, or parts
  const who = `last(client ORDER BY "at", rank, event_id, source) FILTER (client IS NOT NULL) AS client`;
  await run(`CREATE TEMP TABLE clients_of AS SELECT client, client_id FROM ${file("clients")};
    CREATE TEMP TABLE fresh AS SELECT * FROM ${file("day")};
    CREATE TEMP TABLE keys AS SELECT DISTINCT number FROM fresh;
    CREATE TEMP TABLE folded AS ${fold(`(SELECT * FROM fresh UNION ALL SELECT s.* FROM ${file("statements")} s SEMI JOIN keys USING (number))`, "number", who)};
    CREATE TEMP TABLE purchases AS SELECT client, day, ${minor} FROM ${file("orders")} ANTI JOIN keys USING (number) WHERE purchase AND client IS NOT NULL
      UNION ALL SELECT client, day, ${minor} FROM folded WHERE purchase AND client IS NOT NULL`);
  step("purchases");
}

// The list of a client's days, sorted, gives everything that goes from one purchase to
// the next. A window over all purchases costs twice as much, and so does grouping by
// client and day before it. Purchases of one day are a step of no days.
async function clients() {
  await run(`CREATE TEMP TABLE people AS SELECT client, list_sort(list(day)) AS ds, count(*)::INT AS orders, coalesce(sum(minor), 0)::BIGINT AS revenue, count(minor)::INT AS priced FROM purchases GROUP BY client`);
  step("clients");
  await run(`CREATE TEMP TABLE steps AS SELECT client, ds[1] AS f, unnest(ds) AS d, unnest(ds[2:]) AS nx FROM people`);
  step("steps");
}

async function scores() {
  const [{ n }] = await rows("SELECT count(*)::INT AS n FROM people");
  // Two neighbours for each bound; quantile_disc takes the value at a place exactly.
  const at = places(n, 3);
  const ask = at.flatMap(({ below }) => [below, Math.min(below + 1, n - 1)]).map((place) => (place + 0.5) / n);
  const [found] = await rows(`SELECT quantile_disc(${asof} - ds[-1], [${ask}]) AS recency, quantile_disc(orders, [${ask}]) AS frequency, quantile_disc(revenue, [${ask}]) AS monetary FROM people`);
  const bounds = {};
  for (const metric of ["recency", "frequency", "monetary"]) {
    bounds[metric] = at.map(({ rest }, i) => BigInt(found[metric][2 * i]) * 3n + BigInt(rest) * (BigInt(found[metric][2 * i + 1]) - BigInt(found[metric][2 * i])));
  }
  const above = (value, metric) => `(3 * ${value} > ${bounds[metric][0]})::TINYINT + (3 * ${value} > ${bounds[metric][1]})::TINYINT`;
  await run(`CREATE TEMP TABLE codes AS SELECT * FROM (VALUES ${playbook.map(([code, segment]) => `(${text(code)}, ${text(segment)})`).join(", ")}) t(code, segment)`);
  step("bounds");
  // Ranked by revenue once; classes are cut in whole numbers.
  await run(`CREATE TEMP TABLE ranked AS SELECT client, revenue, greatest(revenue, 0) AS positive,
      sum(greatest(revenue, 0)) OVER (ORDER BY revenue DESC, client ROWS UNBOUNDED PRECEDING)::BIGINT AS so_far FROM people;
    SET VARIABLE total = (SELECT sum(positive) FROM ranked)`);
  await run(`CREATE TEMP TABLE abc AS SELECT *, CASE WHEN revenue <= 0 THEN 'C' WHEN (so_far - positive)::HUGEINT * 100 < 80 * getvariable('total')::HUGEINT THEN 'A'
      WHEN (so_far - positive)::HUGEINT * 100 < 95 * getvariable('total')::HUGEINT THEN 'B' ELSE 'C' END AS class FROM ranked`);
  step("abc");
  // n intervals with the sum s and the sum of squares q: n²σ² = nq − s².
  await run(`CREATE TEMP TABLE spread AS SELECT client, count(*) FILTER (nx > d) AS k, coalesce(sum(nx - d), 0)::BIGINT AS s, coalesce(sum((nx - d) * (nx - d)), 0)::BIGINT AS q FROM steps GROUP BY client;
    CREATE TEMP TABLE xyz AS SELECT client, k, CASE WHEN k > 0 THEN s / k END AS mean, CASE WHEN k > 0 THEN sqrt(k * q - s * s) / k END AS sigma,
      CASE WHEN k < 3 THEN '' WHEN 100 * (k * q - s * s) <= s * s THEN 'X' WHEN 16 * (k * q - s * s) <= s * s THEN 'Y' ELSE 'Z' END AS class
    FROM (SELECT client, k, s, q FROM spread JOIN people USING (client) WHERE orders >= 4)`);
  step("xyz");
  await run(`CREATE TEMP TABLE scored AS SELECT p.client, ds[1] AS f, ds[-1] AS l, spread.k + 1 AS days, p.orders, p.revenue, priced,
      3 - (${above(`(${asof} - ds[-1])`, "recency")}) AS r, 1 + ${above("p.orders", "frequency")} AS f3, 1 + ${above("p.revenue", "monetary")} AS m, abc.class AS abc, xyz.class AS xyz
    FROM people p JOIN abc USING (client) JOIN spread USING (client) LEFT JOIN xyz USING (client)`);
  step("scored");
  // Texts of days by a join with all days: strftime for every client costs more.
  await run(`CREATE TEMP TABLE texts AS SELECT d, day_text(d) AS day, month_text(month_of(d)) AS month FROM (SELECT unnest(range((SELECT min(f) FROM scored), ${asof} + 1))::INT AS d)`);
  await copy("clients", `SELECT client_id, a.day AS first_order_day, z.day AS last_order_day, orders::BIGINT AS orders, days::BIGINT AS order_days, revenue AS revenue_minor,
      per(revenue, priced) AS average_order_minor, (${asof} - l)::BIGINT AS recency_days, r::BIGINT AS r, f3::BIGINT AS f, m::BIGINT AS m, code AS rfm_code, segment AS rfm_segment,
      abc, nullif(xyz, '') AS xyz, a.month AS cohort_month
    FROM scored JOIN clients_of USING (client) JOIN texts a ON a.d = scored.f JOIN texts z ON z.d = scored.l JOIN (SELECT *, code[1]::TINYINT AS r, code[2]::TINYINT AS f3, code[3]::TINYINT AS m FROM codes) USING (r, f3, m)`);
  await copy("abc", `SELECT 'client' AS entity, client_id AS id, revenue AS revenue_minor, CASE WHEN getvariable('total') > 0 THEN positive / getvariable('total') ELSE 0 END AS share,
      CASE WHEN getvariable('total') > 0 THEN so_far / getvariable('total') ELSE 0 END AS cumulative_share, class FROM abc JOIN clients_of USING (client)`);
  await copy("xyz", `SELECT 'client' AS entity, client_id AS id, k AS periods, mean, sigma, CASE WHEN mean > 0 THEN sigma / mean END AS cv, class FROM xyz JOIN clients_of USING (client)`);
  await copy("rfm_codes", `SELECT code, segment, coalesce(clients, 0) AS clients, coalesce(clients, 0) / ${n} AS share, coalesce(revenue, 0)::BIGINT AS revenue_minor
    FROM codes LEFT JOIN (SELECT concat(r, f3, m) AS code, count(*) AS clients, sum(revenue) AS revenue FROM scored GROUP BY ALL) USING (code) ORDER BY code`);
  const third = (metric, i) => `${bounds[metric][i]} / 3`;
  await copy("thresholds", `FROM (VALUES ${Object.keys(bounds).map((m) => `(${text(m)}, 'client', 'quantile', ${third(m, 0)}, ${third(m, 1)}, NULL)`).join(", ")},
    ('abc', 'client', 'money_share', 0.80, 0.95, NULL), ('xyz', 'client', 'intervals', 0.10, 0.25, 3)) t(metric, entity, rule, bound_1, bound_2, bound_3)`);
  step("written");
}

async function months() {
  await run(`CREATE TEMP TABLE calendar AS SELECT m, month_begin(m) AS s, month_begin(m + 1) AS e FROM (SELECT unnest(range((SELECT month_of(min(f)) FROM scored), ${asofMonth() + 1}))::INT AS m)`);
  // Gaps beyond twice churn_days are alike. A day is the last of its month where the next one is of another: who was active.
  await run(`CREATE TEMP TABLE leaps AS SELECT month_of(f) AS cohort, month_of(d) AS m, month_of(nx) AS next_m, count(*) AS n FROM steps WHERE month_of(nx) IS DISTINCT FROM month_of(d) GROUP BY ALL;
    CREATE TEMP TABLE gaps AS SELECT d, least(coalesce(nx - d, ${2 * churnDays + 1}), ${2 * churnDays + 1}) AS gap, count(*) AS n FROM steps WHERE nx IS NULL OR nx > d GROUP BY ALL`);
  step("leaps");
  await run(`CREATE TEMP TABLE money AS SELECT month_of(f) AS cohort, month_of(day) AS m, sum(minor)::BIGINT AS minor FROM purchases JOIN (SELECT client, f FROM scored) USING (client) GROUP BY ALL`);
  step("money");
  await run(`CREATE TEMP TABLE sizes AS SELECT month_of(f) AS cohort, count(*) AS size FROM scored GROUP BY ALL;
    CREATE TEMP TABLE active AS SELECT cohort, m, sum(n)::BIGINT AS n FROM leaps GROUP BY ALL`);
  await copy("cohorts", `SELECT month_text(cohort) AS cohort_month, (c.m - cohort)::BIGINT AS period, size AS clients, coalesce(n, 0) AS active, coalesce(n, 0) / size AS retention,
      coalesce(minor, 0) AS revenue_minor, (sum(coalesce(minor, 0)) OVER (PARTITION BY cohort ORDER BY c.m))::BIGINT AS cumulative_revenue_minor, e <= ${asof} + 1 AS complete
    FROM sizes JOIN calendar c ON c.m >= cohort LEFT JOIN active USING (cohort, m) LEFT JOIN money USING (cohort, m) ORDER BY cohort, period`);
  await copy("lifecycle", `SELECT month_text(c.m) AS month, coalesce(size, 0) AS new, coalesce(back, 0) AS returning, coalesce(again, 0) AS resurrected,
      (sum(coalesce(size, 0)) OVER (ORDER BY c.m) - coalesce(size, 0) - coalesce(back, 0) - coalesce(again, 0))::BIGINT AS dormant
    FROM calendar c LEFT JOIN sizes ON cohort = c.m
    LEFT JOIN (SELECT next_m AS m, sum(n) FILTER (next_m = m + 1)::BIGINT AS back, sum(n) FILTER (next_m > m + 1)::BIGINT AS again FROM leaps WHERE next_m IS NOT NULL GROUP BY next_m) USING (m) ORDER BY c.m`);
  // At the start of a month active: the last purchase before it within churn_days. Lost:
  // the next one churn_days after it or later, or never.
  await copy("ltv", `SELECT month_text(c.m) AS month, coalesce(a.n, 0) AS active, coalesce(v.minor, 0) AS revenue_minor, per(v.minor, a.n) AS arpa_minor,
      CASE WHEN closed AND at_start > 0 THEN churned / at_start END AS churned_share,
      CASE WHEN closed AND at_start > 0 THEN 1 - power(1 - churned / at_start, ${daysOfMonth} / ${churnDays}) END AS monthly_churn, closed
    FROM (SELECT *, s + ${churnDays} <= ${asof} + 1 AND e <= ${asof} + 1 AS closed FROM calendar) c
    LEFT JOIN (SELECT m, sum(n)::BIGINT AS n FROM active GROUP BY m) a USING (m) LEFT JOIN (SELECT m, sum(minor)::BIGINT AS minor FROM money GROUP BY m) v USING (m)
    LEFT JOIN (SELECT m, sum(n)::BIGINT AS at_start, coalesce(sum(n) FILTER (d + gap >= s + ${churnDays}), 0)::BIGINT AS churned
      FROM gaps JOIN calendar ON s > d AND s <= d + least(gap, ${churnDays}) GROUP BY m) USING (m) ORDER BY c.m`);
  step("months");
}

const asofMonth = () => Number(o.asof.slice(0, 4)) * 12 + Number(o.asof.slice(5, 7)) - 1;
const copy = (name, sql) => run(`COPY (${sql}) TO ${text(`${o.out}/${name}.parquet`)} (FORMAT parquet)`);

// The fold of all events, as a table of orders.
async function full() {
  await copy("orders", fold(`(SELECT shop, order_id, tokens, ${statement} FROM ${parquet(`${o.data}/lake/events/*/*.parquet`)} WHERE is_order AND order_id <> '')`, "shop, order_id", firstToken));
}

if (o.out) mkdirSync(o.out, { recursive: true });
switch (job) {
  case "prepare": await prepare(); break;
  case "full": await full(); break;
  default:
    await (job === "own" ? nightOfOwn() : night());
    await clients();
    await scores();
    await months();
}
db.closeSync();
