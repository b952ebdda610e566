package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

const (
	// audiencePeople is enough for the smallest list of every platform, changedPeople
	// for the smallest list of changes: the first of them.
	audiencePeople = 2_050
	changedPeople  = 1_010
)

// invented is one person, as audience files and expected.mjs see it.
type invented struct {
	ClientID    string   `json:"client_id"`
	Phones      []string `json:"phones"`
	Emails      []string `json:"emails"`
	VKIDs       []string `json:"vk_ids"`
	TelegramIDs []string `json:"telegram_ids"`
	MobileIDs   []string `json:"mobile_ids"`
	FirstName   string   `json:"first_name"`
	LastName    string   `json:"last_name"`
	City        string   `json:"city"`
	State       string   `json:"state"`
	Country     string   `json:"country"`
	Zip         string   `json:"zip"`
	BirthDay    string   `json:"birth_day"`
	Gender      string   `json:"gender"`
	Company     string   `json:"company"`
	Value       string   `json:"value"`
	Signals     bool     `json:"signals"`
}

// madeFiles is what one request made, for audience.mjs to compare.
type madeFiles struct {
	Folder    string   `json:"folder"`
	Platform  string   `json:"platform"`
	Hashed    bool     `json:"hashed"`
	Change    string   `json:"change"`
	People    int      `json:"people"`
	Separator string   `json:"separator"`
	Files     []string `json:"files"`
	// Read is what readers of Go find in the files: encoding/csv in whole lists,
	// excelize in workbooks.
	Read map[string][][]string `json:"read,omitempty"`
}

// makeAudiences writes the files of every platform, plain and hashed, as a list and
// as changes, for invented people whose names hold what could break a row; beside
// them contacts.json and files.json.
func makeAudiences(folder string) error {
	people := inventedPeople()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(folder, "contacts.json"), people); err != nil {
		return err
	}
	var all []*madeFiles
	for _, change := range []audience.Change{"", audience.Add, audience.Remove} {
		made, err := makeChange(folder, change, people)
		if err != nil {
			return err
		}
		all = append(all, made...)
	}
	return writeJSON(filepath.Join(folder, "files.json"), all)
}

// makeChange writes the files of all platforms for one change.
func makeChange(folder string, change audience.Change, people []invented) ([]*madeFiles, error) {
	if change != "" {
		people = people[:changedPeople]
	}
	var jobs []audience.Job
	var all []*madeFiles
	for _, p := range audience.Platforms() {
		for _, hashed := range []bool{false, true} {
			if hashed && p.Hash == "" || change != "" && p.Human {
				continue
			}
			made := &madeFiles{
				Folder: fmt.Sprintf("%s-%t-%s", p.Key, hashed, change), Platform: p.Key, Change: string(change), People: len(people), Separator: ",",
				Read: map[string][][]string{},
			}
			if p.Key == "mindbox" {
				made.Separator = ";"
			}
			if err := os.MkdirAll(filepath.Join(folder, made.Folder), 0o700); err != nil {
				return nil, err
			}
			all = append(all, made)
			jobs = append(jobs, audience.Job{
				Request: audience.Request{Run: "oracle", AsOf: "2026-11-20", Segment: "oracle", Platform: p.Key, Hashed: hashed, Purpose: "ads", Change: change},
				Create: func(name string) (audience.Output, error) {
					return &audienceFile{path: filepath.Join(folder, made.Folder, name), name: name, made: made}, nil
				},
			})
		}
	}
	manifests, err := audience.WriteAll(jobs, contactsOf(people))
	if err != nil {
		return nil, err
	}
	for i, m := range manifests {
		if m.Refused != nil {
			return nil, fmt.Errorf("%s: %s", m.Platform, m.Refused.Text.EN)
		}
		if m.Clients != len(people) {
			return nil, fmt.Errorf("%s: %d of %d people in its files", m.Platform, m.Clients, len(people))
		}
		all[i].Hashed = m.Hashed
	}
	return all, nil
}

// audienceFile keeps a file and what a reader of Go finds in it.
type audienceFile struct {
	bytes.Buffer
	path, name string
	made       *madeFiles
}

// Commit writes the file and reads it back.
func (f *audienceFile) Commit() error {
	if f.name == audience.ManifestName {
		return nil
	}
	f.made.Files = append(f.made.Files, f.name)
	if err := os.WriteFile(f.path, f.Bytes(), 0o600); err != nil {
		return err
	}
	var rows [][]string
	var err error
	switch {
	case strings.HasSuffix(f.name, ".xlsx"):
		rows, err = sheetRows(f.Bytes())
	case f.made.Change == "":
		reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(f.String(), "\ufeff")))
		reader.Comma = rune(f.made.Separator[0])
		rows, err = reader.ReadAll()
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.made.Read[f.name] = rows
	return nil
}

// Discard drops what was never visible.
func (*audienceFile) Discard() {}

func sheetRows(body []byte) ([][]string, error) {
	book, err := excelize.OpenReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return book.GetRows(book.GetSheetName(0))
}

func inventedPeople() []invented {
	random := rand.New(rand.NewPCG(21, 22)) //nolint:gosec // G404: invented data, the same every time
	pieces := []string{
		"Анна", "Ёлка", "=1+1", `"`, `""`, "'", ",", ";", "\n", "\r\n", "\t", "@", "+", "-", " ", "|", "O'Neil", "𝓐", "x", "й", "é", " Mrs. ", " Jr.",
		"Санкт-Петербург", "New York", "\u200b", "10001",
	}
	word := func() string {
		var b strings.Builder
		for range random.IntN(5) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	people := make([]invented, audiencePeople)
	for i := range people {
		people[i] = invented{
			ClientID: fmt.Sprintf("p%06d%s", i, word()), FirstName: word(), LastName: word(), City: word(), Company: word(), Zip: "115088", Country: "RU",
			State: word(), BirthDay: "1990-02-01", Gender: "f", Value: "12.50", Signals: i%2 == 0,
			Phones: []string{fmt.Sprintf("+7900%07d", i)},
			Emails: []string{fmt.Sprintf("client.%d+a@gmail.com", i), fmt.Sprintf("=%d@shop.ru", i)},
			VKIDs:  []string{strconv.Itoa(100_000 + i)}, TelegramIDs: []string{strconv.Itoa(7_000_000 + i)},
			MobileIDs: []string{fmt.Sprintf("38400000-8cf0-11bd-b23e-%012x", i+1)},
		}
		if i%3 == 0 {
			people[i].Phones = append(people[i].Phones, fmt.Sprintf("+4420%08d", i))
		}
	}
	return people
}

// contactsOf yields people as lib/audience takes them.
func contactsOf(people []invented) func(yield func(audience.Contact, error) bool) {
	return func(yield func(audience.Contact, error) bool) {
		for _, p := range people {
			c := audience.Contact{
				ClientID: p.ClientID, VKIDs: p.VKIDs, TelegramIDs: p.TelegramIDs, MobileIDs: p.MobileIDs, FirstName: p.FirstName, LastName: p.LastName,
				City: p.City, State: p.State, Country: p.Country, Zip: p.Zip, BirthDay: p.BirthDay, Gender: p.Gender, Company: p.Company, Value: p.Value,
				Signals: p.Signals,
			}
			for _, n := range p.Phones {
				c.Phones = append(c.Phones, identity.Phone(n))
			}
			for _, e := range p.Emails {
				c.Emails = append(c.Emails, identity.Email(e))
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

func writeJSON(path string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o600)
}
