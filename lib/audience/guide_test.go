package audience_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

// guidePeople are the invented people of the guides. Their numbers are those that
// the platforms' own pages print as examples.
func guidePeople(t *testing.T) []audience.Contact {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "guide_people.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		ClientID    string           `json:"client_id"`
		Phones      []identity.Phone `json:"phones"`
		Emails      []string         `json:"emails"`
		FirstName   string           `json:"first_name"`
		LastName    string           `json:"last_name"`
		City        string           `json:"city"`
		State       string           `json:"state"`
		Country     string           `json:"country"`
		Zip         string           `json:"zip"`
		BirthDay    string           `json:"birth_day"`
		Gender      string           `json:"gender"`
		Company     string           `json:"company"`
		Value       string           `json:"value"`
		Signals     bool             `json:"signals"`
		VKIDs       []string         `json:"vk_ids"`
		TelegramIDs []string         `json:"telegram_ids"`
		MobileIDs   []string         `json:"mobile_ids"`
	}
	if err := json.Unmarshal(body, &rows); err != nil {
		t.Fatal(err)
	}
	contacts := make([]audience.Contact, len(rows))
	for i, r := range rows {
		contacts[i] = audience.Contact{
			ClientID: r.ClientID, Phones: r.Phones, FirstName: r.FirstName, LastName: r.LastName, City: r.City, State: r.State, Country: r.Country,
			Zip: r.Zip, BirthDay: r.BirthDay, Gender: r.Gender, Company: r.Company, Value: r.Value, Signals: r.Signals,
			VKIDs: r.VKIDs, TelegramIDs: r.TelegramIDs, MobileIDs: r.MobileIDs,
		}
		for _, e := range r.Emails {
			contacts[i].Emails = append(contacts[i].Emails, identity.Email(e))
		}
	}
	return contacts
}

// guideRows is how many rows of a file a guide shows at the most.
const guideRows = 4

// written is what the writer makes for one kind of files: their first lines with
// the invented people, and the manifest.
type written struct {
	manifest audience.Manifest
	lines    map[string]string
}

// writeGuideFiles makes the files of a platform for the people of the guides; behind
// them stand as many others as its largest minimum asks for.
func writeGuideFiles(t *testing.T, platform, language string, hashed bool, change audience.Change) written {
	t.Helper()
	people := guidePeople(t)
	req := request(platform, hashed)
	req.Language, req.Change = language, change
	others := 0
	empty, err := audience.WriteAll([]audience.Job{{Request: req}}, list())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range empty[0].Files {
		others = max(others, f.MinRows)
	}
	shown := map[string]string{}
	counts := map[string]int{}
	out := newFolder()
	manifests, err := audience.WriteAll([]audience.Job{{Request: req, Create: out.create, Handed: func(id, file string, _ uint64, line []byte) {
		if slices.ContainsFunc(people, func(c audience.Contact) bool { return c.ClientID == id }) && counts[file] < guideRows {
			counts[file]++
			shown[file] += string(line)
		}
	}}}, list(slices.Concat(people, rich(others))...))
	if err != nil {
		t.Fatal(err)
	}
	w := written{manifests[0], map[string]string{}}
	for _, f := range w.manifest.Files {
		base := f.Name
		if change != "" {
			base = strings.Replace(base, "_"+string(change)+".", ".", 1)
		}
		rows := shown[base]
		if f.Name == "contacts.xlsx" {
			var text strings.Builder
			for _, row := range sheetRowsOf(t, out.files[f.Name].Bytes())[:1+counts[base]] {
				text.WriteString(strings.Join(row, " | ") + "\n")
			}
			w.lines[f.Name] = text.String()
			continue
		}
		// What stands before the first row of anybody: header and preamble.
		whole := out.text(f.Name)
		head, _, found := strings.Cut(whole, rows)
		if rows == "" || !found {
			t.Fatalf("%s of %s has no row of the guides' people at its beginning", f.Name, platform)
		}
		w.lines[f.Name] = strings.ReplaceAll(strings.TrimPrefix(head, "\ufeff")+rows, "\r\n", "\n")
	}
	return w
}

var (
	guideBlock = regexp.MustCompile("(?ms)^```csv ([a-z ]+) ([a-z0-9_.]+)\n(.*?)^```$")
	guideForms = regexp.MustCompile(`(?m)^(### (?:Как записаны значения|How values are written)\n\n)(?:\|.*\n)+`)
	fileName   = regexp.MustCompile(`(?:^|[^a-z0-9_/])([a-z0-9_]+\.(?:csv|txt|xlsx|json))\b`)
)

// regenerate fills the parts of a guide that the program makes: the lines of files
// and the table of forms.
func regenerate(t *testing.T, g audience.Guide) string {
	t.Helper()
	forms := map[string]audience.Text{}
	var order []string
	text := guideBlock.ReplaceAllStringFunc(g.Markdown, func(block string) string {
		parts := guideBlock.FindStringSubmatch(block)
		words := strings.Fields(parts[1])
		change := audience.Change("")
		if len(words) == 2 {
			change = audience.Change(words[0])
		}
		w := writeGuideFiles(t, g.Platform, g.Language, words[len(words)-1] == "hashed", change)
		lines, ok := w.lines[parts[2]]
		if !ok {
			t.Errorf("%s/%s shows %s, which is not written", g.Language, g.Platform, parts[2])
		}
		for key, form := range w.manifest.NormalForms {
			if _, ok := forms[key]; !ok {
				forms[key] = form
				order = append(order, key)
			}
		}
		return "```csv " + parts[1] + " " + parts[2] + "\n" + lines + "```"
	})
	// The order in which the platform lists its fields.
	p, _ := audience.Lookup(g.Platform)
	at := func(key string) int {
		return slices.IndexFunc(p.Fields, func(f audience.Field) bool { return f.Key == key })
	}
	slices.SortFunc(order, func(a, b string) int { return at(a) - at(b) })
	return guideForms.ReplaceAllStringFunc(text, func(found string) string {
		var table strings.Builder
		table.WriteString(guideForms.FindStringSubmatch(found)[1])
		if g.Language == "ru" {
			table.WriteString("| поле | вид |\n| --- | --- |\n")
		} else {
			table.WriteString("| field | form |\n| --- | --- |\n")
		}
		for _, key := range order {
			form := forms[key].EN
			if g.Language == "ru" {
				form = forms[key].RU
			}
			fmt.Fprintf(&table, "| `%s` | %s |\n", key, form)
		}
		return table.String()
	})
}

func everyGuide(t *testing.T, do func(t *testing.T, g audience.Guide)) {
	t.Helper()
	for _, language := range audience.GuideLanguages() {
		for _, p := range audience.Platforms() {
			t.Run(language+"/"+p.Key, func(t *testing.T) {
				g, ok := audience.GuideTo(p.Key, language)
				if !ok {
					t.Fatal("there is no guide")
				}
				do(t, g)
			})
		}
	}
}

// The lines of files and the forms in a guide are the writer's own; -update writes
// them anew.
func TestGuidesShowWhatIsWritten(t *testing.T) {
	everyGuide(t, func(t *testing.T, g audience.Guide) {
		got := regenerate(t, g)
		path := filepath.Join("guides", g.Language, g.Platform+".md")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		if diff := cmp.Diff(g.Markdown, got); diff != "" {
			t.Errorf("%s is not what is written (-guide +written); -update after a deliberate change:\n%s", path, diff)
		}
	})
}

// Every guide answers the same questions, and both languages show the same files.
func TestGuidesAnswerTheSameQuestions(t *testing.T) {
	headings := map[string][]string{
		"ru": {"Согласие", "Какой файл взять", "Где нажать", "Сколько строк", "Добавить, удалить, заменить", "Когда список готов", "Мало распознанных", "Удалить список", "Что не подтверждено"},
		"en": {"Consent", "Which file to take", "Where to click", "How many rows", "Add, remove, replace", "When the list is ready", "Low match rate", "Delete the list", "What is not confirmed"},
	}
	blocks := map[string][]string{}
	everyGuide(t, func(t *testing.T, g audience.Guide) {
		var got []string
		for line := range strings.Lines(g.Markdown) {
			if h, ok := strings.CutPrefix(line, "## "); ok {
				got = append(got, strings.TrimSpace(h))
			}
		}
		if diff := cmp.Diff(headings[g.Language], got); diff != "" {
			t.Error(diff)
		}
		for _, section := range strings.Split(g.Markdown, "\n## ")[1:] {
			heading, body, _ := strings.Cut(section, "\n")
			if len(strings.TrimSpace(body)) < 5 {
				t.Errorf("nothing stands under %q", heading)
			}
		}
		p, _ := audience.Lookup(g.Platform)
		title := p.Title.EN
		if g.Language == "ru" {
			title = p.Title.RU
		}
		if !strings.HasPrefix(g.Title, title+": ") {
			t.Errorf("the title is %q, want it to begin with %q", g.Title, title)
		}
		var shown []string
		for _, block := range guideBlock.FindAllStringSubmatch(g.Markdown, -1) {
			shown = append(shown, block[1]+" "+block[2])
		}
		if g.Language == "ru" {
			blocks[g.Platform] = shown
		} else if diff := cmp.Diff(blocks[g.Platform], shown); diff != "" {
			t.Errorf("the languages show different files: %s", diff)
		}
		if len(p.Unconfirmed) > 0 && !strings.Contains(g.Markdown, map[string]string{"ru": "проверьте", "en": "check in the cabinet"}[g.Language]) && !strings.Contains(g.Markdown, "not confirmed") {
			t.Error("what is not confirmed is not marked")
		}
	})
}

// A guide names the files that are written and no others, and the limits of each.
func TestGuidesNameFilesAndLimitsAsTheyAre(t *testing.T) {
	everyGuide(t, func(t *testing.T, g audience.Guide) {
		p, _ := audience.Lookup(g.Platform)
		known := map[string]bool{audience.ManifestName: true}
		separator := map[string]string{"ru": "\u202f", "en": ","}[g.Language]
		var limits []string
		for _, hashed := range []bool{false, true} {
			if hashed && p.Hash == "" {
				continue
			}
			for _, change := range []audience.Change{"", audience.Add, audience.Remove, audience.Replace} {
				if p.Human && change != "" {
					continue
				}
				for _, f := range writeGuideFiles(t, g.Platform, g.Language, hashed, change).manifest.Files {
					known[f.Name] = true
					known[strings.Replace(f.Name, ".", "_part2.", 1)] = true
					if change != "" {
						continue
					}
					for _, n := range []int{f.MinRows, f.MaxRows} {
						if n > 1 {
							limits = append(limits, thousands(n, separator))
						}
					}
					if f.MaxBytes > 0 {
						limits = append(limits, bytesInWords(f.MaxBytes, g.Language))
					}
					if strings.Contains(g.Markdown, "`"+f.Name+"`") || strings.Contains(g.Markdown, " "+f.Name+"\n") {
						continue
					}
					t.Errorf("%s is written and not named", f.Name)
				}
			}
		}
		for _, name := range fileName.FindAllStringSubmatch(g.Markdown, -1) {
			if !known[name[1]] {
				t.Errorf("%s is named and never written", name[1])
			}
		}
		section := strings.Split(g.Markdown, "\n## ")[4]
		for _, limit := range limits {
			if !strings.Contains(section, limit) {
				t.Errorf("the limit %q does not stand in:\n%s", limit, section)
			}
		}
	})
}

func thousands(n int, separator string) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return thousands(n/1000, separator) + separator + fmt.Sprintf("%03d", n%1000)
}

func bytesInWords(n int64, language string) string {
	units := map[string][2]string{"ru": {"МБ", "ГБ"}, "en": {"MB", "GB"}}[language]
	megabytes := (n + 999_999) / 1_000_000
	if megabytes >= 1000 {
		return strconv.FormatInt(megabytes/1000, 10) + " " + units[1]
	}
	return strconv.FormatInt(megabytes, 10) + " " + units[0]
}

// What a guide tells people to type works.
func TestGuidesGiveExamplesThatWork(t *testing.T) {
	example := regexp.MustCompile("`leadlake normalise ([a-z-]+) ([a-z_]+) ")
	everyGuide(t, func(t *testing.T, g audience.Guide) {
		found := example.FindAllStringSubmatch(g.Markdown, -1)
		if len(found) == 0 {
			t.Error("no example of leadlake normalise")
		}
		for _, one := range found {
			if p, _ := audience.Lookup(g.Platform); one[1] != p.Key {
				t.Errorf("an example is for %s", one[1])
			} else if _, ok := p.Field(one[2]); !ok {
				t.Errorf("the platform has no field %s", one[2])
			}
		}
	})
}

func TestTheIndexListsEveryGuideOnce(t *testing.T) {
	link := regexp.MustCompile(`\[([^\]]+)\]\(([a-z0-9-]+)\.md\)`)
	for _, language := range audience.GuideLanguages() {
		index, ok := audience.GuideIndex(language)
		if !ok || index.Platform != "" || index.Title == "" {
			t.Fatalf("index in %s: %t, %+v", language, ok, index.Title)
		}
		var got, want []string
		for _, found := range link.FindAllStringSubmatch(index.Markdown, -1) {
			got = append(got, found[2]+" "+found[1])
		}
		for _, p := range audience.Platforms() {
			want = append(want, p.Key+" "+map[string]string{"ru": p.Title.RU, "en": p.Title.EN}[language])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the index in %s: %s", language, diff)
		}
	}
	for _, key := range []string{"index", "fax", "", "../ru/vk"} {
		if _, ok := audience.GuideTo(key, "ru"); ok {
			t.Errorf("there is a guide to %q", key)
		}
	}
	if _, ok := audience.GuideTo("vk", "de"); ok {
		t.Error("there is a guide in a language that there is not")
	}
}

func TestGuidesBecomeHTML(t *testing.T) {
	everyGuide(t, func(t *testing.T, g audience.Guide) {
		page := string(g.HTML("/exports/guides/"))
		if strings.Contains(page, "<h1") || strings.Contains(page, "raw HTML omitted") || !strings.Contains(page, "<h2>") || !strings.Contains(page, "<pre><code") {
			t.Errorf("the page has a title of its own, HTML of its own, no headings or no lines of a file:\n%.300s", page)
		}
	})
	index, _ := audience.GuideIndex("en")
	if page := string(index.HTML("/exports/guides/")); !strings.Contains(page, `<a href="/exports/guides/vk-old">VKontakte, old cabinet</a>`) || strings.Contains(page, ".md") {
		t.Errorf("links of the index: %.400s", page)
	}
	hostile := audience.Guide{Markdown: "# T\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) <b onclick=x>y</b> `<i>` [back](index.md)\n"}
	page := string(hostile.HTML("/g/"))
	if strings.Contains(page, "<script") || strings.Contains(page, "javascript:") || strings.Contains(page, "onclick") || !strings.Contains(page, "&lt;i&gt;") || !strings.Contains(page, `<a href="/g">back</a>`) {
		t.Errorf("HTML = %s", page)
	}
}
