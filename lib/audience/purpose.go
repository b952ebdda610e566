package audience

import "github.com/leadlake/leadlake/lib/consent"

// purposeOf says what a client must have agreed to before he stands in a file of a
// platform, and whether the file is for writing to him or calling him. What is not
// named here advertises: that asks for the consent that fewest people give.
func purposeOf(platform string) (purpose consent.Purpose, message bool) {
	switch platform {
	case "unisender", "mailchimp", "sendpulse", "mindbox":
		return consent.Email, true
	case "dialler":
		return consent.Call, true
	}
	return consent.Ads, false
}
