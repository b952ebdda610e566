package main

import (
	"context"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/webhook"
)

// sink stores deliveries as raw rows.
type sink struct{ raw *lake.RawWriter }

func (s sink) Store(ctx context.Context, d webhook.Delivery) error {
	return s.raw.Store(ctx, row(d))
}

func (s sink) StoreUnauthenticated(ctx context.Context, d webhook.Delivery) error {
	return s.raw.StoreUnauthenticated(ctx, row(d))
}

func row(d webhook.Delivery) schema.RawRow {
	return schema.RawRow{
		Key: d.Key, Source: d.Source.Name, HasID: d.HasID, ReceivedAt: d.ReceivedAt, Method: d.Method, ContentType: d.ContentType,
		Suffix: d.Suffix, Query: d.Query, Headers: schema.MapOf(d.Header), Body: d.Body, Trusted: d.Trusted,
	}
}
