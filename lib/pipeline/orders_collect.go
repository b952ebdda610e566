package pipeline

import (
	"context"
	"sync"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// statements are what events say about orders, packed. They lie on piles, an order on
// that which its hash says, so that a pile holds all that is said of an order.
type statements struct {
	statementWords

	count  int
	piles  *piles
	hash   func(shop, order string) int64
	packed []byte // the last one
}

func (f *folding) newStatements(bound int) *statements {
	return &statements{piles: &piles{bound: bound}, hash: f.p.folds.hash}
}

// pileOf uses other bits of the hash than buckets do.
func pileOf(hash int64) int {
	return int(uint64(hash) >> 32 % orderBuckets) //nolint:gosec // G115: any 64 bits
}

func (s *statements) add(row *schema.OrderEventRow) error {
	s.count++
	s.packed = s.pack(s.packed[:0], row)
	return s.piles.add(pileOf(s.hash(row.Shop, row.OrderID)), s.packed)
}

// each calls use for groups of piles that are all of the statements, each of about as
// many bytes as may be in memory at once, or a pile if that has more.
func (s *statements) each(use func(group *orderGroup) error) error {
	for from := 0; from < orderBuckets; {
		to, size := from, 0
		for to < orderBuckets && (to == from || size+s.piles.of[to].bytes() <= s.piles.bound) {
			size += s.piles.of[to].bytes()
			to++
		}
		group, err := s.group(from, to)
		if err != nil {
			return err
		}
		if err := use(group); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// group takes some piles.
func (s *statements) group(from, to int) (*orderGroup, error) {
	group := newOrderGroup(s)
	for number := from; number < to; number++ {
		text, err := s.piles.take(number)
		if err != nil {
			return nil, err
		}
		group.add(text)
	}
	return group, nil
}

// all is a group of all statements, for those that are in memory.
func (s *statements) all() (*orderGroup, error) { return s.group(0, orderBuckets) }

// readAhead is how many days are decoded while another is looked through.
const readAhead = 2

// dayRead are the statements of a day, with others.
type dayRead struct {
	rows []schema.OrderEventRow
	err  error
}

// collect reads the statements up to the night's end, and says which of the days have
// later ones. Beyond bound bytes they lie in files: they are to be closed.
func (f *folding) collect(ctx context.Context, bound int) (_ *statements, later map[string]bool, err error) {
	s := f.newStatements(bound)
	defer func() {
		if err != nil {
			_ = s.piles.close() // what went wrong before says it
		}
	}()
	later = map[string]bool{}
	var reads sync.WaitGroup
	defer reads.Wait()
	ahead := make([]chan dayRead, 0, len(f.days))
	for i, day := range f.days {
		for next := len(ahead); next < min(i+readAhead+1, len(f.days)); next++ {
			done := make(chan dayRead, 1)
			ahead = append(ahead, done)
			reads.Go(func() {
				var read dayRead
				read.rows, read.err = lake.ReadDayWhere[schema.OrderEventRow](ctx, f.n.store, lake.EventsPrefix, f.days[next], "kind", string(event.OrderChange))
				done <- read
			})
		}
		read := <-ahead[i]
		if read.err != nil {
			return nil, nil, read.err
		}
		for k := range read.rows {
			row := &read.rows[k]
			switch {
			case !row.IsOrder || row.OrderID == "":
			case !row.At.Before(f.n.end):
				later[day] = true
			default:
				if f.n.forgotten(row.Tokens) {
					row.Tokens = nil
				}
				if err := s.add(row); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return s, later, s.piles.whole()
}
