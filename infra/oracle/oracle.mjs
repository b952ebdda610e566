// The independent oracle: the definitions of the night as SQL (sql/*.sql), run by
// DuckDB on the events that a night read, and compared with every table it wrote,
// cell by cell.
//
//   node infra/oracle/oracle.mjs [-v] DIR…     DIR/NAME/params.json as `go run ./infra/oracle` makes them; -v prints every table
//
// Money, counts and texts compare exactly, floats at nine significant digits. It
// prints a line for each night and the first cells that differ; exit status 0:
// none, 1: some, or a table or column that nobody compares.

import { DuckDBInstance } from "@duckdb/node-api";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expected, left } from "./tables.mjs";

const shown = 5; // differing cells of a table that are printed
const here = dirname(fileURLToPath(import.meta.url));
const scripts = readdirSync(join(here, "sql")).filter((f) => f.endsWith(".sql")).sort();

const text = (s) => "'" + String(s).replaceAll("'", "''") + "'";
const name = (s) => '"' + s.replaceAll('"', '""') + '"';

// Columns of lake/events that a definition reads.
const eventColumns = `event_id VARCHAR, source VARCHAR, shop VARCHAR, kind VARCHAR, moment TIMESTAMPTZ, received_at TIMESTAMPTZ, tokens VARCHAR[],
	external_id VARCHAR, more_external_ids VARCHAR[], entity VARCHAR, order_id VARCHAR, status VARCHAR, currency VARCHAR,
	total_minor BIGINT, shipping_minor BIGINT, returned_minor BIGINT,
	items STRUCT(sku VARCHAR, "name" VARCHAR, category VARCHAR, quantity VARCHAR, sum_minor BIGINT)[],
	stage VARCHAR, interests VARCHAR[], tags VARCHAR[], manager VARCHAR, utm_source VARCHAR, utm_campaign VARCHAR, click_ids VARCHAR[],
	referrer VARCHAR, landing VARCHAR, consents STRUCT(purpose VARCHAR, given BOOLEAN, "at" TIMESTAMPTZ, text_version VARCHAR, evidence VARCHAR)[],
	cost_day VARCHAR, cost_source VARCHAR, cost_campaign VARCHAR, cost_minor BIGINT, channel VARCHAR, direction VARCHAR, result VARCHAR, rating DOUBLE,
	loyalty_level VARCHAR, is_order BOOLEAN`;
const eventNames = [...eventColumns.matchAll(/(?:^|,)\s*(\w+) (?:VARCHAR|TIMESTAMPTZ|BIGINT|STRUCT|DOUBLE|BOOLEAN)/g)]
  .map((m) => m[1]).filter((n) => !["given", "text_version", "evidence", "sku", "quantity", "category", "sum_minor"].includes(n));

class Night {
  constructor(store, params, manifest, before, latest) {
    Object.assign(this, { store, params, manifest, before, latest, lines: [], faults: [] });
  }

  async query(sql) {
    return (await this.db.runAndReadAll(sql)).getRowObjectsJson();
  }

  async load() {
    const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
    this.db = await instance.connect();
    const run = (sql) => this.db.run(sql);
    await run("SET TimeZone = 'UTC'; CREATE SCHEMA have; CREATE SCHEMA have_before; CREATE SCHEMA want;");
    await run(`SET VARIABLE params = ${text(JSON.stringify(this.params))}; SET VARIABLE as_of = ${text(this.manifest.as_of)};`);
    await run(`CREATE TABLE events (${eventColumns})`);
    if (existsSync(join(this.store, "lake", "events"))) {
      const glob = join(this.store, "lake", "events", "*", "*.parquet");
      await run(`INSERT INTO events BY NAME SELECT ${eventNames.map((n) => (n === "moment" ? `"at" AS moment` : name(n)))} FROM read_parquet(${text(glob)}, hive_partitioning = false)`);
    }
    await run("CREATE TABLE personal (moment TIMESTAMPTZ, tokens VARCHAR[], birth_date VARCHAR, attributes MAP(VARCHAR, VARCHAR))");
    if (existsSync(join(this.store, "lake", "contacts"))) {
      const glob = join(this.store, "lake", "contacts", "*", "*.parquet");
      await run(`INSERT INTO personal SELECT "at", tokens, birth_date, attributes FROM read_parquet(${text(glob)}, hive_partitioning = false)`);
    }
    for (const [table, file] of Object.entries(this.manifest.tables)) await this.view("have", table, file.key);
    if (this.before) {
      await this.view("have_before", "clients", this.before.tables.clients.key);
      await run("CREATE TABLE have_before.run AS SELECT 1 AS there");
    } else {
      await run("CREATE VIEW have_before.clients AS FROM have.clients WHERE false; CREATE TABLE have_before.run (there INT)");
    }
    if (this.latest && existsSync(join(this.store, "lake", "orders"))) {
      const glob = join(this.store, "lake", "orders", "*", "*.parquet");
      if (readdirSync(join(this.store, "lake", "orders")).some((f) => f.startsWith("bucket="))) {
        await run(`CREATE VIEW have.orders AS SELECT *, 0 AS file_row_number FROM read_parquet(${text(glob)}, hive_partitioning = false)`);
      }
    }
  }

  view(schema, table, key) {
    const file = text(join(this.store, key));
    return this.db.run(`CREATE VIEW ${schema}.${name(table)} AS FROM read_parquet(${file}, hive_partitioning = false, file_row_number = true)`);
  }

  async compare() {
    for (const script of scripts) {
      for (const statement of readFileSync(join(here, "sql", script), "utf8").split(/;$/m).filter((s) => s.trim())) {
        try {
          await this.db.run(statement);
        } catch (error) {
          const first = statement.split("\n").find((line) => line.trim() && !line.startsWith("--"));
          throw new Error(`${script}: ${first} … ${error.message}`, { cause: error });
        }
      }
    }
    for (const table of Object.keys(this.manifest.tables)) {
      if (!(table in expected) && !(table in left)) this.faults.push(`table ${table}: nobody compares it; say so in tables.mjs`);
    }
    for (const table of Object.keys(expected)) await this.table(table, expected[table]);
    if (!("thresholds" in this.manifest.tables)) return;
    for (const row of await this.query("SELECT metric FROM unsaid JOIN have.thresholds USING (metric) WHERE note NOT LIKE '%only % group%possible%'")) {
      this.faults.push(`thresholds ${row.metric}: two bounds are equal and the note does not say how many groups are possible`);
    }
  }

  columns(schema, table) {
    return this.query(`SELECT column_name AS name, data_type AS type FROM duckdb_columns() WHERE schema_name = ${text(schema)} AND table_name = ${text(table)} ORDER BY column_index`);
  }

  async table(table, { key, order, where = "true", left = {} }) {
    const have = (await this.columns("have", table)).filter((c) => c.name !== "file_row_number");
    if (have.length === 0) {
      this.lines.push([table, "not there", "", ""]);
      // The folded orders stand where the last night left them, and nowhere before there are any.
      if (table !== "orders") this.faults.push(`table ${table}: the night did not write it`);
      return;
    }
    const want = new Map((await this.columns("want", table)).map((c) => [c.name, c.type]));
    for (const c of have) {
      if (!want.has(c.name) && !(c.name in left)) this.faults.push(`${table}.${c.name}: nobody compares it; say so in tables.mjs`);
    }
    for (const c of want.keys()) {
      if (!have.some((h) => h.name === c)) this.faults.push(`${table}.${c}: the night has no such column`);
    }
    const cells = have.filter((c) => want.has(c.name) && !key.includes(c.name));
    const cell = (side, c) => {
      const value = `${side}.${name(c.name)}`;
      switch (c.type) {
        case "DOUBLE": case "FLOAT": return `format('{:.8e}', ${value}::DOUBLE + 0.0)`;
        case "MAP(VARCHAR, VARCHAR)": return `list_sort(map_entries(${value}))::VARCHAR`;
        default: return `${value}::VARCHAR`;
      }
    };
    const on = key.map((k) => `h.${name(k)} IS NOT DISTINCT FROM w.${name(k)}`).join(" AND ");
    const id = key.map((k) => `coalesce(h.${name(k)}::VARCHAR, w.${name(k)}::VARCHAR, '')`).join(" || ' ' || ");
    const tests = [
      `CASE WHEN h.here IS NULL THEN 'row: missing' WHEN w.here IS NULL THEN 'row: too many' END`,
      ...cells.map((c) => `CASE WHEN h.here AND w.here AND ${cell("h", c)} IS DISTINCT FROM ${cell("w", c)}
        THEN ${text(c.name + ": ")} || coalesce(${cell("h", c)}, 'null') || ', want ' || coalesce(${cell("w", c)}, 'null') END`),
    ];
    await this.db.run(`CREATE OR REPLACE TEMP TABLE differences AS SELECT * FROM (
      SELECT ${id} AS key, unnest([${tests.join(",\n")}]) AS what
      FROM (SELECT *, true AS here FROM have.${name(table)} WHERE ${where}) h FULL JOIN (SELECT *, true AS here FROM want.${name(table)}) w ON ${on}
    ) WHERE what IS NOT NULL`);
    const [{ n }] = await this.query("SELECT count(*)::INT AS n FROM differences");
    const [{ rows, keys }] = await this.query(
      `SELECT count(*)::INT AS rows, count(DISTINCT row(${key.map(name)}))::INT AS keys FROM have.${name(table)} WHERE ${where}`);
    let bad = n + (rows - keys);
    if (rows > keys) this.faults.push(`${table}: ${rows - keys} rows repeat a key`);
    if (order) {
      const [{ wrong }] = await this.query(`SELECT count(*)::INT AS wrong FROM (
        SELECT file_row_number AS lies, row_number() OVER (ORDER BY ${order}) - 1 AS place FROM have.${name(table)}) WHERE lies <> place`);
      if (wrong > 0) this.faults.push(`${table}: ${wrong} rows are not in the order of ${order}`);
    }
    this.lines.push([table, rows, rows * (cells.length + key.length), bad]);
    for (const d of await this.query(`SELECT * FROM differences ORDER BY key, what LIMIT ${shown}`)) {
      this.faults.push(`${table} [${d.key}] ${d.what}`);
    }
  }
}

// nights lists the runs of a store, oldest first; each with its predecessor.
function nights(folder) {
  const params = JSON.parse(readFileSync(join(folder, "params.json"), "utf8"));
  const store = isAbsolute(params.store) ? params.store : join(folder, params.store);
  const read = (path) => JSON.parse(readFileSync(join(store, path), "utf8"));
  const manifest = (ref) => read(`gold/runs/asof=${ref.as_of}/run=${ref.run}.json`);
  const all = [];
  for (let run = read("gold/current.json"); run; run = run.predecessor && manifest(run.predecessor)) {
    all.unshift(new Night(store, params, run, run.predecessor && manifest(run.predecessor), all.length === 0));
  }
  return all;
}

const began = Date.now();
const verbose = process.argv.includes("-v");
const folders = process.argv.slice(2).filter((a) => a !== "-v").flatMap((dir) =>
  existsSync(join(dir, "params.json")) ? [dir] : readdirSync(dir).sort().map((f) => join(dir, f)).filter((f) => existsSync(join(f, "params.json"))));
if (folders.length === 0) {
  console.error("usage: node infra/oracle/oracle.mjs [-v] DIR…   (no DIR/NAME/params.json found)");
  process.exit(2);
}
const width = [28, 12, 14, 10, 12, 12];
const print = (cells) => console.log(cells.map((c, i) => (i < 3 ? String(c).padEnd(width[i]) : String(c).padStart(width[i]))).join(" "));
print(["dataset", "as of", "table", "rows", "cells", "differences"]);
let total = 0, differences = 0, faults = 0;
for (const folder of folders) {
  for (const night of nights(folder)) {
    await night.load();
    await night.compare();
    const sums = [0, 0, 0];
    for (const [table, rows, cells, bad] of night.lines) {
      if (verbose || bad > 0) print([folder.split("/").pop(), night.manifest.as_of, table, rows, cells, bad]);
      [rows, cells, bad].forEach((n, i) => { sums[i] += Number(n) || 0; });
      total += Number(cells) || 0;
      differences += Number(bad) || 0;
    }
    const compared = night.lines.filter(([, rows]) => rows !== "not there");
    const absent = night.lines.filter(([, rows]) => rows === "not there").map(([table]) => table);
    print([folder.split("/").pop(), night.manifest.as_of, `${compared.length} tables`, ...sums, absent.length > 0 ? `  not there: ${absent.join(" ")}` : ""]);
    for (const fault of night.faults) console.log("  DIFFERS " + fault);
    faults += night.faults.length;
    night.db.closeSync();
  }
}
const summary = `${total} cells compared, ${differences} differ, ${((Date.now() - began) / 1000).toFixed(1)} s`;
if (differences + faults > 0) {
  console.log(`FAILED: ${summary}`);
  process.exit(1);
}
console.log(`oracle: ${summary}`);
