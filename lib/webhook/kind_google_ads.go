package webhook

import (
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// googleAdsKind is the source kind "google-ads": lead form assets of Google Ads
// (webhooks.md §11). The key stands in the body; a refusal in the 4xx range is
// never repeated.
type googleAdsKind struct{ foreign }

func (googleAdsKind) fields() []string { return []string{"google_key"} }

// prove compares the key of the body; it decides alone where it is sent.
func (googleAdsKind) prove(d *Delivery, secret string) bool {
	if key := readContent(d).object().Get("google_key"); key.Type != event.Null {
		return equalSecret(key.Text, secret)
	}
	return proveShared(d, secret)
}

func (googleAdsKind) reply(*intake, *Decoded) Reply { return replyRaw("{}") }

func (googleAdsKind) deliveryID(in *intake) string {
	return boundedID(joined("googleads", idAt(in.content().object(), "lead_id")))
}

func (googleAdsKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	if test, _ := yes(textAt(v, "is_test")); test {
		return reading{ping: true}
	}
	var answers []answer
	for _, column := range elements(v.Get("user_column_data")) {
		name, title := textAt(column, "column_id"), textAt(column, "column_name")
		switch strings.ToUpper(name) {
		case "WORK_PHONE":
			name = "phone"
		case "WORK_EMAIL":
			name = "email"
		case "": // an own question
			name = title
		}
		if name != "" {
			answers = append(answers, answer{name, at(column, "string_value")})
		}
	}
	ev := in.answered(answers)
	ev.At = in.time(textAt(v, "lead_submit_time"))
	if click := idAt(v, "gcl_id"); click != "" {
		mark(&ev.Attribution, "gclid", click)
	}
	for _, name := range []string{"form_id", "campaign_id", "adgroup_id", "creative_id", "asset_group_id", "lead_source"} {
		attribute(&ev, name, idAt(v, name))
	}
	return in.reachable(googleAdsRoot(v), ev)
}

// googleAdsRoot lets the source's map name an own question by its title and any
// column by its id.
func googleAdsRoot(v event.Value) event.Value {
	root := event.Value{Type: event.Object}
	root.Members = append(root.Members, v.Members...)
	for _, column := range elements(v.Get("user_column_data")) {
		for _, name := range textsAt(column, "column_id", "column_name") {
			root.Members = append(root.Members, event.Member{Key: name, Value: at(column, "string_value")})
		}
	}
	return root
}
