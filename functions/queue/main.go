// Command queue is the Lambda that stores deliveries which wait in a queue, many as
// one object. It exists only in deployments with IngestPath: queue.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/leadlake/leadlake/functions/internal/boot"
	"github.com/leadlake/leadlake/lib/lake"
)

func main() {
	env, err := boot.Load(context.Background(), os.Getenv)
	if err != nil {
		log.Fatal(err) // fail at cold start, not at the first event
	}
	lambda.Start(lake.Consumer{Store: env.Store, Logger: env.Logger}.Take)
}
