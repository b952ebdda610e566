// Command compact is the Lambda that turns deliveries into events and contacts
// every few minutes, and keeps the ledger.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/leadlake/leadlake/functions/internal/boot"
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
	steps, err := pipeline.New(pipeline.Config{Store: env.Store, Now: env.Now, Logger: env.Logger, TokenKey: key, Secret: env.Secret})
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(steps.Compact)
}
