package pipeline

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
