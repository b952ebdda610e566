package pipeline

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// repeatWithin is how long the same person who asks for the same file again gets the
// same act done again: a connection that was lost loses nothing.
const repeatWithin = 15 * time.Minute

// act is one hand-over, as long as rows are not settled by it.
type act struct {
	ID   string    `json:"id"` // of the download
	Who  string    `json:"who"`
	File string    `json:"file"`
	At   time.Time `json:"at"`
	// Root and Day name the object of contacts of the first act that this one repeats,
	// or its own: a repetition is no further contact.
	Root string `json:"root"`
	Day  string `json:"day"`
}

// given is what a platform has of a segment as far as downloads tell, with what is
// needed to do the last acts again. The hand-overs of a bundle are its only writers,
// beside erasures.
//
// An act is settled when its file was answered and nobody may ask for it again. What
// was written of an act that broke off is in doubt: it may be there or not, and so it
// is added again and removed when it must go. So no crash loses a removal.
type given struct {
	platform, segment string
	version           objstore.Version // empty: nothing was ever given
	number            int64
	rows              []schema.GivenRow // ordered by (client_id, file, line)
	acts              []act             // oldest first
	finished          map[string]bool   // acts whose file was answered
}

// asking is who asks for which file when; the zero value is the night, which asks for
// nothing.
type asking struct {
	who, file string
	at        time.Time
}

// repeats reports whether a is the same act again.
func (a *act) repeats(by asking) bool {
	return by.file != "" && a.Who == by.who && a.File == by.file && by.at.Sub(a.At) <= repeatWithin
}

// repeated is the act that is done again; nil for a new one.
func (g *given) repeated(by asking) *act {
	for i := len(g.acts) - 1; i >= 0; i-- {
		if g.acts[i].repeats(by) {
			return &g.acts[i]
		}
	}
	return nil
}

// unsettled are the acts that count as not done for who is asking: those that broke
// off, and the one that he asks for again.
func (g *given) unsettled(by asking) map[string]bool {
	open := map[string]bool{}
	for i := range g.acts {
		if a := &g.acts[i]; !g.finished[a.ID] || a.repeats(by) {
			open[a.ID] = true
		}
	}
	return open
}

// there reports whether the platform may have a row, so that it must be removed when
// it leaves.
func there(row *schema.GivenRow, open map[string]bool) bool {
	return row.Now || row.Doubt || row.Before && open[row.Act]
}

// sure reports whether the platform has a row, so that it need not be added.
func sure(row *schema.GivenRow, open map[string]bool) bool {
	return row.Now && !row.Doubt && (row.Before || !open[row.Act])
}

// rowName names a row of a bundle.
type rowName struct {
	file string
	key  int64
}

// handedRow is a row of a file on its way.
type handedRow struct {
	clientID, file, line string
	key                  int64
}

// handed is a file that was handed over.
type handed struct {
	change audience.Change
	file   string // without change and part
	hashed bool
	rows   []handedRow
	// whole tells that a list is not one of several parts. It takes the place of what
	// the platform had of this file, and of files in another form that are no more.
	whole bool
	files []string // of the whole list
	day   string
	// stands tells of removals who is on the list with another row.
	stands map[string]bool
}

// replaces reports whether a row that is not in the file has gone by it.
func (h *handed) replaces(row *schema.GivenRow) bool {
	if h.change != "" || !h.whole {
		return false
	}
	return row.File == h.file || row.Hashed != h.hashed && !slices.Contains(h.files, row.File)
}

// apply puts down that a file was handed over: a whole list, which has nothing else,
// or a change. A row that must go keeps the day since when.
func (g *given) apply(by asking, a act, h handed) {
	open := g.unsettled(by)
	rows := h.rows
	touched := make(map[rowName]*handedRow, len(rows))
	for i := range rows {
		touched[rowName{rows[i].file, rows[i].key}] = &rows[i]
	}
	var next []schema.GivenRow
	for i := range g.rows {
		row := g.rows[i]
		was, had := sure(&row, open), there(&row, open)
		in := touched[rowName{row.File, row.RowKey}]
		delete(touched, rowName{row.File, row.RowKey})
		switch {
		case in != nil && h.change == audience.Remove:
			row.Now, row.Before, row.Doubt, row.Act, row.Stands = false, had, false, a.ID, h.stands[row.ClientID]
		case in != nil:
			row.ClientID, row.Line, row.Hashed = in.clientID, in.line, h.hashed
			row.Now, row.Before, row.Doubt, row.LeavingDay = true, was, false, nil
			if row.Act = a.ID; was {
				row.Act = ""
			}
		case had && h.replaces(&row):
			row.Now, row.Before, row.Doubt, row.Act = false, true, false, a.ID
		default:
			g.settle(&row, open, by.at)
		}
		if h.change != audience.Remove {
			row.Stands = false // whoever is on the list has his rows now
		}
		if row.Now || row.Before || row.Doubt || row.Stands {
			next = append(next, row)
		}
	}
	for i := range rows {
		if r := &rows[i]; touched[rowName{r.file, r.key}] == r && h.change != audience.Remove {
			next = append(next, schema.GivenRow{
				ClientID: r.clientID, File: r.file, Hashed: h.hashed, Line: r.line, RowKey: r.key, SinceDay: h.day, Now: true, Act: a.ID,
			})
		}
	}
	g.rows = next
	g.sort()
	g.acts = append(g.acts, a)
	g.forgetActs(by.at)
}

// settle ends what nobody can ask for again: rows of an act that broke off, or of one
// that is done again without them, are in doubt.
func (g *given) settle(row *schema.GivenRow, open map[string]bool, now time.Time) {
	if row.Act == "" {
		return
	}
	if open[row.Act] {
		row.Doubt = row.Doubt || row.Now != row.Before
		row.Now, row.Before, row.Act = true, true, ""
		return
	}
	i := slices.IndexFunc(g.acts, func(a act) bool { return a.ID == row.Act })
	if i < 0 || now.Sub(g.acts[i].At) > repeatWithin {
		row.Before, row.Act = row.Now, ""
	}
}

// forgetActs drops the acts that no row names and nobody can ask for again.
func (g *given) forgetActs(now time.Time) {
	named := map[string]bool{}
	for i := range g.rows {
		named[g.rows[i].Act] = true
	}
	g.acts = slices.DeleteFunc(g.acts, func(a act) bool { return !named[a.ID] && now.Sub(a.At) > repeatWithin })
}

func (g *given) sort() {
	slices.SortFunc(g.rows, func(a, b schema.GivenRow) int {
		return cmp.Or(strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.File, b.File), strings.Compare(a.Line, b.Line), cmp.Compare(a.RowKey, b.RowKey))
	})
}

// otherForm reports whether the platform has rows in another form than the files have
// now: then there are no changes until the lists were replaced.
func (g *given) otherForm(by asking, hashed bool) bool {
	open := g.unsettled(by)
	return slices.ContainsFunc(g.rows, func(row schema.GivenRow) bool { return row.Hashed != hashed && there(&row, open) })
}

// markLeaving keeps since when rows must go. It reports whether that changed.
func (g *given) markLeaving(by asking, stays func(row *schema.GivenRow) bool, day string) bool {
	open, changed := g.unsettled(by), false
	for i := range g.rows {
		row := &g.rows[i]
		switch leaves := there(row, open) && !stays(row); {
		case leaves && row.LeavingDay == nil:
			row.LeavingDay, changed = &day, true
		case !leaves && row.LeavingDay != nil && there(row, open):
			row.LeavingDay, changed = nil, true
		}
	}
	return changed
}

// keySet is the keys of rows by file.
type keySet map[string][]int64

func (k keySet) add(file string, key int64) { k[file] = append(k[file], key) }

// ready sorts the keys, so that they can be looked up.
func (k keySet) ready() {
	for _, keys := range k {
		slices.Sort(keys)
	}
}

func (k keySet) has(file string, key int64) bool {
	_, found := slices.BinarySearch(k[file], key)
	return found
}

// sureKeys are the rows that need not be added.
func (g *given) sureKeys(by asking) keySet {
	keys, open := keySet{}, g.unsettled(by)
	for i := range g.rows {
		if sure(&g.rows[i], open) {
			keys.add(g.rows[i].File, g.rows[i].RowKey)
		}
	}
	keys.ready()
	return keys
}

// sureClients are the ids of clients who stand in what was given, those whose row is
// about to be replaced by another one among them. An act that is done again has let
// them in already, and counted them.
func (g *given) sureClients() map[string]bool {
	clients, open := map[string]bool{}, g.unsettled(asking{})
	for i := range g.rows {
		if g.rows[i].Stands || sure(&g.rows[i], open) {
			clients[g.rows[i].ClientID] = true
		}
	}
	return clients
}
