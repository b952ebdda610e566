package portal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

type linksBody struct {
	Links   []Link
	Closed  []Link // revoked
	Choices []linkChoice
	// Made is the link that was just made and URL its address, shown this once.
	Made *Link
	URL  string
	// Name and Problem are what was typed and why it could not be; empty mostly.
	Name    string
	Chosen  string
	Problem string
}

// linkChoice is a segment with the lists that a link can open.
type linkChoice struct {
	Title Text
	Files []linkFile
}

type linkFile struct {
	Value    string // segment/platform/file
	Platform Text
	Name     string
}

// links shows the addresses at which programs fetch lists.
func (p *Portal) links(v *visit) error { return p.showLinks(v, http.StatusOK, linksBody{}) }

func (p *Portal) showLinks(v *visit, status int, body linksBody) error {
	all, err := p.config.Reader.Links(v.r.Context())
	if err != nil {
		return fmt.Errorf("read links: %w", err)
	}
	bundles, err := p.config.Reader.Exports(v.r.Context())
	if errors.Is(err, ErrNoNight) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("read exports: %w", err)
	}
	for _, l := range all {
		if l.RevokedAt == nil {
			body.Links = append(body.Links, l)
		} else {
			body.Closed = append(body.Closed, l)
		}
	}
	body.Choices = linkChoices(bundles)
	pg := page{Key: "links"}
	pg.Answer = v.say(&pg, &err, "links.answer.none")
	if n := len(body.Links); n > 0 {
		pg.Answer = v.say(&pg, &err, "links.answer", "n", n)
	}
	pg.Body = body
	if err != nil {
		return err
	}
	return p.show(v, status, pg)
}

// Linkable reports whether a link may open a file of a bundle: whole lists that
// programs read, so no change and no workbook.
func Linkable(f ExportFile) bool {
	ext := path.Ext(f.Name)
	return f.Written && f.Change == "" && (ext == ".csv" || ext == ".txt")
}

// linkChoices lists what links can open, the largest segments first.
func linkChoices(bundles []ExportBundle) []linkChoice {
	type choice struct {
		linkChoice

		key     string
		members int64
	}
	var all []choice
	for _, b := range bundles {
		for _, f := range b.Files {
			if !Linkable(f) {
				continue
			}
			at := slices.IndexFunc(all, func(c choice) bool { return c.key == b.Segment })
			if at < 0 {
				at = len(all)
				all = append(all, choice{key: b.Segment, linkChoice: linkChoice{Title: b.SegmentTitle}})
			}
			all[at].members = max(all[at].members, b.Members)
			all[at].Files = append(all[at].Files, linkFile{Value: b.Segment + "/" + b.Platform + "/" + f.Name, Platform: b.PlatformTitle, Name: f.Name})
		}
	}
	slices.SortStableFunc(all, func(a, b choice) int { return cmp.Compare(b.members, a.members) })
	out := make([]linkChoice, len(all))
	for i := range all {
		out[i] = all[i].linkChoice
	}
	return out
}

// newLink makes a link and shows its address, once.
func (p *Portal) newLink(v *visit) error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, 8<<10)
	if err := v.r.ParseForm(); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return errBadRequest
	}
	body := linksBody{Name: strings.TrimSpace(v.r.PostForm.Get("name")), Chosen: v.r.PostForm.Get("list")}
	request := LinkRequest{Name: body.Name}
	of, file := path.Split(body.Chosen)
	of, platform := path.Split(strings.TrimSuffix(of, "/"))
	request.Segment, request.Platform, request.File = strings.TrimSuffix(of, "/"), platform, file
	link, address, err := p.config.Reader.NewLink(v.r.Context(), request, Caller{Name: v.who.Name, Role: v.who.Role})
	var problem string
	switch {
	case errors.Is(err, ErrLinkName):
		problem = "links.problem.name"
	case errors.Is(err, ErrLinkTaken):
		problem = "links.problem.taken"
	case errors.Is(err, ErrLinkFile):
		problem = "links.problem.file"
	case err != nil:
		return fmt.Errorf("make a link: %w", err)
	default:
		v.w.Header().Set("Referrer-Policy", "no-referrer")
		return p.showLinks(v, http.StatusOK, linksBody{Made: &link, URL: p.baseURL(v.r) + address})
	}
	if body.Problem, err = v.locale.say(problem); err != nil {
		return err
	}
	return p.showLinks(v, http.StatusUnprocessableEntity, body)
}

func (p *Portal) revokeLink(v *visit) error {
	err := p.config.Reader.RevokeLink(v.r.Context(), v.r.PathValue("id"), Caller{Name: v.who.Name, Role: v.who.Role})
	if errors.Is(err, ErrNotFound) {
		return err
	}
	if err != nil {
		return fmt.Errorf("revoke a link: %w", err)
	}
	v.redirect("/exports/links")
	return nil
}

// pull answers a program that fetches a list. An unknown id, a wrong secret and a
// revoked link get one and the same answer; HEAD looks at the link and hands nothing
// over. Neither the log nor an answer repeats the path.
func (p *Portal) pull(v *visit) error {
	h := v.w.Header()
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Referrer-Policy", "no-referrer")
	now, address := p.config.Now(), p.config.ClientIP(v.r)
	if wait, ok := p.byGuess.take(address, now); !ok {
		return v.tooMany(wait)
	}
	link, err := p.config.Reader.OpenLink(v.r.Context(), v.r.PathValue("id"), v.r.PathValue("secret"))
	if errors.Is(err, ErrNotFound) {
		return ErrNotFound
	}
	p.byGuess.giveBack(address) // who has the secret guesses nothing
	if err != nil {
		return fmt.Errorf("open a link: %w", err)
	}
	if wait, ok := p.byLink.take(link.ID, now); !ok {
		return v.tooMany(wait)
	}
	if v.r.Method == http.MethodHead {
		h.Set("Content-Type", mimeOf(link.FileName()))
		v.w.WriteHeader(http.StatusOK)
		return nil
	}
	if v.r.Header.Get("Sec-Purpose") != "" || v.r.Header.Get("Purpose") != "" {
		return errCrossOrigin // a browser that fetches ahead has nobody who asked
	}
	d, err := p.config.Reader.Pull(v.r.Context(), link)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrRefused) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("pull link %s: %w", link.ID, err)
	}
	return p.handOut(v, d)
}

// tooMany is the answer to who asks too often.
func (v *visit) tooMany(wait time.Duration) error {
	v.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return errTooMany
}

func mimeOf(name string) string {
	if path.Ext(name) == ".txt" {
		return "text/plain; charset=utf-8"
	}
	return "text/csv; charset=utf-8"
}

// handOut sends a file, or the way to it. What comes after the first byte can only
// be broken off.
func (p *Portal) handOut(v *visit, d Download) error {
	h := v.w.Header()
	h.Set("Referrer-Policy", "no-referrer")
	if d.URL != "" {
		v.redirect(d.URL)
		return nil
	}
	h.Set("Content-Type", d.ContentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.Name}))
	if d.Size >= 0 {
		h.Set("Content-Length", strconv.FormatInt(d.Size, 10))
	}
	v.w.WriteHeader(http.StatusOK)
	_, err := io.Copy(v.w, d.Body)
	if err := errors.Join(err, d.Body.Close()); err != nil {
		// The status has gone out: an abort tells the reader that the file is cut.
		p.config.Logger.ErrorContext(v.r.Context(), "download broke off", "route", v.r.Pattern, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (p *Portal) apiLinks(v *visit) error {
	all, err := p.config.Reader.Links(v.r.Context())
	if err != nil {
		return fmt.Errorf("read links: %w", err)
	}
	if all == nil {
		all = []Link{}
	}
	return v.json(struct {
		Links []Link `json:"links"`
	}{all})
}
