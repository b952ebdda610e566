// The command line of a peer: --name value pairs.

export function options() {
  const all = {};
  for (let i = 2; i < process.argv.length; i += 2) all[process.argv[i].replace(/^--/, "")] = process.argv[i + 1];
  for (const name of ["data", "asof"]) {
    if (!all[name]) {
      console.error(`usage: node ${process.argv[1]} --data DIR --asof YYYY-MM-DD [--out DIR] [--threads N] …`);
      process.exit(2);
    }
  }
  return all;
}

// text quotes a text of SQL.
export const text = (s) => "'" + String(s).replaceAll("'", "''") + "'";

// The playbook of three groups (metrics, "RFM").
export const playbook = Object.entries({
  champions: "333", loyal: "331 332", growing: "321 322 323", new: "311 312", big_new: "313", cooling_valuable: "233 232",
  steady: "221 222 223 231", cooling_once: "211 212 213", cant_lose: "133 132 123", dormant: "121 122 131 113", lost: "111 112",
}).flatMap(([segment, codes]) => codes.split(" ").map((code) => [code, segment]));

// Defaults of the configuration that the job uses.
export const churnDays = 90, margin = 1, horizonMonths = 60, daysOfMonth = 30.4375;

// bound is the type-7 quantile at i/k of n sorted values, kept k times as large so that
// nothing is rounded: between the values at two places, in proportion.
export function places(n, k) {
  return Array.from({ length: k - 1 }, (_, j) => {
    const position = (n - 1) * (j + 1);
    return { below: Math.floor(position / k), rest: position % k };
  });
}

// seconds prints how long the parts of a job took, where PEER_STEPS is set.
export function steps() {
  let wall = Date.now(), cpu = process.cpuUsage();
  return (name) => {
    if (!process.env.PEER_STEPS) return;
    const used = process.cpuUsage(cpu);
    console.error(name.padEnd(16), "cpu", ((used.user + used.system) / 1e6).toFixed(2), "wall", ((Date.now() - wall) / 1e3).toFixed(2));
    wall = Date.now();
    cpu = process.cpuUsage();
  };
}
