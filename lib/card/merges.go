package card

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/schema"
)

// Merges finds out of which records every client is made: the different sets of
// identifiers that sources stated for him. References are left out, since a deal
// is no part of a person. Clients are named by their number in the order of client
// ids. Memory is proportional to clients and their records; the result does not
// depend on the order of the calls. Not safe for concurrent use.
type Merges struct {
	index   map[recordKey]int32
	records []record
	text    []byte            // the tokens of all records, each set with blanks between
	loose   map[int32]takings // of orders that no record of the client states
	count   []int32           // records by client
	latest  []int32           // by client: its latest name + 1
	names   []nameWords
	scratch []string
}

type recordKey struct {
	client int32
	set    uint64 // see setOf
}

type record struct {
	client   int32
	from, to int // in Merges.text
	since    int64
	takings
}

// takings is what purchases brought.
type takings struct{ orders, revenue int64 }

// NewMerges makes an accumulator for so many clients.
func NewMerges(clients int) *Merges {
	return &Merges{
		index: make(map[recordKey]int32, clients), loose: map[int32]takings{},
		count: make([]int32, clients), latest: make([]int32, clients),
	}
}

// setOf sorts the tokens of persons into scratch and makes a fixed hash of them,
// which stands for the set among the few of one client. Zero: there are none.
func setOf(scratch, tokens []string) (sorted []string, hash uint64) {
	sorted = scratch[:0]
	for _, token := range tokens {
		if identity.Token(token).Kind() != identity.KindReference {
			sorted = append(sorted, token)
		}
	}
	if len(sorted) == 0 {
		return sorted, 0
	}
	slices.Sort(sorted)
	h := fnv.New64a()
	for _, token := range sorted {
		_, _ = h.Write([]byte(token)) // never fails
	}
	return sorted, h.Sum64()
}

// Record states that a client's tokens stood in one event.
func (m *Merges) Record(client int, at time.Time, tokens []string) {
	var set uint64
	if m.scratch, set = setOf(m.scratch, tokens); set == 0 {
		return
	}
	key := recordKey{int32(client), set} //nolint:gosec // G115: two billion clients do not fit one night
	i, known := m.index[key]
	if !known {
		i = int32(len(m.records)) //nolint:gosec // G115: likewise
		m.index[key] = i
		from := len(m.text)
		for j, token := range m.scratch {
			if j > 0 {
				m.text = append(m.text, ' ')
			}
			m.text = append(m.text, token...)
		}
		m.records = append(m.records, record{client: key.client, from: from, to: len(m.text), since: at.UnixMicro()})
		m.count[client]++
	}
	m.records[i].since = min(m.records[i].since, at.UnixMicro())
}

// Name states that a client was called so.
func (m *Merges) Name(client int, name string) {
	words := wordsOf(name)
	if words == ([nameLength]uint32{}) {
		return
	}
	for i := m.latest[client]; i > 0; i = m.names[i-1].next {
		if m.names[i-1].words == words {
			return
		}
	}
	m.names = append(m.names, nameWords{next: m.latest[client], words: words})
	m.latest[client] = int32(len(m.names)) //nolint:gosec // G115: as in Record
}

// Order states that a purchase was stated with tokens of a client.
func (m *Merges) Order(client int, tokens []string, revenueMinor int64) {
	var set uint64
	m.scratch, set = setOf(m.scratch, tokens)
	key := recordKey{int32(client), set} //nolint:gosec // G115: as in Record
	if i, known := m.index[key]; known {
		m.records[i].orders++
		m.records[i].revenue += revenueMinor
		return
	}
	// A deal that names no person: it counts with the client's first record.
	sum := m.loose[key.client]
	sum.orders++
	sum.revenue += revenueMinor
	m.loose[key.client] = sum
}

// Merged reports whether a client has more than one record.
func (m *Merges) Merged(client int) bool { return m.count[client] > 1 }

// Names counts the different names of a client. A name whose words all stand in
// another is the same person's: Anna is Anna Petrova, written briefly.
func (m *Merges) Names(client int) int64 {
	var all [][nameLength]uint32
	for i := m.latest[client]; i > 0; i = m.names[i-1].next {
		all = append(all, m.names[i-1].words)
	}
	different := int64(0)
	for i, name := range all {
		if !slices.ContainsFunc(all[:i], func(other [nameLength]uint32) bool { return within(name, other) }) &&
			!slices.ContainsFunc(all[i+1:], func(other [nameLength]uint32) bool { return within(name, other) }) {
			different++
		}
	}
	return different
}

// Rows returns the records of every client that has several, ordered as the table
// is. ids are the client ids in order.
func (m *Merges) Rows(ids []string) []schema.MergeRow {
	var rows []schema.MergeRow
	names := map[int32]int64{}
	for _, r := range m.records {
		if m.count[r.client] < 2 {
			continue
		}
		if _, known := names[r.client]; !known {
			names[r.client] = m.Names(int(r.client))
		}
		tokens := strings.Split(string(m.text[r.from:r.to]), " ")
		rows = append(rows, schema.MergeRow{
			ClientID: ids[r.client], Record: tokens[0], Tokens: tokens, Names: names[r.client], Since: time.UnixMicro(r.since).UTC(),
			Orders: r.orders, RevenueMinor: r.revenue,
		})
	}
	slices.SortFunc(rows, func(a, b schema.MergeRow) int {
		return cmp.Or(strings.Compare(a.ClientID, b.ClientID), a.Since.Compare(b.Since), strings.Compare(a.Record, b.Record), slices.Compare(a.Tokens, b.Tokens))
	})
	for i := range rows {
		if i > 0 && rows[i-1].ClientID == rows[i].ClientID {
			continue
		}
		number, _ := slices.BinarySearch(ids, rows[i].ClientID)
		sum := m.loose[int32(number)] //nolint:gosec // G115: as in Record
		rows[i].Orders += sum.orders
		rows[i].RevenueMinor += sum.revenue
	}
	return rows
}

// nameWords is one name of a client.
type nameWords struct {
	next  int32
	words [nameLength]uint32
}

// nameLength is how many words of a name are compared; who has more is told apart
// by these.
const nameLength = 5

// wordsOf is a name as the sorted hashes of its words, by which names are compared;
// initials do not count.
func wordsOf(name string) (words [nameLength]uint32) {
	var all []uint32
	for word := range strings.FieldsSeq(identity.NameKey(name)) {
		if utf8.RuneCountInString(word) < 2 {
			continue
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(word)) // never fails
		all = append(all, h.Sum32())
	}
	slices.Sort(all)
	copy(words[:], slices.Compact(all))
	return words
}

// within reports whether every word of a name is one of another's.
func within(name, other [nameLength]uint32) bool {
	for _, word := range name {
		if word != 0 && !slices.Contains(other[:], word) {
			return false
		}
	}
	return true
}
