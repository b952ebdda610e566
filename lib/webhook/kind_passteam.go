package webhook

import (
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
)

// passteamKind is the source kind "passteam": what Mindbox posts to Passteam about
// a customer, fields named %NAME% (webhooks.md §13). Passteam's own webhooks are
// not known, so any flat object is read by its usual names, and the source's map
// names the rest.
type passteamKind struct{ foreign }

// deliveryID is empty: none is known.
func (passteamKind) deliveryID(*intake) string { return "" }

func (passteamKind) read(in *intake) reading {
	v, stop := in.body()
	if stop != nil {
		return *stop
	}
	list := opened(v.Get("fields"))
	if list.Type != event.Object {
		list = v
	}
	var answers []answer
	root := event.Value{Type: event.Object, Members: v.Members}
	for _, m := range list.Members {
		name := strings.Trim(strings.TrimSpace(m.Key), "%")
		if name == "" || m.Key == "action" {
			continue
		}
		answers = append(answers, answer{name, m.Value})
		if name != m.Key { // the map may say NAME or %NAME%
			root.Members = append(slices.Clip(root.Members), event.Member{Key: name, Value: m.Value})
		}
	}
	ev := in.answered(answers)
	if ev.Kind == event.Lead {
		ev.Kind = event.Profile
	}
	attribute(&ev, "action", textAt(v, "action"))
	return in.reachable(root, ev)
}
