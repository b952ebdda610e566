package audience_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/identity"
)

// Keys of rows are kept in what was given: a version that made others would remove
// and add everybody.
func TestRowKeysNeverChange(t *testing.T) {
	who := audience.Contact{
		ClientID: "p1", Phones: []identity.Phone{"+79995551111"}, Emails: []identity.Email{"anna@mail.ru"}, FirstName: "Анна", Value: "10.00",
	}
	got := map[string][]uint64{}
	for _, k := range []struct {
		platform string
		hashed   bool
	}{{"yandex", false}, {"yandex", true}, {"vk", true}, {"google", true}, {"meta", false}, {"unisender", false}} {
		req := request(k.platform, k.hashed)
		name := k.platform
		if k.hashed {
			name += " hashed"
		}
		for _, c := range []audience.Contact{who, {ClientID: "p2", Phones: who.Phones, Emails: who.Emails, FirstName: who.FirstName, Value: "20.00"}} {
			if _, err := audience.WriteAll([]audience.Job{{Request: req, Handed: func(_, _ string, key uint64, _ []byte) {
				got[name] = append(got[name], key)
			}}}, list(c)); err != nil {
				t.Fatal(err)
			}
		}
		got[name] = slices.Compact(got[name])
		if half := len(got[name]) / 2; slices.Equal(got[name][:half], got[name][half:]) {
			got[name] = got[name][:half] // of the other person the same rows: what stands aside does not count
		}
	}
	want := map[string][]uint64{
		"google hashed": {2210735586732338224},
		"meta":          {10422928471752460768},
		"unisender":     {17637047247466207412},
		"vk hashed":     {1039427892592656588, 2698075875699799501},
		"yandex":        {3403791216546533299},
		"yandex hashed": {17807709905775487788},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys of rows (-want +got):\n%s", diff)
	}
}

func TestAnAdditionHoldsWhatIsNotThere(t *testing.T) {
	contacts := crowd(300)
	there := map[uint64]bool{}
	out := newFolder()
	job := audience.Job{Request: request("yandex", true), Create: out.create, Handed: func(_, _ string, key uint64, _ []byte) {
		there[key] = true
	}}
	if _, err := audience.WriteAll([]audience.Job{job}, list(contacts[:180]...)); err != nil {
		t.Fatal(err)
	}
	added, handed := newFolder(), 0
	job = audience.Job{
		Request: request("yandex", true), Create: added.create, Skip: func(_ string, key uint64) bool { return there[key] },
		Handed: func(string, string, uint64, []byte) { handed++ },
	}
	job.Request.Change = audience.Add
	manifests, err := audience.WriteAll([]audience.Job{job}, list(contacts...))
	if err != nil {
		t.Fatal(err)
	}
	if f := manifests[0].Files[0]; f.Rows != 120 || handed != 120 || manifests[0].Clients != 120 {
		t.Errorf("%d rows written, %d told, of %d clients; want 120 of each", f.Rows, handed, manifests[0].Clients)
	}
	before, after := out.text("yandex_audience.csv"), added.text("yandex_audience_add.csv")
	for _, line := range strings.Split(after, "\n")[1:] {
		if line != "" && strings.Contains(before, line) {
			t.Fatal("a row that is there is added again")
		}
	}
}

func TestABundleTellsItsFilesApart(t *testing.T) {
	contacts := crowd(300)
	full, _ := mustWrite(t, request("yandex", true), list(contacts...))
	change := func(c audience.Change, n int) audience.Manifest {
		req := request("yandex", true)
		req.Change = c
		m, _ := mustWrite(t, req, list(contacts[:n]...))
		return m
	}
	shape := func(m audience.Manifest) (all []string) {
		for _, f := range m.Files {
			state := "written"
			if f.Refused != nil {
				state = f.Refused.Reason
			}
			all = append(all, f.Name+" "+string(f.Change)+" "+state)
		}
		return all
	}
	small, _ := mustWrite(t, request("yandex", true), list(contacts[:50]...))
	for name, tc := range map[string]struct {
		m       audience.Manifest
		want    []string
		advice  int // sentences before the upload beside those of the list
		refused bool
	}{
		"both changes": {audience.Bundle(full, change(audience.Add, 200), change(audience.Remove, 150)), []string{
			"yandex_audience.csv  written", "yandex_audience_add.csv add written", "yandex_audience_remove.csv remove written",
		}, 3, false},
		"a change that waits": {audience.Bundle(full, change(audience.Add, 0), change(audience.Remove, 20)), []string{
			"yandex_audience.csv  written", "yandex_audience_add.csv add no_rows", "yandex_audience_remove.csv remove too_small",
		}, 0, false},
		"never given": {audience.Bundle(full, audience.RefuseChange(full, audience.Add, audience.RefusedNothingGiven)), []string{
			"yandex_audience.csv  written", "yandex_audience_add.csv add nothing_given",
		}, 0, false},
		"too small but for what leaves": {audience.Bundle(small, change(audience.Remove, 150)), []string{
			"yandex_audience.csv  too_small", "yandex_audience_remove.csv remove written",
		}, 1, false},
		"nothing at all": {audience.Bundle(small, change(audience.Remove, 0)), []string{
			"yandex_audience.csv  too_small", "yandex_audience_remove.csv remove no_rows",
		}, 0, true},
		"locked": {audience.Bundle(small, change(audience.Remove, 0)).Lock(audience.RefusedSensitive, audience.Text{RU: "нет", EN: "no"}), []string{
			"yandex_audience.csv  sensitive", "yandex_audience_remove.csv remove no_rows",
		}, 0, true},
	} {
		if diff := cmp.Diff(tc.want, shape(tc.m)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got := len(tc.m.BeforeUpload) - len(full.BeforeUpload); got != tc.advice || (tc.m.Refused != nil) != tc.refused {
			t.Errorf("%s: %d further sentences, refused %v; want %d and %t", name, got, tc.m.Refused, tc.advice, tc.refused)
		}
		body, err := tc.m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := followsSchema(t, string(body)); err != nil {
			t.Errorf("%s: the manifest breaks the published schema: %v", name, err)
		}
	}
}
