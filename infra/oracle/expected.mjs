// What has to stand in the audience files of every platform, worked out a second
// time: the rules of the platforms in JavaScript, sharing nothing with lib/audience.
// A row is a list of texts, a header is a row. It holds for the people that
// audiences.go invents: their phones and e-mails are all different and usable.
import { createHash } from "node:crypto";

const digest = (algorithm) => (text) => (text === "" ? "" : createHash(algorithm).update(text, "utf8").digest("hex"));
const md5 = digest("md5"), sha256 = digest("sha256"), plain = (text) => text;

const digits = (phone) => phone.slice(1);
const words = (text) => text.split(/\s+/u).filter((w) => w !== "");
const letters = (text) => text.normalize("NFC").replace(/[^\p{L}\p{M}\p{Nd}]/gu, "").toLowerCase().normalize("NFC");
const visible = (text) => text.replace(/\p{Cc}/gu, " ");
const ends = (text) => text.replace(/^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu, "");

// A text for a sender: no controls, nothing in front that begins a formula.
const tame = (text) => ends(visible(text).replace(/^[\s\p{Cf}=+\-@]+/u, ""));
const atMost = (n, text) => Array.from(words(tame(text)).join(" ")).slice(0, n).join("").trim();
// A cell for people: an apostrophe before what begins a formula, at the start and
// behind every sign that another program may take for the end of a cell.
const safe = (text) => ends(visible(text)).replace(/(^|[,;|])(["\s\p{Cf}]*)(?=[=+\-@])/gu, "$1$2'");
// 7 900 000-00-00: no bare run of digits, no plus sign.
const groups = (phone) => {
  const d = digits(phone), tail = d.slice(-4);
  let head = d.slice(0, -4), parts = [];
  for (; head.length > 3; head = head.slice(0, -3)) parts.unshift(head.slice(-3));
  return [head, ...parts].join(" ") + `-${tail.slice(0, 2)}-${tail.slice(2)}`;
};
const google = (email) => {
  const [local, domain] = email.split("@");
  return (domain === "gmail.com" || domain === "googlemail.com" ? local.split("+")[0].replaceAll(".", "") : local) + "@" + domain;
};
const titles = ["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam"], suffixes = ["jr", "sr", "ii", "iii", "iv", "phd", "md"];
const among = (list, word) => list.includes(word.replace(/\.$/, ""));
const googleName = (text) => {
  const w = words(text.toLowerCase());
  while (w.length > 1 && among(titles, w[0])) w.shift();
  while (w.length > 1 && among(suffixes, w[w.length - 1])) w.pop();
  return w.join("").replace(/[\p{Cc}\p{Cf}]/gu, "").normalize("NFC");
};
const metaCity = (text) => text.toLowerCase().split(/[\s-]+/u).map((w) => w.replace(/[^a-z0-9]/g, "")).filter((w) => /[a-z]/.test(w)).join("");

// The values of a list in rows of so many columns.
const chunks = (list, wide, n) => Array.from({ length: n }, (_, i) => Array.from({ length: wide }, (_, j) => list[i * wide + j] ?? ""));

const bare = (name, of) => ({ name, rows: (p) => of(p).map((value) => [value]) });
const devices = (p) => p.mobile_ids, emails = (p) => p.emails, phones = (p) => p.phones.map(digits);
const one = (list) => list[0] ?? "";

// files lists the files of a platform: header, rows that stand before the first
// person, and the rows of a person.
const files = {
  yandex: (hashed) => {
    const h = hashed ? sha256 : plain;
    return [{
      name: "yandex_audience.csv", head: [["phone", "email", "external_id"]],
      rows: (p) => Array.from({ length: Math.max(p.phones.length, p.emails.length) }, (_, i) => [h(phones(p)[i] ?? ""), h(p.emails[i] ?? ""), p.client_id]),
    }];
  },
  vk: (hashed) => {
    const h = hashed ? md5 : plain;
    return [bare("vk_phones.txt", (p) => phones(p).map(h)), bare("vk_emails.txt", (p) => p.emails.map(h)), bare("vk_ids.txt", (p) => p.vk_ids)];
  },
  google: (hashed) => {
    const h = hashed ? sha256 : plain;
    const rows = (p) => {
      const first = googleName(p.first_name), last = googleName(p.last_name).replace(/[^\p{L}\p{M}\p{Nd}]/gu, "");
      const whole = first !== "" && last !== "" && p.country !== "" && p.zip !== "";
      const where = whole ? [h(first), h(last), p.country, p.zip] : ["", "", "", ""];
      const n = Math.max(1, Math.ceil(p.emails.length / 2), Math.ceil(p.phones.length / 2));
      const mails = chunks(p.emails.map(google).map(h), 2, n), calls = chunks(p.phones.map(h), 2, n);
      return mails.map((m, i) => [...m, ...calls[i], ...where]);
    };
    const file = (name, of) => ({ name, head: [["Email", "Email", "Phone", "Phone", "First Name", "Last Name", "Country", "Zip"]], rows: (p) => (of(p) ? rows(p) : []) });
    return hashed
      ? [file("google_customer_match_consent_granted.csv", (p) => p.signals), file("google_customer_match_no_signal.csv", (p) => !p.signals)]
      : [file("google_customer_match.csv", () => true)];
  },
  meta: (hashed) => {
    const h = hashed ? sha256 : plain;
    return [{
      name: "meta_customers.csv",
      head: [["email", "email", "email", "phone", "phone", "phone", "madid", "fn", "ln", "ct", "st", "zip", "country", "dob", "gen", "value"]],
      rows: (p) => {
        const n = Math.max(Math.ceil(p.emails.length / 3), Math.ceil(p.phones.length / 3), p.mobile_ids.length);
        const mails = chunks(p.emails.map(h), 3, n), calls = chunks(phones(p).map(h), 3, n);
        const about = [letters(p.first_name), letters(p.last_name), metaCity(p.city), p.state.toLowerCase().replace(/[^a-z]/g, ""), p.zip.toLowerCase(), p.country.toLowerCase(), p.birth_day.replaceAll("-", ""), p.gender];
        return mails.map((m, i) => [...m, ...calls[i], p.mobile_ids[i] ?? "", ...about.map(h), p.value]);
      },
    }];
  },
  tiktok: (hashed) => {
    const h = hashed ? sha256 : plain, end = hashed ? "_SHA256" : "";
    return [
      {
        name: "tiktok_customers.csv", head: [["Email" + end, "Phone" + end]],
        rows: (p) => [...p.emails.map((e) => [h(e), ""]), ...p.phones.map((n) => ["", hashed ? h(digits(n)) : n])],
      },
      { name: "tiktok_devices.csv", head: [["MAID" + end]], rows: (p) => p.mobile_ids.map((d) => [h(d)]) },
    ];
  },
  "vk-old": () => [bare("vk_old_phones.txt", phones), bare("vk_old_emails.txt", emails), bare("vk_old_ids.txt", (p) => p.vk_ids)],
  linkedin: (hashed) => [{
    name: "linkedin_contacts.csv", head: [["email", "firstname", "lastname", "jobtitle", "employeecompany", "country", "googleaid"]],
    rows: (p) => p.emails.map((e) => (hashed ? [sha256(e), "", "", "", "", "", ""] : [e, atMost(35, p.first_name), atMost(35, p.last_name), "", atMost(50, p.company), p.country, ""])),
  }],
  microsoft: (_, change) => [{
    name: "microsoft_customer_list.csv",
    head: [
      ["Type", "Status", "Id", "Parent Id", "Client Id", "Modified Time", "Name", "Description", "Scope", "Audience", "Action Type", "Sub Type", "Text"],
      ["Format Version", "", "", "", "", "", "6.0", "", "", "", "", "", ""],
      ["Customer List", "Active", "-10", "", "", "", "oracle", "", "", "", { add: "Add", remove: "Remove" }[change] ?? "Add", "", ""],
    ],
    rows: (p) => p.emails.map((e) => ["Customer List Item", "", "", "-10", "", "", "", "", "", "", "", "Email", sha256(e)]),
  }],
  pinterest: (hashed) => {
    const h = hashed ? sha256 : plain;
    return [bare("pinterest_emails.csv", (p) => p.emails.map(h)), bare("pinterest_devices.csv", (p) => p.mobile_ids.map(h))];
  },
  x: (hashed) => {
    const h = hashed ? sha256 : plain;
    return [bare("x_emails.csv", (p) => p.emails.map(h)), bare("x_phones.csv", (p) => phones(p).map(h)), bare("x_devices.csv", (p) => p.mobile_ids.map(h))];
  },
  snapchat: () => [
    bare("snapchat_emails.csv", (p) => p.emails.map(sha256)), bare("snapchat_phones.csv", (p) => phones(p).map(sha256)), bare("snapchat_devices.csv", (p) => devices(p).map(sha256)),
  ],
  tads: () => [{ name: "tads.csv", head: [["telegram_id"]], rows: (p) => p.telegram_ids.map((id) => [id]) }],
  unisender: () => [{ name: "unisender.csv", head: [["email", "phone", "Name"]], rows: (p) => [[one(p.emails), one(p.phones), tame(p.first_name)]] }],
  mailchimp: () => [{
    name: "mailchimp.csv", head: [["Email Address", "First Name", "Last Name", "Phone Number", "Birthday"]],
    rows: (p) => [[one(p.emails), tame(p.first_name), tame(p.last_name), one(p.phones), p.birth_day.slice(5).replace("-", "/")]],
  }],
  sendpulse: () => [{ name: "sendpulse.csv", head: [["email", "phone", "name"]], rows: (p) => [[one(p.emails), one(p.phones), tame(p.first_name)]] }],
  mindbox: () => [{
    name: "mindbox.csv", head: [["Email", "MobilePhone", "FirstName", "LastName"]],
    rows: (p) => [[one(p.emails), one(phones(p)), tame(p.first_name), tame(p.last_name)]],
  }],
  csv: () => [{ ...people, name: "contacts.csv" }],
  xlsx: () => [{ ...people, name: "contacts.xlsx" }],
  dialler: () => [{
    name: "dialler.csv", head: [["Телефоны / Phones", "Имя / First name", "Фамилия / Last name", "Город / City", "Код клиента / Client id"]],
    rows: (p) => phones(p).map((n) => [n, p.first_name, p.last_name, p.city, p.client_id].map(safe)),
  }],
};
const people = {
  head: [["Код клиента / Client id", "Имя / First name", "Фамилия / Last name", "Телефоны / Phones", "Почта / E-mails", "Город / City", "Дата рождения / Birth date"]],
  rows: (p) => [[p.client_id, p.first_name, p.last_name, p.phones.map(groups).join(" / "), p.emails.join(" / "), p.city, p.birth_day].map(safe)],
};

// marked are the files that a spreadsheet must see as UTF-8: they begin with a byte
// order mark, and no other file holds one anywhere.
export const marked = ["contacts.csv", "dialler.csv"];

// platforms are those that there are rules for.
export const platforms = Object.keys(files);

// expected gives the files of a platform by their names, each a list of rows.
export function expected(platform, hashed, change, contacts) {
  return Object.fromEntries(files[platform](hashed, change).map((f) => [
    change === "" ? f.name : f.name.replace(".", `_${change}.`), [...(f.head ?? []), ...contacts.flatMap(f.rows)],
  ]));
}
