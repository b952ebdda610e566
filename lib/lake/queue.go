package lake

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// MaxMessage is the most bytes of a message that Queue sends. The queue takes four
// times as much, but counts each 64 KiB as a request: from some 400 KB on an object
// of its own is cheaper than the sending and the receiving.
const MaxMessage = 256 << 10

// Queue hands deliveries to a queue, from which a [Consumer] stores many as one
// object. It is the writer of Lambda deployments whose number of deliveries makes
// one object each too dear. It is safe for concurrent use if send is.
type Queue struct {
	*RawWriter
	send func(ctx context.Context, message string) error
}

// NewQueue makes a writer. send returns nil only once the message is durable; the
// store takes what is too large for a message, and what is not authenticated.
func NewQueue(store objstore.Store, send func(ctx context.Context, message string) error) *Queue {
	return &Queue{RawWriter: NewRawWriter(store), send: send}
}

// Store returns once the delivery is durable in the queue, or in the store if it is
// too large for a message. After an error the message may be in the queue all the
// same; compaction takes a delivery that comes twice for one.
func (q *Queue) Store(ctx context.Context, row schema.RawRow) error {
	if len(row.Body)+len(row.Query) < maxMessageRow/2 {
		if message := EncodeMessage(row); len(message) <= MaxMessage {
			return q.send(ctx, message)
		}
	}
	return q.RawWriter.Store(ctx, row)
}

// Batch is what a queue hands out at once, with the names of an SQS event.
type Batch struct {
	Records []Message `json:"Records"`
}

// Message is one message of a batch.
type Message struct {
	ID   string `json:"messageId"`
	Text string `json:"body"`
}

// BatchReport names the messages that were not stored and are to be handed out
// again, with the names of a partial batch response.
type BatchReport struct {
	Failures []BatchFailure `json:"batchItemFailures"`
}

// BatchFailure is one message that was not stored.
type BatchFailure struct {
	ID string `json:"itemIdentifier"`
}

// Consumer stores the deliveries of a queue. One value may take several batches at once.
type Consumer struct {
	Store  objstore.Store
	Logger *slog.Logger
}

// errBatch is an event without messages: a wrong event source, not a queue's.
var errBatch = errors.New("lake: the event is no batch of messages")

// batchBytes bounds what is unpacked at once: a batch of 6 MB may hold gigabytes.
const batchBytes = 32 << 20

// Take writes the deliveries of a batch as one create-only object for each UTC day of
// receipt, of which there is mostly one; only what unpacks to more than memory allows
// takes several. The object is named after its rows in an order of their own, so that
// the same messages, in any order and repeated, make the same object; in another
// company they make another one, and compaction takes a delivery that comes twice for
// one. A message that cannot be read is reported as failed and holds up no other; the
// queue parks it once it has come too often.
func (c Consumer) Take(ctx context.Context, batch Batch) (BatchReport, error) {
	if len(batch.Records) == 0 {
		return BatchReport{}, errBatch
	}
	failed := map[string]bool{}
	var waiting []received
	bytes := 0
	for _, message := range batch.Records {
		if message.ID == "" {
			return BatchReport{}, errBatch
		}
		row, err := DecodeMessage(message.Text)
		if err != nil {
			c.Logger.LogAttrs(ctx, slog.LevelError, "message not read", slog.String("message_id", message.ID), slog.Any("error", err))
			failed[message.ID] = true
			continue
		}
		waiting = append(waiting, received{id: message.ID, row: row})
		if bytes += len(message.Text) + len(row.Body) + len(row.Query); bytes >= batchBytes {
			c.store(ctx, waiting, failed)
			waiting, bytes = nil, 0
		}
	}
	c.store(ctx, waiting, failed)
	report := BatchReport{Failures: []BatchFailure{}}
	for _, message := range batch.Records {
		if failed[message.ID] {
			report.Failures = append(report.Failures, BatchFailure{ID: message.ID})
		}
	}
	c.Logger.LogAttrs(ctx, slog.LevelInfo, "batch stored", slog.Int("messages", len(batch.Records)), slog.Int("failed", len(report.Failures)))
	return report, nil
}

// received is a delivery and the message it came in.
type received struct {
	id  string
	row schema.RawRow
}

// store writes an object for each day; the messages of a day that could not be
// written have failed.
func (c Consumer) store(ctx context.Context, waiting []received, failed map[string]bool) {
	days := map[string][]received{}
	for _, r := range waiting {
		day := Day(r.row.ReceivedAt)
		days[day] = append(days[day], r)
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		rows := make([]schema.RawRow, 0, len(days[day]))
		for _, r := range days[day] {
			rows = append(rows, r.row)
		}
		slices.SortFunc(rows, compareRows)
		rows = slices.CompactFunc(rows, func(a, b schema.RawRow) bool { return compareRows(a, b) == 0 })
		if err := storeGroup(ctx, c.Store, rows); err != nil {
			c.Logger.LogAttrs(ctx, slog.LevelError, "batch not stored", slog.String("day", day), slog.Int("messages", len(days[day])), slog.Any("error", err))
			for _, r := range days[day] {
				failed[r.id] = true
			}
		}
	}
}

// compareRows orders deliveries by what tells two of them apart; 0 is the same
// delivery handed out twice.
func compareRows(a, b schema.RawRow) int {
	return cmp.Or(strings.Compare(a.Key, b.Key), a.ReceivedAt.Compare(b.ReceivedAt),
		bytes.Compare(a.Body, b.Body), strings.Compare(a.Query, b.Query))
}
