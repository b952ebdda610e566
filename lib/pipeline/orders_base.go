package pipeline

import (
	"context"
	"errors"
	"fmt"
)

// OrdersReport says what FoldOrders did.
type OrdersReport struct {
	AsOf       string `json:"as_of"`
	Days       int    `json:"days"`       // whose events were read
	Statements int    `json:"statements"` // merged, many of which the base may have held
	Spilled    bool   `json:"spilled"`    // there were more than memory holds at once
	Orders     int64  `json:"orders"`     // in lake/orders then
	Rebuilt    bool   `json:"rebuilt"`
}

// FoldOrders merges into lake/orders what was said up to the end of a business day,
// empty for yesterday, however little it is. Whose an order is, which decides where a
// new one is put, is told by the index of the last night, before it by each order's
// first identifier. An earlier day than lake/orders stands at changes nothing.
func (p *Pipeline) FoldOrders(ctx context.Context, asOf string) (OrdersReport, error) {
	if err := p.CheckTokenKey(ctx); err != nil {
		return OrdersReport{}, err
	}
	for range nightAttempts {
		report, err := p.foldBase(ctx, asOf)
		if !errors.Is(err, errMoved) {
			return report, err
		}
	}
	return OrdersReport{}, fmt.Errorf("pipeline: fold orders: %w %d times in a row", errMoved, nightAttempts)
}

func (p *Pipeline) foldBase(ctx context.Context, asOf string) (report OrdersReport, err error) {
	n, _, err := p.begin(ctx, NightRequest{AsOf: asOf})
	if err != nil {
		return OrdersReport{}, err
	}
	clients, err := p.tokenIndex(ctx)
	if errors.Is(err, ErrNoClients) {
		clients, err = new(tokenIndex), nil
	}
	if err != nil {
		return OrdersReport{}, err
	}
	f, err := p.newFolding(ctx, n, clients)
	if err != nil {
		return OrdersReport{}, err
	}
	if f.inMemory {
		return OrdersReport{AsOf: f.state.AsOf, Orders: f.state.Orders}, nil
	}
	said, later, err := f.collect(ctx, p.folds.memory)
	if err != nil {
		return OrdersReport{}, err
	}
	defer func() { err = errors.Join(err, said.piles.close()) }()
	count, err := f.merge(ctx, said, later)
	if err != nil {
		return OrdersReport{}, err
	}
	return OrdersReport{
		AsOf: n.asOf, Days: len(f.days), Statements: count.statements, Spilled: count.spilled, Orders: count.orders, Rebuilt: f.rebuild,
	}, nil
}
