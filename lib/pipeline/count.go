package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/lake/columnar"
)

// owners say whose an order is: the clients that a night has resolved, or those that
// an earlier one has written down. They are safe for concurrent use.
type owners interface {
	analytics.Clients
	// lookUp finds the clients of tokens that stand first: Nobody for an unknown one,
	// askAll for one that does not say it alone.
	lookUp(tokens columnar.Texts, numbers []int32)
	// Number is the client of all tokens of an order, −1 for none.
	Number(tokens []string) int
	// Plain reports whether every token decides alone.
	Plain() bool
}

// resolved are the clients of a night as owners.
type resolved struct{ *card.Clients }

func (r resolved) lookUp(tokens columnar.Texts, numbers []int32) {
	for i := range numbers {
		number, decides := r.Alone(tokens.Value(i))
		if numbers[i] = int32(number); !decides && number >= 0 { //nolint:gosec // G115: numbers of clients are of 32 bits
			numbers[i] = askAll
		}
	}
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
		err := countBucket(ctx, bucket, &names[bucket], parts[worker])
		parts[worker].Close()
		names[bucket] = bucketOwners{}
		return err
	}); err != nil {
		return nil, err
	}
	return accumulator.Result()
}

func countBucket(ctx context.Context, bucket int, of *bucketOwners, part *analytics.Part) error {
	for _, file := range of.files {
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
func eachBucket(do func(worker, bucket int) error) error { return eachBucketBy(workers(), do) }

// eachBucketBy is eachBucket by so many workers. After a fault none begins another
// bucket.
func eachBucketBy(workers int, do func(worker, bucket int) error) error {
	faults := make([]error, workers)
	var all sync.WaitGroup
	var failed atomic.Bool
	for worker := range faults {
		all.Go(func() {
			for bucket := worker; bucket < orderBuckets && !failed.Load(); bucket += len(faults) {
				if faults[worker] = do(worker, bucket); faults[worker] != nil {
					failed.Store(true)
				}
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
					home[client] = uint8(bucket + 1)
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
	files  []orderFile // open since they were read first
	groups []groupOwners
	asked  []int32 // of each order that was asked for all its tokens, in turn

	next int // of asked
	rows []int32
}

// groupOwners are the clients of the tokens of a row group.
type groupOwners struct {
	rows    int64          // that are still to come
	texts   columnar.Texts // the dictionary, until all were looked up
	numbers []int32        // of each of its entries: a client, Nobody or askAll
}

// askAll is in the place of the number of a token that many share.
const askAll = analytics.Nobody - 1

// read looks every token up.
func (b *bucketOwners) read(ctx context.Context, orders *foldedOrders, bucket int) error {
	var err error
	if b.files, err = orders.files(ctx, bucket); err != nil {
		return err
	}
	for _, file := range b.files {
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
			b.groups[at].texts, b.groups[at].numbers = texts, make([]int32, texts.Len())
			b.of.lookUp(texts, b.groups[at].numbers)
			at++
		}
		if !b.of.Plain() {
			if err := b.ask(ctx, file, b.groups[first:]); err != nil {
				return err
			}
		}
		for i := range b.groups[first:] {
			b.groups[first+i].texts = nil
		}
		if err := file.unchanged(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ask finds the clients of the orders whose first token does not say it alone.
func (b *bucketOwners) ask(ctx context.Context, file orderFile, groups []groupOwners) error {
	left := int64(0)
	for rec, err := range file.records(ctx, columnar.CodesOf+"token", "more_tokens") {
		if err != nil {
			return err
		}
		codes, err := columnar.Codes(rec, "token")
		if err != nil {
			return err
		}
		further, err := columnar.TextLists(rec, "more_tokens")
		if err != nil {
			return err
		}
		if left == 0 {
			left = groups[0].rows
		}
		for row, code := range codes {
			if code >= 0 && groups[0].numbers[code] == askAll {
				all := append([]string{groups[0].texts.Value(int(code))}, further(row)...)
				b.asked = append(b.asked, int32(b.of.Number(all))) //nolint:gosec // G115: as above
			}
		}
		if left -= int64(len(codes)); left == 0 { // a record does not cross the end of a group
			groups = groups[1:]
		}
	}
	return nil
}

// clients says whose the orders of the next record are.
func (b *bucketOwners) clients(rec columnar.Record) ([]int32, error) {
	codes, err := columnar.Codes(rec, "token")
	if err != nil {
		return nil, err
	}
	for len(b.groups) > 0 && b.groups[0].rows == 0 {
		b.groups = b.groups[1:]
	}
	if len(b.groups) == 0 || b.groups[0].rows < int64(len(codes)) {
		return nil, errMoved
	}
	b.groups[0].rows -= int64(len(codes))
	numbers := b.groups[0].numbers
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
