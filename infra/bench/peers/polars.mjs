// The night as Polars makes it, with the lazy API of nodejs-polars.
//
//   node polars.mjs --data DIR --asof DAY --out DIR [--job night|full]     threads by POLARS_MAX_THREADS
//
// It does the same as duckdb.mjs on the lake that Leadlake wrote. What nodejs-polars
// cannot do: its streaming engine cannot be asked for, so every stage is collected in
// memory, and a list of structs has to be exploded whole to reach a field.

import pl from "nodejs-polars";
import { mkdirSync } from "node:fs";
import { churnDays, daysOfMonth, options, places, playbook, steps } from "./arguments.mjs";

const o = options();
const step = steps();
const { col, lit } = pl;
const scan = (glob) => pl.scanParquet(glob, { hivePartitioning: false, glob: true });
const orders = () => scan(`${o.data}/lake/orders/*/*.parquet`);
const zero = Date.parse("2000-01-01") / 86_400_000;
const asof = Date.parse(o.asof) / 86_400_000 - zero;
const monthOf = (d) => { const t = new Date((d + zero) * 86_400_000); return t.getUTCFullYear() * 12 + t.getUTCMonth(); };
const monthBegin = (m) => Date.UTC(Math.floor(m / 12), m % 12, 1) / 86_400_000 - zero;
const monthText = (m) => `${Math.floor(m / 12)}-${String((m % 12) + 1).padStart(2, "0")}`;
const dayText = (d) => new Date((d + zero) * 86_400_000).toISOString().slice(0, 10);
const write = (name, frame) => frame.writeParquet(`${o.out}/${name}.parquet`, { compression: "snappy" });

// All days as numbers and texts, with their months: a join is quicker than reading texts.
const all = Array.from({ length: asof + 1 }, (_, d) => d);
const calendar = pl.DataFrame({ d: all, day: all.map(dayText), month: all.map(monthOf) }).withColumns(col("d").cast(pl.Int32), col("month").cast(pl.Int32));

const statement = ["shop", "order_id", "tokens", "event_id", "source", "at", "status", "currency", "total_minor", "shipping_minor", "returned_minor"];
const rank = pl.DataFrame({ status: ["", "new", "paid", "shipped", "completed", "cancelled", "returned"], rank: [0, 1, 2, 3, 4, 5, 5] });

// fold is metrics, "Fold of an order", of statements in any order.
function fold(statements) {
  const said = (name) => col(name).filter(col(name).isNotNull()).last().fillNull(0).alias(name);
  const word = (name) => col(name).filter(col(name).neq(lit(""))).last().fillNull("").alias(name);
  const bought = (c) => c.eq(lit("paid")).or(c.eq(lit("shipped"))).or(c.eq(lit("completed")));
  const isReturn = col("status").eq(lit("returned"));
  const goods = col("total_minor").sub(col("shipping_minor"));
  return statements
    .unique({ subset: ["shop", "order_id", "event_id", "source"] })
    .join(rank.lazy(), { on: "status", how: "left" })
    .sort([col("at"), col("rank"), col("event_id"), col("source")])
    .withColumns(col("tokens").lst.first().fillNull("").alias("token"))
    .groupBy(["shop", "order_id"], true)
    .agg(
      word("status"), word("currency"), word("token"), said("total_minor"), said("shipping_minor"), col("at").first().alias("first_at"),
      col("at").filter(bought(col("status"))).first().alias("paid_at"),
      col("returned_minor").abs().filter(isReturn).sum().alias("returns"),
      col("returned_minor").isNull().and(isReturn).any().alias("all_returned"),
    )
    .withColumns(
      bought(col("status")).or(isReturn.and(col("all_returned").or(col("returns").gtEq(goods)).not())).alias("purchase"),
      pl.when(col("paid_at").isNull()).then(col("first_at")).otherwise(col("paid_at")).cast(pl.Date).cast(pl.Int32).sub(lit(zero)).cast(pl.Int32).alias("d"),
      goods.sub(pl.when(col("all_returned")).then(pl.when(goods.gt(0)).then(goods).otherwise(lit(0))).otherwise(col("returns"))).alias("revenue_minor"),
    )
    .select("shop", "order_id", "token", "currency", "purchase", "d", "revenue_minor");
}

const minor = pl.when(col("currency").eq(lit("RUB")).or(col("currency").eq(lit("")))).then(col("revenue_minor")).otherwise(lit(null)).alias("minor");
const told = (lf) => lf.filter(col("is_order").and(col("order_id").neq(lit("")))).select(...statement);

async function full() {
  write("orders", await fold(told(scan(`${o.data}/lake/events/*/*.parquet`))).collect());
}

async function night() {
  const tokens = scan(`${o.data}/lake/people/tokens/*.parquet`);
  const clientsOf = (await tokens.select("client_id").unique({ subset: ["client_id"] }).sort("client_id").withRowIndex("client").collect()).withColumns(col("client").cast(pl.Int64));
  const map = await tokens.join(clientsOf.lazy(), { on: "client_id" }).select("token", "client").collect();
  step("people");
  const fresh = await told(scan(`${o.data}/lake/events/day=${o.asof}/*.parquet`)).collect();
  const keys = fresh.select("shop", "order_id").unique().lazy();
  const touched = await orders().select("shop", "order_id", "statements").join(keys, { on: ["shop", "order_id"], how: "semi" }).collect();
  const known = touched.lazy().explode("statements").unnest("statements").select(...statement);
  const folded = await fold(pl.concat([fresh.lazy(), known])).collect();
  step("fold");
  const days = calendar.lazy().select("d", "day");
  const purchase = (lf) => lf.filter(col("purchase")).join(map.lazy(), { on: "token" });
  const base = purchase(orders().select("shop", "order_id", "token", "purchase", "day", "currency", "revenue_minor").join(keys, { on: ["shop", "order_id"], how: "anti" }))
    .join(days, { on: "day" }).select(col("client"), col("d"), minor);
  const purchases = await pl.concat([base, purchase(folded.lazy()).select(col("client"), col("d"), minor)]).collect();
  step("purchases");

  // In the order of client and day, as one number; the next row is the next purchase.
  const sorted = await purchases.lazy().withColumns(col("client").mul(65536).add(col("d")).alias("k")).sort("k").collect();
  const same = col("client").eq(col("client").shift(-1));
  const pairs = await sorted.lazy().withColumns(pl.when(same).then(col("d").shift(-1)).otherwise(lit(null)).cast(pl.Int32).alias("nx")).select("client", "d", "nx", "minor").collect();
  const gap = col("nx").sub(col("d")).cast(pl.Int64);
  const people = await pairs.lazy().groupBy("client").agg(
    col("d").min().alias("f"), col("d").max().alias("l"), pl.len().cast(pl.Int64).alias("orders"), col("minor").sum().alias("revenue"), col("minor").count().cast(pl.Int64).alias("priced"),
    gap.gt(0).sum().cast(pl.Int64).alias("k"), gap.sum().alias("s"), gap.mul(gap).sum().alias("q"),
  ).withColumns(lit(asof).sub(col("l")).cast(pl.Int64).alias("recency")).collect();
  step("clients");

  const n = people.height;
  const at = places(n, 3);
  const bounds = {};
  for (const metric of ["recency", "orders", "revenue"]) {
    const values = people.getColumn(metric).sort();
    const value = (i) => BigInt(values.getIndex(Math.min(i, n - 1)));
    bounds[metric] = at.map(({ below, rest }) => value(below) * 3n + BigInt(rest) * (value(below + 1) - value(below)));
  }
  const above = (metric) => bounds[metric].map((b) => col(metric).mul(3).gt(lit(Number(b))).cast(pl.Int64)).reduce((a, b) => a.add(b));
  const total = Number(people.select(pl.when(col("revenue").gt(0)).then(col("revenue")).otherwise(lit(0)).sum().alias("t")).getColumn("t").getIndex(0));
  const n2 = col("k").mul(col("q")).sub(col("s").mul(col("s"))); // n²σ²
  const ranked = await people.lazy().sort([col("revenue"), col("client")], [true, false])
    .withColumns(pl.when(col("revenue").gt(0)).then(col("revenue")).otherwise(lit(0)).alias("positive"))
    .withColumns(col("positive").cumSum().alias("so_far"))
    .withColumns(
      pl.when(col("revenue").ltEq(0)).then(lit("C")).when(col("so_far").sub(col("positive")).mul(100).lt(lit(80 * total))).then(lit("A"))
        .when(col("so_far").sub(col("positive")).mul(100).lt(lit(95 * total))).then(lit("B")).otherwise(lit("C")).alias("abc"),
      pl.when(col("orders").lt(4)).then(lit(null)).when(col("k").lt(3)).then(lit("")).when(n2.mul(100).ltEq(col("s").mul(col("s")))).then(lit("X"))
        .when(n2.mul(16).ltEq(col("s").mul(col("s")))).then(lit("Y")).otherwise(lit("Z")).alias("xyz"),
      lit(3).sub(above("recency")).cast(pl.Int64).alias("r"), above("orders").add(1).cast(pl.Int64).alias("f3"), above("revenue").add(1).cast(pl.Int64).alias("m"),
    )
    .join(clientsOf.lazy(), { on: "client" }).collect();
  step("scored");
  const code = col("r").mul(100).add(col("f3").mul(10)).add(col("m")).cast(pl.Int64).cast(pl.Utf8);
  const texts = (prefix, name) => calendar.lazy().select(col("d").alias(prefix), col("day").alias(name));
  const codes = pl.DataFrame({ rfm_code: playbook.map(([c]) => c), rfm_segment: playbook.map(([, s]) => s) });
  const scored = await ranked.lazy().withColumns(code.alias("rfm_code")).join(codes.lazy(), { on: "rfm_code" })
    .join(texts("f", "first_order_day"), { on: "f" }).join(texts("l", "last_order_day"), { on: "l" }).collect();
  // A sum by a count, half away from zero, in whole numbers.
  const twice = col("revenue").abs().mul(2).add(col("priced"));
  const average = pl.when(col("priced").gt(0)).then(twice.sub(twice.modulo(col("priced").mul(2))).div(col("priced").mul(2)).mul(pl.when(col("revenue").lt(0)).then(lit(-1)).otherwise(lit(1)))).otherwise(lit(null));
  write("clients", scored.select(
    col("client_id"), col("first_order_day"), col("last_order_day"), col("orders"), col("k").add(1).alias("order_days"), col("revenue").alias("revenue_minor"),
    average.cast(pl.Int64).alias("average_order_minor"), col("recency").alias("recency_days"), col("r"), col("f3").alias("f"), col("m"), col("rfm_code"), col("rfm_segment"),
    col("abc"), pl.when(col("xyz").eq(lit(""))).then(lit(null)).otherwise(col("xyz")).alias("xyz"), col("first_order_day").str.slice(0, 7).alias("cohort_month"),
  ));
  write("abc", ranked.select(lit("client").alias("entity"), col("client_id").alias("id"), col("revenue").alias("revenue_minor"),
    col("positive").cast(pl.Float64).div(total || 1).alias("share"), col("so_far").cast(pl.Float64).div(total || 1).alias("cumulative_share"), col("abc").alias("class")));
  const k = col("k").cast(pl.Float64);
  const some = (e) => pl.when(col("k").gt(0)).then(e).otherwise(lit(null));
  const mean = col("s").cast(pl.Float64).div(k), sigma = n2.cast(pl.Float64).pow(0.5).div(k);
  write("xyz", ranked.filter(col("orders").gtEq(4)).select(lit("client").alias("entity"), col("client_id").alias("id"), col("k").alias("periods"),
    some(mean).alias("mean"), some(sigma).alias("sigma"), some(sigma.div(mean)).alias("cv"), col("xyz").alias("class")));
  const counts = scored.lazy().groupBy("rfm_code").agg(pl.len().cast(pl.Int64).alias("clients"), col("revenue").sum().alias("revenue_minor"));
  write("rfm_codes", await codes.lazy().join(counts, { on: "rfm_code", how: "left" }).sort("rfm_code").select(col("rfm_code").alias("code"), col("rfm_segment").alias("segment"),
    col("clients").fillNull(0), col("clients").fillNull(0).cast(pl.Float64).div(n).alias("share"), col("revenue_minor").fillNull(0)).collect());
  const third = (metric, i) => Number(bounds[metric][i]) / 3;
  write("thresholds", pl.DataFrame({
    metric: ["recency", "frequency", "monetary", "abc", "xyz"], entity: Array(5).fill("client"), rule: ["quantile", "quantile", "quantile", "money_share", "intervals"],
    bound_1: [third("recency", 0), third("orders", 0), third("revenue", 0), 0.8, 0.1], bound_2: [third("recency", 1), third("orders", 1), third("revenue", 1), 0.95, 0.25],
    bound_3: [null, null, null, null, 3],
  }).withColumns(col("bound_3").cast(pl.Float64)));
  step("written");

  const month = (on, name) => calendar.lazy().select(col("d").alias(on), col("month").alias(name));
  const cohort = people.lazy().join(month("f", "cohort"), { on: "f" }).select("client", "cohort");
  const steps2 = pairs.lazy().join(cohort, { on: "client" }).join(month("d", "m"), { on: "d" });
  const cells = await steps2.groupBy(["cohort", "m"]).agg(col("minor").sum().alias("minor")).collect();
  const leaps = await steps2.join(month("nx", "next_m"), { on: "nx", how: "left" }).filter(col("next_m").isNull().or(col("next_m").neq(col("m")))).groupBy(["cohort", "m", "next_m"]).agg(pl.len().alias("n")).collect();
  const gaps = await pairs.lazy().filter(col("nx").isNull().or(col("nx").gt(col("d"))))
    .withColumns(pl.when(gap.isNull().or(gap.gt(2 * churnDays))).then(lit(2 * churnDays + 1)).otherwise(gap).alias("gap")).groupBy(["d", "gap"]).agg(pl.len().alias("n")).collect();
  const sizes = new Map((await cohort.groupBy("cohort").agg(pl.len().alias("n")).collect()).rows());
  step("months");
  await tables(cells.rows(), leaps.rows(), gaps.rows(), sizes);
  step("tables");
}

// tables makes the small tables of months from counts, in plain JavaScript.
async function tables(cells, leaps, gaps, sizes) {
  const first = Math.min(...sizes.keys()), last = monthOf(asof);
  const months = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const add = (into, key, value) => into.set(key, (into.get(key) ?? 0) + Number(value ?? 0));
  const money = new Map(), active = new Map(), back = new Map(), again = new Map(), all = new Map(), revenue = new Map();
  for (const [c, m, sum] of cells) { add(money, `${c} ${m}`, sum); add(revenue, m, sum); }
  for (const [c, m, next, n] of leaps) {
    add(active, `${c} ${m}`, n);
    add(all, m, n);
    if (next !== null) add(next === m + 1 ? back : again, next, n);
  }
  const cohorts = [];
  for (const c of months.filter((m) => sizes.has(m))) {
    let sum = 0;
    for (const m of months.filter((m) => m >= c)) {
      const key = `${c} ${m}`;
      sum += money.get(key) ?? 0;
      cohorts.push({ cohort_month: monthText(c), period: m - c, clients: sizes.get(c), active: active.get(key) ?? 0, retention: (active.get(key) ?? 0) / sizes.get(c),
        revenue_minor: money.get(key) ?? 0, cumulative_revenue_minor: sum, complete: monthBegin(m + 1) <= asof + 1 });
    }
  }
  const whole = (rows, ...names) => pl.DataFrame(Object.fromEntries(Object.keys(rows[0]).map((k) => [k, rows.map((r) => r[k])]))).withColumns(...names.map((name) => col(name).cast(pl.Int64)));
  write("cohorts", whole(cohorts, "period", "clients", "active", "revenue_minor", "cumulative_revenue_minor"));
  let before = 0;
  write("lifecycle", whole(months.map((m) => {
    const row = { month: monthText(m), new: sizes.get(m) ?? 0, returning: back.get(m) ?? 0, resurrected: again.get(m) ?? 0 };
    row.dormant = before - row.returning - row.resurrected;
    before += row.new;
    return row;
  }), "new", "returning", "resurrected", "dormant"));
  write("ltv", whole(months.map((m) => {
    const s = monthBegin(m), closed = s + churnDays <= asof + 1 && monthBegin(m + 1) <= asof + 1;
    let start = 0, churned = 0;
    for (const [d, gap, n] of gaps) {
      if (s > d && s <= d + Math.min(Number(gap), churnDays)) {
        start += n;
        if (d + Number(gap) >= s + churnDays) churned += n;
      }
    }
    const sum = revenue.get(m) ?? 0, n = all.get(m) ?? 0, known = closed && start > 0;
    return { month: monthText(m), active: n, revenue_minor: sum, arpa_minor: n > 0 ? Math.sign(sum) * Math.floor((2 * Math.abs(sum) + n) / (2 * n)) : null,
      churned_share: known ? churned / start : null, monthly_churn: known ? 1 - (1 - churned / start) ** (daysOfMonth / churnDays) : null, closed };
  }), "active", "revenue_minor", "arpa_minor"));
}

mkdirSync(o.out, { recursive: true });
await (o.job === "full" ? full() : night());
