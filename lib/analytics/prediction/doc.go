// Package prediction says what a client will probably do next: whether he still
// buys here, how often he will buy, and for how much. It fits three published
// models by maximum likelihood and evaluates them for one client at a time.
//
//   - BG/NBD: P. Fader, B. Hardie, K. Lee, "Counting Your Customers the Easy Way",
//     Marketing Science 24 (2005). While he is alive a client buys at a rate of his
//     own; after each repeat purchase he may leave for good.
//   - MBG/NBD: E. Batislam, M. Denizel, A. Filiztekin, "Empirical validation and
//     comparison of models for customer base analysis", International Journal of
//     Research in Marketing 24 (2007), and D. Hoppe, U. Wagner, "Customer base
//     analysis: the case for a central variant of the Betageometric/NBD model",
//     Marketing JRM 29 (2007). The same, but a client may leave after his first
//     purchase too, so that a one-time buyer is not certainly alive.
//   - Gamma-Gamma: P. Fader, B. Hardie, "The Gamma-Gamma model of monetary value"
//     (note, 2013). What a client spends at a purchase varies about a mean of his
//     own, which has nothing to do with how often he buys.
//
// Time is measured in weeks (days/7), parameters are those of the papers.
//
// Equal input gives equal bits on every machine: sums run in the order of sorted
// groups, no product is fused with a sum, and logarithm, exponential and Γ are this
// package's own (elementary.go), because those of package math differ in the last
// bit between architectures, and a fit carries that on.
package prediction
