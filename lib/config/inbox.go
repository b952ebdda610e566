package config

import (
	"slices"
	"strings"
)

// SheetKind is the kind of the sources that read the folders of inbox/. Nobody
// can post to them.
const SheetKind = "spreadsheet"

// inboxShop is whose order and client ids dropped files hold, unless a source of
// theirs names a shop: the files of all folders come from one business.
const inboxShop = "inbox"

// InboxKinds are the folders of inbox/, each of which is a source of its own.
func InboxKinds() []string { return []string{"orders", "leads", "costs", "clients"} }

// InboxSource is the name of the source that the files of a folder of inbox/
// stand for. It is there without an entry in the configuration; an entry of this
// name and of kind "spreadsheet" gives it a shop, a map of columns, and words of
// statuses and stages.
func InboxSource(kind string) string { return "inbox-" + kind }

func isInboxSource(name string) bool {
	kind, ok := strings.CutPrefix(name, "inbox-")
	return ok && slices.Contains(InboxKinds(), kind)
}

// checkInbox keeps the names of the inbox's sources for the inbox.
func checkInbox(s Source, path string, fault func(path, format string, args ...any)) {
	switch {
	case isInboxSource(s.Name) != (s.Kind == SheetKind):
		fault(path+".kind", "kind spreadsheet is for the sources inbox-orders, inbox-leads, inbox-costs and inbox-clients, and they are for it alone")
	case s.Kind == SheetKind && len(s.Secrets) > 0:
		fault(path+".secrets", "files of inbox/ have no secret: who may write to the store may drop them")
	}
}
