package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
)

// ErrUnavailable is what a Sink returns when the store cannot be written now.
// Every other error of a Sink is answered in the same way, 503, but logged as an
// error of ours.
var ErrUnavailable = errors.New("webhook: store unavailable")

// Sink makes deliveries durable. Both methods return nil only once the bytes
// would survive a power cut, take the same delivery twice without harm, and may
// be called by many goroutines at once. The delivery's Body and Header are the
// sink's to keep.
type Sink interface {
	// Store keeps a delivery under its Key.
	Store(ctx context.Context, d Delivery) error
	// StoreUnauthenticated keeps, within a bound of its own and for a week, what
	// no secret fitted. It may drop a delivery once the bound is reached and then
	// returns an error, which changes nothing for the sender.
	StoreUnauthenticated(ctx context.Context, d Delivery) error
}

// Config is what a Handler needs. Ready and what stands below it may be left out.
type Config struct {
	// Sources returns the configuration in force; an error is answered by 503.
	Sources func(ctx context.Context) (*config.Config, error)
	Sink    Sink
	// Secret resolves a reference such as env:SITE_SECRET. It is called for every
	// delivery, so whoever implements it keeps what it has fetched.
	Secret func(ctx context.Context, ref string) (string, error)
	Now    func() time.Time
	Logger *slog.Logger
	// Ready writes and reads back in the store; nil: always ready.
	Ready func(ctx context.Context) error
	// StoreTimeout bounds a write; zero is ten seconds. A sender that hangs up
	// does not end the write.
	StoreTimeout time.Duration
	// Requests is how many deliveries may be under way at once, from the first byte
	// of the body to the answer; zero is 512. InFlight is how many bytes their
	// bodies may hold together; zero is 32 MiB. What is beyond either is answered by
	// 503 with Retry-After before its body is read.
	Requests, InFlight int64
}

// Handler serves /in/{source}, /in/{source}/{suffix...}, /healthz and /readyz.
// It is safe for concurrent use.
type Handler struct {
	cfg      Config
	limiter  limiter
	overload overload
	turns    turns
}

// New checks the configuration and makes a handler.
func New(cfg Config) (*Handler, error) {
	var faults []error
	for _, need := range []struct {
		missing bool
		name    string
	}{
		{cfg.Sources == nil, "Sources"},
		{cfg.Sink == nil, "Sink"},
		{cfg.Secret == nil, "Secret"},
		{cfg.Now == nil, "Now"},
		{cfg.Logger == nil, "Logger"},
	} {
		if need.missing {
			faults = append(faults, errors.New("webhook: Config."+need.name+" is missing"))
		}
	}
	if cfg.StoreTimeout == 0 {
		cfg.StoreTimeout = 10 * time.Second
	}
	if cfg.Requests == 0 {
		cfg.Requests = defaultRequests
	}
	if cfg.InFlight == 0 {
		cfg.InFlight = defaultInFlight
	}
	return &Handler{cfg: cfg, overload: overload{maxRequests: cfg.Requests, maxBytes: cfg.InFlight}, turns: newTurns()}, errors.Join(faults...)
}

// ServeHTTP routes by path, for callers without routes of their own.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/in/"):
		h.Ingest(w, r)
	case r.URL.Path == "/healthz":
		h.Health(w, r)
	case r.URL.Path == "/readyz":
		h.Ready(w, r)
	default:
		problemReply(http.StatusNotFound, "not_found", "", nil).write(w, r.Method)
	}
}

// Health answers that the process is alive.
func (h *Handler) Health(w http.ResponseWriter, r *http.Request) {
	Reply{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte("ok\n")}.write(w, r.Method)
}

// Ready answers whether the store takes and returns bytes now.
func (h *Handler) Ready(w http.ResponseWriter, r *http.Request) {
	if h.cfg.Ready != nil {
		if err := h.cfg.Ready(r.Context()); err != nil {
			h.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "readiness probe failed", slog.Any("error", err))
			w.Header().Set("Retry-After", "5")
			problemReply(http.StatusServiceUnavailable, "not_ready", "the store cannot be written", nil).write(w, r.Method)
			return
		}
	}
	h.Health(w, r)
}

// Ingest takes one delivery. The path values source and suffix (or proxy) of the
// caller's route are used where there are any, else the path itself.
func (h *Handler) Ingest(w http.ResponseWriter, r *http.Request) {
	name, suffix := pathOf(r)
	cfg, err := h.cfg.Sources(r.Context())
	if err != nil {
		h.cfg.Logger.LogAttrs(r.Context(), slog.LevelError, "configuration not read", slog.Any("error", err))
		h.unavailable(w, r, "the configuration cannot be read")
		return
	}
	source, known := cfg.SourceNamed(name)
	known = known && source.Kind != config.SheetKind // its files come through the store alone
	if known && len(source.Origins) > 0 {
		if origin := r.Header.Get("Origin"); allowedOrigin(source, origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
		w.Header().Add("Vary", "Origin")
	}
	switch r.Method {
	case http.MethodPost, http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		if known && h.greeted(w, r, cfg, source, suffix) {
			return
		}
		preflight(w, r, source, known)
		return
	default:
		w.Header().Set("Allow", "POST, GET, HEAD, OPTIONS")
		problemReply(http.StatusMethodNotAllowed, "method_not_allowed", "", nil).write(w, r.Method)
		return
	}
	if !known {
		source = dummySource()
	}
	if wait, ok := h.limiter.take(source, h.cfg.Now()); !ok {
		w.Header().Set("Retry-After", wait)
		problemReply(http.StatusTooManyRequests, "too_many_requests", "more deliveries in a second than the source may send", nil).write(w, r.Method)
		return
	}
	held, room := h.overload.admit(r.ContentLength)
	if !room {
		refuseOverload(w, r)
		return
	}
	defer held.release()
	d, refusal := h.receive(r, source, suffix, held)
	if refusal != nil {
		if refusal.Status == http.StatusServiceUnavailable {
			refuseOverload(w, r)
			return
		}
		refusal.write(w, r.Method)
		return
	}
	if !known {
		Authenticate(d, []string{dummySecret})
		problemReply(http.StatusNotFound, "unknown_source", "no source of this name is configured", nil).write(w, r.Method)
		return
	}
	if idle(r, d) {
		Reply{Status: http.StatusOK}.write(w, r.Method)
		return
	}
	h.take(w, r, cfg, d)
}

// greeted answers an OPTIONS request of a system that asks by it whether it may
// post here. It brings nothing, so nothing is stored.
func (h *Handler) greeted(w http.ResponseWriter, r *http.Request, cfg *config.Config, source config.Source, suffix string) bool {
	in := newIntake(cfg, &Delivery{
		Source: source, Method: r.Method, Suffix: suffix, Query: r.URL.RawQuery, Header: chosen(r.Header, source), ReceivedAt: h.cfg.Now().UTC(),
	})
	if !greets(in, nil) {
		return false
	}
	decode(in).Reply.write(w, r.Method)
	return true
}

// idle reports whether a request brings nothing at all: a person or a monitor
// looks whether the address answers. It is neither stored nor counted.
func idle(r *http.Request, d Delivery) bool {
	return r.Method == http.MethodHead || r.Method == http.MethodGet && len(d.Body) == 0 && queryFields(&d) == nil
}

// take authenticates, stores and answers.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, cfg *config.Config, d Delivery) {
	secrets, err := h.secrets(r.Context(), d.Source)
	authentic := false
	h.turns.take(len(d.Body), func() {
		switch {
		case greets(newIntake(cfg, &d), secrets):
			d, authentic = blank(d, adapterFor(d.Source.Kind), secrets), true
		case err == nil || len(secrets) > 0:
			d, authentic = Authenticate(d, secrets)
		}
	})
	// A sender that hangs up after its last byte has done its part: a browser that
	// leaves the page must not cost a lead.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), h.cfg.StoreTimeout)
	defer cancel()
	switch {
	case !authentic && err != nil:
		h.cfg.Logger.LogAttrs(ctx, slog.LevelError, "secret not resolved", slog.String("source", d.Source.Name), slog.Any("error", err))
		h.unavailable(w, r, "the source's secret cannot be read")
		return
	case !authentic:
		h.refuse(ctx, w, r, d)
		return
	}
	var out Decoded
	h.turns.take(len(d.Body), func() { out = decode(newIntake(cfg, &d)) })
	events := len(out.Events)
	out.Events = nil // they are large, and the write takes a while
	d.HasID = out.DeliveryID != ""
	d.Key = RawKey(d.Source.Name, out.DeliveryID, d.Content(), d.ReceivedAt)
	if err := h.cfg.Sink.Store(ctx, d); err != nil {
		level := slog.LevelError
		if errors.Is(err, ErrUnavailable) {
			level = slog.LevelWarn
		}
		h.cfg.Logger.LogAttrs(ctx, level, "delivery not stored", slog.String("source", d.Source.Name), slog.String("key", d.Key), slog.Any("error", err))
		h.unavailable(w, r, "the delivery could not be stored; send it again")
		return
	}
	reason := ""
	if out.Failure != nil {
		reason = out.Failure.Reason
	}
	h.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "delivery stored", slog.String("source", d.Source.Name), slog.String("key", d.Key),
		slog.Int("bytes", len(d.Body)), slog.Int("events", events), slog.Bool("ping", out.Ping), slog.String("reason", reason), slog.Int("status", out.Status))
	out.Reply.write(w, r.Method)
}

// refuse keeps what no secret fitted apart and answers 401.
func (h *Handler) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, d Delivery) {
	d.Key = RawKey(d.Source.Name, "", d.Content(), d.ReceivedAt)
	attrs := []slog.Attr{slog.String("source", d.Source.Name), slog.String("key", d.Key), slog.Int("bytes", len(d.Body))}
	if err := h.cfg.Sink.StoreUnauthenticated(ctx, d); err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	h.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "delivery not authenticated", attrs...)
	w.Header().Set("WWW-Authenticate", `Bearer realm="leadlake"`)
	problemReply(http.StatusUnauthorized, "bad_signature", "no secret of the source fits the signature or key", nil).write(w, r.Method)
}

// secrets resolves the source's references. What could be resolved is returned
// along with the error of what could not; an empty secret is an error too, since
// it must never open a source.
func (h *Handler) secrets(ctx context.Context, source config.Source) ([]string, error) {
	var secrets []string
	var faults []error
	for _, ref := range source.Secrets {
		secret, err := h.cfg.Secret(ctx, ref)
		if err == nil && secret == "" {
			err = errors.New("webhook: secret is empty")
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		secrets = append(secrets, secret)
	}
	return secrets, errors.Join(faults...)
}

func (h *Handler) unavailable(w http.ResponseWriter, r *http.Request, detail string) {
	w.Header().Set("Retry-After", "5")
	problemReply(http.StatusServiceUnavailable, "unavailable", detail, nil).write(w, r.Method)
}

// receive reads the request within the source's limits; a refusal says which one
// it broke.
func (h *Handler) receive(r *http.Request, source config.Source, suffix string, held *share) (Delivery, *Reply) {
	body, sent, refusal := readBody(r, source, held)
	if refusal != nil {
		return Delivery{}, refusal
	}
	return Delivery{
		Source: source, Method: r.Method, ContentType: r.Header.Get("Content-Type"), Suffix: suffix, Query: r.URL.RawQuery,
		Header: chosen(r.Header, source), Body: body, Sent: sent, ReceivedAt: h.cfg.Now().UTC().Truncate(time.Microsecond),
	}, nil
}

// chosen picks the headers that are kept. A header that was sent twice is joined
// by a comma, which fits no signature.
func chosen(all http.Header, source config.Source) map[string]string {
	names := []string{"accept", "authorization", "origin", "referer", "user-agent", signatureHeader, timestampHeader, keyHeader, "x-api-key"}
	if a := adapterFor(source.Kind); a != nil {
		names = append(names, a.headers()...)
	}
	if mapped := source.Map["secret"]; mapped != "" {
		names = append(names, strings.ToLower(mapped))
	}
	header := make(map[string]string)
	for _, name := range names {
		if values := all.Values(name); len(values) > 0 {
			header[name] = strings.Join(values, ",")
		}
	}
	return header
}

// pathOf is the source's name and what stands below it.
func pathOf(r *http.Request) (source, suffix string) {
	if source = r.PathValue("source"); source != "" {
		if suffix = r.PathValue("suffix"); suffix == "" {
			suffix = r.PathValue("proxy")
		}
		return source, suffix
	}
	_, rest, _ := strings.Cut(r.URL.Path, "/in/")
	source, suffix, _ = strings.Cut(rest, "/")
	return source, suffix
}
