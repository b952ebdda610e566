// Package lake keeps deliveries, events and the tables made of them in an object
// store (design §3). It writes raw deliveries, compacts them into day objects
// with a ledger, and publishes the tables of a night. One object is one commit:
// every replaced object is merged with what it held and swapped, and only
// compaction writes events, contacts, failed and deliveries.
//
// Nothing here links Arrow or the phone library, because the ingest function
// writes raw objects with this package; Arrow readers are in the sub-package
// columnar.
package lake

import (
	"errors"
	"strings"
	"time"
)

// Prefixes of the layout.
const (
	RawPrefix             = "raw/day="
	UnauthenticatedPrefix = "raw/unauthenticated/"
	EventsPrefix          = "lake/events/day="
	ContactsPrefix        = "lake/contacts/day="
	FailedPrefix          = "lake/failed/day="
	DeliveriesPrefix      = "lake/deliveries/day="
	OrdersPrefix          = "lake/orders/bucket="
	PeoplePrefix          = "lake/people/"
	GoldPrefix            = "gold/"
	CurrentKey            = "gold/current.json"
	AudiencesPrefix       = "audiences/"
	HandoversPrefix       = "audiences/ledger/day="
	LinksPrefix           = "audiences/links/"
	SuppressPrefix        = "suppress/"
	ErasuresPrefix        = "erasures/"
	AuditPrefix           = "audit/"
)

// ErrNoRun says that no night has been published yet.
var ErrNoRun = errors.New("lake: no night has run yet")

// Day is the UTC day of an instant, the name of its partition.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// dayKey is the object of a day under one of the prefixes that end in "day=".
func dayKey(prefix, day string) string { return prefix + day + "/part-0000.parquet" }

// dayOf finds the day in a key below a "day=" prefix.
func dayOf(key, prefix string) (day string, ok bool) {
	day, _, ok = strings.Cut(strings.TrimPrefix(key, prefix), "/")
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return "", false
	}
	return day, ok
}
