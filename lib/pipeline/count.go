package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/lake/columnar"
)

// owners say whose an order is: the clients that a night has resolved, or those that
// an earlier one has written down. They are safe for concurrent use.
type owners interface {
	analytics.Clients
	// Alone is the client of an order's first token, and whether it says so alone.
	Alone(token string) (number int, decides bool)
	// Number is the client of all tokens of an order, −1 for none.
	Number(tokens []string) int
	// Plain reports whether every token decides alone.
	Plain() bool
}

// maxWorkers bounds what is in memory at once: a bucket for each.
const maxWorkers = 8

// countOrders takes all folded orders in. A bucket holds all orders of nearly all its
// clients, so it is read, counted and forgotten, side by side with others; the clients
// whose orders lie in several are found first, by the tokens alone.
func countOrders(ctx context.Context, orders *foldedOrders, of owners, options analytics.Options) (*analytics.Base, error) {
	options.Clients = of
	accumulator, err := analytics.NewAccumulator(options)
	if err != nil {
		return nil, err
	}
	names := make([]bucketOwners, orderBuckets)
	if err := eachBucket(func(_, bucket int) error {
		names[bucket].of = of
		return names[bucket].read(ctx, orders, bucket)
	}); err != nil {
		return nil, err
	}
	scatter(accumulator, names, of.Len())
	parts := make([]*analytics.Part, workers())
	for i := range parts {
		parts[i] = accumulator.Part()
	}
	if err := eachBucket(func(worker, bucket int) error {
		err := countBucket(ctx, orders, bucket, &names[bucket], parts[worker])
		parts[worker].Close()
		names[bucket] = bucketOwners{}
		return err
	}); err != nil {
		return nil, err
	}
	return accumulator.Result()
}

func countBucket(ctx context.Context, orders *foldedOrders, bucket int, of *bucketOwners, part *analytics.Part) error {
	files, err := orders.files(ctx, bucket)
	if err != nil {
		return err
	}
	for _, file := range files {
		for rec, err := range file.records(ctx, columnar.CodesOf+"token", "purchase", "day", "currency", "revenue_minor", "lines") {
			if err != nil {
				return err
			}
			clients, err := of.clients(rec)
			if err == nil {
				err = part.Add(rec, clients)
			}
			if err != nil {
				return fmt.Errorf("pipeline: bucket %d: %w", bucket, err)
			}
		}
	}
	return nil
}

// workers is how many buckets are at work at once.
func workers() int { return min(runtime.GOMAXPROCS(0), maxWorkers) }

// eachBucket does a work for every bucket, each worker for some of them.
func eachBucket(do func(worker, bucket int) error) error {
	faults := make([]error, workers())
	var all sync.WaitGroup
	for worker := range faults {
		all.Go(func() {
			for bucket := worker; bucket < orderBuckets && faults[worker] == nil; bucket += len(faults) {
				faults[worker] = do(worker, bucket)
			}
		})
	}
	all.Wait()
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

// scatter tells the accumulator whose orders lie in more than one bucket.
func scatter(a *analytics.Accumulator, names []bucketOwners, clients int) {
	const several = orderBuckets + 1
	home := make([]uint8, clients) // bucket + 1, or several
	for bucket := range names {
		groups := append(names[bucket].groups, groupOwners{numbers: names[bucket].asked})
		for _, group := range groups {
			for _, client := range group.numbers {
				if client < 0 {
					continue
				}
				switch home[client] {
				case 0:
					home[client] = uint8(bucket + 1) //nolint:gosec // G115: a few buckets
				case uint8(bucket + 1), several:
				default:
					home[client] = several
					a.Scatter(int(client))
				}
			}
		}
	}
}

// bucketOwners looks up the tokens of a bucket once, dictionary by dictionary, and
// gives the numbers again when the orders are read.
type bucketOwners struct {
	of     owners
	groups []groupOwners
	asked  []int32 // of each order that was asked for all its tokens, in turn

	next int // of asked
	rows []int32
}

// groupOwners are the clients of the tokens of a row group.
type groupOwners struct {
	rows    int64   // that are still to come
	numbers []int32 // of each entry of the dictionary: a client, Nobody or askAll
}

// askAll is in the place of the number of a token that many share.
const askAll = analytics.Nobody - 1

// read looks every token up.
func (b *bucketOwners) read(ctx context.Context, orders *foldedOrders, bucket int) error {
	files, err := orders.files(ctx, bucket)
	if err != nil {
		return err
	}
	for _, file := range files {
		first := len(b.groups)
		for _, rows := range file.GroupRows() {
			if rows > 0 {
				b.groups = append(b.groups, groupOwners{rows: rows})
			}
		}
		at := first
		for texts, err := range file.Dictionaries(ctx, "token") {
			if err != nil {
				return file.fault(ctx, err)
			}
			if b.groups[at].numbers, err = b.numbers(texts); err != nil {
				return err
			}
			at++
		}
		if !b.of.Plain() {
			if err := b.ask(ctx, file, b.groups[first:]); err != nil {
				return err
			}
		}
		if err := file.unchanged(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bucketOwners) numbers(dictionary arrow.Array) ([]int32, error) {
	texts, ok := dictionary.(*array.String)
	if !ok {
		return nil, fmt.Errorf("%w: token is %s", columnar.ErrColumn, dictionary.DataType())
	}
	numbers := make([]int32, texts.Len())
	for i := range numbers {
		number, decides := b.of.Alone(texts.Value(i))
		if numbers[i] = int32(number); !decides && number >= 0 { //nolint:gosec // G115: numbers of clients are of 32 bits
			numbers[i] = askAll
		}
	}
	return numbers, nil
}

// ask finds the clients of the orders whose first token does not say it alone.
func (b *bucketOwners) ask(ctx context.Context, file orderFile, groups []groupOwners) error {
	at, left := 0, int64(0)
	if len(groups) > 0 {
		left = groups[0].rows
	}
	for rec, err := range file.records(ctx, "token", "more_tokens") {
		if err != nil {
			return err
		}
		tokens, ok := rec.Column(0).(*array.Dictionary)
		if !ok {
			return fmt.Errorf("%w: token is %s", columnar.ErrColumn, rec.Column(0).DataType())
		}
		texts, ok := tokens.Dictionary().(*array.String)
		if !ok {
			return fmt.Errorf("%w: token is %s", columnar.ErrColumn, tokens.DataType())
		}
		further, err := listOf(rec, "more_tokens")
		if err != nil {
			return err
		}
		for left == 0 {
			at++
			left = groups[at].rows
		}
		for row := range tokens.Len() {
			if tokens.IsNull(row) {
				continue
			}
			if entry := tokens.GetValueIndex(row); groups[at].numbers[entry] == askAll {
				all := append([]string{texts.Value(entry)}, further(row)...)
				b.asked = append(b.asked, int32(b.of.Number(all))) //nolint:gosec // G115: as above
			}
		}
		left -= rec.NumRows() // a record does not cross the end of a group
	}
	return nil
}

// clients says whose the orders of the next record are.
func (b *bucketOwners) clients(rec arrow.Record) ([]int32, error) {
	columns := rec.Schema().FieldIndices(columnar.CodesOf + "token")
	if len(columns) != 1 {
		return nil, fmt.Errorf("%w: token", columnar.ErrColumn)
	}
	codes, ok := rec.Column(columns[0]).(*array.Int32)
	if !ok {
		return nil, fmt.Errorf("%w: token is %s", columnar.ErrColumn, rec.Column(columns[0]).DataType())
	}
	for len(b.groups) > 0 && b.groups[0].rows == 0 {
		b.groups = b.groups[1:]
	}
	if len(b.groups) == 0 || b.groups[0].rows < rec.NumRows() {
		return nil, errMoved
	}
	b.groups[0].rows -= rec.NumRows()
	numbers := b.groups[0].numbers
	if cap(b.rows) < codes.Len() {
		b.rows = make([]int32, codes.Len())
	}
	b.rows = b.rows[:codes.Len()]
	nulls := codes.NullN() > 0
	for row, code := range codes.Int32Values() {
		number := int32(analytics.Nobody)
		if !nulls || codes.IsValid(row) {
			number = numbers[code]
		}
		if number == askAll {
			number = b.asked[b.next]
			b.next++
		}
		b.rows[row] = number
	}
	return b.rows, nil
}

// listOf reads the rows of a column of lists of texts.
func listOf(rec arrow.Record, name string) (func(row int) []string, error) {
	at := rec.Schema().FieldIndices(name)
	if len(at) != 1 {
		return nil, fmt.Errorf("%w: %s", columnar.ErrColumn, name)
	}
	list, ok := rec.Column(at[0]).(*array.List)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", columnar.ErrColumn, name, rec.Column(at[0]).DataType())
	}
	values, ok := list.ListValues().(*array.String)
	if !ok {
		return nil, fmt.Errorf("%w: %s is %s", columnar.ErrColumn, name, list.DataType())
	}
	return func(row int) []string {
		if list.IsNull(row) {
			return nil
		}
		from, to := list.ValueOffsets(row)
		all := make([]string, 0, to-from)
		for i := from; i < to; i++ {
			all = append(all, values.Value(int(i)))
		}
		return all
	}, nil
}
