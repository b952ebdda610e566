// Command portal is the Lambda of the pages. People sign in with the accounts that
// `leadlake user` keeps in the bucket.
package main

import (
	"context"
	"log"
	"os"

	"github.com/leadlake/leadlake/functions/internal/boot"
	"github.com/leadlake/leadlake/functions/internal/edge"
	"github.com/leadlake/leadlake/functions/internal/invoke"
	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
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
	signer, err := env.SigningKey(ctx)
	if err != nil {
		log.Fatal(err)
	}
	steps, err := pipeline.New(pipeline.Config{Store: env.Store, Now: env.Now, Logger: env.Logger, TokenKey: key})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := portal.NewAuth(portal.AuthConfig{Issuer: "leadlake", Audience: "portal", Signer: signer, Now: env.Now})
	if err != nil {
		log.Fatal(err)
	}
	pages, err := steps.PortalHandler(ctx, pipeline.PortalConfig{
		Auth: auth, Accounts: steps.Accounts(), Denials: boot.Denials{Store: env.Store}, BaseURL: env.PortalURL, Export: exporter(env.ExportFunction),
	})
	if err != nil {
		log.Fatal(err)
	}
	edge.Start(pages, env.Logger)
}

// exporter asks the export function to render downloads: the portal may not write
// audiences. Without one, as in a test, the portal does it itself.
func exporter(function string) func(context.Context, pipeline.ExportRequest) (pipeline.ExportReport, error) {
	if function == "" {
		return nil
	}
	call := invoke.Function[pipeline.ExportRequest, pipeline.ExportReport](function)
	return func(ctx context.Context, request pipeline.ExportRequest) (pipeline.ExportReport, error) {
		report, err := call(ctx, request)
		if err == nil && report.Key == "" {
			return report, pipeline.ErrNotFound
		}
		return report, err
	}
}
