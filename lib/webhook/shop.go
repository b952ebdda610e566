package webhook

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// What the orders of online shops have in common, whoever made the shop.

// shopSignature reports whether a signature is the base64 of the HMAC-SHA256 of a
// text. It fails on anything that is no such signature.
func shopSignature(text []byte, signature, secret string) bool {
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(given) != sha256.Size {
		return false
	}
	return hmac.Equal(keyedHash(sha256.New, []byte(secret), text), given)
}

// contentID is a name for texts: equal texts have the same one.
func contentID(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// setStatuses decides the status of an order that has several of them, one for
// the money and one for the goods: the one that is furthest. What a word means
// says the source's own map, else known; a word that is one of ours means itself.
// told is what the system says as a whole; where the map has it, it decides alone,
// and where it is not our word it is kept as an attribute.
func (in *intake) setStatuses(ev *event.Event, known map[string]string, told string, words ...string) {
	if ev.Order == nil {
		return
	}
	best, rank := told, -1
	for _, word := range append([]string{told}, words...) {
		meaning, own := in.ownStatus(word)
		if !own {
			meaning = cmp.Or(known[strings.ToLower(word)], strings.ToLower(word))
		}
		if r := event.StatusRank(meaning); r > rank {
			best, rank = word, r
		}
		if own && word == told {
			break
		}
	}
	in.setStatus(ev, best, known)
	delete(ev.Attributes, "order_status")
	if !strings.EqualFold(ev.Order.Status, told) {
		attribute(ev, "order_status", told)
	}
}

// ownStatus is what the source's own map says of a word.
func (in *intake) ownStatus(word string) (string, bool) {
	for _, mine := range slices.Sorted(maps.Keys(in.d.Source.Orders.Map)) {
		if strings.EqualFold(mine, word) {
			return in.d.Source.Orders.Map[mine], true
		}
	}
	return "", false
}

// told joins the words of several status fields.
func told(words ...string) string {
	var all []string
	for _, word := range words {
		if word != "" {
			all = append(all, word)
		}
	}
	return strings.Join(all, "/")
}

// sold ends the reading of an order. Where the source's amounts are no orders it
// is a lead that knows the order's number.
func (in *intake) sold(ev *event.Event) {
	if !in.d.Source.Orders.None || ev.Order == nil {
		return
	}
	attribute(ev, "order_id", ev.Order.ID)
	attribute(ev, "order_total", ev.Order.Total)
	ev.Kind, ev.Order = event.Lead, nil
}

// deleted is the statement that a shop deleted an order, or a ping where that
// is to mean nothing: by the option deleted, or because amounts are no orders.
func (in *intake) deleted(entity, orderID string) reading {
	if in.d.Source.Orders.None || in.d.Source.Options["deleted"] == "ignore" {
		return reading{ping: true}
	}
	ev := event.Event{Kind: event.OrderChange, Entity: entity, Order: &event.Order{ID: orderID, Status: event.StatusCancelled}}
	attribute(&ev, "order_status", "deleted")
	return reading{events: []event.Event{ev}}
}

// incomplete is the failure of a body that lacks what it is about. field is the
// path of what is missing.
func incomplete(field string) reading {
	return reading{failure: invalidEvent([]*event.FieldError{{Path: field, Reason: "missing"}})}
}

// minor reads an amount in minor units; false for none.
func (in *intake) minor(text, currency string) (int64, bool) {
	if currency == "" {
		currency = in.currency()
	}
	a, err := money.Parse(in.amount(text, currency), currency)
	return a.Minor, err == nil
}

// total adds the first amount that stands at one of the paths in each element; empty
// where there is none.
func (in *intake) total(list []event.Value, currency string, paths ...string) string {
	sum, found := int64(0), false
	for _, item := range list {
		if minor, ok := in.minor(textAt(item, paths...), currency); ok {
			sum, found = sum+minor, true
		}
	}
	if !found {
		return ""
	}
	return in.decimal(sum, currency)
}

func (in *intake) decimal(minor int64, currency string) string {
	if currency == "" {
		currency = in.currency()
	}
	return money.Decimal(minor, currency)
}

// reduced is a line's price times its quantity without its discounts; empty where
// one of them is not known or there is no discount.
func (in *intake) reduced(item event.Item, discount, currency string) string {
	off, discounted := in.minor(discount, currency)
	price, priced := in.minor(item.Price, currency)
	if !discounted || !priced || off == 0 || item.Quantity == "" {
		return ""
	}
	full, err := money.Times(price, item.Quantity)
	if err != nil {
		return ""
	}
	return in.decimal(full-max(off, -off), currency)
}
