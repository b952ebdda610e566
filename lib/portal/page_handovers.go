package portal

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/consent"
)

type handoversBody struct {
	Spans   []spanLink
	Columns []sortLink
	Rows    []handoverRow
	More    int64 // rows that are not shown
	Days    int64
}

// spanLink is a choice of how far back the page looks.
type spanLink struct {
	Days   int64
	Href   string
	Active bool
}

// sortLink is a column's heading by which the rows can be ordered.
type sortLink struct {
	Key     string
	Href    string
	Sorted  string // ascending or descending, as aria-sort says it; empty: by another
	Numbers bool
}

type handoverRow struct {
	Handover

	Why string
}

// handoversShown is how many rows the page shows; the JSON has all of them.
const handoversShown = 500

// handoverSpans are the choices of days, the first the usual one.
func handoverSpans() []int64 { return []int64{30, 90, 365} }

// handoverOrder compares two rows by a column, as it is usually wanted: names from
// A, times and numbers from the largest.
func handoverOrder(column string, l *locale) func(a, b handoverRow) int {
	switch column {
	case "who":
		return func(a, b handoverRow) int { return cmp.Compare(a.Who, b.Who) }
	case "what":
		return func(a, b handoverRow) int {
			return cmp.Or(cmp.Compare(a.SegmentTitle.In(l.code), b.SegmentTitle.In(l.code)), cmp.Compare(a.File, b.File))
		}
	case "platform":
		return func(a, b handoverRow) int {
			return cmp.Compare(a.PlatformTitle.In(l.code), b.PlatformTitle.In(l.code))
		}
	case "why":
		return func(a, b handoverRow) int { return cmp.Compare(a.Why, b.Why) }
	case "rows":
		return func(a, b handoverRow) int { return cmp.Compare(b.Rows, a.Rows) }
	}
	return func(a, b handoverRow) int { return b.At.Compare(a.At) }
}

// handovers shows the owner what left the house.
func (p *Portal) handovers(v *visit) error {
	query := v.r.URL.Query()
	days := handoverSpans()[0]
	if asked, err := strconv.ParseInt(query.Get("days"), 10, 64); err == nil && slices.Contains(handoverSpans(), asked) {
		days = asked
	}
	all, err := p.config.Reader.Handovers(v.r.Context(), p.daysAgo(days-1), "")
	if err != nil {
		return fmt.Errorf("read hand-overs: %w", err)
	}
	column, backwards := strings.CutPrefix(query.Get("sort"), "-")
	columns := []string{"when", "who", "what", "platform", "why", "rows"}
	if !slices.Contains(columns, column) {
		column, backwards = columns[0], false
	}
	pg := page{Key: "handovers"}
	body := handoversBody{Days: days}
	people, sum := map[string]bool{}, int64(0)
	for _, h := range slices.Backward(all) { // the newest first, where all else is equal
		why, err := v.purpose(h.Purpose)
		if err != nil {
			return err
		}
		body.Rows = append(body.Rows, handoverRow{Handover: h, Why: why})
		people[h.Who] = true
		sum += h.Rows
	}
	order := handoverOrder(column, v.locale)
	slices.SortStableFunc(body.Rows, func(a, b handoverRow) int {
		if backwards {
			return order(b, a)
		}
		return order(a, b)
	})
	if body.More = int64(len(body.Rows) - handoversShown); body.More > 0 {
		body.Rows = body.Rows[:handoversShown]
	}
	for _, d := range handoverSpans() {
		body.Spans = append(body.Spans, spanLink{Days: d, Active: d == days, Href: handoversHref(d, query.Get("sort"))})
	}
	for _, key := range columns {
		link := sortLink{Key: key, Numbers: key == "rows", Href: handoversHref(days, key)}
		if key == column {
			falling := (key == "when" || key == "rows") != backwards
			link.Sorted = "ascending"
			if falling {
				link.Sorted = "descending"
			}
			if !backwards {
				link.Href = handoversHref(days, "-"+key)
			}
		}
		body.Columns = append(body.Columns, link)
	}
	if len(all) == 0 {
		pg.Answer = v.say(&pg, &err, "handovers.answer.none", "days", days)
	} else {
		pg.Answer = v.say(&pg, &err, "handovers.answer", "files", len(all), "people", len(people), "rows", sum, "days", days)
	}
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK, pg)
}

// daysAgo is the UTC day so many days before today.
func (p *Portal) daysAgo(days int64) string {
	return p.config.Now().UTC().AddDate(0, 0, -int(days)).Format(time.DateOnly)
}

func handoversHref(days int64, sort string) string {
	query := url.Values{"days": {strconv.FormatInt(days, 10)}}
	if sort != "" {
		query.Set("sort", sort)
	}
	return "/exports/ledger?" + query.Encode()
}

// purpose names the purposes of consent, parted by commas; one that this program
// does not know keeps its key.
func (v *visit) purpose(keys string) (string, error) {
	var names []string
	for key := range strings.SplitSeq(keys, ",") {
		name := strings.TrimSpace(key)
		if slices.Contains(consent.Purposes(), consent.Purpose(name)) {
			var err error
			if name, err = v.locale.say("purpose." + name); err != nil {
				return "", err
			}
		}
		names = append(names, name)
	}
	return strings.Join(names, ", "), nil
}

type handoverJSON struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Who      string    `json:"who"`
	Link     string    `json:"link"`
	Segment  string    `json:"segment"`
	Platform string    `json:"platform"`
	File     string    `json:"file"`
	Change   string    `json:"change"`
	Purpose  string    `json:"purpose"`
	Rows     int64     `json:"rows"`
	Canaries int64     `json:"canaries"`
	Run      string    `json:"run"`
	AsOf     string    `json:"as_of"`
	SHA256   string    `json:"sha256"`
}

// apiHandovers gives [from, to) of the query, days as YYYY-MM-DD; without them all.
func (p *Portal) apiHandovers(v *visit) error {
	query := v.r.URL.Query()
	for _, key := range []string{"from", "to"} {
		if day := query.Get(key); day != "" {
			if _, err := time.Parse(time.DateOnly, day); err != nil {
				return errBadRequest
			}
		}
	}
	all, err := p.config.Reader.Handovers(v.r.Context(), query.Get("from"), query.Get("to"))
	if err != nil {
		return fmt.Errorf("read hand-overs: %w", err)
	}
	return v.json(struct {
		Handovers []handoverJSON `json:"handovers"`
	}{list(all, func(h Handover) handoverJSON {
		return handoverJSON{
			ID: h.ID, At: h.At.UTC(), Who: h.Who, Link: h.Link, Segment: h.Segment, Platform: h.Platform, File: h.File, Change: h.Change,
			Purpose: h.Purpose, Rows: h.Rows, Canaries: h.Canaries, Run: h.Run, AsOf: h.AsOf, SHA256: h.SHA256,
		}
	})})
}
