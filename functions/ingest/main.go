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

// settle is how long a change of the configuration may take to be seen by an instance.
const settle = 30 * time.Second

func main() {
	env, err := boot.Load(context.Background(), os.Getenv)
	if err != nil {
		log.Fatal(err) // fail at cold start, not at the first event
	}
	handler, err := webhook.New(webhook.Config{
		Sources: lake.NewConfigSource(env.Store, env.Now, settle).Config,
		Sink:    lake.Sink{Raw: lake.NewRawWriter(env.Store)}, // one object for each delivery: no two instances share a group
		Secret:  env.Secret,
		Ready:   boot.Ready(env.Store, env.Now),
		Now:     env.Now,
		Logger:  env.Logger,
	})
	if err != nil {
		log.Fatal(err)
	}
	edge.Start(handler, env.Logger)
}
