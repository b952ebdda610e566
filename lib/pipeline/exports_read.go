package pipeline

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// membership is who is in which segments, by the places of clients in the run's table
// of them: a bit a client and segment.
type membership struct {
	segments map[string][]uint64
	// lost are members without a row among the clients: an erasure is rewriting the
	// run's tables.
	lost map[string][]string
}

func (m *membership) has(segment string, place int) bool {
	bits := m.segments[segment]
	return bits != nil && bits[place/64]&(1<<(place%64)) != 0
}

// any reports whether a client is in one of some segments.
func (m *membership) any(segments []string, place int) bool {
	return slices.ContainsFunc(segments, func(s string) bool { return m.has(s, place) })
}

// clientNames is what names a client.
type clientNames struct {
	ClientID string     `parquet:"client_id"`
	Aliases  []string   `parquet:"aliases,list"`
	Consents schema.Map `parquet:"consents"`
}

// Table implements schema.Row.
func (clientNames) Table() string { return "clients" }

// Personal implements schema.Row.
func (clientNames) Personal() []string { return nil }

// readMembership reads who is in the wanted segments, and whose the wanted tokens are.
func readMembership(ctx context.Context, store objstore.Store, run *lake.Run, segments, tokens map[string]bool) (*membership, tokenOwners, error) {
	owner := tokenOwners{client: map[string]string{}, consents: map[string]schema.Map{}}
	seed := maphash.MakeSeed() // for this reading alone: nothing depends on it
	var ids []uint64
	for c, err := range rowsIn[clientNames](ctx, store, run.Tables[schema.ClientRow{}.Table()].Key) {
		if err != nil {
			return nil, owner, err
		}
		ids = append(ids, maphash.String(seed, c.ClientID))
		for i := range len(c.Aliases) + 1 {
			token := c.ClientID
			if i > 0 {
				token = c.Aliases[i-1]
			}
			if tokens[token] {
				owner.client[strings.Clone(token)] = strings.Clone(c.ClientID)
				owner.consents[strings.Clone(c.ClientID)] = c.Consents
			}
		}
	}
	m := &membership{segments: map[string][]uint64{}, lost: map[string][]string{}}
	words := (len(ids) + 63) / 64
	for s := range segments {
		m.segments[s] = make([]uint64, words)
	}
	var segment string
	place := 0
	for row, err := range rowsIn[schema.SegmentRow](ctx, store, run.Tables[schema.SegmentRow{}.Table()].Key) {
		if err != nil {
			return nil, owner, err
		}
		bits := m.segments[row.Segment]
		if bits == nil {
			continue
		}
		if row.Segment != segment { // both tables are in the order of client ids
			segment, place = strings.Clone(row.Segment), 0
		}
		id := maphash.String(seed, row.ClientID)
		at := place
		for at < len(ids) && ids[at] != id {
			at++
		}
		if at == len(ids) {
			m.lost[segment] = append(m.lost[segment], strings.Clone(row.ClientID))
			continue
		}
		bits[at/64] |= 1 << (at % 64)
		place = at + 1
	}
	return m, owner, nil
}

// prospect is a client who may be handed over, as decisions see him.
type prospect struct {
	client schema.ClientRow // nil fields but those of exportClient
	place  int
	lostIn string // the segment of one whose row an erasure took away
}

// exportClient is what exports need of a client.
type exportClient struct {
	ClientID     string     `parquet:"client_id"`
	Aliases      []string   `parquet:"aliases,list"`
	ExternalIDs  []string   `parquet:"external_ids,list"`
	LastOrderDay *string    `parquet:"last_order_day"`
	Orders       int64      `parquet:"orders"`
	RevenueMinor int64      `parquet:"revenue_minor"`
	RFMCode      *string    `parquet:"rfm_code"`
	Consents     schema.Map `parquet:"consents"`
}

// Table implements schema.Row.
func (exportClient) Table() string { return "clients" }

// Personal implements schema.Row.
func (exportClient) Personal() []string { return nil }

// exportPerson is what exports need of a person's contact values.
type exportPerson struct {
	ClientID   string            `parquet:"client_id"`
	Phones     []exportValue     `parquet:"phones,list"`
	Emails     []exportValue     `parquet:"emails,list"`
	Name       string            `parquet:"name"`
	FirstName  string            `parquet:"first_name"`
	LastName   string            `parquet:"last_name"`
	BirthDate  string            `parquet:"birth_date"`
	Gender     string            `parquet:"gender"`
	City       string            `parquet:"city"`
	Country    string            `parquet:"country"`
	Company    string            `parquet:"company"`
	Attributes []exportAttribute `parquet:"attributes,list"`
}

type exportValue struct {
	Value string `parquet:"value"`
}

type exportAttribute struct {
	Key   string `parquet:"key"`
	Value string `parquet:"value"`
}

// Table implements schema.Row.
func (exportPerson) Table() string { return "people" }

// Personal implements schema.Row.
func (exportPerson) Personal() []string { return schema.PersonRow{}.Personal() }

// people yields the members of some segments once each, in the order of client ids,
// with what may be handed over of them. Clients and contact values are in the same
// order and are read side by side, a batch of each at a time.
func (e *exporter) people(ctx context.Context, segments []string) iter.Seq2[audience.Contact, error] {
	return func(yield func(audience.Contact, error) bool) {
		fail := func(err error) { yield(audience.Contact{}, err) }
		next, stop := iter.Pull2(e.values(ctx))
		defer stop()
		person, err, more := next()
		place := -1
		for client, fault := range rowsIn[exportClient](ctx, e.p.store, e.run.Tables[schema.ClientRow{}.Table()].Key) {
			if fault != nil {
				fail(fault)
				return
			}
			place++
			if !e.members.any(segments, place) {
				continue
			}
			for more && err == nil && person.ClientID < client.ClientID {
				person, err, more = next()
			}
			if err != nil {
				fail(err)
				return
			}
			own := person
			if !more || person.ClientID != client.ClientID {
				own = nil
			}
			if !yield(e.contact(client, place, own), nil) {
				return
			}
		}
		for _, segment := range segments {
			for _, id := range e.members.lost[segment] {
				if !yield(audience.Contact{ClientID: id, Ref: &prospect{lostIn: segment}}, nil) {
					return
				}
			}
		}
	}
}

// values yields contact values in the order of client ids. The parts of the table
// follow one another.
func (e *exporter) values(ctx context.Context) iter.Seq2[*exportPerson, error] {
	return func(yield func(*exportPerson, error) bool) {
		var keys []string
		for info, err := range e.p.store.List(ctx, lake.PeoplePrefix+"part-", "") {
			if err != nil {
				yield(nil, fmt.Errorf("pipeline: list people: %w", err))
				return
			}
			keys = append(keys, info.Key)
		}
		for _, key := range keys {
			for row, err := range rowsIn[exportPerson](ctx, e.p.store, key) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}
