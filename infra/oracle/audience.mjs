// Audience files and DuckDB.
//
//   node infra/oracle/audience.mjs copy DIR    the job of `bench audience`: contacts of DIR/contacts-*.parquet as a hashed CSV
//   node infra/oracle/audience.mjs check DIR   reads the audience files that `go run ./infra/oracle -audiences DIR` made and compares
//                                              every row with what its encoding/csv read; exit status 1: a cell differs
import { DuckDBInstance } from "@duckdb/node-api";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const text = (s) => "'" + String(s).replaceAll("'", "''") + "'";
const [mode, folder] = process.argv.slice(2);
const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const db = await instance.connect();

if (mode === "copy") {
  const file = join(folder, "theirs.csv");
  // "plus" trusts the input to be digits behind a plus sign, which ours checks.
  const digits = process.argv[4] === "plus" ? "replace(phone, '+', '')" : "regexp_replace(phone, '[^0-9]', '', 'g')";
  await db.run(`COPY (
      SELECT sha256(${digits}) AS phone, sha256(lower(trim(nullif(email, '')))) AS email, client_id AS external_id
      FROM read_parquet(${text(join(folder, "contacts-*.parquet"))})
    ) TO ${text(file)} (FORMAT csv, HEADER true, DELIMITER ',')`);
  console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS * 1024, file }));
} else if (mode === "check") {
  const files = JSON.parse(readFileSync(join(folder, "rows.json"), "utf8"));
  let cells = 0, differ = 0;
  for (const { name, separator, header, rows } of files) {
    const wide = rows[0].length;
    const columns = Array.from({ length: wide }, (_, i) => `'c${i}': 'VARCHAR'`).join(", ");
    const read = `SELECT * FROM read_csv(${text(join(folder, name))}, auto_detect = false, header = ${header}, delim = ${text(separator)}, quote = '"',
      escape = '"', columns = {${columns}}, nullstr = 'no cell says this', parallel = false, strict_mode = true, max_line_size = 10000000, allow_quoted_nulls = false)`;
    const got = (await db.runAndReadAll(read)).getRows();
    if (got.length !== rows.length) {
      differ++;
      console.log(`${name}: ${got.length} rows, want ${rows.length}`);
      continue;
    }
    rows.forEach((row, i) => row.forEach((want, j) => {
      cells++;
      if ((got[i][j] ?? "").replaceAll("\r\n", "\n") !== want) { // encoding/csv reads a line end in a cell as \n
        differ++;
        if (differ < 6) console.log(`${name}: row ${i + 1}, column ${j + 1} differs`);
      }
    }));
  }
  console.log(`audience files: ${files.length} files, ${cells} cells read back by DuckDB, ${differ} differ`);
  process.exitCode = differ > 0 ? 1 : 0;
} else {
  console.error("usage: audience.mjs copy|check DIR");
  process.exitCode = 2;
}
