package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/schema"
	"github.com/leadlake/leadlake/lib/spreadsheet"
	"github.com/leadlake/leadlake/lib/webhook"
)

// importer turns the rows of spreadsheets into rows of the lake, by the same
// steps as deliveries: an event, then lake.Refiner. One row of a file stands in
// the ledger as one delivery.
type importer struct {
	cfg      *config.Config
	source   config.Source
	refinery lake.Refinery
	statuses statuses

	events     []schema.EventRow
	contacts   []schema.ContactRow
	deliveries []schema.DeliveryRow
	byID       map[string]int // event id → its place in events
	undated    []int          // events whose row tells no date
	failed     []failedRow
	currencies map[string]int // of orders' and costs' money → rows

	file  string // short name of the file that is read
	index int    // its number, from 1
}

// failedRow is a row, or one cell of it, that could not be read.
type failedRow struct {
	err  *spreadsheet.RowError
	text string // the row as it stands in the file; empty where only a cell was left out
	note bool   // the row counts, a cell of it was left empty
}

// fileCount is what became of one file.
type fileCount struct {
	rows, failed, notes int
	remark              [2]string // Russian, English; empty for none
}

func newImporter(cfg *config.Config, source config.Source, refiner lake.Refiner, flags pairFlag) *importer {
	return &importer{
		cfg: cfg, source: source, refinery: refiner.Under(cfg), statuses: newStatuses(source.Orders.Map, flags),
		byID: map[string]int{}, currencies: map[string]int{},
	}
}

// read takes every row of a table.
func (im *importer) read(table *spreadsheet.Table, size int64, index int) (fileCount, error) {
	im.file, im.index = table.Name, index
	im.grow(table, size)
	failed := len(im.failed)
	var count fileCount
	var err error
	switch table.Kind {
	case spreadsheet.LeadsFile:
		err = im.leads(table)
	case spreadsheet.CostsFile:
		err = im.costs(table)
	default:
		count.remark, err = im.orders(table)
	}
	if err != nil {
		return count, err
	}
	count.rows = table.Count().Rows
	for _, row := range im.failed[failed:] {
		if row.note {
			count.notes++
		} else {
			count.failed++
		}
	}
	return count, nil
}

// grow makes room for the rows that a text file of a size probably has.
func (im *importer) grow(table *spreadsheet.Table, size int64) {
	length := int64(0)
	for _, row := range table.Sample {
		length += int64(len(row.Raw)) + 1
	}
	if length == 0 || table.Format != "text" {
		return
	}
	const most = 1 << 20 // a wrong guess must not cost gigabytes
	rows := int(min(size*int64(len(table.Sample))/length+1, most))
	im.events = slices.Grow(im.events, rows)
	im.deliveries = slices.Grow(im.deliveries, rows)
}

// rejected keeps a row that could not be used; any other error ends the reading.
func (im *importer) rejected(row spreadsheet.Row, err error) error {
	fault, ok := errors.AsType[*spreadsheet.RowError](err)
	if !ok {
		return err
	}
	im.failed = append(im.failed, failedRow{err: fault, text: row.Raw})
	im.deliver(row.Number, schema.OutcomeFailed, webhook.SheetReason(string(fault.Code)), nil)
	return nil
}

func (im *importer) notes(row spreadsheet.Row, notes []*spreadsheet.RowError) {
	for _, note := range notes {
		im.failed = append(im.failed, failedRow{err: note, text: row.Raw, note: true})
	}
}

// deliver writes the ledger's line of a row.
func (im *importer) deliver(row int, outcome, reason string, ids []string) {
	number := strconv.Itoa(row)
	im.deliveries = append(im.deliveries, schema.DeliveryRow{
		Key:    "file-" + strconv.Itoa(im.index) + "-row-" + strings.Repeat("0", max(0, 9-len(number))) + number,
		Source: im.source.Name, Outcome: outcome, Reason: reason, EventIDs: ids, RawObject: "file-" + strconv.Itoa(im.index),
	})
}

// add refines an event of some rows. The same statement again is a duplicate;
// another one under the same id is kept beside the first, and the fold decides.
func (im *importer) add(ev event.Event, rows []int) error {
	row, contact, err := im.refinery.Refine(lake.Origin{Source: im.source, RawObject: "file-" + strconv.Itoa(im.index)}, ev)
	if err != nil {
		fault := &spreadsheet.RowError{File: im.file, Row: rows[0], Code: spreadsheet.BadAmount, Reason: err.Error()}
		im.failed = append(im.failed, failedRow{err: fault})
		for _, number := range rows {
			im.deliver(number, schema.OutcomeFailed, webhook.SheetReason(string(fault.Code)), nil)
		}
		return nil
	}
	for n := 2; ; n++ {
		at, taken := im.byID[row.EventID]
		if !taken {
			break
		}
		if sameStatement(im.events[at], row) {
			for _, number := range rows {
				im.deliver(number, schema.OutcomeDuplicate, "", nil)
			}
			return nil
		}
		row.EventID = ev.ID + "/" + strconv.Itoa(n)
	}
	im.byID[row.EventID] = len(im.events)
	if ev.At.IsZero() {
		im.undated = append(im.undated, len(im.events))
	}
	im.events = append(im.events, row)
	if contact != nil && !onlyExternalID(contact, row.ExternalID) {
		contact.EventID = row.EventID
		im.contacts = append(im.contacts, *contact)
	}
	ids := []string{row.EventID}
	for _, number := range rows {
		im.deliver(number, schema.OutcomeEvents, "", ids)
	}
	return nil
}

// sameStatement compares two events but for their ids and files.
func sameStatement(a, b schema.EventRow) bool {
	a.EventID, a.RawObject = b.EventID, b.RawObject
	return reflect.DeepEqual(a, b)
}

// onlyExternalID tells that a contact row holds nothing but an id that its event
// shows in clear; a table of sales by client number has one for every row.
func onlyExternalID(c *schema.ContactRow, shown string) bool {
	return shown != "" && c.ExternalID == shown && len(c.Phones)+len(c.Emails)+len(c.BadPhones)+len(c.BadEmails)+len(c.Attributes.Pairs) == 0 &&
		c.CardNo+c.Name+c.FirstName+c.LastName+c.BirthDate+c.BadBirth+c.Gender+c.City+c.Country+c.Address+c.Company+c.Text == ""
}

func (im *importer) leads(table *spreadsheet.Table) error {
	for row, err := range spreadsheet.Leads(table) {
		if err != nil {
			if err = im.rejected(row.Row, err); err != nil {
				return err
			}
			continue
		}
		im.notes(row.Row, row.Notes)
		ev := row.Event(im.evidence)
		ev.ID = "lead/" + row.ID
		if mapped, ok := im.source.Stages[row.Stage]; ok {
			ev.Stage = mapped
		}
		if err := im.add(ev, []int{row.Row.Number}); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) costs(table *spreadsheet.Table) error {
	var sums spreadsheet.CostSums
	for row, err := range spreadsheet.Costs(table) {
		if err != nil {
			if err = im.rejected(row.Row, err); err != nil {
				return err
			}
			continue
		}
		if !sums.Add(row, false) {
			if err = im.rejected(row.Row, spreadsheet.SeveralCurrencies(table, row.Row.Number)); err != nil {
				return err
			}
			continue
		}
		im.notes(row.Row, row.Notes)
		im.currencies[row.Amount.Currency]++
	}
	var fault error
	err := sums.Each(im.cfg.Location(), func(ev event.Event, rows []spreadsheet.Row) bool {
		// Statements of one entity have one time, and the greater id wins: that of
		// the later file.
		ev.ID = fmt.Sprintf("cost/%06d/%s", im.index, strings.TrimPrefix(ev.Entity, "cost:"))
		numbers := make([]int, len(rows))
		for i, row := range rows {
			numbers[i] = row.Number
		}
		fault = im.add(ev, numbers)
		return fault == nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", im.file, err)
	}
	return fault
}

// evidence is the place of a consent in the files.
func (im *importer) evidence(row int) string { return im.file + ", row " + strconv.Itoa(row) }

// lastDay is the last business day that any row tells; empty for none.
func (im *importer) lastDay() string {
	var last time.Time
	for i := range im.events {
		if im.events[i].At.After(last) { // undated ones have the zero time
			last = im.events[i].At
		}
	}
	if last.IsZero() {
		return ""
	}
	return last.In(im.cfg.Location()).Format(time.DateOnly)
}
