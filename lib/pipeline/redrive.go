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

// RedriveRequest chooses failed deliveries; empty fields choose all. What has a
// bad signature is tried only where Reason asks for it.
type RedriveRequest = lake.RedriveFilter

// RedriveReport says what became of them, by source and reason.
type RedriveReport struct {
	Counts lake.RedriveCounts `json:"counts"`
	// Compacted counts what a compaction made of deliveries whose signature fits
	// now; zero where there are none.
	Compacted CompactReport `json:"compacted"`
}

// Redrive runs failed deliveries again under the present configuration and
// version, after waiting for a compaction of this process to end. secret resolves
// the references of the configuration; it is needed for the reason bad_signature
// alone. Deliveries that it could not look at are in the error, beside the report
// of the others.
func (p *Pipeline) Redrive(ctx context.Context, request RedriveRequest, secret func(ctx context.Context, ref string) (string, error)) (RedriveReport, error) {
	var report RedriveReport
	if request.Day != "" {
		if _, err := time.Parse(time.DateOnly, request.Day); err != nil {
			return report, fmt.Errorf("%w: the day is written YYYY-MM-DD", ErrRedrive)
		}
	}
	if err := p.CheckTokenKey(ctx); err != nil {
		return report, err
	}
	var c *lake.Compactor
	select {
	case c = <-p.compactor:
	case <-ctx.Done():
		return report, ctx.Err()
	}
	defer func() { p.compactor <- c }()
	var err error
	if request.Reason != webhook.ReasonBadSignature {
		report.Counts, err = c.Redrive(ctx, request)
		return report, err
	}
	if secret == nil {
		return report, fmt.Errorf("%w: there are no secrets to verify with", ErrRedrive)
	}
	report.Counts, err = c.RedriveUnauthenticated(ctx, request, func(ctx context.Context, source config.Source) ([]string, error) {
		return secretsOf(ctx, source, secret)
	})
	for _, one := range report.Counts {
		if one.Stored > 0 {
			var compactErr error
			report.Compacted, compactErr = c.Run(ctx)
			return report, errors.Join(err, compactErr)
		}
	}
	return report, err
}

// secretsOf resolves the references of a source; what could be resolved is
// returned along with the error of what could not.
func secretsOf(ctx context.Context, source config.Source, secret func(ctx context.Context, ref string) (string, error)) ([]string, error) {
	var secrets []string
	var faults []error
	for _, ref := range source.Secrets {
		text, err := secret(ctx, ref)
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
