package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/portal"
)

// A pull link is an address at which a program, such as a spreadsheet or a mailer,
// fetches a list without signing in. Its secret stands in the path, since such
// programs send nothing else, and is kept by nobody here: the store has its SHA-256.

// linkObject is a link as the store keeps it.
type linkObject struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Segment   string     `json:"segment"`
	Platform  string     `json:"platform"`
	File      string     `json:"file"`
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	RevokedBy string     `json:"revoked_by,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	SHA256    string     `json:"secret_sha256"`
}

const (
	linkIDBytes = 8
	secretBytes = 32
)

var linkName = regexp.MustCompile(`^[a-z0-9._-]{1,40}$`)

func linkKey(id string) string { return lake.LinksPrefix + id + ".json" }

func (o linkObject) view() portal.Link {
	platform, _ := audience.Lookup(o.Platform)
	return portal.Link{
		ID: o.ID, Name: o.Name, Segment: o.Segment, SegmentTitle: portal.Text{RU: o.Segment, EN: o.Segment}, Platform: o.Platform,
		PlatformTitle: portal.Text(platform.Title), File: o.File, CreatedBy: o.CreatedBy, CreatedAt: o.CreatedAt, RevokedBy: o.RevokedBy, RevokedAt: o.RevokedAt,
	}
}

// NewLink makes a link to a list that is ready and returns its path, with the secret
// that is shown this once. who is written down. Errors match [portal.ErrLinkName],
// [portal.ErrLinkTaken] or [portal.ErrLinkFile].
func (p *Pipeline) NewLink(ctx context.Context, request portal.LinkRequest, who string) (portal.Link, string, error) {
	if !linkName.MatchString(request.Name) {
		return portal.Link{}, "", portal.ErrLinkName
	}
	links, err := p.linkObjects(ctx)
	if err != nil {
		return portal.Link{}, "", err
	}
	if slices.ContainsFunc(links, func(o linkObject) bool { return o.RevokedAt == nil && o.Name == request.Name }) {
		return portal.Link{}, "", portal.ErrLinkTaken
	}
	if request.File, err = p.linkedFile(ctx, request); err != nil {
		return portal.Link{}, "", err
	}
	id, err := p.randomBytes(linkIDBytes)
	if err != nil {
		return portal.Link{}, "", err
	}
	secret, err := p.randomBytes(secretBytes)
	if err != nil {
		return portal.Link{}, "", err
	}
	text := base64.RawURLEncoding.EncodeToString(secret)
	o := linkObject{
		ID: hex.EncodeToString(id), Name: request.Name, Segment: request.Segment, Platform: request.Platform, File: request.File,
		CreatedBy: who, CreatedAt: p.now().UTC(), SHA256: sumHex([]byte(text)),
	}
	body, err := json.Marshal(o)
	if err != nil {
		return portal.Link{}, "", err
	}
	// The row comes first: a link that nobody wrote down must not work.
	if err := p.Audit(ctx, AuditRow{Who: who, Action: "link_add", Object: "link/" + o.ID}); err != nil {
		return portal.Link{}, "", err
	}
	if _, err := p.store.Create(ctx, linkKey(o.ID), body); err != nil {
		return portal.Link{}, "", fmt.Errorf("pipeline: keep link %s: %w", o.ID, err)
	}
	link := o.view()
	return link, "/pull/" + o.ID + "/" + text + "/" + url.PathEscape(link.FileName()), nil
}

// linkedFile finds the list that a link is to open, the only one where none is named.
func (p *Pipeline) linkedFile(ctx context.Context, request portal.LinkRequest) (string, error) {
	bundles, err := reader{p: p}.Exports(ctx)
	if errors.Is(err, portal.ErrNoNight) {
		return "", portal.ErrLinkFile
	}
	if err != nil {
		return "", err
	}
	var names []string
	for _, b := range bundles {
		for _, f := range b.Files {
			if b.Segment == request.Segment && b.Platform == request.Platform && portal.Linkable(f) && (request.File == "" || request.File == f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	if len(names) != 1 {
		return "", portal.ErrLinkFile
	}
	return names[0], nil
}

// linkObjects reads all links, the newest first.
func (p *Pipeline) linkObjects(ctx context.Context) ([]linkObject, error) {
	var all []linkObject
	for info, err := range p.store.List(ctx, lake.LinksPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("pipeline: list links: %w", err)
		}
		var o linkObject
		if err := p.readJSON(ctx, info.Key, &o); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b linkObject) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// PullLinks lists all links, the newest first, with what was pulled by them lately.
func (p *Pipeline) PullLinks(ctx context.Context) ([]portal.Link, error) {
	objects, err := p.linkObjects(ctx)
	if err != nil || len(objects) == 0 {
		return nil, err
	}
	rows, err := p.Handovers(ctx, lake.Day(p.now().AddDate(0, 0, 1-portal.LinkDays)), "")
	if err != nil {
		return nil, err
	}
	titles, err := p.segmentTitles(ctx)
	if err != nil {
		return nil, err
	}
	links := make([]portal.Link, len(objects))
	for i, o := range objects {
		links[i] = o.view()
		if title, ok := titles[o.Segment]; ok {
			links[i].SegmentTitle = title
		}
		for _, row := range rows { // in the order of time
			// A name may be used again once its link is revoked.
			if row.Link == o.Name && !row.At.Before(o.CreatedAt) && (o.RevokedAt == nil || row.At.Before(*o.RevokedAt)) {
				links[i].Pulls++
				at := row.At
				links[i].PulledAt = &at
			}
		}
	}
	return links, nil
}

// segmentTitles are the titles of the night's segments; none before the first.
func (p *Pipeline) segmentTitles(ctx context.Context) (map[string]portal.Text, error) {
	night, err := p.NightOf(ctx)
	if errors.Is(err, portal.ErrNoNight) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	titles := make(map[string]portal.Text, len(night.Segments))
	for _, s := range night.Segments {
		titles[s.Key] = s.Title
	}
	return titles, nil
}

// RevokeLink closes a link for good: from the next request on it is as if it had
// never been. Doing it again changes nothing. [portal.ErrNotFound] for no such link.
func (p *Pipeline) RevokeLink(ctx context.Context, id, who string) error {
	if !validLinkID(id) {
		return portal.ErrNotFound
	}
	changed := false
	_, err := objstore.Commit(ctx, p.store, linkKey(id), func(old []byte) ([]byte, error) {
		if changed = false; old == nil {
			return nil, portal.ErrNotFound
		}
		var o linkObject
		if err := json.Unmarshal(old, &o); err != nil {
			return nil, fmt.Errorf("link %s is unreadable", id)
		}
		if o.RevokedAt != nil {
			return old, nil
		}
		now := p.now().UTC()
		o.RevokedAt, o.RevokedBy, changed = &now, who, true
		return json.Marshal(o)
	})
	if errors.Is(err, portal.ErrNotFound) {
		return portal.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("pipeline: revoke link %s: %w", id, err)
	}
	if !changed {
		return nil
	}
	return p.Audit(ctx, AuditRow{Who: who, Action: "link_revoke", Object: "link/" + id})
}

func validLinkID(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == linkIDBytes && id == strings.ToLower(id)
}

// openLink finds the link of an id and a secret. What does not fit, is revoked or is
// not there is [portal.ErrNotFound] alike, and takes the same work but for the bytes
// of the object.
func (p *Pipeline) openLink(ctx context.Context, id, secret string) (portal.Link, error) {
	if !validLinkID(id) {
		return portal.Link{}, portal.ErrNotFound
	}
	var o linkObject
	body, _, err := p.store.Get(ctx, linkKey(id))
	switch {
	case errors.Is(err, objstore.ErrNotExist):
	case err != nil:
		return portal.Link{}, fmt.Errorf("pipeline: read link %s: %w", id, err)
	default:
		if err := json.Unmarshal(body, &o); err != nil {
			return portal.Link{}, fmt.Errorf("pipeline: link %s is unreadable", id)
		}
	}
	want, _ := hex.DecodeString(o.SHA256)
	var known [sha256.Size]byte
	copy(known[:], want)
	got := sha256.Sum256([]byte(secret))
	fits := subtle.ConstantTimeCompare(got[:], known[:]) == 1
	if !fits || len(want) != sha256.Size || o.RevokedAt != nil || o.ID != id {
		return portal.Link{}, portal.ErrNotFound
	}
	return o.view(), nil
}
