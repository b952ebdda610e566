package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/analytics"
	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/handover"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/schema"
)

// contactedIn is who was new in the message file of one hand-over.
type contactedIn struct {
	id   string // of the download
	rows []schema.ContactedRow
}

// readContacted reads the contacts of the budget's days up to a day, in the order of
// their keys.
func (p *Pipeline) readContacted(ctx context.Context, today string) ([]contactedIn, error) {
	days, err := handover.DaysOfBudget(today)
	if err != nil {
		return nil, err
	}
	var all []contactedIn
	for info, err := range p.store.List(ctx, contactedPrefix, contactedPrefix+days[0]) {
		if err != nil {
			return nil, fmt.Errorf("pipeline: list contacts: %w", err)
		}
		if of, _, _ := strings.Cut(strings.TrimPrefix(info.Key, contactedPrefix), "/"); of > today {
			break
		}
		table, err := lake.ReadTable[schema.ContactedRow](ctx, p.store, info.Key)
		if err != nil {
			return nil, err
		}
		all = append(all, contactedIn{strings.TrimSuffix(path.Base(info.Key), ".parquet"), table.Rows})
	}
	return all, nil
}

// countContacts counts contacts by the client that an id names now. Those of the
// hand-over without are left out: it is being done again.
func countContacts(all []contactedIn, owner map[string]string, without string) map[string]int {
	var rows iter.Seq[schema.ContactedRow] = func(yield func(schema.ContactedRow) bool) {
		for _, c := range all {
			if c.id == without {
				continue
			}
			for _, row := range c.rows {
				if !yield(row) {
					return
				}
			}
		}
	}
	return handover.Contacts(rows, func(id string) string { return owner[id] })
}

// logContacts puts down who is new in a message file. An act that is done again adds
// to the object of the first one: who has left meanwhile had been contacted.
func (p *Pipeline) logContacts(ctx context.Context, a act, clients []string) error {
	if len(clients) == 0 {
		return nil
	}
	key := contactedPrefix + a.Day + "/" + a.Root + ".parquet"
	for {
		table, err := lake.ReadTable[schema.ContactedRow](ctx, p.store, key)
		if err != nil {
			return err
		}
		all := slices.Clone(clients)
		for _, row := range table.Rows {
			all = append(all, row.ClientID)
		}
		slices.Sort(all)
		all = slices.Compact(all)
		if table.Version != "" && len(all) == len(table.Rows) {
			return nil
		}
		rows := make([]schema.ContactedRow, len(all))
		for i, id := range all {
			rows[i].ClientID = id
		}
		err = table.Write(ctx, p.store, rows, p.nonce())
		if !errors.Is(err, objstore.ErrChanged) && !errors.Is(err, objstore.ErrExist) {
			return err
		}
	}
}

func holdoutKey(x *handover.Export) string {
	return holdoutPrefix + x.Platform + "/" + x.Segment + ".parquet"
}

// readHoldout reads which side the clients of a bundle are on.
func (e *exporter) readHoldout(ctx context.Context, x *handover.Export) (*analytics.Holdout, lake.Table[schema.AssignmentRow], error) {
	table, err := lake.ReadTable[schema.AssignmentRow](ctx, e.p.store, holdoutKey(x))
	if err != nil {
		return nil, table, err
	}
	return analytics.NewHoldout(x.Segment, x.Holdout, e.p.holdoutSum, table.Rows), table, nil
}

func (p *Pipeline) holdoutSum(segment, clientID string) [32]byte {
	return p.key.Sum("holdout", segment+"\x00"+clientID)
}

// assigned is a client who was settled by a hand-over: exported, or held out.
type assigned struct {
	id      string
	aliases []string
}

// logAssignments settles the sides of clients who were handed over or held out of it.
func (e *exporter) logAssignments(ctx context.Context, x *handover.Export, clients []assigned) error {
	if len(clients) == 0 {
		return nil
	}
	for {
		holdout, table, err := e.readHoldout(ctx, x)
		if err != nil {
			return err
		}
		for _, c := range clients {
			holdout.Assign(c.id, c.aliases, e.today())
		}
		if holdout.Fresh() == 0 {
			return nil
		}
		err = table.Write(ctx, e.p.store, holdout.Assignments(), e.p.nonce())
		if !errors.Is(err, objstore.ErrChanged) && !errors.Is(err, objstore.ErrExist) {
			return err
		}
	}
}

// neutralName is what a name that tells nothing stands for.
type neutralName struct {
	Segment string        `json:"segment"`
	Title   audience.Text `json:"title"`
}

// writeNames keeps the dictionary of names that tell nothing, for the owner alone.
func (e *exporter) writeNames(ctx context.Context) error {
	names := map[string]neutralName{}
	for i := range e.plan {
		if x := &e.plan[i]; x.Name != x.Segment {
			names[x.Name] = neutralName{x.Segment, e.segments[x.Segment].Title}
		}
	}
	if len(names) == 0 {
		return nil
	}
	_, err := objstore.Commit(ctx, e.p.store, namesKey, func(old []byte) ([]byte, error) {
		all := map[string]neutralName{}
		if old != nil {
			if err := json.Unmarshal(old, &all); err != nil {
				return nil, err
			}
		}
		maps.Copy(all, names) // names of before stay: lists bear them in the cabinets
		return json.MarshalIndent(all, "", "  ")
	})
	if err != nil {
		return fmt.Errorf("pipeline: keep the names of lists: %w", err)
	}
	return nil
}

// auditUnlocked makes an audit row when a sensitive segment is written for an
// advertising platform for the first time.
func (e *exporter) auditUnlocked(ctx context.Context, b *bundle, m audience.Manifest) error {
	if !b.Unlocked || !slices.ContainsFunc(m.Files, func(f audience.FileReport) bool { return f.Written }) {
		return nil
	}
	key := unlockedPrefix + b.Platform + "/" + b.Segment + ".json"
	if _, err := e.p.store.Head(ctx, key); !errors.Is(err, objstore.ErrNotExist) {
		return err
	}
	// The row first: one that is written twice is better than none.
	if err := e.p.Audit(ctx, AuditRow{Who: "configuration", Action: "unlock", Object: e.folder(b.Export), Rows: int64(m.Clients)}); err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		Since string `json:"since_day"`
	}{e.today()})
	if err != nil {
		return err
	}
	if _, err := e.p.store.Create(ctx, key, body); err != nil && !errors.Is(err, objstore.ErrExist) {
		return fmt.Errorf("pipeline: remember an unlocked export: %w", err)
	}
	return nil
}
