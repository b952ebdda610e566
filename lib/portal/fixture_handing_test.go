package portal_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/portal"
)

// handing is the ledger of downloads and the links of the invented shop. Its secret
// is linkSecret for every link.
type handing struct {
	handovers []portal.Handover
	links     []portal.Link
	name      naming
	pulled    []string // ids of links
	asked     [][2]string
	fault     error
}

const linkSecret = "c2VjcmV0LW9mLXRoZS1saW5rLWluLXRlc3RzLTMyLWI"

const sheetLink = "5a0c1d2e3f405162"

func newHanding(name naming) handing {
	text := func(ru, en string) portal.Text { return portal.Text{RU: ru, EN: en} }
	at := time.Date(2026, 11, 21, 7, 5, 0, 0, time.UTC)
	revoked := at.Add(-40 * time.Hour)
	h := handing{name: name}
	platforms := []struct {
		key     string
		title   portal.Text
		file    string
		purpose string
	}{
		{"csv", text("Таблица для людей (CSV)", "Table for people (CSV)"), "contacts.csv", "ads"},
		{"yandex", text("Яндекс Аудитории", "Yandex Audience"), "yandex.csv", "ads"},
		{"unisender", text("Unisender", "Unisender"), "unisender.csv", "email"},
		{"dialler", text("Список для обзвона", "List for calls"), "dialler.csv", "call, ads"},
	}
	for i := range 24 {
		p := platforms[i%len(platforms)]
		row := portal.Handover{
			ID: fmt.Sprintf("%016x", 7919*(i+1)), At: at.Add(-time.Duration(i*19) * time.Hour), Who: name("account", i%3), Segment: "cant_lose",
			SegmentTitle: text("Нельзя потерять", "Can't lose"), Platform: p.key, PlatformTitle: p.title, File: p.file, Purpose: p.purpose,
			Rows: int64(130 + 37*i%1100), Run: "7f3c2a9e51d04b86", AsOf: "2026-11-21", SHA256: strings.Repeat("0f", 32),
		}
		if i%5 == 0 {
			row.Segment, row.SegmentTitle = "asleep-coffee", text(name("segment", 0), name("segment", 1))
		}
		switch p.key {
		case "csv":
			row.Canaries = 5
		case "unisender":
			row.Link, row.Who = name("link", 0), "link:"+name("link", 0)
		}
		h.handovers = append([]portal.Handover{row}, h.handovers...)
	}
	h.links = []portal.Link{
		{
			ID: sheetLink, Name: name("link", 0), Segment: "cant_lose", SegmentTitle: text("Нельзя потерять", "Can't lose"), Platform: "unisender",
			PlatformTitle: platforms[2].title, File: "unisender.csv", CreatedBy: name("account", 0), CreatedAt: at.Add(-300 * time.Hour), Pulls: 6, PulledAt: &at,
		},
		{
			ID: "6b0c1d2e3f405162", Name: name("link", 1), Segment: "asleep-coffee", SegmentTitle: text(name("segment", 0), name("segment", 1)), Platform: "csv",
			PlatformTitle: platforms[0].title, File: "contacts.csv", CreatedBy: name("account", 1), CreatedAt: at.Add(-50 * time.Hour),
		},
		{
			ID: "7c0c1d2e3f405162", Name: name("link", 2), Segment: "cant_lose", SegmentTitle: text("Нельзя потерять", "Can't lose"), Platform: "csv",
			PlatformTitle: platforms[0].title, File: "contacts.csv", CreatedBy: name("account", 1), CreatedAt: at.Add(-90 * time.Hour),
			RevokedBy: name("account", 0), RevokedAt: &revoked,
		},
	}
	return h
}

func (h *handing) Handovers(_ context.Context, from, to string) ([]portal.Handover, error) {
	h.asked = append(h.asked, [2]string{from, to})
	return h.handovers, h.fault
}

func (h *handing) Links(context.Context) ([]portal.Link, error) { return h.links, h.fault }

func (h *handing) NewLink(_ context.Context, r portal.LinkRequest, who portal.Caller) (portal.Link, string, error) {
	switch {
	case h.fault != nil:
		return portal.Link{}, "", h.fault
	case r.Name == "":
		return portal.Link{}, "", portal.ErrLinkName
	case r.Name == "taken":
		return portal.Link{}, "", portal.ErrLinkTaken
	case r.Segment != "cant_lose":
		return portal.Link{}, "", portal.ErrLinkFile
	}
	l := portal.Link{
		ID: "8d0c1d2e3f405162", Name: r.Name, Segment: r.Segment, SegmentTitle: portal.Text{RU: r.Segment, EN: r.Segment}, Platform: r.Platform,
		PlatformTitle: portal.Text{RU: r.Platform, EN: r.Platform}, File: r.File, CreatedBy: who.Name, CreatedAt: asOf,
	}
	h.links = append([]portal.Link{l}, h.links...)
	return l, "/pull/" + l.ID + "/" + linkSecret + "/" + l.FileName(), nil
}

func (h *handing) RevokeLink(_ context.Context, id string, who portal.Caller) error {
	for i := range h.links {
		if h.links[i].ID == id {
			at := asOf
			h.links[i].RevokedAt, h.links[i].RevokedBy = &at, who.Name
			return nil
		}
	}
	return portal.ErrNotFound
}

func (h *handing) OpenLink(_ context.Context, id, secret string) (portal.Link, error) {
	for _, l := range h.links {
		if l.ID == id && secret == linkSecret && l.RevokedAt == nil {
			return l, h.fault
		}
	}
	return portal.Link{}, portal.ErrNotFound
}

func (h *handing) Pull(_ context.Context, l portal.Link) (portal.Download, error) {
	h.pulled = append(h.pulled, l.ID)
	return portal.Download{Name: l.FileName(), ContentType: "text/csv; charset=utf-8", Size: 5, Body: io.NopCloser(strings.NewReader("a;b\n1"))}, h.fault
}
