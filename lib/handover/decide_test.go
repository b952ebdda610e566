package handover_test

import (
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/consent"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/schema"
)

func client(states ...string) *schema.ClientRow {
	row := &schema.ClientRow{ClientID: "p00000000000000000000000000"}
	for i := 0; i+1 < len(states); i += 2 {
		row.Consents.Pairs = append(row.Consents.Pairs, schema.Pair{Key: states[i], Value: states[i+1]})
	}
	return row
}

func left(purpose consent.Purpose, reason audience.Reason) func(consent.Purpose) audience.Reason {
	return func(p consent.Purpose) audience.Reason {
		if p == purpose {
			return reason
		}
		return ""
	}
}

func in(segments ...string) func(string) bool {
	return func(key string) bool {
		for _, s := range segments {
			if s == key {
				return true
			}
		}
		return false
	}
}

func TestEachReasonByItself(t *testing.T) {
	ads := handover.Export{Purposes: []consent.Purpose{consent.Ads}, Exclude: []string{"staff"}, Above: []string{"first", "second"}, Budget: 3}
	letter := handover.Export{Purposes: []consent.Purpose{consent.Email}, Message: true, Budget: 3}
	both := handover.Export{Purposes: []consent.Purpose{consent.Ads, consent.SMS}}
	locked := ads
	locked.Locked = &audience.Text{RU: "нет", EN: "no"}
	agrees := client("ads", "given", "email", "given")
	for _, tc := range []struct {
		name   string
		export handover.Export
		client *schema.ClientRow
		with   handover.Standing
		want   audience.Reason
	}{
		{"agrees to ads", ads, agrees, handover.Standing{}, ""},
		{"agrees to letters", letter, agrees, handover.Standing{}, ""},
		{"never spoke of processing", ads, client("ads", "given"), handover.Standing{}, ""},
		{"erased", ads, agrees, handover.Standing{Erased: true}, audience.ReasonErased},
		{"without a card", ads, nil, handover.Standing{}, audience.ReasonErased},
		{"of a locked export", locked, agrees, handover.Standing{}, audience.ReasonSensitive},
		{"processing withdrawn", ads, client("processing", "withdrawn", "ads", "given"), handover.Standing{}, audience.ReasonWithdrawn},
		{"processing withdrawn since", ads, agrees, handover.Standing{Left: left(consent.Processing, audience.ReasonWithdrawn)}, audience.ReasonWithdrawn},
		{"ads withdrawn", ads, client("ads", "withdrawn", "email", "given"), handover.Standing{}, audience.ReasonWithdrawn},
		{"ads withdrawn, letters given", letter, client("ads", "withdrawn", "email", "given"), handover.Standing{}, ""},
		{"letters only", ads, client("email", "given"), handover.Standing{}, audience.ReasonNoConsent},
		{"ads only", letter, client("ads", "given"), handover.Standing{}, audience.ReasonNoConsent},
		{"says nothing", ads, client(), handover.Standing{}, audience.ReasonNoConsent},
		{"a state that is none", ads, client("ads", "perhaps"), handover.Standing{}, audience.ReasonNoConsent},
		{"unsubscribed since", letter, agrees, handover.Standing{Left: left(consent.Email, audience.ReasonUnsubscribed)}, audience.ReasonUnsubscribed},
		{"unsubscribed from letters, not from ads", ads, agrees, handover.Standing{Left: left(consent.Email, audience.ReasonUnsubscribed)}, ""},
		{"never asked and unsubscribed since", letter, client(), handover.Standing{Left: left(consent.Email, audience.ReasonUnsubscribed)}, audience.ReasonUnsubscribed},
		{"one of two purposes", both, client("ads", "given"), handover.Standing{}, audience.ReasonNoConsent},
		{"the other of two purposes", both, client("sms", "given"), handover.Standing{}, audience.ReasonNoConsent},
		{"both purposes", both, client("ads", "given", "sms", "given"), handover.Standing{}, ""},
		{"staff", ads, agrees, handover.Standing{Member: in("staff")}, audience.ReasonExcluded},
		{"of another segment", ads, agrees, handover.Standing{Member: in("champions")}, ""},
		{"in the segment before", ads, agrees, handover.Standing{Member: in("second")}, audience.ReasonPriority},
		{"held out", ads, agrees, handover.Standing{Held: true}, audience.ReasonHoldout},
		{"held out and given before", ads, agrees, handover.Standing{Held: true, Given: true}, audience.ReasonHoldout},
		{"two of three contacts", letter, agrees, handover.Standing{Contacts: 2}, ""},
		{"three of three contacts", letter, agrees, handover.Standing{Contacts: 3}, audience.ReasonContactBudget},
		{"four contacts, standing member", letter, agrees, handover.Standing{Contacts: 4, Given: true}, ""},
		{"four contacts, advertising", ads, agrees, handover.Standing{Contacts: 4}, ""},
		{"an export without a purpose", handover.Export{}, agrees, handover.Standing{}, audience.ReasonNoConsent},
	} {
		if got := tc.export.Decide(tc.client, tc.with); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
