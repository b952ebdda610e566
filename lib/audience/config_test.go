package audience_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/config"
)

// The configuration's schema stands above this package and lists its platforms
// and columns by hand.
func TestTheConfigurationKnowsEveryPlatformAndColumn(t *testing.T) {
	type properties struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var schema struct {
		Properties struct {
			Exports struct {
				Items struct {
					Properties struct {
						Platforms struct {
							Items struct {
								Enum []string `json:"enum"`
							} `json:"items"`
						} `json:"platforms"`
					} `json:"properties"`
				} `json:"items"`
			} `json:"exports"`
			Platforms struct {
				Properties map[string]struct {
					Properties struct {
						Columns properties `json:"columns"`
					} `json:"properties"`
				} `json:"properties"`
			} `json:"platforms"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(config.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	named := schema.Properties.Exports.Items.Properties.Platforms.Items.Enum
	headers := schema.Properties.Platforms.Properties
	var keys []string
	for _, p := range audience.Platforms() {
		keys = append(keys, p.Key)
		var known []string
		for key := range headers[p.Key].Properties.Columns.Properties {
			known = append(known, key)
		}
		slices.Sort(known)
		columns := p.Columns()
		slices.Sort(columns)
		if diff := cmp.Diff(columns, known); diff != "" {
			t.Errorf("%s: columns (-files +schema):\n%s", p.Key, diff)
		}
	}
	slices.Sort(keys)
	slices.Sort(named)
	if diff := cmp.Diff(keys, named); diff != "" {
		t.Errorf("platforms (-files +schema):\n%s", diff)
	}
}

func TestHeadersOfTheConfigurationStandInTheFile(t *testing.T) {
	c, err := config.Parse([]byte("platforms: {yandex: {columns: {external_id: ext_id}}, meta: {columns: {email: 'E-mail, any'}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for platform, want := range map[string]string{
		"yandex": "phone,email,ext_id\n",
		"meta":   `"E-mail, any","E-mail, any","E-mail, any",phone,phone,phone,madid,fn,ln,ct,st,zip,country,dob,gen,value` + "\n",
	} {
		req := request(platform, false)
		req.Headers = c.Platforms[platform].Columns
		manifest, out := mustWrite(t, req, list(crowd(100)...))
		if got := out.text(manifest.Files[0].Name); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%s begins with %.120q, want %q", platform, got, want)
		}
	}
}
