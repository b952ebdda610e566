package prediction

import "fmt"

// Limits below which nothing is fitted (metrics.md, "LTV and churn").
const (
	MinClients   = 200
	MinRepeaters = 100
)

// Reasons of refusals.
const (
	TooFewClients   = "clients"       // below MinClients
	TooFewRepeaters = "repeaters"     // below MinRepeaters
	NotConverged    = "not_converged" // the likelihood has no maximum within the limits
)

// Refusal says why a model is not fitted. Count is the clients, the repeaters or,
// of a fit that did not converge, the clients it was tried on.
type Refusal struct {
	Reason string
	Count  int64
}

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("prediction: refused: %s (%d)", r.Reason, r.Count)
}

// refuse is the refusal of a base that is too small, or nil.
func refuse(clients, repeaters int64) *Refusal {
	switch {
	case clients < MinClients:
		return &Refusal{TooFewClients, clients}
	case repeaters < MinRepeaters:
		return &Refusal{TooFewRepeaters, repeaters}
	}
	return nil
}
