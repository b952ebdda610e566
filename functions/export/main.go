// Command export is the Lambda that writes audience files: after the night, and for
// every download that the portal asks for.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/leadlake/leadlake/functions/internal/boot"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/pipeline"
)

func main() {
	ctx := context.Background()
	env, err := boot.Load(ctx, os.Getenv)
	if err != nil {
		log.Fatal(err) // fail at cold start, not at the first event
	}
	key, err := env.TokenKey(ctx)
	if err != nil {
		log.Fatal(err)
	}
	steps, err := pipeline.New(pipeline.Config{Store: env.Store, Now: env.Now, Logger: env.Logger, TokenKey: key})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(func(ctx context.Context, request pipeline.ExportRequest) (pipeline.ExportReport, error) {
		report, err := steps.Export(ctx, request)
		// Between functions an error is only its text: what is not there travels as a report without a key.
		if request.File != "" && (errors.Is(err, pipeline.ErrNotFound) || errors.Is(err, lake.ErrNoRun)) {
			return pipeline.ExportReport{Handover: pipeline.Handover{Refused: report.Handover.Refused}}, nil
		}
		return report, err
	})
}
