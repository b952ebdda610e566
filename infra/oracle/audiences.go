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

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

// audiencePeople is enough for the smallest list of every platform.
const audiencePeople = 2_500

// fileRows is one audience file as encoding/csv reads it, header and all.
type fileRows struct {
	Name      string     `json:"name"`
	Separator string     `json:"separator"`
	Header    bool       `json:"header"` // always false: a header is compared as a row
	Rows      [][]string `json:"rows"`
}

// makeAudiences writes the files of every platform for invented people whose names
// hold what could break a row, and rows.json with what is in them.
func makeAudiences(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	var jobs []audience.Job
	var made []*audienceFile
	for _, p := range audience.Platforms() {
		for _, hashed := range []bool{false, true} {
			if hashed && p.Hash == "" || p.Key == "xlsx" { // DuckDB reads no workbook without a download
				continue
			}
			jobs = append(jobs, audience.Job{
				Request: audience.Request{Run: "oracle", AsOf: "2026-11-20", Segment: "oracle", Platform: p.Key, Hashed: hashed, Purpose: "ads"},
				Create: func(name string) (audience.Output, error) {
					f := &audienceFile{name: fmt.Sprintf("%s-%t-%s", p.Key, hashed, name), platform: p.Key}
					if name != audience.ManifestName {
						made = append(made, f)
					}
					return f, nil
				},
			})
		}
	}
	manifests, err := audience.WriteAll(jobs, inventedPeople())
	if err != nil {
		return err
	}
	for _, m := range manifests {
		if m.Refused != nil {
			return fmt.Errorf("%s: %s", m.Platform, m.Refused.Text.EN)
		}
	}
	files := make([]fileRows, len(made))
	for i, f := range made {
		files[i] = fileRows{Name: f.name, Separator: ","}
		if f.platform == "mindbox" {
			files[i].Separator = ";"
		}
		reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(f.String(), "\ufeff")))
		reader.Comma = rune(files[i].Separator[0])
		if files[i].Rows, err = reader.ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, f.name), f.Bytes(), 0o600); err != nil {
			return err
		}
	}
	body, err := json.Marshal(files)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "rows.json"), body, 0o600)
}

type audienceFile struct {
	bytes.Buffer
	name, platform string
}

func (*audienceFile) Commit() error { return nil }
func (*audienceFile) Discard()      {}

func inventedPeople() func(yield func(audience.Contact, error) bool) {
	random := rand.New(rand.NewPCG(21, 22)) //nolint:gosec // G404: invented data, the same every time
	pieces := []string{"Анна", "Ёлка", "=1+1", `"`, `""`, "'", ",", ";", "\n", "\r\n", "\t", "@", "+", "-", " ", "|", "O'Neil", "𝓐", "x"}
	word := func() string {
		var b strings.Builder
		for range random.IntN(5) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	return func(yield func(audience.Contact, error) bool) {
		for i := range audiencePeople {
			c := audience.Contact{
				ClientID: fmt.Sprintf("p%06d%s", i, word()), FirstName: word(), LastName: word(), City: word(), Company: word(), Zip: "115088", Country: "RU",
				State: word(), BirthDay: "1990-02-01", Gender: "f", Value: "12.50", Signals: i%2 == 0,
				Phones: []identity.Phone{identity.Phone(fmt.Sprintf("+7900%07d", i))},
				Emails: []identity.Email{identity.Email(fmt.Sprintf("client.%d+a@gmail.com", i)), identity.Email(fmt.Sprintf("=%d@shop.ru", i))},
				VKIDs:  []string{strconv.Itoa(100_000 + i)}, TelegramIDs: []string{strconv.Itoa(7_000_000 + i)},
				MobileIDs: []string{fmt.Sprintf("38400000-8cf0-11bd-b23e-%012x", i+1)},
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}
