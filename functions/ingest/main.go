// Command ingest is the Lambda that senders post to: it authenticates a delivery,
// stores its bytes, and only then answers.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/leadlake/leadlake/functions/internal/boot"
	"github.com/leadlake/leadlake/functions/internal/edge"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/webhook"
)

const (
	// settle is how long a change of the configuration may take to be seen by an instance.
	settle = 30 * time.Second
	// storeTimeout leaves of the function's ten seconds what it takes to say 503: a sender
	// that hears nothing waits longer before it comes again, or does not.
	storeTimeout = 8 * time.Second
)

func main() {
	env, err := boot.Load(context.Background(), os.Getenv)
	if err != nil {
		log.Fatal(err) // fail at cold start, not at the first event
	}
	sink := lake.Sink{Raw: lake.NewRawWriter(env.Store)} // one object for each delivery: no two instances share a group
	if env.Send != nil {
		sink.Raw = lake.NewQueue(env.Store, env.Send)
	}
	handler, err := webhook.New(webhook.Config{
		Sources: lake.NewConfigSource(env.Store, env.Now, settle).Config,
		Sink:    sink, Secret: env.Secret, Ready: boot.Ready(env.Store, env.Now),
		Now: env.Now, Logger: env.Logger, StoreTimeout: storeTimeout,
	})
	if err != nil {
		log.Fatal(err)
	}
	edge.Start(handler, env.Logger)
}
