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
	columns := append(tokenColumns(of), "purchase", "day", "currency", "revenue_minor", "lines")
	if err := eachBucket(func(worker, bucket int) error {
		for rec, err := range orders.records(ctx, bucket, columns...) {
			if err != nil {
				return err
			}
			clients, err := names[bucket].clients(rec)
			if err == nil {
				err = parts[worker].Add(rec, clients)
			}
			if err != nil {
				return fmt.Errorf("pipeline: bucket %d: %w", bucket, err)
			}
		}
		parts[worker].Close()
		names[bucket] = bucketOwners{}
		return nil
	}); err != nil {
		return nil, err
	}
	return accumulator.Result()
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
		for _, numbers := range append(names[bucket].numbers, names[bucket].asked) {
			for _, client := range numbers {
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

// tokenColumns are what says whose an order is. Where every token says so alone, the
// others need not be read.
func tokenColumns(of owners) []string {
	if of.Plain() {
		return []string{"token"}
	}
	return []string{"token", "more_tokens"}
}

// bucketOwners looks up the tokens of a bucket once, dictionary by dictionary, and
// gives the numbers again when the bucket is read the second time.
type bucketOwners struct {
	of      owners
	numbers [][]int32 // of each dictionary: a client, Nobody or askAll
	asked   []int32   // of each order that was asked for all its tokens, in turn

	last     *array.String // the dictionary at hand
	at, next int           // of numbers and asked, in the second reading
	rows     []int32
}

// askAll is in the place of the number of a token that many share.
const askAll = analytics.Nobody - 1

// read looks every token up.
func (b *bucketOwners) read(ctx context.Context, orders *foldedOrders, bucket int) error {
	for rec, err := range orders.records(ctx, bucket, tokenColumns(b.of)...) {
		if err != nil {
			return err
		}
		codes, err := b.codes(rec, func(texts *array.String) {
			numbers := make([]int32, texts.Len())
			for i := range numbers {
				number, decides := b.of.Alone(texts.Value(i))
				if numbers[i] = int32(number); !decides && number >= 0 { //nolint:gosec // G115: numbers of clients are of 32 bits
					numbers[i] = askAll
				}
			}
			b.numbers = append(b.numbers, numbers)
		})
		if err != nil {
			return err
		}
		if b.of.Plain() {
			continue
		}
		further, err := listOf(rec, "more_tokens")
		if err != nil {
			return err
		}
		for row, code := range codes {
			if code >= 0 && b.numbers[len(b.numbers)-1][code] == askAll {
				tokens := append([]string{b.last.Value(int(code))}, further(row)...)
				b.asked = append(b.asked, int32(b.of.Number(tokens))) //nolint:gosec // G115: as above
			}
		}
	}
	b.last = nil
	return nil
}

// codes are the places of a record's tokens in the dictionary at hand, −1 for null;
// fresh is called with a dictionary that was not at hand.
func (b *bucketOwners) codes(rec arrow.Record, fresh func(*array.String)) ([]int32, error) {
	columns := rec.Schema().FieldIndices("token")
	if len(columns) != 1 {
		return nil, fmt.Errorf("%w: token", columnar.ErrColumn)
	}
	tokens, ok := rec.Column(columns[0]).(*array.Dictionary)
	if !ok {
		return nil, fmt.Errorf("%w: token is %s", columnar.ErrColumn, rec.Column(columns[0]).DataType())
	}
	texts, ok := tokens.Dictionary().(*array.String)
	indices, ok32 := tokens.Indices().(*array.Int32)
	if !ok || !ok32 {
		return nil, fmt.Errorf("%w: token is %s", columnar.ErrColumn, tokens.DataType())
	}
	if b.last == nil || b.last.Data() != texts.Data() { // all records of a row group share one
		b.last = texts
		fresh(texts)
	}
	if indices.NullN() == 0 {
		return indices.Int32Values(), nil
	}
	codes := make([]int32, indices.Len())
	for row := range codes {
		if codes[row] = -1; indices.IsValid(row) {
			codes[row] = indices.Value(row)
		}
	}
	return codes, nil
}

// clients says whose the orders of the next record are, in the second reading.
func (b *bucketOwners) clients(rec arrow.Record) ([]int32, error) {
	codes, err := b.codes(rec, func(*array.String) { b.at++ })
	if err != nil {
		return nil, err
	}
	numbers := b.numbers[b.at-1]
	if cap(b.rows) < len(codes) {
		b.rows = make([]int32, len(codes))
	}
	b.rows = b.rows[:len(codes)]
	for row, code := range codes {
		number := int32(analytics.Nobody)
		if code >= 0 {
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
