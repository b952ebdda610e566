package pipeline

import (
	"context"
	"fmt"
	"time"
)

// statusNew is an order that is neither paid nor on its way nor cancelled.
const statusNew = "new"

// openOrder is what a client's card needs of an order that is not paid yet.
type openOrder struct {
	Status     string    `parquet:"status,dict"`
	Token      string    `parquet:"token,dict"`
	MoreTokens []string  `parquet:"more_tokens,list"`
	At         time.Time `parquet:"at,timestamp(microsecond),delta"`
}

// Table implements schema.Row.
func (openOrder) Table() string { return "orders" }

// Personal implements schema.Row.
func (openOrder) Personal() []string { return nil }

// unfinishedDays is the day of the latest order in status new of every client who
// has one, by his number.
func unfinishedDays(ctx context.Context, n *night, orders *foldedOrders) (map[int]string, error) {
	days := map[int]string{}
	for bucket := range orderBuckets {
		rows, err := readOrders[openOrder](ctx, orders, bucket)
		if err != nil {
			return nil, fmt.Errorf("pipeline: look for unfinished orders: %w", err)
		}
		for _, o := range rows {
			if o.Status != statusNew || o.Token == "" || !o.At.Before(n.end) {
				continue
			}
			if client := n.clients.Number(append([]string{o.Token}, o.MoreTokens...)); client >= 0 {
				days[client] = max(days[client], o.At.In(n.location).Format(time.DateOnly))
			}
		}
	}
	return days, nil
}
