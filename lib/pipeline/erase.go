package pipeline

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// ErrContact says that a text is neither a phone nor an e-mail.
var ErrContact = errors.New("pipeline: want a phone or an e-mail address")

// EraseRequest asks to forget a person, and always to clean up. The zero request
// cleans up and acts on the requests that wait.
type EraseRequest struct {
	Contact string `json:"contact,omitempty"` // phone or e-mail, as people write it
	By      string `json:"by,omitempty"`      // account
}

// EraseReport says what was done.
type EraseReport struct {
	Acts    []Act         `json:"acts,omitempty"`
	Cleanup CleanupReport `json:"cleanup"`
}

// Act is the proof of an erasure: what was searched and what was changed, with no
// personal value. It is kept under erasures/<request>/act.json.
type Act struct {
	Request    string         `json:"request"`
	ReceivedAt time.Time      `json:"received_at"`
	DoneAt     time.Time      `json:"done_at"`
	By         string         `json:"by"`
	State      string         `json:"state"` // done, or waiting: audience files handed over wait for their removal
	Tokens     int            `json:"tokens"`
	Objects    map[string]int `json:"objects"` // prefix → objects rewritten or removed
	Rows       map[string]int `json:"rows"`    // prefix → rows removed or made anonymous
	Searched   []string       `json:"searched"`
}

// Erase forgets the person behind a contact and every person whose request
// waits: each object that holds him is rewritten, his tokens are suppressed and
// an act is written. Then what is past its retention is cleaned up. Both may be
// run again: an erasure that was interrupted is finished by the next run.
func (p *Pipeline) Erase(ctx context.Context, request EraseRequest) (EraseReport, error) {
	var report EraseReport
	if err := p.CheckTokenKey(ctx); err != nil {
		return report, err
	}
	if request.Contact != "" {
		if err := p.requestErasure(ctx, request); err != nil {
			return report, err
		}
	}
	waiting, err := p.waitingErasures(ctx)
	if err != nil {
		return report, err
	}
	for _, r := range waiting {
		act, err := p.eraseOne(ctx, r)
		if err != nil {
			return report, err
		}
		report.Acts = append(report.Acts, act)
	}
	report.Cleanup, err = p.cleanUp(ctx)
	return report, err
}

// TokenOf is the token of a phone or e-mail as people write it.
func (p *Pipeline) TokenOf(ctx context.Context, contact string) (identity.Token, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return "", err
	}
	if email, ok := identity.ParseEmail(contact); ok {
		return p.key.Email(email), nil
	}
	if number, ok := (phone.Parser{}).Parse(contact, cfg.Business.Country); ok {
		return p.key.Phone(number), nil
	}
	return "", ErrContact
}

func (p *Pipeline) requestErasure(ctx context.Context, request EraseRequest) error {
	token, err := p.TokenOf(ctx, request.Contact)
	if err != nil {
		return err
	}
	now := p.now().UTC()
	sum := p.key.Sum("erasure", string(token)+now.Format(time.DateOnly))
	return lake.RequestErasure(ctx, p.store, lake.ErasureRequest{
		ID: hex.EncodeToString(sum[:10]), ReceivedAt: now, Deadline: now.AddDate(0, 0, 10), Tokens: []string{string(token)}, State: "received", By: request.By,
	})
}

// waitingErasures lists the requests without an act, oldest first by id.
func (p *Pipeline) waitingErasures(ctx context.Context) ([]lake.ErasureRequest, error) {
	var waiting []lake.ErasureRequest
	for info, err := range p.store.List(ctx, lake.ErasuresPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("pipeline: list erasures: %w", err)
		}
		folder, ok := strings.CutSuffix(info.Key, "/request.json")
		if !ok {
			continue
		}
		if _, err := p.store.Head(ctx, folder+"/act.json"); err == nil {
			continue
		} else if !errors.Is(err, objstore.ErrNotExist) {
			return nil, fmt.Errorf("pipeline: look for an act: %w", err)
		}
		body, _, err := p.store.Get(ctx, info.Key)
		if err != nil {
			return nil, fmt.Errorf("pipeline: read erasure: %w", err)
		}
		var r lake.ErasureRequest
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, fmt.Errorf("pipeline: read %s: %w", info.Key, err)
		}
		waiting = append(waiting, r)
	}
	return waiting, nil
}

// eraser is one erasure while it is carried out.
type eraser struct {
	p      *Pipeline
	tokens map[string]bool
	values map[string]bool // contact values stated under the tokens, to find bytes that hold them
	act    Act
	nonce  string
}

func (p *Pipeline) eraseOne(ctx context.Context, r lake.ErasureRequest) (Act, error) {
	e := &eraser{
		p: p, tokens: map[string]bool{}, values: map[string]bool{}, nonce: p.nonce(),
		act: Act{Request: r.ID, ReceivedAt: r.ReceivedAt, By: r.By, State: "done", Objects: map[string]int{}, Rows: map[string]int{}},
	}
	for _, token := range r.Tokens {
		e.tokens[token] = true
	}
	if err := e.widen(ctx); err != nil {
		return Act{}, err
	}
	// Suppressed first: what arrives while objects are being rewritten must not
	// bring the person back.
	tokens := make([]string, 0, len(e.tokens))
	for token := range e.tokens {
		tokens = append(tokens, token)
	}
	slices.Sort(tokens)
	e.act.Tokens = len(tokens)
	if err := lake.WriteSuppression(ctx, p.store, lake.Suppression{Request: r.ID, ErasedAt: p.now().UTC(), Tokens: tokens}); err != nil {
		return Act{}, err
	}
	for _, step := range []func(context.Context) error{
		e.eraseEvents, e.eraseRaw, e.eraseOrders, e.erasePeople, e.eraseGold, e.eraseAudiences,
	} {
		if err := step(ctx); err != nil {
			return Act{}, fmt.Errorf("pipeline: erase: %w", err)
		}
	}
	e.act.DoneAt = p.now().UTC()
	e.act.Searched = []string{"raw/", "lake/events", "lake/contacts", "lake/failed", "lake/deliveries", "lake/orders", "lake/people", "gold/", "audiences/", "inbox/"}
	body, err := json.MarshalIndent(e.act, "", "  ")
	if err != nil {
		return Act{}, err
	}
	if _, err := p.store.Put(ctx, lake.ErasuresPrefix+r.ID+"/act.json", body); err != nil {
		return Act{}, fmt.Errorf("pipeline: write act: %w", err)
	}
	if err := p.Audit(ctx, AuditRow{Who: r.By, Action: "erase", Object: lake.ErasuresPrefix + r.ID, SHA256: sumHex(body)}); err != nil {
		return Act{}, err
	}
	p.log.InfoContext(ctx, "person erased", slog.String("request", r.ID), slog.Int("tokens", e.act.Tokens))
	return e.act, nil
}

// widen adds every token of the person's client, and the values stated with
// them. Tokens that link nothing (an office phone) stay out.
func (e *eraser) widen(ctx context.Context) error {
	people, err := lake.ReadTable[schema.PersonRow](ctx, e.p.store, peopleKey)
	if err != nil {
		return err
	}
	for _, person := range people.Rows {
		if slices.ContainsFunc(person.Tokens, func(t string) bool { return e.tokens[t] }) {
			for _, token := range person.Tokens {
				e.tokens[token] = true
			}
		}
	}
	// A person may have come after the last night: follow what single events link.
	days, err := lake.Days(ctx, e.p.store, lake.ContactsPrefix)
	if err != nil {
		return err
	}
	for grown := true; grown; {
		grown = false
		for _, day := range days {
			table, err := lake.ReadDay[schema.ContactRow](ctx, e.p.store, lake.ContactsPrefix, day)
			if err != nil {
				return err
			}
			for _, row := range table.Rows {
				if !e.mine(row.Tokens) {
					continue
				}
				for _, token := range row.Tokens {
					if !e.tokens[token] {
						e.tokens[token], grown = true, true
					}
				}
				for _, value := range slices.Concat(row.Phones, row.Emails, row.BadEmails) {
					e.values[value] = true
				}
			}
		}
	}
	return nil
}

func (e *eraser) mine(tokens []string) bool {
	return slices.ContainsFunc(tokens, func(t string) bool { return e.tokens[t] })
}

func (e *eraser) count(prefix string, rows int) {
	if rows > 0 {
		e.act.Objects[prefix]++
		e.act.Rows[prefix] += rows
	}
}
