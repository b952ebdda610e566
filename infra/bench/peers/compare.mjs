// Compares the tables of two nights cell by cell: money, counts and texts exactly,
// floats within half a unit of the ninth digit, to which Leadlake rounds them. Tables may lie in folders
// of their own below a folder.
//
//   node compare.mjs --have DIR --want DIR
//
// Columns that --have alone has are of no job and left out. It prints the first cells
// that differ and a line of sums; exit status 1: some differ.

import { DuckDBInstance } from "@duckdb/node-api";
import { existsSync, readdirSync } from "node:fs";
import { text } from "./arguments.mjs";

const argument = (name) => process.argv[process.argv.indexOf(`--${name}`) + 1];
const have = argument("have"), want = argument("want");

// The tables of the job: the key, and which rows are of the job.
const client = "entity = 'client'";
const tables = {
  clients: { key: ["client_id"], where: "orders > 0" }, rfm_codes: { key: ["code"] }, thresholds: { key: ["metric", "entity", "rule"], where: `${client} AND metric IN ('recency', 'frequency', 'monetary', 'abc', 'xyz')` },
  abc: { key: ["entity", "id"], where: client }, xyz: { key: ["entity", "id"], where: client }, cohorts: { key: ["cohort_month", "period"] },
  lifecycle: { key: ["month"] }, ltv: { key: ["month"] },
};

const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const db = await instance.connect();
const rows = async (sql) => (await db.runAndReadAll(sql)).getRowObjectsJson();

// A table is DIR/NAME.parquet or every Parquet file below DIR/gold/NAME.
function glob(dir, table) {
  if (existsSync(`${dir}/${table}.parquet`)) return `${dir}/${table}.parquet`;
  const root = `${dir}/gold/${table}`;
  if (!existsSync(root)) return undefined;
  return readdirSync(root, { recursive: true }).some((f) => f.endsWith(".parquet")) ? `${root}/**/*.parquet` : undefined;
}

let cells = 0, differ = 0;
for (const [table, { key, where = "true" }] of Object.entries(tables)) {
  const files = [have, want].map((dir) => glob(dir, table));
  const missing = files.findIndex((f) => !f);
  if (missing >= 0) {
    console.log(`DIFFERS ${table}: not there in ${[have, want][missing]}`);
    differ++;
    continue;
  }
  await db.run(`CREATE OR REPLACE VIEW h AS SELECT *, true AS here FROM read_parquet(${text(files[0])}, hive_partitioning = false) WHERE ${where};
    CREATE OR REPLACE VIEW w AS SELECT *, true AS here FROM read_parquet(${text(files[1])}, hive_partitioning = false) WHERE ${where}`);
  const columns = async (view) => new Map((await rows(`DESCRIBE ${view}`)).map((c) => [c.column_name, c.column_type]));
  const ours = await columns("h"), theirs = await columns("w");
  const compared = [...theirs.keys()].filter((c) => c !== "here" && !key.includes(c));
  for (const c of compared.filter((c) => !ours.has(c))) {
    console.log(`DIFFERS ${table}.${c}: no such column`);
    differ++;
  }
  const tests = compared.filter((c) => ours.has(c)).map((c) => {
    const [h, w] = [`h."${c}"`, `w."${c}"`];
    const float = [ours.get(c), theirs.get(c)].some((t) => t === "DOUBLE" || t.startsWith("DECIMAL"));
    const same = float ? `coalesce(abs(${h} - ${w}) <= CASE WHEN ${w} = 0 THEN 0 ELSE 0.500001 * pow(10, floor(log10(abs(${w}))) - 8) END, ${h} IS NULL AND ${w} IS NULL)` : `${h} IS NOT DISTINCT FROM ${w}`;
    return `CASE WHEN h.here AND w.here AND NOT (${same}) THEN concat(${text(c)}, ': ', coalesce(${h}::VARCHAR, 'null'), ', want ', coalesce(${w}::VARCHAR, 'null')) END`;
  });
  const id = key.map((k) => `coalesce(h."${k}", w."${k}")::VARCHAR`).join(" || ' ' || ");
  await db.run(`CREATE OR REPLACE TEMP TABLE differences AS SELECT * FROM (
    SELECT ${id} AS key, unnest([CASE WHEN h.here IS NULL THEN 'row: missing' WHEN w.here IS NULL THEN 'row: too many' END, ${tests.join(", ")}]) AS what
    FROM h FULL JOIN w ON ${key.map((k) => `h."${k}" = w."${k}"`).join(" AND ")}) WHERE what IS NOT NULL`);
  const [{ n, there, keys }] = await rows(`SELECT (SELECT count(*) FROM differences)::DOUBLE AS n, (SELECT count(*) FROM w)::DOUBLE AS there, (SELECT count(*) - count(DISTINCT (${key.join(", ")})) FROM h)::DOUBLE AS keys`);
  cells += there * (key.length + tests.length);
  differ += n + keys;
  if (keys > 0) console.log(`DIFFERS ${table}: ${keys} rows repeat a key`);
  for (const d of await rows("SELECT * FROM differences ORDER BY key, what LIMIT 5")) console.log(`DIFFERS ${table} [${d.key}] ${d.what}`);
}
console.log(`${cells} cells compared, ${differ} differ`);
db.closeSync();
process.exitCode = differ > 0 ? 1 : 0;
