package card

import (
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
)

// Standing is what a night knows of a client's purchases and silence. Days are
// whole days of the business up to the as-of day.
type Standing struct {
	Purchases   int64
	RecencyDays int64 // since the last purchase; -1: never bought
	FirstDays   int64 // since the first purchase; -1: never bought
	IdleDays    int64 // since the last event of any kind
	AgeDays     int64 // since the first event of any kind
	ClassA      bool  // of ABC by revenue
	BestRecency bool  // the highest score of recency
}

// The steps of the way to a regular customer.
const (
	LifecycleLead       = "lead"
	LifecyclePotential  = "potential"
	LifecycleWorking    = "working"
	LifecycleDeveloping = "developing"
	LifecycleRegular    = "regular"
)

// Lifecycle is where a client stands on the way to a regular customer (metrics,
// "Base types"). Purchases decide; without any, whether the client was answered.
// Who ordered and never paid has asked, and stands where a lead would.
func Lifecycle(c Card, s Standing, m config.Metrics) string {
	switch {
	case s.Purchases > int64(m.RegularOrders):
		return LifecycleRegular
	case s.Purchases > 1:
		return LifecycleDeveloping
	case s.Purchases == 1:
		return LifecycleWorking
	case c.Contacted:
		return LifecyclePotential
	default:
		return LifecycleLead
	}
}

// How awake a client is.
const (
	ActivityActive   = "active"
	ActivityCooling  = "cooling"
	ActivitySleeping = "sleeping"
	ActivityDead     = "dead"
	ActivityNew      = "new"
	ActivityWaiting  = "waiting"
)

// Activity is how awake a client is at the end of the as-of day (metrics, "Base
// types"). A recent purchase makes active whatever else holds; then total silence
// makes dead, of buyers and of those who never bought alike; then the time since
// the last purchase, or since the first event, decides. A purchase is activity even
// where no event of it names the client.
func Activity(s Standing, m config.Metrics) string {
	bought := s.RecencyDays >= 0
	idle := s.IdleDays
	if bought {
		idle = min(idle, s.RecencyDays)
	}
	switch dead := idle >= int64(m.DeadDays); {
	case bought && s.RecencyDays <= int64(m.ActiveDays):
		return ActivityActive
	case dead:
		return ActivityDead
	case bought && s.RecencyDays > int64(m.SleepingDays):
		return ActivitySleeping
	case bought:
		return ActivityCooling
	case s.AgeDays <= int64(m.NewDays):
		return ActivityNew
	default:
		return ActivityWaiting
	}
}

// Labels of clients; a client may bear several.
const (
	LabelPartner    = "partner"
	LabelVIP        = "vip"
	LabelKey        = "key"
	LabelNewcomer   = "newcomer"
	LabelActiveBase = "active_base"
)

// Labels returns the labels of a client, sorted (metrics, "Base types").
func Labels(c Card, s Standing, cfg *config.Config) []string {
	m := cfg.Metrics
	bought := s.Purchases > 0 && s.RecencyDays >= 0
	regular := Lifecycle(c, s, m) == LifecycleRegular
	vip := bears(c, cfg.Labels.VIP) || cfg.Labels.VIP.Rule && s.ClassA && s.BestRecency
	newcomer := bought && s.FirstDays <= int64(m.NewcomerDays)
	var labels []string
	for _, l := range []struct {
		name string
		has  bool
	}{
		{LabelActiveBase, regular && !newcomer && Activity(s, m) == ActivityActive},
		{LabelKey, vip || regular && s.FirstDays > int64(m.KeyDays)},
		{LabelNewcomer, newcomer},
		{LabelPartner, bears(c, cfg.Labels.Partner)},
		{LabelVIP, vip},
	} {
		if l.has {
			labels = append(labels, l.name)
		}
	}
	return labels
}

// bears reports whether a label was given by hand: by a tag, or by the client's id
// or any alias.
func bears(c Card, label config.Label) bool {
	for _, tag := range c.Tags {
		if slices.ContainsFunc(label.Tags, func(wanted string) bool {
			return strings.EqualFold(spelling(wanted), spelling(tag))
		}) {
			return true
		}
	}
	return slices.ContainsFunc(label.Clients, func(client string) bool { return slices.Contains(c.Tokens, client) })
}

// spelling is a tag as it is compared: ё is е, which most people type for it.
func spelling(tag string) string {
	return strings.NewReplacer("ё", "е", "Ё", "Е").Replace(strings.TrimSpace(tag))
}
