package segment

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// counted is a value that clients bear, and the clients.
type counted struct {
	value   string
	clients []int
}

// countedBy lists the values that at least so many clients bear, by clients
// descending, then value, at most so many.
func countedBy(clients []schema.ClientRow, least, most int, values func(*schema.ClientRow) []string) []counted {
	of := map[string][]int{}
	for i := range clients {
		for _, v := range values(&clients[i]) {
			if n := len(of[v]); v != "" && (n == 0 || of[v][n-1] != i) {
				of[v] = append(of[v], i)
			}
		}
	}
	var all []counted
	for _, v := range slices.Sorted(maps.Keys(of)) {
		if len(of[v]) >= least {
			all = append(all, counted{v, of[v]})
		}
	}
	slices.SortStableFunc(all, func(a, b counted) int { return cmp.Compare(len(b.clients), len(a.clients)) })
	return all[:min(most, len(all))]
}

func one(value *string) []string {
	if value == nil {
		return nil
	}
	return []string{*value}
}

// interestDefinitions are both bases of every interest (metrics, worked 2).
func interestDefinitions(c config.BuiltinSegments, clients []schema.ClientRow) []definition {
	interests := countedBy(clients, 1, c.MaxSegments, func(row *schema.ClientRow) []string { return slices.Concat(row.InterestsBought, row.InterestsOpen) })
	slices.SortFunc(interests, func(a, b counted) int { return strings.Compare(a.value, b.value) })
	keys := slugs(interests)
	var all []definition
	for i, v := range interests {
		all = append(all,
			definition{
				"interest_" + keys[i] + "_clients", familyInterests,
				Words{v.value + ": клиенты", v.value + ": clients"},
				Words{"Интерес «" + v.value + "»: купили.", "Interest “" + v.value + "”: have bought it."},
				strconv.Quote(v.value) + " in interests_bought",
			},
			definition{
				"interest_" + keys[i] + "_potential", familyInterests,
				Words{v.value + ": потенциальные", v.value + ": potential"},
				Words{"Интерес «" + v.value + "»: обратились и не купили.", "Interest “" + v.value + "”: asked and have not bought it."},
				strconv.Quote(v.value) + " in interests_open",
			})
	}
	return all
}

// spenderDefinitions are the first share of the buyers of a city or category, by
// all that they spent; who spent as much as the last of them is in.
func spenderDefinitions(c config.BuiltinSegments, clients []schema.ClientRow) []definition {
	buyers := func(values func(*schema.ClientRow) []string) []counted {
		return countedBy(clients, c.MinClients, c.MaxSegments, func(row *schema.ClientRow) []string {
			if row.Orders == 0 {
				return nil
			}
			return values(row)
		})
	}
	share := strconv.FormatFloat(c.BigSpendersShare*100, 'f', -1, 64) + " %"
	var all []definition
	add := func(family, prefix string, groups []counted, condition func(quoted string) string, ru, en string) {
		keys := slugs(groups)
		for i, v := range groups {
			least := spent(clients, v.clients, c.BigSpendersShare)
			if least <= 0 {
				continue
			}
			all = append(all, definition{
				prefix + keys[i], family,
				Words{"Крупные покупатели: " + v.value, "Big spenders: " + v.value},
				Words{fmt.Sprintf("%s покупателей, потративших больше всех; %s «%s».", share, ru, v.value), fmt.Sprintf("The %s of buyers who spent most; %s “%s”.", share, en, v.value)},
				condition(strconv.Quote(v.value)) + fmt.Sprintf(" && orders >= 1 && revenue_minor >= %d", least),
			})
		}
	}
	add(familySpendersByCity, "big_city_", buyers(func(row *schema.ClientRow) []string { return one(row.City) }),
		func(quoted string) string { return "city == " + quoted }, "город", "city")
	add(familySpendersByGoods, "big_category_", buyers(func(row *schema.ClientRow) []string { return row.Categories }),
		func(quoted string) string { return quoted + " in categories" }, "категория", "category")
	return all
}

// spent is what the last of the first share of some clients spent.
func spent(clients []schema.ClientRow, numbers []int, share float64) int64 {
	money := make([]int64, len(numbers))
	for i, n := range numbers {
		money[i] = clients[n].RevenueMinor
	}
	slices.SortFunc(money, func(a, b int64) int { return cmp.Compare(b, a) })
	count := int(math.Ceil(share*float64(len(money)) - 1e-9)) // 0.1 of 30 is 3, not 4
	return money[min(max(count, 1), len(money))-1]
}

// seasonDefinitions are those who buy before the same day every year.
func seasonDefinitions(seasons []config.Season) []definition {
	values := make([]counted, len(seasons))
	for i, s := range seasons {
		values[i].value = s.Name
	}
	keys := slugs(values)
	var all []definition
	for i, s := range seasons {
		ru, en := seasonTitle(s)
		all = append(all, definition{
			"season_" + keys[i], familySeasons,
			Words{"Сезонные: " + ru, "Seasonal: " + en},
			Words{
				fmt.Sprintf("Покупают из года в год около %s: за %d дней до и %d после.", s.Day, s.DaysBefore, s.DaysAfter),
				fmt.Sprintf("Buy year after year around %s: %d days before it and %d after.", s.Day, s.DaysBefore, s.DaysAfter),
			},
			strconv.Quote(s.Name) + " in seasons",
		})
	}
	return all
}

// seasonTitle says the built-in seasons in words.
func seasonTitle(s config.Season) (ru, en string) {
	switch s.Name {
	case "23-february":
		return "23 февраля", "23 February"
	case "8-march":
		return "8 Марта", "8 March"
	case "new-year":
		return "Новый год", "New Year"
	}
	return s.Name, s.Name
}

// groupDefinitions are by manager and by tag.
func groupDefinitions(cfg *config.Config, clients []schema.ClientRow) []definition {
	var all []definition
	managers := countedBy(clients, 1, cfg.Builtin.MaxSegments, func(row *schema.ClientRow) []string { return one(row.Manager) })
	slices.SortFunc(managers, func(a, b counted) int { return strings.Compare(a.value, b.value) })
	for i, key := range slugs(managers) {
		name := managers[i].value
		title := cmp.Or(cfg.Managers[name].Title, name)
		all = append(all, definition{
			"manager_" + key, familyManagers,
			Words{"Менеджер: " + title, "Manager: " + title},
			Words{"Клиенты этого менеджера.", "This manager's clients."},
			"manager == " + strconv.Quote(name),
		})
	}
	tags := countedBy(clients, cfg.Builtin.MinClients, cfg.Builtin.MaxSegments, func(row *schema.ClientRow) []string { return row.Tags })
	slices.SortFunc(tags, func(a, b counted) int { return strings.Compare(a.value, b.value) })
	for i, key := range slugs(tags) {
		all = append(all, definition{
			"tag_" + key, familyTags,
			Words{"Метка: " + tags[i].value, "Tag: " + tags[i].value},
			Words{"Клиенты с этой меткой.", "Clients with this tag."},
			strconv.Quote(tags[i].value) + " in tags",
		})
	}
	return all
}

// slugs are the values as parts of keys. A key goes by its value alone, so that it
// means the same every night; only of values that would share one, the later in the
// list are told apart by a hash.
func slugs(values []counted) []string {
	keys := make([]string, len(values))
	taken := map[string]bool{}
	for i, v := range values {
		keys[i] = slug(v.value)
		if taken[keys[i]] {
			keys[i] = hashed(keys[i], v.value)
		}
		taken[keys[i]] = true
	}
	return keys
}

// slug writes a value in the letters of keys. What is neither Latin nor Cyrillic,
// and what is too long, is told by a hash.
func slug(value string) string {
	const longest = 32
	var b strings.Builder
	whole := true
	for _, r := range value {
		latin, known := latinOf(r)
		whole = whole && known
		if latin != "-" || b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteString(latin)
		}
	}
	key := strings.Trim(b.String(), "-")
	if len(key) > longest {
		key, whole = strings.Trim(key[:longest], "-"), false
	}
	if whole && key != "" {
		return key
	}
	return hashed(key, value)
}

func hashed(key, value string) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(value)) // never fails
	return strings.TrimPrefix(fmt.Sprintf("%s-%06x", key, hash.Sum32()&0xffffff), "-")
}

// latinOf writes a letter in Latin, as passports do but for й; letter case stays.
func latinOf(r rune) (latin string, known bool) {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		return string(r), true
	case r == ' ':
		return "-", true
	}
	if i := slices.Index([]rune("абвгдеёжзийклмнопрстуфхцчшщъыьэюя"), unicode.ToLower(r)); i >= 0 {
		latin = strings.Split("a b v g d e yo zh z i j k l m n o p r s t u f kh ts ch sh shch - y - eh yu ya", " ")[i]
		latin = strings.TrimSuffix(latin, "-") // ъ and ь are not heard
		if unicode.IsUpper(r) && latin != "" {
			latin = strings.ToUpper(latin[:1]) + latin[1:]
		}
		return latin, true
	}
	return "-", false
}
