package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/leadlake/leadlake/lib/portal"
)

// linkChange is one request about the links by which programs fetch lists.
type linkChange struct {
	Action  string             `json:"action"` // add, list or revoke
	ID      string             `json:"id,omitempty"`
	Request portal.LinkRequest `json:"request,omitzero"`
	By      string             `json:"by"`
}

// linkAnswer is what came of it. Path has the secret of a new link, this once.
type linkAnswer struct {
	Links []portal.Link `json:"links,omitempty"`
	Path  string        `json:"path,omitempty"`
	URL   string        `json:"url,omitempty"` // public address of the running serve
}

func linkCommand(ctx context.Context, sys *system, args []string) error {
	f := newFlags(sys, "link add NAME|list|revoke ID [flags]",
		"Links by which programs fetch lists without signing in: a mailer, or IMPORTDATA of a\n"+
			"sheet. `add` prints the address, which is shown this once; whoever knows it gets the list.\n"+
			"Every fetch is a download: who withdrew is left out, and the ledger of downloads gets a row.\n"+
			"A revoked link stops answering at once.")
	var where place
	where.register(f)
	segment := f.String("segment", "", "`segment` of the list")
	platform := f.String("platform", "", "`platform` of the list, such as csv or unisender")
	file := f.String("file", "", "`file` of the list, where there are several")
	address := f.String("url", "", "public `address` of the pages; default that of the running serve")
	by := f.String("by", "operator", "`name` of who asks, for the audit")
	asJSON := f.Bool("json", false, "list: print JSON")
	plain, err := f.parseMixed(args, 1, 2)
	if err != nil {
		return err
	}
	change := linkChange{Action: plain[0], By: *by}
	switch {
	case change.Action == "list" && len(plain) == 1:
	case change.Action == "revoke" && len(plain) == 2:
		change.ID = plain[1]
	case change.Action == "add" && len(plain) == 2:
		if *segment == "" || *platform == "" {
			return wrongUse("link add: name the list with -segment and -platform")
		}
		change.Request = portal.LinkRequest{Name: plain[1], Segment: *segment, Platform: *platform, File: *file}
	default:
		return wrongUse("usage: leadlake %s", f.synopsis)
	}
	if err := where.exists(); err != nil {
		return err
	}
	body, err := perform(ctx, sys, where, "link", change)
	if err != nil {
		return err
	}
	var answer linkAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	switch {
	case change.Action == "list" && *asJSON:
		return printJSON(sys.Stdout, answer)
	case change.Action == "list":
		return printLinks(sys.Stdout, answer.Links)
	case change.Action == "revoke":
		_, err = fmt.Fprintf(sys.Stdout, "link %s: revoked\n", change.ID)
		return err
	}
	base := strings.TrimRight(cmp.Or(*address, answer.URL), "/")
	if base == "" {
		_, _ = fmt.Fprintln(sys.Stderr, "leadlake: put the public address of the pages in front of it (-url)")
	}
	_, err = fmt.Fprintln(sys.Stdout, base+answer.Path)
	return err
}

// changeLink carries a request out on the open store.
func (m *machine) changeLink(ctx context.Context, c linkChange) (linkAnswer, error) {
	answer := linkAnswer{URL: m.url}
	var err error
	switch c.Action {
	case "list":
		answer.Links, err = m.steps.PullLinks(ctx)
	case "revoke":
		if err = m.steps.RevokeLink(ctx, c.ID, c.By); errors.Is(err, portal.ErrNotFound) {
			err = errors.New("link revoke: there is no such link; `leadlake link list` shows their ids")
		}
	case "add":
		var link portal.Link
		link, answer.Path, err = m.steps.NewLink(ctx, c.Request, c.By)
		answer.Links = []portal.Link{link}
		switch {
		case errors.Is(err, portal.ErrLinkName), errors.Is(err, portal.ErrLinkTaken):
			err = errors.New("link add: " + strings.TrimPrefix(err.Error(), "portal: "))
		case errors.Is(err, portal.ErrLinkFile):
			err = errors.New("link add: there is no whole list of that segment, platform and file; " +
				"the page of exports shows which are ready, and -file chooses between several")
		}
	default:
		err = fmt.Errorf("no action %q", c.Action)
	}
	return answer, err
}

func printLinks(out io.Writer, links []portal.Link) error {
	if len(links) == 0 {
		_, err := fmt.Fprintln(out, "there are no links")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "id\tname\tsegment\tplatform\tfile\tmade\tby\tfetched in 30 days\tstate")
	for _, l := range links {
		state := "works"
		if l.RevokedAt != nil {
			state = "revoked " + l.RevokedAt.UTC().Format("2006-01-02 15:04") + " by " + l.RevokedBy
		}
		fetched := strconv.FormatInt(l.Pulls, 10)
		if l.PulledAt != nil {
			fetched += ", last " + l.PulledAt.UTC().Format("2006-01-02 15:04")
		}
		_, _ = fmt.Fprintln(table, strings.Join([]string{
			l.ID, l.Name, l.Segment, l.Platform, l.File, l.CreatedAt.UTC().Format("2006-01-02"), l.CreatedBy, fetched, state,
		}, "\t"))
	}
	return table.Flush()
}
