package pipeline_test

import (
	"regexp"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

func (h *history) everybody() map[string]bool {
	all := map[string]bool{}
	for _, s := range h.told {
		for _, id := range s.ids {
			all[id] = true
		}
	}
	return all
}

// mustNot says why somebody must not be handed over, as the rules have it.
func (h *history) mustNot(id string, b bundleName) string {
	if h.erased[id] {
		return "erased"
	}
	if b.segment == "patients" && b.platform == "meta" {
		return "sensitive"
	}
	latest := map[string]claim{}
	for _, s := range h.told {
		if s.purpose == "" || root(h.up, s.ids[0]) != root(h.up, id) {
			continue
		}
		if old, ok := latest[s.purpose]; !ok || s.at.After(old.at) || s.at.Equal(old.at) && !s.given {
			latest[s.purpose] = s
		}
	}
	if s, ok := latest["processing"]; ok && !s.given {
		return "processing withdrawn"
	}
	if s, ok := latest[b.purpose]; !ok || !s.given {
		return "no consent to " + b.purpose
	}
	if h.employees[root(h.nightUp, id)] {
		return "excluded"
	}
	return ""
}

var (
	phonesIn = regexp.MustCompile(`7916333\d{4}|7 916 333-\d\d-\d\d`)
	mailsIn  = regexp.MustCompile(`[a-z]+\d+@kofe\.ru`)
)

// named lists the identifiers in a row.
func named(line string) []string {
	var ids []string
	for _, text := range phonesIn.FindAllString(line, -1) {
		ids = append(ids, strings.NewReplacer(" ", "", "-", "").Replace(text))
	}
	return append(ids, mailsIn.FindAllString(line, -1)...)
}

// rowOf is what makes a row the same to the platform.
func rowOf(platform, line string) string {
	if platform == "meta" || platform == "yandex" { // the last column stands aside
		return line[:strings.LastIndexByte(line, ',')]
	}
	return line
}

func fileNames() map[string]string {
	return map[string]string{
		"meta": "meta_customers.csv", "yandex": "yandex_audience.csv", "unisender": "unisender.csv", "mailchimp": "mailchimp.csv", "csv": "contacts.csv",
	}
}

func changed(name, change string) string { return strings.Replace(name, ".", change+".", 1) }

// contactsOfPerson counts the contacts of 30 days, the day itself among them.
func contactsOfPerson(h *history, all []contactMade, person string) int {
	location := time.FixedZone("Moscow", 3*3600)
	day := func(t time.Time) time.Time {
		y, m, d := t.In(location).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	n := 0
	for _, c := range all {
		if root(h.nightUp, c.id) == person && day(h.now).Sub(day(c.at)) < 30*24*time.Hour {
			n++
		}
	}
	return n
}

// heldOf is the control group as it was logged, by client ids.
func (h *history) heldOf(b bundleName) map[string]bool {
	h.Helper()
	held := map[string]bool{}
	for _, row := range table[schema.AssignmentRow](h.world, lake.AudiencesPrefix+"holdout/"+b.platform+"/"+b.segment+".parquet") {
		if row.Held {
			held[row.ClientID] = true
		}
	}
	return held
}

func (h *history) token(id string) string {
	if h.tokens[id] == "" {
		contact := id
		if !strings.Contains(id, "@") {
			contact = "+" + id
		}
		h.tokens[id] = h.idOf(contact)
	}
	return h.tokens[id]
}
