package portal

import (
	"context"
	"errors"
	"path"
	"time"
)

// Errors of [Handing.NewLink].
var (
	// ErrLinkName says that a link cannot have this name.
	ErrLinkName = errors.New("portal: a link's name is 1 to 40 letters a–z, digits, dots, hyphens or underscores")
	// ErrLinkTaken says that a link that works has the name already.
	ErrLinkTaken = errors.New("portal: another link has this name")
	// ErrLinkFile says that there is no such file to link to.
	ErrLinkFile = errors.New("portal: no whole list of that name is ready")
)

// Handing is what left the house, and the links by which programs fetch lists. All
// methods are safe for concurrent use.
type Handing interface {
	// Handovers are the downloads of [from, to), days as YYYY-MM-DD in UTC, in the
	// order of their time; an empty day is no bound.
	Handovers(ctx context.Context, from, to string) ([]Handover, error)
	// Links are all links, the newest first, revoked ones too.
	Links(ctx context.Context) ([]Link, error)
	// NewLink makes a link and returns the path that opens it, which nobody can
	// learn again. Errors match [ErrLinkName], [ErrLinkTaken] or [ErrLinkFile].
	NewLink(ctx context.Context, request LinkRequest, who Caller) (Link, string, error)
	// RevokeLink closes a link for good, doing it twice is harmless; [ErrNotFound].
	RevokeLink(ctx context.Context, id string, who Caller) error
	// OpenLink finds the link of an id and a secret and does nothing else. An
	// unknown id, a wrong secret and a revoked link are [ErrNotFound] alike.
	OpenLink(ctx context.Context, id, secret string) (Link, error)
	// Pull hands the link's list over as [Reader.OpenExport] does, with the link as
	// who asked.
	Pull(ctx context.Context, link Link) (Download, error)
}

// Handover is a row of the ledger of downloads.
type Handover struct {
	ID            string
	At            time.Time
	Who           string
	Link          string // the name of the link; empty: a person
	Segment       string
	SegmentTitle  Text
	Platform      string
	PlatformTitle Text
	File          string
	Change        string // add or remove; empty: the whole list
	Purpose       string // of consent
	Rows          int64
	Canaries      int64
	Run           string
	AsOf          string // YYYY-MM-DD
	SHA256        string
}

// LinkRequest says what a new link opens.
type LinkRequest struct {
	Name     string `json:"name"`
	Segment  string `json:"segment"`
	Platform string `json:"platform"`
	File     string `json:"file"` // empty: the only one there is
}

// Link is an address at which a program fetches a list.
type Link struct {
	ID            string     `json:"id"` // 16 hex digits
	Name          string     `json:"name"`
	Segment       string     `json:"segment"`
	SegmentTitle  Text       `json:"segment_title"`
	Platform      string     `json:"platform"`
	PlatformTitle Text       `json:"platform_title"`
	File          string     `json:"file"`
	CreatedBy     string     `json:"created_by"`
	CreatedAt     time.Time  `json:"created_at"`
	RevokedBy     string     `json:"revoked_by"`
	RevokedAt     *time.Time `json:"revoked_at"` // nil: it works
	// Pulls and PulledAt count the last [LinkDays] days.
	Pulls    int64      `json:"pulls_30d"`
	PulledAt *time.Time `json:"pulled_at"`
}

// LinkDays is how far back the page of links counts pulls.
const LinkDays = 30

// FileName is the neutral name of what the link hands over: those who keep the file,
// or log its address, do not learn what is in it.
func (l Link) FileName() string {
	return "list-" + l.ID[:min(8, len(l.ID))] + path.Ext(l.File)
}
