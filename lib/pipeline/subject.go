package pipeline

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/card"
	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/identity"
	"github.com/leadlake/leadlake/lib/identity/phone"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
)

// ErrNobody says that nothing is known of a person.
var ErrNobody = errors.New("pipeline: nothing is known of this person")

// ErrSeveral says that an id belongs to different people in different systems.
var ErrSeveral = errors.New("pipeline: that id belongs to different people")

// ForgottenError says that nothing is known since the person was erased. It
// matches ErrNobody.
type ForgottenError struct {
	ErasedAt time.Time
	Request  string // its proof lies under erasures/<request>/act.json
}

func (e *ForgottenError) Error() string {
	return fmt.Sprintf("%v: erased at %s by request %s", ErrNobody, e.ErasedAt.Format(time.RFC3339), e.Request)
}

// Is makes the error match ErrNobody.
func (e *ForgottenError) Is(target error) bool { return target == ErrNobody }

// Subject is everything known about a person: the answer to who asks what is kept
// of him. It is personal data through and through.
//
// It is made of the lake as it is now, not of the last night: identity is resolved
// from the events by the rules of the night, so that a person is found before the
// first one and with what came after the last one.
type Subject struct {
	Request  string    `json:"request"` // names this reading in the audit chain
	MadeAt   time.Time `json:"made_at"`
	Business string    `json:"business"`
	AskedBy  string    `json:"asked_by"` // what kind of name led here: phone, email, client_id or system_id

	ClientID string       `json:"client_id,omitempty"` // empty: no event became his, only bytes show him
	Aliases  []string     `json:"aliases,omitempty"`
	Links    []ClientLink `json:"links,omitempty"` // why these identifiers are one person
	Apart    []ClientLink `json:"apart,omitempty"` // stated with them, and not his own

	Contacts   SubjectContacts `json:"contacts"`
	Consents   SubjectConsents `json:"consents"`
	Orders     []SubjectOrder  `json:"orders,omitempty"`
	Chronology []TrailEvent    `json:"chronology,omitempty"`
	// Night is what the run in force says of him: a card with its codes, classes,
	// segments and their rules, or several where they were found to be one since.
	Night []Why `json:"night,omitempty"`

	Failed    []SubjectBytes   `json:"failed,omitempty"` // deliveries that could not be understood
	Raw       []SubjectBytes   `json:"raw,omitempty"`    // deliveries as received, past retention.raw_days they go
	Inbox     []SubjectBytes   `json:"inbox,omitempty"`  // dropped files
	Audiences SubjectAudiences `json:"audiences"`
	Erasures  []SubjectErasure `json:"erasures,omitempty"`
	Notes     []SubjectNote    `json:"notes"` // what is not kept, and what to look at before handing this over
}

// SubjectNote is a remark on the answer.
type SubjectNote struct {
	Code string        `json:"code"`
	Text audience.Text `json:"text"`
}

// SubjectConsents is what the person allowed.
type SubjectConsents struct {
	States     []ConsentState     `json:"states"`
	Statements []ConsentStatement `json:"statements,omitempty"` // the whole ledger, in time order
}

// subject is a Subject while it is being made.
type subject struct {
	doc     Subject
	p       *Pipeline
	cfg     *config.Config
	clients *card.Clients
	events  []schema.EventRow // his, in time order
	search  searcher[Subject]
}

// Subject gathers everything known about a person. contact is a phone or an
// e-mail in any spelling, a client id or an alias, a card number or the id he has
// in a source's own system. Nobody is ErrNobody, as is who was erased; an id that
// several people have is ErrSeveral. It only reads.
func (p *Pipeline) Subject(ctx context.Context, contact string) (Subject, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return Subject{}, err
	}
	if _, err := p.tokenKeyFits(ctx); err != nil {
		return Subject{}, err
	}
	s := &subject{p: p, cfg: cfg, doc: Subject{MadeAt: p.now().UTC(), Business: cfg.Business.Name}}
	if err := s.identify(ctx, strings.TrimSpace(contact)); err != nil {
		return Subject{}, err
	}
	suppressed, err := s.erasures(ctx)
	if err != nil {
		return Subject{}, err
	}
	for _, step := range []func(context.Context) error{
		s.tellEvents, s.tellNight, s.tellFailed, s.tellRaw, s.tellInbox, s.tellAudiences,
	} {
		if err := step(ctx); err != nil {
			return Subject{}, fmt.Errorf("pipeline: subject: %w", err)
		}
	}
	d := &s.doc
	if d.ClientID == "" && len(d.Failed)+len(d.Raw)+len(d.Inbox)+len(d.Audiences.Files) == 0 {
		if suppressed != nil {
			return Subject{}, &ForgottenError{ErasedAt: suppressed.ErasedAt, Request: suppressed.Request}
		}
		return Subject{}, ErrNobody
	}
	s.note("names_not_searched",
		"Байты, которые не стали событиями, просмотрены по телефонам, почте и ключам, но не по именам.",
		"Bytes that became no event were searched for phones, e-mails and keys, not for names.")
	return s.doc, nil
}

// SubjectReading is what the audit chain keeps of a reading: no personal value.
type SubjectReading struct {
	Request string `json:"request"` // Subject.Request
	By      string `json:"by"`      // account
	SHA256  string `json:"sha256"`  // of the document that was handed out
	Rows    int64  `json:"rows"`    // events in it
}

// AuditSubject writes down that a person's file was read. It is a call of its own
// since whoever reads may not be the one who may write.
func (p *Pipeline) AuditSubject(ctx context.Context, r SubjectReading) error {
	if !strings.HasPrefix(r.Request, subjectRequests) || strings.ContainsAny(r.Request, "@+ ") {
		return fmt.Errorf("%w: a reading names its request", ErrAudit)
	}
	return p.Audit(ctx, AuditRow{Who: r.By, Action: "subject", Object: r.Request, Rows: r.Rows, SHA256: r.SHA256})
}

const subjectRequests = "subject/"

// identify finds out whom a name means, and sets the search on him.
func (s *subject) identify(ctx context.Context, name string) error {
	days, err := lake.Days(ctx, s.p.store, lake.EventsPrefix)
	if err != nil {
		return err
	}
	resolver, err := resolverOf(ctx, s.p.store, s.cfg, days, func(schema.IdentityEventRow) bool { return true })
	if err != nil {
		return err
	}
	s.clients = resolver.Resolve()
	d := &s.doc
	candidates := s.candidates(name)
	s.search = searcher[Subject]{
		p: s.p, cfg: s.cfg, reads: s.p.refiner.Under(s.cfg), owner: map[string]*Subject{}, words: map[string]*Subject{}, digits: map[string]*Subject{},
		foreign: func(token string) bool { return s.others(identity.Token(token)) },
	}
	asked := ""
	for _, c := range candidates {
		var ids []string
		for _, token := range c.tokens {
			if id := s.clients.Of(token); id != "" && !slices.Contains(ids, id) {
				ids, asked = append(ids, id), token
			}
		}
		if len(ids) > 1 {
			return fmt.Errorf("%w: %s; take one of these", ErrSeveral, strings.Join(ids, ", "))
		}
		if len(ids) == 1 {
			d.ClientID, d.AskedBy = ids[0], c.kind
			break
		}
	}
	switch {
	case d.ClientID != "":
		for _, token := range s.clients.Tokens(d.ClientID) {
			if token != d.ClientID {
				d.Aliases = append(d.Aliases, token)
			}
			if token == asked || !s.clients.Shared(token) { // what others use, too, finds them
				s.own(token)
			}
		}
		if s.clients.Shared(asked) {
			s.note("shared_value",
				"Этим значением пользуются слишком многие, оно никого не определяет: здесь только то, что сказано с ним одним. Спросите по другому.",
				"Too many people use this value for it to be anybody's own: here is only what was stated with it alone. Ask by another one.")
		}
	case len(candidates) > 0: // perhaps bytes show him
		d.AskedBy = candidates[0].kind
		for _, c := range candidates {
			for _, token := range c.tokens {
				s.own(token)
			}
		}
	}
	for _, c := range candidates {
		if c.value != "" && s.search.owner[c.tokens[0]] != nil {
			s.search.learn(c.kind, c.value, d)
		}
	}
	sum := s.p.key.Sum("subject", strings.Join(append([]string{d.ClientID, name}, d.Aliases...), "\n")+d.MadeAt.Format(time.RFC3339Nano))
	d.Request = subjectRequests + hex.EncodeToString(sum[:10])
	return nil
}

// own sets the search on a token.
func (s *subject) own(token string) {
	s.search.owner[token], s.search.words[token] = &s.doc, &s.doc
}

// candidate is one reading of a name.
type candidate struct {
	kind   string
	value  string   // normal form of a phone or an e-mail
	tokens []string // several where several systems may have given the id
}

// candidates reads a name in every way it can be read, the likeliest first.
func (s *subject) candidates(name string) []candidate {
	if token := strings.ToLower(name); identity.Token(token).Valid() {
		return []candidate{{kind: "client_id", tokens: []string{token}}}
	}
	var all []candidate
	if email, ok := identity.ParseEmail(name); ok {
		all = append(all, candidate{kind: "email", value: string(email), tokens: []string{string(s.p.key.Email(email))}})
	} else if number, ok := (phone.Parser{}).Parse(name, s.cfg.Business.Country); ok {
		all = append(all, candidate{kind: "phone", value: string(number), tokens: []string{string(s.p.key.Phone(number))}})
	}
	id := candidate{kind: "system_id"}
	add := func(token identity.Token) {
		if token != "" && !slices.Contains(id.tokens, string(token)) {
			id.tokens = append(id.tokens, string(token))
		}
	}
	for _, source := range s.cfg.Sources {
		add(s.p.key.External(source.ShopOf(), name))
	}
	add(s.p.key.Card(name))
	if len(id.tokens) > 0 {
		all = append(all, id)
	}
	return all
}

// mine decides by tokens whether something is the person's, as the night does.
func (s *subject) mine(tokens []string) bool {
	return s.doc.ClientID != "" && len(tokens) > 0 && s.clients.OfEvent(tokens) == s.doc.ClientID
}

// others reports whether an identifier is another person's own.
func (s *subject) others(token identity.Token) bool {
	owner := s.clients.Of(string(token))
	return owner != "" && owner != s.doc.ClientID && !s.clients.Shared(string(token))
}

func (s *subject) note(code, ru, en string) {
	if !slices.ContainsFunc(s.doc.Notes, func(n SubjectNote) bool { return n.Code == code }) {
		s.doc.Notes = append(s.doc.Notes, SubjectNote{Code: code, Text: audience.Text{RU: ru, EN: en}})
	}
}

// tellNight adds what the run in force says of the person. Where that run took
// him for one client with somebody from whom he was parted since, its figures are
// not his alone, and are left out.
func (s *subject) tellNight(ctx context.Context) error {
	gold, err := s.p.readGold(ctx)
	if errors.Is(err, lake.ErrNoRun) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, row := range gold.clients {
		tokens := append([]string{row.ClientID}, row.Aliases...)
		if !slices.ContainsFunc(tokens, func(t string) bool { return s.search.owner[t] != nil }) {
			continue
		}
		if slices.ContainsFunc(tokens, func(t string) bool { return s.others(identity.Token(t)) }) {
			s.note("night_of_two",
				"Последний расчёт считал этого человека одним клиентом с другим: его числа появятся после следующего расчёта.",
				"The last night took this person for one client with another: his figures come with the next night.")
			continue
		}
		theirs := gold.tokensOf(row)
		events := slices.DeleteFunc(slices.Clone(s.events), func(ev schema.EventRow) bool { return !theirs(ev.Tokens) })
		w, err := s.p.explain(ctx, s.cfg, gold, row, events)
		if err != nil {
			return err
		}
		w.Orders, w.Chronology = nil, nil // told already, as they are now
		s.doc.Night = append(s.doc.Night, w)
	}
	return nil
}
