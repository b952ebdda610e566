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
	// Again counts, by prefix, rows of people erased earlier that had come back: a
	// delivery sent again, or a step that was running while they were erased.
	Again map[string]int `json:"again,omitempty"`
}

// Act is the proof of an erasure: what was searched and what was changed, with no
// personal value. It is kept under erasures/<request>/act.json.
type Act struct {
	Request    string         `json:"request"`
	ReceivedAt time.Time      `json:"received_at"`
	DoneAt     time.Time      `json:"done_at"`
	By         string         `json:"by"`
	State      string         `json:"state"` // done
	Tokens     int            `json:"tokens"`
	Objects    map[string]int `json:"objects"` // prefix → objects rewritten or removed
	Rows       map[string]int `json:"rows"`    // prefix → rows removed or made anonymous
	Searched   []string       `json:"searched"`
	// Waiting is how many rows of the person platforms still have: they wait under
	// erasures/<request>/remove/ for the removal files, and are gone a day after those
	// were handed over.
	Waiting int `json:"removals_waiting"`
}

// Erase forgets the person behind a contact and every person whose verified
// request waits: each object that holds one of them is rewritten, their tokens
// are suppressed and an act is written for each. All requests that wait are
// carried out in one pass over the store. Then what is past its retention is
// cleaned up. Both may be run again: an erasure that was interrupted is finished
// by the next run, and a run that finds nothing writes nothing.
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
	if err := p.erase(ctx, &report); err != nil {
		return report, err
	}
	var err error
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

// requestErasure puts a person's wish down. Every call is a request of its own:
// who came back and asks again on the same day is erased again.
func (p *Pipeline) requestErasure(ctx context.Context, request EraseRequest) error {
	token, err := p.TokenOf(ctx, request.Contact)
	if err != nil {
		return err
	}
	now := p.now().UTC()
	sum := p.key.Sum("erasure", string(token)+now.Format(time.RFC3339Nano))
	return lake.RequestErasure(ctx, p.store, lake.ErasureRequest{
		ID: hex.EncodeToString(sum[:10]), ReceivedAt: now, Deadline: now.AddDate(0, 0, 10), Tokens: []string{string(token)}, State: lake.ErasureReceived, By: request.By,
	})
}

// waitingErasures lists the verified requests without an act, by id.
func (p *Pipeline) waitingErasures(ctx context.Context) ([]lake.ErasureRequest, error) {
	var requests, acts []string
	for info, err := range p.store.List(ctx, lake.ErasuresPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("pipeline: list erasures: %w", err)
		}
		if folder, ok := strings.CutSuffix(info.Key, "/request.json"); ok {
			requests = append(requests, folder)
		} else if folder, ok := strings.CutSuffix(info.Key, "/act.json"); ok {
			acts = append(acts, folder)
		}
	}
	var waiting []lake.ErasureRequest
	for _, folder := range requests {
		if slices.Contains(acts, folder) {
			continue
		}
		body, _, err := p.store.Get(ctx, folder+"/request.json")
		if err != nil {
			return nil, fmt.Errorf("pipeline: read erasure: %w", err)
		}
		var r lake.ErasureRequest
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, fmt.Errorf("pipeline: read %s/request.json: %w", folder, err)
		}
		if r.State == lake.ErasureReceived {
			waiting = append(waiting, r)
		}
	}
	return waiting, nil
}

// settleHours is how long after an erasure the whole store is searched again: a
// step that was running while the person was erased has long ended by then.
const settleHours = 48

// erase carries out the requests that wait, and catches what came back of people
// erased earlier.
func (p *Pipeline) erase(ctx context.Context, report *EraseReport) error {
	waiting, err := p.waitingErasures(ctx)
	if err != nil {
		return err
	}
	if len(waiting) > 0 {
		// What is not merged yet cannot be told apart by person, and may say more
		// about whose it is. It may also ask for an erasure.
		if _, err := p.Compact(ctx, CompactRequest{}); err != nil {
			return fmt.Errorf("before erasing: %w", err)
		}
		if waiting, err = p.waitingErasures(ctx); err != nil {
			return err
		}
	}
	suppressed, err := lake.ReadSuppressed(ctx, p.store)
	if err != nil {
		return err
	}
	if len(waiting)+len(suppressed) == 0 {
		return nil
	}
	cfg, err := p.Config(ctx)
	if err != nil {
		return err
	}
	e := &eraser{
		// Of who was erased earlier only the tokens are known.
		searcher: searcher[Act]{p: p, cfg: cfg, reads: p.refiner.Under(cfg), owner: map[string]*Act{}, blind: true},
		again:    newAct(lake.ErasureRequest{}), nonce: p.nonce(), cut: map[[2]string]*Act{}, suppressed: suppressed,
	}
	e.whole = len(waiting) > 0
	for token, s := range suppressed {
		e.owner[token] = e.again
		e.whole = e.whole || p.now().Sub(s.ErasedAt) < settleHours*time.Hour
	}
	if err := e.open(ctx, waiting, suppressed); err != nil {
		return err
	}
	steps := []func(context.Context) error{e.eraseRaw}
	if e.whole {
		// Contacts go last: they alone say which values belong to a token, so an
		// erasure that is interrupted finds them again.
		steps = append(steps, e.eraseFailed, e.eraseInbox, e.eraseAudiences, e.eraseEvents, e.eraseOrders, e.erasePeople, e.eraseGold, e.eraseContacts)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("pipeline: erase: %w", err)
		}
	}
	for i, act := range e.acts {
		if err := e.close(ctx, waiting[i], act); err != nil {
			return err
		}
		report.Acts = append(report.Acts, *act)
	}
	if len(e.again.Rows) > 0 {
		report.Again = e.again.Rows
		p.log.WarnContext(ctx, "erased people had come back and were erased again", slog.Any("rows", e.again.Rows))
	}
	return nil
}

func newAct(r lake.ErasureRequest) *Act {
	return &Act{
		Request: r.ID, ReceivedAt: r.ReceivedAt, By: r.By, State: "done", Objects: map[string]int{}, Rows: map[string]int{},
		Searched: []string{
			"raw/", "lake/events", "lake/contacts", "lake/failed", "lake/deliveries", "lake/orders", "lake/people", "gold/", "audiences/", "inbox/", "erasures/",
		},
	}
}

// open finds everything that belongs to the people who are to be erased and
// suppresses it first: what arrives while objects are being rewritten must not
// bring anybody back.
func (e *eraser) open(ctx context.Context, waiting []lake.ErasureRequest, suppressed lake.Suppressed) error {
	for _, r := range waiting {
		act := newAct(r)
		e.acts = append(e.acts, act)
		for _, token := range r.Tokens {
			e.owner[token] = act
		}
		for token, s := range suppressed { // of a run that was interrupted
			if s.Request == r.ID {
				e.owner[token] = act
			}
		}
	}
	if err := e.widen(ctx); err != nil {
		return err
	}
	for _, act := range e.acts {
		var tokens []string
		for token, owner := range e.owner {
			if owner == act {
				tokens = append(tokens, token)
			}
		}
		slices.Sort(tokens)
		act.Tokens = len(tokens)
		if len(tokens) == 0 { // another request of the same person took them
			continue
		}
		s := lake.Suppression{Request: act.Request, ErasedAt: e.p.now().UTC(), Tokens: tokens}
		if err := lake.WriteSuppression(ctx, e.p.store, s); err != nil {
			return err
		}
	}
	return nil
}

// close writes the act. The request loses its tokens before it: afterwards the
// suppression list alone holds them, since it cannot do without.
func (e *eraser) close(ctx context.Context, r lake.ErasureRequest, act *Act) error {
	folder := lake.ErasuresPrefix + r.ID
	r.Tokens = nil
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if _, err := e.p.store.Put(ctx, folder+"/request.json", body); err != nil {
		return fmt.Errorf("pipeline: take tokens out of the request: %w", err)
	}
	act.DoneAt = e.p.now().UTC()
	if body, err = json.MarshalIndent(act, "", "  "); err != nil {
		return err
	}
	if _, err := e.p.store.Put(ctx, folder+"/act.json", body); err != nil {
		return fmt.Errorf("pipeline: write act: %w", err)
	}
	if err := e.p.Audit(ctx, AuditRow{Who: r.By, Action: "erase", Object: folder, SHA256: sumHex(body)}); err != nil {
		return err
	}
	e.p.log.InfoContext(ctx, "person erased", slog.String("request", r.ID), slog.Int("tokens", act.Tokens))
	return nil
}
