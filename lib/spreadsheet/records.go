package spreadsheet

import (
	"crypto/sha256"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/event"
)

// Record is one thing that a file tells: a row, all rows of one order, or all
// rows of one campaign's day. It is personal data.
type Record struct {
	Rows []Row // in the order of the file

	// Event is the statement, without an id and with the unused columns as
	// attributes; of no use where Fault is set.
	Event event.Event
	Ref   string // of the order or lead it is about; empty for clients and costs
	Named bool   // Ref stands in the file; else it is made of the row's cells
	// Status is the word for an order's status. Event.Order.Status is empty where
	// it is not known.
	Status string

	Fault *RowError   // the row could not be read
	Notes []*RowError // optional cells that could not be read
}

// RecordOptions are what Records needs to know.
type RecordOptions struct {
	Evidence Evidence
	Statuses StatusWords
	MaxRows  int                  // a file with more is refused; 0 = no limit
	Progress func(rows, pass int) // called for every row, in the pass 1 (looking) and 2 (reading); nil = nobody asks
}

// Records gives everything that the file tells. The file is read twice, since
// its last row may belong to its first order and a file with too many rows is to
// be refused before anything is taken from it; what is kept in memory is some 100
// bytes an order, and orders whose rows do not stand together. An error that is
// not in a Record is the last pair; it comes before any record if it is a
// question about the file as a whole. Lines of sums and repeated headers are no
// records.
func Records(t *Table, opts RecordOptions) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r := recorder{t: t, opts: opts, yield: yield}
		err := r.run()
		if err != nil && !errors.Is(err, errStopped) {
			yield(Record{}, err)
		}
	}
}

// errStopped says that who reads has broken off.
var errStopped = errors.New("spreadsheet: stopped")

type recorder struct {
	t     *Table
	opts  RecordOptions
	yield func(Record, error) bool
	read  [3]int // rows by pass
}

func (r *recorder) run() error {
	for _, c := range r.t.Columns {
		if purpose, ok := c.Field.purpose(); ok && !purpose.Known() {
			return r.t.fault(ErrOption, c.Header, "the column names no purpose of a consent; there are "+joinPurposes())
		}
	}
	switch r.t.Kind {
	case OrdersFile:
		return r.orders()
	case LeadsFile:
		return r.each(func() error {
			return rowsOf(r, Leads(r.t), func(l LeadRow) Row { return l.Row }, func(l LeadRow) error {
				return r.give(Record{Rows: []Row{l.Row}, Event: l.Event(r.opts.Evidence), Ref: l.ID, Named: l.IDGiven, Notes: l.Notes})
			})
		})
	case ClientsFile:
		return r.each(func() error {
			return rowsOf(r, Clients(r.t), func(c ClientRow) Row { return c.Row }, func(c ClientRow) error {
				return r.give(Record{Rows: []Row{c.Row}, Event: c.Event(r.opts.Evidence), Notes: c.Notes})
			})
		})
	default:
		return r.costs()
	}
}

func joinPurposes() string {
	var names []string
	for _, p := range consent.Purposes() {
		names = append(names, ConsentPrefix+string(p))
	}
	return strings.Join(names, ", ")
}

// each counts the rows first, then reads.
func (r *recorder) each(read func() error) error {
	for _, err := range r.t.Rows() {
		if err != nil && !isRowError(err) {
			return err
		}
		if err := r.count(1); err != nil {
			return err
		}
	}
	return read()
}

// count guards the number of rows.
func (r *recorder) count(pass int) error {
	r.read[pass]++
	if r.opts.Progress != nil {
		r.opts.Progress(r.read[pass], pass)
	}
	if r.opts.MaxRows > 0 && r.read[pass] > r.opts.MaxRows {
		return r.t.fault(ErrTooMany, "", "the file has more than "+strconv.Itoa(r.opts.MaxRows)+" rows; split it")
	}
	return nil
}

// rowsOf hands on the good rows and gives the others as records.
func rowsOf[R any](r *recorder, rows iter.Seq2[R, error], place func(R) Row, use func(R) error) error {
	for row, err := range rows {
		if countErr := r.count(2); countErr != nil {
			return countErr
		}
		if err != nil {
			if err = r.rejected(place(row), err); err != nil {
				return err
			}
			continue
		}
		if err := use(row); err != nil {
			return err
		}
	}
	return nil
}

// rejected gives a row that could not be read as a record; any other error ends
// the reading.
func (r *recorder) rejected(row Row, err error) error {
	fault, ok := errors.AsType[*RowError](err)
	switch {
	case !ok:
		return err
	case fault.Code == Total, fault.Code == HeaderAgain:
		return nil
	case !r.yield(Record{Rows: []Row{row}, Fault: fault}, nil):
		return errStopped
	}
	return nil
}

func (r *recorder) give(rec Record) error {
	r.attributes(&rec)
	if !r.yield(rec, nil) {
		return errStopped
	}
	return nil
}

// attributes keeps the columns that mean nothing to us with the event, each value
// once. Names that differ in small and capital letters are one: JSON readers
// confuse them.
func (r *recorder) attributes(rec *Record) {
	if len(r.t.Unused) == 0 || rec.Event.Kind == event.CostSpent {
		return
	}
	names := map[string]string{}
	values := map[string][]string{}
	for name, value := range rec.Event.Attributes {
		names[foldName(name)], values[name] = name, []string{value}
	}
	for _, row := range rec.Rows {
		for _, v := range r.t.Attributes(row) {
			name, ok := names[foldName(v.Name)]
			if !ok {
				name = v.Name
				names[foldName(name)] = name
			}
			if !slices.Contains(values[name], v.Text) {
				values[name] = append(values[name], v.Text)
			}
		}
	}
	if len(values) == 0 {
		return
	}
	rec.Event.Attributes = make(map[string]string, len(values))
	for name, list := range values {
		rec.Event.Attributes[name] = strings.Join(list, "; ")
	}
}

func foldName(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// orders finds first how many rows each order has and what their amounts mean.
func (r *recorder) orders() error {
	shapes := map[[16]byte]shape{}
	for row, err := range Orders(r.t) {
		if countErr := r.count(1); countErr != nil {
			return countErr
		}
		if err != nil {
			if !isRowError(err) {
				return err
			}
			continue
		}
		if row.IDGiven {
			key := digest(row.ID)
			s := shapes[key]
			if s.add(&row) {
				shapes[key] = s
			}
		}
	}
	var totals Totals
	for key, s := range shapes { // sums only: the order does not matter
		totals.add(s)
		if s.rows == 1 {
			delete(shapes, key) // nothing to wait for
		}
	}
	repeated, _, err := totals.Repeated(r.t)
	if err != nil {
		return err
	}
	open := map[[16]byte]*pendingOrder{}
	return rowsOf(r, Orders(r.t), func(o OrderRow) Row { return o.Row }, func(row OrderRow) error {
		key := digest(row.ID)
		wanted := 1
		if s, ok := shapes[key]; ok && row.IDGiven {
			wanted = int(s.rows)
		}
		o := open[key]
		if o == nil {
			o = &pendingOrder{}
			open[key] = o
		}
		status, _ := r.opts.Statuses.Of(row.Status) // an unknown word is settled where the row is decoded
		text, word := row.Row, row.Status
		if !o.lines.Add(row, status) {
			return r.rejected(text, SeveralCurrencies(r.t, text.Number))
		}
		o.rows, o.words, o.notes = append(o.rows, text), append(o.words, word), append(o.notes, row.Notes...)
		if len(o.rows) < wanted {
			return nil
		}
		delete(open, key)
		ev := o.lines.Event(repeated, r.opts.Evidence)
		return r.give(Record{Rows: o.rows, Event: ev, Ref: row.ID, Named: row.IDGiven, Status: o.words[o.lines.status()], Notes: o.notes})
	})
}

// pendingOrder is an order whose rows are still to come.
type pendingOrder struct {
	lines OrderLines
	rows  []Row
	words []string
	notes []*RowError
}

func digest(id string) [16]byte {
	sum := sha256.Sum256([]byte(id))
	return [16]byte(sum[:16])
}

func (r *recorder) costs() error {
	return r.each(func() error {
		var sums CostSums
		notes := map[int][]*RowError{}
		err := rowsOf(r, Costs(r.t), func(c CostRow) Row { return c.Row }, func(c CostRow) error {
			if !sums.Add(c, true) {
				return r.rejected(c.Row, SeveralCurrencies(r.t, c.Row.Number))
			}
			if len(c.Notes) > 0 {
				notes[c.Row.Number] = c.Notes
			}
			return nil
		})
		if err != nil {
			return err
		}
		var stopped error
		err = sums.Each(r.t.opts.Location, func(ev event.Event, rows []Row) bool {
			rec := Record{Rows: rows, Event: ev}
			for _, row := range rows {
				rec.Notes = append(rec.Notes, notes[row.Number]...)
			}
			stopped = r.give(rec)
			return stopped == nil
		})
		return errors.Join(err, stopped)
	})
}
