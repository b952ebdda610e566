// Which tables and columns are compared. A table or column of the night that
// stands neither here nor in the SQL is a fault: somebody has to decide.

const given = "given: identity resolution is not repeated here";
const card = "a word of the card, no figure; lib/card has its tests";
const fitted = "a fitted model; its tests have published parameters and back-tests";

// expected tables: the key, the order of the rows, which rows are compared where not
// all, and columns that are left out with the reason.
export const expected = {
  orders: { key: ["shop", "order_id"], left: { statements: "what the fold is made of", order_hash: "how an order is looked for" } },
  clients: {
    key: ["client_id"], order: "client_id",
    left: {
      aliases: given, records_merged: given, city: card, company: card, preferred_channel: card, birth_month_day: card, medium: card,
      last_source: card, last_medium: card, last_campaign: card, preferred_hours: card,
      p_alive: fitted, expected_orders_90d: fitted, expected_value_minor: fitted, lead_score: fitted,
      expected_next_day: "replenishment has its own tests", replenish_due_day: "likewise", replenish_overdue_day: "likewise",
      interests_bought: card, interests_open: card, unfinished_day: card, seasons: "seasonality has its own tests",
      child_birthdays: "the table birthdays is compared", pet_birthdays: "likewise",
    },
  },
  rfm_codes: { key: ["code"], order: "code" },
  rfm_moves: { key: ["from_code", "to_code"], order: "from_code, to_code" },
  thresholds: {
    key: ["metric", "entity", "rule"], order: "metric, entity, rule",
    where: "metric IN ('recency', 'frequency', 'monetary', 'abc', 'xyz', 'ltv', 'recency_bands', 'concentration', 'rfm', 'activity', 'lifecycle', 'purchase')", left: { note: "a sentence; what it must say is checked apart" },
  },
  abc: { key: ["entity", "id"], order: "entity, revenue_minor DESC, id" },
  xyz: { key: ["entity", "id"], order: "entity, id" },
  abc_xyz: { key: ["entity", "abc", "xyz"], order: "entity, abc, xyz" },
  ltv: { key: ["month"], order: "month" },
  models: { key: ["model", "parameter"], order: "model, parameter", where: "model = 'ltv' AND parameter NOT LIKE 'refused:%'" }, // the others are fitted
  cohorts: { key: ["cohort_month", "period"], order: "cohort_month, period" },
  lifecycle: { key: ["month"], order: "month" },
  other_revenue: { key: ["client_id", "currency"], order: "client_id, currency" },
  funnel: { key: ["month", "stage", "interest", "source"] },
  sources: { key: ["month", "source", "campaign"], order: "month, source, campaign" },
  bases: { key: ["interest", "base"], order: "interest, base" },
  consents: { key: ["client_id", "purpose"], order: "client_id, purpose" },
  recency: { key: ["from_days"], order: "from_days" },
  concentration: { key: ["entity", "top_share"], order: "entity, top_share" },
  channels: { key: ["month", "channel", "direction"], order: "month, channel, direction" },
  birthdays: { key: ["client_id", "who", "month_day"], order: "client_id, who, month_day" },
};

// left are the tables that no definition of SQL stands for.
export const left = {
  links: given, merges: given,
  segments: "memberships follow from clients", segment_catalogue: "counts of segments and their words; rules have their own tests", history: "spans of segments and codes",
  ledger: "of deliveries, no metric", quality: "of records, no metric",
  scores: fitted,
  basket: "has its own tests", replenishment: "has its own tests", seasonality: "has its own tests",
  effects: "of the log of exports, which the shops of the comparison do not make; has its own tests with published intervals",
};
