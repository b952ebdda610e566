package segment_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/segment"
)

// A bad rule is refused with its line and column in the file, however YAML writes it.
func TestBadRulesAreRefusedWhereTheyStand(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{
			"in single quotes, after Cyrillic", "segments:\n  - {name: a, rule: 'city == \"Москва\" && recency_day > 90'}\n",
			"config/leadlake.yaml:2:42: segments.0.rule: recency_day: unknown field, did you mean recency_days?",
		},
		{"plain", "segments:\n- name: a\n  rule: recency_day > 90\n", "config/leadlake.yaml:3:9: "},
		{"plain, folded", "segments:\n- name: a\n  rule: orders > 1 &&\n     recency_day > 90\n", "config/leadlake.yaml:4:6: "},
		{"in double quotes", "segments:\n- name: a\n  rule: \"abc == \\\"A\\\" && recency_day > 90\"\n", "config/leadlake.yaml:3:26: "},
		{"a block", "segments:\n- name: a\n  rule: |\n    orders > 1 &&\n      recency_day > 90\n", "config/leadlake.yaml:5:7: "},
		{"a folded block", "segments:\n- name: a\n  rule: >-\n    orders > 1 &&\n    recency_day > 90\n", "config/leadlake.yaml:5:5: "},
		{"a quote twice", "segments:\n- name: a\n  rule: 'city == ''x'' && recency_day > 90'\n", "config/leadlake.yaml:3:27: "},
		{"at the end", "segments:\n- name: a\n  rule: orders >\n", "config/leadlake.yaml:3:17: segments.0.rule: cannot be read"},
		{"the second of two", "segments:\n- {name: a, rule: orders > 1}\n- {name: b, rule: orders > 5 && orders < 3}\n", "config/leadlake.yaml:3:33: segments.1.rule: orders < 3 contradicts orders > 5"},
		{"the name of a built-in", "segments:\n- {name: buyers, rule: orders > 1}\n", "config/leadlake.yaml:2: segments.0.name: buyers is a built-in segment"},
		{"a family that is none", "builtin_segments:\n  off: [lables]\n", "config/leadlake.yaml:2: builtin_segments.off.0: no built-in segment or family lables, did you mean labels?"},
		{"an export of nothing", "exports:\n- {segment: champion, platforms: [vk]}\n", "config/leadlake.yaml:2: exports.0.segment: no segment champion, did you mean champions?"},
		{"nobody to keep out", "exclude:\n- employes\nsegments:\n- {name: employees, rule: '\"employee\" in tags'}\n", "config/leadlake.yaml:2: exclude.0: no segment employes, did you mean employees?"},
		{"an exclusion that may be missing", "exclude: [tag_employee]\n", "config/leadlake.yaml:1: exclude.0: segment tag_employee is there only while enough clients are in it"},
		{"an exclusion switched off", "exclude: [abc_a]\nbuiltin_segments: {off: [abc]}\n", "config/leadlake.yaml:1: exclude.0: segment abc_a is switched off"},
		{"an export without nobody", "exports:\n- segment: champions\n  platforms: [vk]\n  exclude: [loyal, lost_]\n", "config/leadlake.yaml:4: exports.0.exclude.1: no segment lost_, did you mean lost?"},
		{"an export's exclusion that may be missing", "exports:\n- segment: champions\n  platforms: [vk]\n  exclude: [interest_coffee_clients]\n", "config/leadlake.yaml:4: exports.0.exclude.0: segment interest_coffee_clients is there only while"},
		{"days that fall", "builtin_segments:\n  last_purchase_days: [60, 30]\n", "config/leadlake.yaml:2: builtin_segments.last_purchase_days: days must rise"},
	} {
		_, err := config.Parse([]byte(test.file), segment.Check)
		if !errors.Is(err, config.ErrInvalid) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	good := "segments:\n- {name: buyers, rule: orders > 2}\n- {name: own, rule: '\"кофе\" in categories'}\n" +
		"builtin_segments: {off: [buyers, rfm_codes, tag_vip], last_purchase_days: []}\nexports:\n- {segment: own, platforms: [vk]}\n- {segment: tag_vip, platforms: [vk]}\n- {segment: sleeping_year, platforms: [vk], exclude: [own, champions, season_8-march]}\nexclude: [buyers]\n"
	if _, err := config.Parse([]byte(good), segment.Check); err != nil {
		t.Error(err)
	}
}

// The rule of every segment of a file is checked, and each fault is told.
func TestEveryFaultIsTold(t *testing.T) {
	_, err := config.Parse([]byte("segments:\n- {name: a, rule: 'ordrs > 1 && citi == 5'}\n- {name: b, rule: orders}\n"), segment.Check)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three faults: %v", err)
	}
}
