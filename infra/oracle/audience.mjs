// Audience files and DuckDB.
//
//   node infra/oracle/audience.mjs copy DIR    the job of `bench audience`: contacts of DIR/contacts-*.parquet as a hashed CSV
//   node infra/oracle/audience.mjs check DIR   reads the audience files that `go run ./infra/oracle -audiences DIR` made and compares
//                                              every cell with expected.mjs; exit status 1: a file or a cell differs. A further
//                                              argument, such as vk-true-add, is the only folder looked at
import { DuckDBInstance } from "@duckdb/node-api";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expected, marked, platforms } from "./expected.mjs";

const text = (s) => "'" + String(s).replaceAll("'", "''") + "'";
const [mode, folder, only] = process.argv.slice(2);
const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const db = await instance.connect();

// readFile reads rows in the dialect of a platform: nothing is guessed, a header is a row.
async function readFile(name, separator, wide) {
  const columns = Array.from({ length: wide }, (_, i) => `'c${i}': 'VARCHAR'`).join(", ");
  const read = `SELECT * FROM read_csv(${text(join(folder, name))}, auto_detect = false, header = false, delim = ${text(separator)}, quote = '"',
      escape = '"', columns = {${columns}}, nullstr = 'no cell says this', parallel = false, strict_mode = true, max_line_size = 10000000, allow_quoted_nulls = false)`;
  return (await db.runAndReadAll(read)).getRows();
}

if (mode === "copy") {
  const file = join(folder, "theirs.csv");
  // "plus" trusts the input to be digits behind a plus sign, which ours checks.
  const digits = only === "plus" ? "replace(phone, '+', '')" : "regexp_replace(phone, '[^0-9]', '', 'g')";
  await db.run(`COPY (
      SELECT sha256(${digits}) AS phone, sha256(lower(trim(nullif(email, '')))) AS email, client_id AS external_id
      FROM read_parquet(${text(join(folder, "contacts-*.parquet"))})
    ) TO ${text(file)} (FORMAT csv, HEADER true, DELIMITER ',')`);
  console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS * 1024, file }));
} else if (mode === "check") {
  const contacts = JSON.parse(readFileSync(join(folder, "contacts.json"), "utf8"));
  const made = JSON.parse(readFileSync(join(folder, "files.json"), "utf8"));
  let files = 0, cells = 0, differ = 0;
  const fault = (what) => {
    if (++differ < 6) console.log(what);
  };
  // alike compares rows; lines tells that the reader takes \r\n in a cell for \n.
  const alike = (what, got, want, lines) => {
    if (got.length !== want.length) return fault(`${what}: ${got.length} rows, want ${want.length}`);
    want.forEach((row, i) => row.forEach((cell, j) => {
      cells++;
      if ((got[i][j] ?? "") !== (lines ? cell.replaceAll("\r\n", "\n") : cell) || got[i].length > row.length) fault(`${what}: row ${i + 1}, column ${j + 1} differs`);
    }));
  };
  const seen = new Set(made.map((m) => m.platform));
  for (const p of new Set([...seen, ...platforms])) {
    if (!seen.has(p) || !platforms.includes(p)) fault(`${p}: there are ${seen.has(p) ? "no rules" : "no files"}`);
  }
  const wanted = made.filter((m) => only === undefined || m.folder === only);
  if (wanted.length === 0) fault(`there is no folder ${only}`);
  for (const { folder: name, platform, hashed, change, people, separator, files: written, read } of wanted) {
    const want = expected(platform, hashed, change, contacts.slice(0, people));
    if (written.slice().sort().join() !== Object.keys(want).sort().join()) fault(`${name}: files ${written}, want ${Object.keys(want)}`);
    for (const file of written.filter((f) => f in want)) {
      files++;
      const again = read?.[file]; // what a reader of Go found in it
      if (again) alike(`${name}/${file}, read in Go`, again, want[file], true);
      if (file.endsWith(".xlsx")) continue;
      // DuckDB passes over byte order marks, wherever they stand.
      const at = readFileSync(join(folder, name, file)).lastIndexOf("\ufeff");
      if (at !== (marked.includes(file) ? 0 : -1)) fault(`${name}/${file}: a byte order mark at ${at}`);
      alike(`${name}/${file}`, await readFile(join(name, file), separator, want[file][0].length), want[file], false);
    }
  }
  console.log(`audience files: ${files} files, ${cells} cells read back by DuckDB, encoding/csv and excelize, ${differ} differ`);
  process.exitCode = differ > 0 ? 1 : 0;
} else {
  console.error("usage: audience.mjs copy|check DIR");
  process.exitCode = 2;
}
