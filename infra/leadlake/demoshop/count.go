package demoshop

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Count is what the posts of the demo amount to, by an arithmetic of its own.
// Money is in minor units; days and consents are as of the given day.
type Count struct {
	Posts           int            // all that was sent
	Deliveries      int            // became events
	Pings           int            // made none
	Failed          map[string]int // by reason code
	Duplicates      int            // whole posts that had come before
	Events          int            // distinct ones
	DuplicateEvents int            // repeated inside a delivery that also held new ones
	Kinds           map[string]int // Events by kind

	Leads              int // lead events
	Orders             int // distinct orders, whatever became of them
	Purchases          int // orders paid, shipped, completed or returned in part, anonymous ones among them
	AnonymousPurchases int // without any identifier of a person
	Clients            int // clusters of identifiers
	Buyers             int // with a purchase

	RevenueMinor          int64 // in roubles, other currencies at the configured rate; anonymous purchases included
	AnonymousRevenueMinor int64
	OtherMinor            map[string]int64 // by currency without a rate
	CostMinor             int64

	Codes    map[string]int // buyers by RFM code
	Segments map[string]int // buyers by segment of the playbook, all eleven keys

	ConsentGiven     int // clients whose last word on ads is yes
	ConsentWithdrawn int
	AdBuyers         int // buyers with a consent to ads, and their distinct contacts
	AdBuyerPhones    int
	AdBuyerEmails    int
}

// CountPosts counts the demo's posts: it reads the posted bytes again, unites
// people, folds orders and scores buyers by metrics.md with plain maps and sorted
// slices, and imports nothing of Leadlake. It is no general engine: it knows the
// shapes this package posts, Russian mobile phones and one time zone, and it
// reports an error where the posts leave that ground. Undated events count as the
// last of asOf.
func CountPosts(posts iter.Seq[Post], asOf string) (Count, error) {
	t := newTally(asOf)
	for post := range posts {
		t.count.Posts++
		if err := t.take(post); err != nil {
			return Count{}, fmt.Errorf("count post %d to %s: %w", t.count.Posts, post.Source, err)
		}
	}
	return t.sum()
}

// ErrUncountable is matched where the posts hold something the count does not know.
var ErrUncountable = errors.New("demoshop: not countable")

// told is the part of a native event, or of a flat lead, that counts.
type told struct {
	ID     string     `json:"id"`
	Kind   string     `json:"kind"`
	At     string     `json:"at"`
	Client toldClient `json:"client"`
	Order  *toldOrder `json:"order"`
	Stage  string     `json:"stage"`
	Cost   *struct {
		Day, Source, Campaign, Amount string
	} `json:"cost"`
	Consents []struct {
		Purpose string
		Given   bool
	} `json:"consents"`
	Unsubscribe struct{ Channel string } `json:"unsubscribe"`

	Phone string `json:"phone"` // of a flat lead
	Email string `json:"email"`
}

type toldClient struct {
	Phone, Email string
	External     string `json:"external_id"`
	Card         string `json:"card_no"`
}

type toldOrder struct {
	ID, Status, Currency, Total, Shipping, Returned string
}

// failure is a delivery that cannot become events.
type failure string

func (f failure) Error() string { return string(f) }

// take counts one post.
func (t *tally) take(post Post) error {
	events, key, err := t.read(post)
	if key == "" {
		key = string(post.Body)
	}
	if key = post.Source + "\n" + key; t.posts[key] {
		t.count.Duplicates++
		return nil
	}
	t.posts[key] = true
	var failed failure
	switch {
	case errors.As(err, &failed):
		t.count.Failed[string(failed)]++
		return nil
	case err != nil:
		return err
	case events == nil:
		t.count.Pings++
		return nil
	}
	fresh := 0
	for _, ev := range events {
		if ev.ID != "" && t.ids[post.Source+"\n"+ev.ID] {
			continue
		}
		t.ids[post.Source+"\n"+ev.ID] = true
		fresh++
		if err := t.event(ev); err != nil {
			return err
		}
	}
	if fresh == 0 {
		t.count.Duplicates++
		return nil
	}
	t.count.Deliveries++
	t.count.DuplicateEvents += len(events) - fresh
	return nil
}

// read gives the events of a post and the sender's delivery id; no events and no
// error is a ping.
func (t *tally) read(post Post) ([]told, string, error) {
	if len(post.Body) == 0 {
		return nil, "", failure("empty_body")
	}
	media, params, err := mime.ParseMediaType(post.ContentType)
	if err != nil {
		return nil, "", err
	}
	switch {
	case post.Source == SourceForms:
		return readTilda(post.Body)
	case media == "application/x-www-form-urlencoded":
		fields, err := url.ParseQuery(string(post.Body))
		return []told{lead(fields)}, "", err
	case media == "multipart/form-data":
		parsed, err := multipart.NewReader(bytes.NewReader(post.Body), params["boundary"]).ReadForm(1 << 20)
		if err != nil {
			return nil, "", err
		}
		return []told{lead(parsed.Value)}, "", nil
	default:
		return readNative(post.Body)
	}
}

// lead is what a form's fields say. The consents of forms come from the rules of
// the configuration, which are the two names below.
func lead(fields url.Values) told {
	ev := told{Kind: "lead", Client: toldClient{
		Phone: fields.Get("phone") + fields.Get("Phone"), Email: fields.Get("email") + fields.Get("Email"),
	}}
	if fields.Get("consent") == "on" || fields.Get("Checkbox") == "yes" {
		ev.Consents = append(ev.Consents, struct {
			Purpose string
			Given   bool
		}{"ads", true})
	}
	return ev
}

func readTilda(body []byte) ([]told, string, error) {
	fields, err := url.ParseQuery(string(body))
	if err != nil || fields.Get("test") != "" {
		return nil, "", err
	}
	ev := lead(fields)
	id := fields.Get("payment[orderid]")
	if payment := fields.Get("payment"); payment != "" {
		var p struct{ OrderID string }
		if err := json.Unmarshal([]byte(payment), &p); err != nil {
			return nil, "", err
		}
		id = p.OrderID
	}
	if id != "" { // nobody has paid it yet, so its money counts nowhere
		ev.Kind, ev.Order = "order", &toldOrder{ID: id, Status: "new"}
	}
	return []told{ev}, fields.Get("tranid"), nil
}

// readNative reads an array, an object or NDJSON.
func readNative(body []byte) ([]told, string, error) {
	if body[0] == '[' {
		var events []told
		if err := json.Unmarshal(body, &events); err != nil {
			return nil, "", failure("malformed_json")
		}
		return events, "", valid(events)
	}
	var events []told
	decoder := json.NewDecoder(bytes.NewReader(body))
	for {
		var raw json.RawMessage
		var ev told
		err := decoder.Decode(&raw)
		switch {
		case errors.Is(err, io.EOF):
			if len(events) == 1 {
				return events, events[0].ID, valid(events)
			}
			return events, "", valid(events)
		case err != nil:
			return nil, "", failure("malformed_json")
		case repeatsKey(raw):
			return nil, "", failure("duplicate_key")
		case json.Unmarshal(raw, &ev) != nil:
			return nil, "", failure("invalid_event")
		}
		if ev.Kind == "" && ev.Phone+ev.Email != "" {
			ev.Kind, ev.Client = "lead", toldClient{Phone: ev.Phone, Email: ev.Email}
		}
		events = append(events, ev)
	}
}

// repeatsKey reports whether the outermost object names a key twice, in whatever
// case; deeper objects of the demo never do.
func repeatsKey(object []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(object))
	seen := map[string]bool{}
	if _, err := decoder.Token(); err != nil {
		return false
	}
	for decoder.More() {
		token, err := decoder.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return false
		}
		if key = strings.ToLower(key); seen[key] {
			return true
		}
		seen[key] = true
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return false
		}
	}
	return false
}

func valid(events []told) error {
	kinds := []string{"lead", "order", "stage", "contact", "booking", "profile", "consent", "unsubscribe", "cost", "erase"}
	for _, ev := range events {
		if !slices.Contains(kinds, ev.Kind) {
			return failure("invalid_event")
		}
		if ev.At != "" {
			if _, err := time.Parse(time.RFC3339, ev.At); err != nil {
				return failure("invalid_event")
			}
		}
		if ev.Order != nil && rank(ev.Order.Status) < 0 {
			return failure("invalid_event")
		}
	}
	return nil
}

// rank orders statements of one moment.
func rank(status string) int {
	return min(slices.Index([]string{"new", "paid", "shipped", "completed", "cancelled", "returned"}, status), 4)
}

// kopecks reads a decimal with at most two places.
func kopecks(decimal string) (int64, error) {
	whole, fraction, _ := strings.Cut(decimal, ".")
	var minor int64
	for _, digit := range whole + (fraction + "00")[:2] {
		if digit < '0' || digit > '9' || len(fraction) > 2 {
			return 0, fmt.Errorf("%w: amount of %d characters", ErrUncountable, len(decimal))
		}
		minor = minor*10 + int64(digit-'0')
	}
	return minor, nil
}

// phone is the normal form of a Russian mobile number as the demo types it.
func phone(typed string) (string, error) {
	var digits strings.Builder
	for _, r := range typed {
		if r >= '0' && r <= '9' {
			digits.WriteRune(r)
		}
	}
	national := digits.String()
	if len(national) == 11 && (national[0] == '7' || national[0] == '8') {
		national = national[1:]
	}
	if len(national) != 10 || national[0] != '9' {
		return "", fmt.Errorf("%w: phone of %d digits", ErrUncountable, len(national))
	}
	return "+7" + national, nil
}

// quantile is type 7 of sorted values at i/k.
func quantile(sorted []float64, i, k int) float64 {
	h := float64(len(sorted)-1) * float64(i) / float64(k)
	low := int(h)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	step := float64((h - float64(low)) * (sorted[low+1] - sorted[low]))
	return sorted[low] + step
}

// score is 1, 2 or 3 by how many thirds a value exceeds.
func score(value float64, sorted []float64) int {
	s := 1
	for i := 1; i < 3; i++ {
		if value > quantile(sorted, i, 3) {
			s++
		}
	}
	return s
}

// segmentOf is the playbook (metrics, "RFM").
func segmentOf(code string) string {
	switch code {
	case "333":
		return "champions"
	case "331", "332":
		return "loyal"
	case "321", "322", "323":
		return "growing"
	case "311", "312":
		return "new"
	case "313":
		return "big_new"
	case "232", "233":
		return "cooling_valuable"
	case "221", "222", "223", "231":
		return "steady"
	case "211", "212", "213":
		return "cooling_once"
	case "123", "132", "133":
		return "cant_lose"
	case "113", "121", "122", "131":
		return "dormant"
	default: // 111 and 112
		return "lost"
	}
}

// sortTold orders the statements of one order as the fold wants them.
func sortTold(list []statedOrder) {
	slices.SortFunc(list, func(a, b statedOrder) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(a.said.Status), rank(b.said.Status)), cmp.Compare(a.id, b.id))
	})
}
