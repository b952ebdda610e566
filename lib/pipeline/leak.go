package pipeline

import (
	"context"
	"regexp"
	"strings"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

// LeakReport says which downloads the canaries in a text came from. It holds no
// address: a canary is told by its download.
type LeakReport struct {
	// Domain of canaries in the configuration; empty: downloads carry none now.
	Domain string `json:"domain"`
	// Addresses is how many different addresses the text holds. Each is a canary of
	// one of the Downloads, Unknown (in the domain, but of no download) or Foreign.
	Addresses int `json:"addresses"`
	Unknown   int `json:"unknown"`
	Foreign   int `json:"foreign"`
	// Downloads that a canary in the text belongs to, in the order of the ledger.
	Downloads []LeakedDownload `json:"downloads"`
}

// LeakedDownload is a hand-over some of whose canaries were found.
type LeakedDownload struct {
	LedgerRow

	Found int `json:"found"` // of its canaries
}

// Leak looks for canaries in a text: a single address as people write it, or all of
// a leaked file. Each one's download is found by making the canaries of every
// download of the ledger again, so nothing but the ledger and the key is needed, and
// a change of the configuration's domain or language hides none.
func (p *Pipeline) Leak(ctx context.Context, text string) (LeakReport, error) {
	report := LeakReport{Downloads: []LeakedDownload{}}
	cfg, err := p.Config(ctx)
	if err != nil {
		return report, err
	}
	if _, err := p.tokenKeyFits(ctx); err != nil { // another key makes other canaries
		return report, err
	}
	report.Domain = cfg.Canaries.EmailDomain
	found := addressesIn(text)
	report.Addresses = len(found)
	asked := map[string][]identity.Email{} // code → addresses that end with it
	for _, email := range found {
		if code := audience.CanaryCode(email); code != "" {
			asked[code] = append(asked[code], email)
		}
	}
	known := map[identity.Email]bool{}
	if len(asked) > 0 {
		rows, err := p.Handovers(ctx, "", "")
		if err != nil {
			return report, err
		}
		for _, row := range rows {
			download := LeakedDownload{LedgerRow: row}
			for _, code := range p.canariesOf(cfg, row.ID, row.Canaries).Codes() {
				for _, email := range asked[code] {
					known[email] = true
				}
				if len(asked[code]) > 0 {
					download.Found++
				}
			}
			if download.Found > 0 {
				report.Downloads = append(report.Downloads, download)
			}
		}
	}
	ours, _ := identity.ParseEmail("a@" + report.Domain)
	for _, email := range found {
		switch {
		case known[email]:
		case report.Domain != "" && email.Domain() == ours.Domain():
			report.Unknown++
		default:
			report.Foreign++
		}
	}
	return report, nil
}

// address finds what may be a mail address anywhere in a text.
var address = regexp.MustCompile(`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}.-]+`)

// addressesIn lists the different addresses of a text in normal form, without what
// follows a plus sign before the @. It reads what links and tables make of them, too.
func addressesIn(text string) []identity.Email {
	text = strings.NewReplacer("%40", "@", "%2B", "+", "%2b", "+", "%20", " ").Replace(text)
	seen := map[identity.Email]bool{}
	var found []identity.Email
	for _, raw := range address.FindAllString(text, -1) {
		local, domain, _ := strings.Cut(strings.Trim(raw, ".-"), "@")
		local, _, _ = strings.Cut(local, "+")
		email, ok := identity.ParseEmail(local + "@" + domain)
		if ok && !seen[email] {
			seen[email] = true
			found = append(found, email)
		}
	}
	return found
}
