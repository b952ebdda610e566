package pipeline

import (
	"context"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/portal"
)

// OrderFolding are sizes that tests choose; zero leaves the usual one.
type OrderFolding struct {
	OverlayFrom, OverlayShare int64
	OverlayDays, Memory       int // days; bytes
	Hash                      func(shop, order string) int64
}

// AlwaysOver leaves the base alone as soon as it holds an order.
func AlwaysOver() OrderFolding {
	return OrderFolding{OverlayFrom: 1, OverlayShare: -1, OverlayDays: 1000}
}

// FoldOrdersBy changes how a pipeline folds orders, before it is used.
func (p *Pipeline) FoldOrdersBy(s OrderFolding) {
	set := &p.folds
	if s.OverlayFrom != 0 {
		set.overlayFrom = s.OverlayFrom
	}
	if s.OverlayShare != 0 {
		set.overlayShare = s.OverlayShare
	}
	if s.OverlayDays != 0 {
		set.overlayDays = s.OverlayDays
	}
	if s.Memory != 0 {
		set.memory = s.Memory
	}
	if s.Hash != nil {
		set.hash = s.Hash
	}
}

// PortalReader is what the pages are made of.
func (p *Pipeline) PortalReader() portal.Reader { return reader{p: p, export: p.Export} }

// LogHandover writes into the ledger of downloads.
func (p *Pipeline) LogHandover(ctx context.Context, row LedgerRow) error {
	return p.logHandover(ctx, row)
}

// NewDownloadID makes an id of a download.
func (p *Pipeline) NewDownloadID() (string, error) { return p.newDownloadID() }

// CanariesOf are the canaries of a download.
func (p *Pipeline) CanariesOf(ctx context.Context, download string, count int) (audience.Canaries, error) {
	cfg, err := p.Config(ctx)
	if err != nil {
		return audience.Canaries{}, err
	}
	return p.canariesOf(cfg, download, count), nil
}

// OpenLink finds the link of an id and a secret.
func (p *Pipeline) OpenLink(ctx context.Context, id, secret string) (portal.Link, error) {
	return p.openLink(ctx, id, secret)
}
