package pipeline_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/schema"
)

// handoverConfig exports the buyers in every manner: to platforms without a smallest
// list and to one with, with a control group, to senders with a budget, and a
// sensitive segment.
const handoverConfig = shopConfig + `
segments:
  - {name: employees, title: {ru: "Сотрудники", en: "Employees"}, rule: '"employee" in tags'}
  - {name: patients, title: {ru: "Пациенты", en: "Patients"}, rule: '"gynaecology" in interests'}
sensitive: [gynaecology]
exclude: [employees]
metrics: {contacts_per_month: 2}
exports:
  - {segment: buyers, platforms: [meta], holdout: 0.2}
  - {segment: buyers, platforms: [unisender, mailchimp, csv]}
  - {segment: patients, platforms: [meta, unisender]}
`

// TestNobodyIsHandedOverWhoMustNotBe lets random people do anything in any order and
// holds every file against a model made from the rules alone. More seeds:
// LEADLAKE_SEEDS=200 go test -run NobodyIsHandedOver ./lib/pipeline.
func TestNobodyIsHandedOverWhoMustNotBe(t *testing.T) {
	seeds := []int{0, 42, 118, 145, 171} // the latter ones have found faults
	if n, err := strconv.Atoi(os.Getenv("LEADLAKE_SEEDS")); err == nil {
		seeds = seeds[:0]
		for seed := range n {
			seeds = append(seeds, seed)
		}
	}
	for _, seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) { newHistory(t, uint64(seed)).live() })
	}
}

// history is a shop with its people as the rules see them.
type history struct {
	*world
	random *rand.Rand
	n      int // makes ids

	told    []claim           // compacted
	waiting []claim           // posted, not compacted yet
	up      map[string]string // identifiers that one event has named together
	erased  map[string]bool   // identifiers

	// As of the night in force.
	nightUp   map[string]string
	employees map[string]bool

	tokens    map[string]string
	platforms map[string]platformState // by segment/platform
	replaced  map[string]bool          // bundle and person: a row went, and another may take its place
	contacts  []contactMade
	acts      []actMade
	downloads int
}

type claim struct {
	ids     []string
	at      time.Time
	seq     int
	purpose string // of a statement; empty: none
	given   bool
	tag     string
}

// platformState is what a platform has: rows by file.
type platformState map[string]map[string]bool

type contactMade struct {
	at  time.Time
	id  string
	act string
}

type actMade struct {
	key string // who, bundle and file
	at  time.Time
}

type bundleName struct{ segment, platform, file, purpose string }

func (b bundleName) key() string { return b.segment + "/" + b.platform }

func handedBundles() []bundleName {
	return []bundleName{
		{"buyers", "meta", "", "ads"},
		{"buyers", "yandex", "", "ads"},
		{"buyers", "unisender", "", "email"},
		{"buyers", "mailchimp", "", "email"},
		{"buyers", "csv", "", "ads"},
		{"patients", "meta", "", "ads"},
		{"patients", "unisender", "", "email"},
	}
}

func newHistory(t *testing.T, seed uint64) *history {
	w := newWorld(t)
	w.configure(handoverConfig)
	h := &history{
		world: w, random: rand.New(rand.NewPCG(seed, 99)), up: map[string]string{}, erased: map[string]bool{},
		nightUp: map[string]string{}, employees: map[string]bool{}, tokens: map[string]string{}, platforms: map[string]platformState{},
		replaced: map[string]bool{},
	}
	people := 90 + h.random.IntN(50)
	for i := range people {
		h.n++
		h.buy(phoneOf(i), mailOf(i))
		for _, purpose := range []string{"ads", "email"} {
			if h.random.IntN(12) > 0 {
				h.state(purpose, h.random.IntN(12) > 0, phoneOf(i))
			}
		}
		if h.random.IntN(10) == 0 {
			h.tag("interests", "gynaecology", phoneOf(i))
		}
		if h.random.IntN(15) == 0 {
			h.tag("tags", "employee", mailOf(i))
		}
	}
	h.dawn()
	for _, b := range handedBundles() {
		locked := b.segment == "patients" && b.platform == "meta"
		if !h.download("olga", b, "") && !locked && b.platform != "yandex" && b.segment == "buyers" {
			t.Fatalf("there is no list of %s", b.key())
		}
	}
	return h
}

func phoneOf(i int) string { return fmt.Sprintf("7916333%04d", i) }
func mailOf(i int) string  { return fmt.Sprintf("p%d@kofe.ru", i) }

// clientNamed names somebody by identifiers.
func clientNamed(ids ...string) string {
	var phones, emails []string
	for _, id := range ids {
		if strings.Contains(id, "@") {
			emails = append(emails, strconv.Quote(id))
		} else {
			phones = append(phones, strconv.Quote("+"+id))
		}
	}
	return fmt.Sprintf(`"phones": [%s], "emails": [%s]`, strings.Join(phones, ","), strings.Join(emails, ","))
}

func (h *history) say(s claim, rest string) {
	h.n++
	s.at, s.seq = h.now, h.n
	h.waiting = append(h.waiting, s)
	h.post("till", fmt.Sprintf(`{"id": "e%d", "at": "%s", "client": {%s}, %s}`, h.n, h.now.Format(time.RFC3339), clientNamed(s.ids...), rest))
	h.now = h.now.Add(time.Second)
}

func (h *history) buy(ids ...string) {
	h.say(claim{ids: ids}, fmt.Sprintf(`"kind": "order", "order": {"id": "o%s", "status": "paid", "total": "%d.00"}`, ids[0], 100+h.random.IntN(900)))
}

func (h *history) state(purpose string, given bool, id string) {
	h.say(claim{ids: []string{id}, purpose: purpose, given: given},
		fmt.Sprintf(`"kind": "consent", "consents": [{"purpose": "%s", "given": %t}]`, purpose, given))
}

func (h *history) tag(list, word, id string) {
	h.say(claim{ids: []string{id}, tag: word}, fmt.Sprintf(`"kind": "profile", "%s": ["%s"]`, list, word))
}

func (h *history) unsubscribe(channel, id string) {
	purposes := []string{channel}
	body := fmt.Sprintf(`"kind": "unsubscribe", "unsubscribe": {"channel": "%s"}`, channel)
	if channel == "" {
		purposes, body = []string{"ads", "email", "sms", "call", "messenger"}, `"kind": "unsubscribe"`
	}
	h.say(claim{ids: []string{id}, purpose: purposes[0]}, body)
	for _, purpose := range purposes[1:] {
		s := h.waiting[len(h.waiting)-1]
		s.purpose = purpose
		h.waiting = append(h.waiting, s)
	}
}

func root(up map[string]string, id string) string {
	for up[id] != "" {
		id = up[id]
	}
	return id
}

// settle compacts: what was posted is known from now on.
func (h *history) settle() {
	h.compact()
	for _, s := range h.waiting {
		if slices.ContainsFunc(s.ids, func(id string) bool { return h.erased[id] }) {
			continue // of somebody erased: kept out
		}
		h.told = append(h.told, s)
		for _, id := range s.ids[1:] {
			if a, b := root(h.up, s.ids[0]), root(h.up, id); a != b {
				h.up[max(a, b)] = min(a, b)
			}
		}
	}
	h.waiting = nil
}

// dawn is the night of the next day.
func (h *history) dawn() {
	h.settle()
	h.now = time.Date(h.now.Year(), h.now.Month(), h.now.Day()+1, 4, 0, 0, 0, time.UTC)
	h.night("")
	h.nightUp, h.employees = maps.Clone(h.up), map[string]bool{}
	for _, s := range h.told {
		if s.tag == "employee" {
			h.employees[root(h.up, s.ids[0])] = true
		}
	}
}

func (h *history) anybody() string {
	i := h.random.IntN(140)
	if h.random.IntN(2) == 0 {
		return phoneOf(i)
	}
	return mailOf(i)
}

// live is some days of the shop.
func (h *history) live() {
	for range 3 {
		for range 18 {
			h.now = h.now.Add(time.Duration(h.random.IntN(25)) * time.Minute)
			h.step()
		}
		if h.random.IntN(2) == 0 {
			h.now = h.now.AddDate(0, 0, h.random.IntN(20))
		}
		h.dawn()
		if h.random.IntN(2) == 0 {
			h.export()
		}
	}
	h.settle()
	h.compare()
	if h.downloads < 12 {
		h.Errorf("%d downloads: the history proves nothing", h.downloads)
	}
}

func (h *history) step() {
	switch h.random.IntN(16) {
	case 0, 1:
		h.state([]string{"ads", "email", "processing"}[h.random.IntN(3)], h.random.IntN(3) == 0, h.anybody())
	case 2:
		h.unsubscribe([]string{"", "email", "ads"}[h.random.IntN(3)], h.anybody())
	case 3: // two people turn out to be one
		if a, b := h.anybody(), h.anybody(); a != b {
			h.say(claim{ids: []string{a, b}}, `"kind": "lead"`)
		}
	case 4: // somebody leaves by an address that is new, and was linked just now
		h.n++
		id := fmt.Sprintf("new%d@kofe.ru", h.n)
		h.say(claim{ids: []string{h.anybody(), id}}, `"kind": "lead"`)
		h.state("ads", false, id)
	case 5:
		h.tag("tags", "employee", h.anybody())
	case 6: // an order is cancelled: the client leaves the segment
		i := h.random.IntN(90)
		h.say(claim{ids: []string{phoneOf(i)}}, fmt.Sprintf(`"kind": "order", "order": {"id": "o%s", "status": "cancelled"}`, phoneOf(i)))
	case 7:
		h.settle()
	case 8:
		id := h.anybody()
		h.settle()
		for other := range h.everybody() {
			if root(h.up, other) == root(h.up, id) {
				h.erased[other] = true
			}
		}
		h.erased[id] = true
		contact := id
		if !strings.Contains(id, "@") {
			contact = "+" + id
		}
		h.erase(contact)
	case 9:
		h.compare()
	default:
		h.settle()
		b := handedBundles()[h.random.IntN(len(handedBundles()))]
		who := []string{"olga", "petr", "link:sheet"}[h.random.IntN(3)]
		change := []string{"", "_add", "_remove"}[h.random.IntN(3)]
		if h.download(who, b, change) && h.random.IntN(4) == 0 { // the connection was lost: once more
			if h.random.IntN(2) == 0 {
				h.state(b.purpose, false, h.anybody())
				h.settle()
			}
			h.download(who, b, change)
		}
	}
}

// download hands a file over, holds it against the rules and lets the platform have
// it; false where there is no such file.
func (h *history) download(who string, b bundleName, change string) bool {
	h.Helper()
	if b.platform == "csv" {
		change = ""
	}
	file := changed(fileNames()[b.platform], change)
	out, err := h.HandOver(h.Context(), pipeline.HandoverRequest{Segment: b.segment, Platform: b.platform, File: file, Who: who})
	if errors.Is(err, pipeline.ErrNotFound) {
		return false
	}
	if err != nil {
		h.Fatalf("hand over %s of %s: %v", file, b.key(), err)
	}
	body, _, err := h.store.Get(h.Context(), out.Key)
	if err != nil {
		h.Fatal(err)
	}
	if b.segment == "patients" && b.platform == "meta" && change != "_remove" {
		h.Fatal("a locked segment was handed over")
	}
	h.downloads++
	rows := strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n"), "\n")[1:]
	if len(rows) != out.Rows {
		h.Fatalf("%s of %s has %d rows, %d are told", file, b.key(), len(rows), out.Rows)
	}
	held := h.heldOf(b)
	has := h.platforms[b.key()]
	standing := map[string]bool{}
	for _, list := range has {
		for row := range list {
			for _, id := range named(row) {
				standing[root(h.nightUp, id)] = true
			}
		}
	}
	act := actMade{who + b.key() + file, h.now}
	repeated := slices.ContainsFunc(h.acts, func(a actMade) bool { return a.key == act.key && act.at.Sub(a.at) <= 15*time.Minute })
	h.acts = append(h.acts, act)
	before := slices.Clone(h.contacts)
	counted := map[string]bool{}
	for _, row := range rows {
		if change == "_remove" {
			for _, id := range named(row) {
				if h.mustNot(id, b) == "" {
					h.replaced[b.key()+root(h.nightUp, id)] = true
				}
			}
			continue
		}
		ids := named(row)
		if len(ids) == 0 {
			h.Fatalf("a row of %s names nobody of the model", b.key())
		}
		for _, id := range ids {
			if why := h.mustNot(id, b); why != "" {
				h.Fatalf("%s of %s holds somebody who must not be there: %s", file, b.key(), why)
			}
			if held[h.token(id)] {
				h.Fatalf("%s of %s holds somebody of the control group", file, b.key())
			}
		}
		person := root(h.nightUp, ids[0])
		if (b.platform == "unisender" || b.platform == "mailchimp") && !standing[person] && !counted[person] && !h.replaced[b.key()+person] {
			counted[person] = true
			if n := contactsOfPerson(h, before, person); n >= 2 && !repeated {
				h.Fatalf("%s of %s writes to somebody for the third time in 30 days", file, b.key())
			}
			h.contacts = append(h.contacts, contactMade{h.now, ids[0], act.key})
		}
	}
	if change != "_remove" {
		maps.DeleteFunc(h.replaced, func(key string, _ bool) bool { return strings.HasPrefix(key, b.key()) })
	}
	if has == nil {
		has = platformState{}
		h.platforms[b.key()] = has
	}
	name := fileNames()[b.platform]
	if has[name] == nil || change == "" {
		has[name] = map[string]bool{}
	}
	for _, row := range rows {
		if change == "_remove" {
			delete(has[name], rowOf(b.platform, row))
		} else {
			has[name][rowOf(b.platform, row)] = true
		}
	}
	return true
}

// compare brings every platform up to date by "remove, then add" and holds what it has
// against the list of the moment.
func (h *history) compare() {
	h.Helper()
	h.settle()
	h.now = h.now.Add(time.Hour) // nothing that is asked for now is a repetition
	reports := map[string]audience.Manifest{}
	report := func() {
		for _, r := range h.export().Bundles {
			reports[r.Manifest.Segment+"/"+r.Manifest.Platform] = r.Manifest
		}
	}
	report()
	run, err := lake.Current(h.Context(), h.store)
	if err != nil {
		h.Fatal(err)
	}
	for _, b := range handedBundles() {
		has := h.platforms[b.key()]
		if b.platform == "csv" || has == nil {
			continue
		}
		if b.purpose == "email" {
			report() // a message file that was handed over just now spends the budget of this one
		}
		m := reports[b.key()]
		name := fileNames()[b.platform]
		waits, written := 0, map[audience.Change]audience.FileReport{}
		for _, f := range m.Files {
			written[f.Change] = f
			if f.Waiting != nil {
				waits += f.Waiting.Rows
			}
		}
		removed := h.download("sync", b, "_remove")
		added := h.download("sync", b, "_add")
		if removed != written[audience.Remove].Written || added != written[audience.Add].Written {
			h.Fatalf("%s: removal %t, addition %t, the manifest says %t and %t", b.key(), removed, added, written[audience.Remove].Written, written[audience.Add].Written)
		}
		list := map[string]bool{}
		if written[""].Written {
			body, _, err := h.store.Get(h.Context(), lake.AudiencesPrefix+"asof="+run.AsOf+"/"+b.key()+"/"+name)
			if err != nil {
				h.Fatal(err)
			}
			for _, row := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")[1:] {
				list[rowOf(b.platform, row)] = true
			}
		} else if written[""].Rows > 0 {
			continue // too small for the platform: its rows are in no file
		}
		differ := 0
		for row := range has[name] {
			if !list[row] {
				differ++
			}
		}
		for row := range list {
			if !has[name][row] {
				differ++
			}
		}
		// What waits of erased people waits on when a whole list was given: it may not
		// have taken the place of the one there.
		erased := 0
		for key := range h.objects(lake.ErasuresPrefix) {
			if strings.HasSuffix(key, "/remove/"+b.platform+"/"+b.segment+".parquet") {
				erased += len(table[schema.RemovalRow](h.world, key))
			}
		}
		if differ > waits || waits-differ > erased {
			h.Fatalf("%s differs from the list by %d rows after removal and addition, %d wait (%+v)", b.key(), differ, waits, cmp.Or(len(has[name]), 0))
		}
	}
}
