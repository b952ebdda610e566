// Package analytics works out the numbers of a night: who buys recently, often
// and for how much (RFM), who and what brings the money (ABC), how the clients of
// a month come back (cohorts, lifecycle), how far people come from a first question
// to a purchase and what it costs (funnel, sources, bases). The formulas are those of
// metrics.md.
//
// It is one pass. Somebody else reads lake/orders as Arrow records and hands each
// to [Accumulator.Add], in any order; [Accumulator.Result] gives a [Base], from
// which every score is made without touching the orders again. Memory is
// proportional to clients and the months in which they bought, not to orders.
//
// Money is int64 minor units of the business's currency. Days are business days.
// The result depends on neither the order of the records nor the machine: what
// could differ is sorted by its key, and no floating-point sum is fused.
//
// The funnel (funnel.go) is made of cards and costs and needs of the orders only what
// each was about, told one by one and not kept.
//
// The playbook (playbook.go) says in Russian and English what a code means and
// what to do about it.
package analytics
