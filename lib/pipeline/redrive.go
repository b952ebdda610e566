package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/webhook"
)

// ErrRedrive says that a request to run deliveries again cannot be carried out as
// it is put.
var ErrRedrive = errors.New("pipeline: redrive")

// ReasonNotFetched asks again for what thin hooks named and nobody gave us.
const ReasonNotFetched = "not_fetched"

// RedriveRequest chooses failed deliveries; empty fields choose all. What has a
// bad signature is tried only where Reason asks for it, and so are objects that
// were not fetched.
type RedriveRequest = lake.RedriveFilter

// RedriveReport says what became of them, by source and reason.
type RedriveReport struct {
	Counts lake.RedriveCounts `json:"counts"`
	Asked  int                `json:"asked,omitempty"` // objects that had been given up and are asked for again
	// Compacted counts what a compaction made of deliveries whose signature fits
	// now, and of objects that came; zero where there are none.
	Compacted CompactReport `json:"compacted"`
}

// Redrive runs failed deliveries again under the present configuration and
// version, after waiting for a compaction of this process to end. Deliveries that
// it could not look at are in the error, beside the report of the others.
func (p *Pipeline) Redrive(ctx context.Context, request RedriveRequest) (RedriveReport, error) {
	var report RedriveReport
	if request.Day != "" {
		if _, err := time.Parse(time.DateOnly, request.Day); err != nil {
			return report, fmt.Errorf("%w: the day is written YYYY-MM-DD", ErrRedrive)
		}
	}
	if err := p.CheckTokenKey(ctx); err != nil {
		return report, err
	}
	var err error
	if request.Reason == ReasonNotFetched {
		if request.Day != "" || request.Source != "" {
			return report, fmt.Errorf("%w: objects that were not fetched are asked for all at once", ErrRedrive)
		}
		report.Asked, err = p.Refetch(ctx)
	} else {
		report.Counts, err = p.redrive(ctx, request)
	}
	more := report.Asked > 0
	if report.Counts == nil {
		report.Counts = lake.RedriveCounts{} // an empty list in JSON
	}
	for _, one := range report.Counts {
		more = more || one.Stored > 0
	}
	if more {
		var failed error
		report.Compacted, failed = p.Compact(ctx, CompactRequest{})
		err = errors.Join(err, failed)
	}
	return report, err
}

func (p *Pipeline) redrive(ctx context.Context, request RedriveRequest) (lake.RedriveCounts, error) {
	var c *lake.Compactor
	select {
	case c = <-p.compactor:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { p.compactor <- c }()
	if request.Reason == webhook.ReasonBadSignature {
		return c.RedriveUnauthenticated(ctx, request, p.secretsOf)
	}
	return c.Redrive(ctx, request)
}

// secretsOf resolves the references of a source; what could be resolved is
// returned along with the error of what could not.
func (p *Pipeline) secretsOf(ctx context.Context, source config.Source) ([]string, error) {
	var secrets []string
	var faults []error
	for _, ref := range source.Secrets {
		text, err := p.fetcher.Secret(ctx, ref)
		if err == nil && text == "" {
			err = errors.New("it is empty")
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		secrets = append(secrets, text)
	}
	return secrets, errors.Join(faults...)
}
