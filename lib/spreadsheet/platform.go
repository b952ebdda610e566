package spreadsheet

import (
	"path"
	"slices"
	"strings"
	"unicode"
)

// platform is an advertising cabinet whose exports are told by their headers.
type platform struct {
	source string // what its costs are booked under, unless the file or the user says otherwise
	// marks are alternatives, separated by |. One is met where the file has all
	// headers that + joins; currencies and VAT in a header do not matter.
	marks string
	names string // what a file's name may begin with, separated by |
}

// platforms is the only list of cabinets. A mark is a header, or a pair of them,
// that no other cabinet is known to write.
func platforms() []platform {
	return []platform{
		{
			"yandex",
			"№ кампании|№ группы|№ объявления|взвешенные показы|тип условия показа|ср. цена клика+расход|ср. цена клика+расход с ндс|CampaignUrlPath|AdNetworkType",
			"yandex|direct|яндекс|директ",
		},
		{
			"vk",
			"потрачено всего+показы|потрачено всего+клики|потрачено+id объявления|потрачено+id кампании|потрачено+название объявления|потрачено+охват",
			"vk|vkads|вк|вконтакте",
		},
		{
			"google",
			"cost+impr.|cost+currency code|cost+interactions|cost+avg. cpc|cost+cost / conv.|стоимость+код валюты|стоимость+сред. цена за клик|стоимость+ср. цена за клик|" +
				"стоимость+стоимость/конв.|расходы+код валюты|metrics.cost_micros|cost_micros",
			"google|googleads|adwords|гугл",
		},
		{
			"facebook",
			"amount spent+reporting starts|amount spent+link clicks|amount spent+ad set name|amount spent+clicks (all)|дата начала отчетности|начало отчетности|date stop+spend",
			"facebook|fb|meta",
		},
		{"tiktok", "cost+clicks (destination)|cost+cpc (destination)|cost+by day|spend+clicks (destination)", "tiktok"},
		{"telegram", "spent budget", "telegram|tg"},
	}
}

// platformOf recognises a cabinet by its headers; empty where none or more than
// one is recognised.
func platformOf(header []string) string {
	keys := map[string]bool{}
	for _, h := range header {
		keys[headerKey(h)] = true
		if bare, _, ok := cutCurrency(h); ok {
			keys[headerKey(bare)] = true
		}
	}
	found := ""
	for _, p := range platforms() {
		if !p.marked(keys) {
			continue
		}
		if found != "" {
			return ""
		}
		found = p.source
	}
	return found
}

func (p platform) marked(keys map[string]bool) bool {
	for mark := range strings.SplitSeq(p.marks, "|") {
		met := true
		for h := range strings.SplitSeq(mark, "+") {
			met = met && keys[headerKey(h)]
		}
		if met {
			return true
		}
	}
	return false
}

// fromInterface tells a report that a program fetched from one that a person
// downloaded: its headers are names of fields. It may give money in millionths.
func (t *Table) fromInterface() bool {
	return t.Kind == CostsFile && slices.ContainsFunc(t.Header, func(h string) bool {
		return h == "CampaignName" || h == "CampaignId" || h == "AdGroupName" || h == "AdGroupId"
	})
}

// platformNamed recognises a cabinet by the word that a file's name begins with:
// yandex-2026-11.csv, "VK ноябрь.xlsx".
func platformNamed(file string) string {
	word := strings.ToLower(path.Base(file))
	if i := strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		word = word[:i]
	}
	if word == "" {
		return ""
	}
	for _, p := range platforms() {
		for name := range strings.SplitSeq(p.names, "|") {
			if name == word {
				return p.source
			}
		}
	}
	return ""
}

// settleSource gives costs without a column for their source that of the cabinet.
// Headers and a file's name that name different cabinets are asked about.
func (t *Table) settleSource(columns []Column) ([]Column, error) {
	for _, c := range columns {
		if c.Field == Source {
			return columns, nil
		}
	}
	named := platformNamed(t.Name)
	if t.Platform != "" && named != "" && named != t.Platform {
		return nil, t.fault(ErrAmbiguous, "", "the columns are those of "+t.Platform+" and the file's name begins with another cabinet's; say which is right with -map source=="+t.Platform+" or -map source=="+named)
	}
	if t.Platform != "" {
		named = t.Platform
	}
	if named == "" {
		return columns, nil // required says what to do
	}
	return append(columns, Column{Field: Source, Index: -1, Value: named}), nil
}
