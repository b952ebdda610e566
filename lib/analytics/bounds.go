package analytics

import (
	"math"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/leadlake/leadlake/lib/schema"
)

// Bounds says in Russian ("ru") or English (anything else) how many orders and how
// long ago the given codes really mean by the thresholds of a night, as in "1–4
// orders, 0–12 days ago". Where many values are equal a code may be out of reach,
// and it says so. Without thresholds of recency and frequency it is empty.
func Bounds(codes []string, thresholds []schema.ThresholdRow, lang string) string {
	recency, okR := scaleOf(thresholds, MetricRecency)
	frequency, okF := scaleOf(thresholds, MetricFrequency)
	if !okR || !okF || len(codes) == 0 {
		return ""
	}
	phrases := phrasesOf(lang)
	often, ago := span{empty: true}, span{empty: true}
	for _, code := range codes {
		if len(code) != 3 {
			return ""
		}
		r, f := recency.of(int(code[0]-'0')), frequency.of(int(code[1]-'0'))
		if r.empty || f.empty {
			continue
		}
		often, ago = often.with(f), ago.with(r)
	}
	if often.empty {
		return phrases.nobody
	}
	unit := phrases.orders
	if strings.HasPrefix(frequency.note, unitOrderDays) {
		unit = phrases.orderDays
	}
	return phrases.say(often, unit) + ", " + phrases.say(ago, phrases.daysAgo)
}

// FirstMeansOne tells whether the lowest score of F is given for exactly one order
// ever: not for one to four, not for a day with orders, not for one order within a
// window. Only then may texts say first, once or one-time.
func FirstMeansOne(thresholds []schema.ThresholdRow) bool {
	frequency, ok := scaleOf(thresholds, MetricFrequency)
	if !ok || !strings.HasPrefix(frequency.note, unitOrders+";") || strings.Contains(frequency.note, windowPrefix) {
		return false
	}
	lowest := frequency.of(1)
	return !lowest.empty && !lowest.open && lowest.from == 1 && lowest.to == 1
}

// span is a range of whole numbers, both ends in it; an open one has no upper end.
type span struct {
	from, to    int
	open, empty bool
}

func (s span) with(other span) span {
	if s.empty {
		return other
	}
	return span{from: min(s.from, other.from), to: max(s.to, other.to), open: s.open || other.open}
}

// scale is what the scores of one metric mean.
type scale struct {
	rule     string
	note     string
	bounds   []float64
	from     []float64 // of ntile
	groups   int
	smallest int // value there is
	reversed bool
}

func scaleOf(thresholds []schema.ThresholdRow, metric string) (scale, bool) {
	s := scale{smallest: 1, reversed: metric == MetricRecency}
	if s.reversed {
		s.smallest = 0
	}
	for _, row := range thresholds {
		if row.Metric != metric || row.Entity != EntityClient {
			continue
		}
		switch row.Rule {
		case methodQuantile, methodFixed, methodNtile:
			s.rule, s.note, s.bounds = row.Rule, row.Note, boundsOf(row)
			if row.Rule != methodNtile {
				s.groups = len(s.bounds) + 1
			}
		case RuleNtileFrom:
			s.from = boundsOf(row)
		case RuleNtileClients:
			s.groups = len(boundsOf(row))
		}
	}
	if s.rule == methodNtile && (len(s.from) != len(s.bounds) || s.groups < len(s.bounds)) {
		return scale{}, false
	}
	return s, len(s.bounds) > 0
}

// of is the values that get a score.
func (s scale) of(score int) span {
	group := score // counted from the smallest value
	if s.reversed {
		group = s.groups + 1 - score
	}
	if group < 1 || group > s.groups {
		return span{empty: true}
	}
	if s.rule == methodNtile {
		if group > len(s.bounds) {
			return span{empty: true} // fewer clients than groups
		}
		return span{from: whole(s.from[group-1]), to: whole(s.bounds[group-1])}
	}
	out := span{from: s.smallest, open: group == s.groups}
	if group > 1 {
		out.from = max(out.from, whole(s.bounds[group-2])+1)
	}
	if !out.open {
		out.to = whole(s.bounds[group-1])
		out.empty = out.to < out.from
	}
	return out
}

// whole is the largest whole number up to a bound; a configured bound may be
// infinite.
func whole(bound float64) int { return int(math.Floor(min(bound, math.MaxInt32))) }

// phrases are the sentences of one language, each by plural form of the number
// next to the noun; {} stands for the number or the range.
type phrases struct {
	tag                        language.Tag
	orders, orderDays, daysAgo phrase
	nobody                     string
}

type phrase struct {
	some, orMore map[plural.Form]string
}

func phrasesOf(lang string) phrases {
	if lang == russian {
		return phrases{
			tag: language.Russian, nobody: "при таких границах сюда никто не попадает",
			orders: phrase{
				some:   map[plural.Form]string{plural.One: "{} заказ", plural.Few: "{} заказа", plural.Many: "{} заказов"},
				orMore: map[plural.Form]string{plural.One: "{} заказ и больше", plural.Few: "{} заказа и больше", plural.Many: "{} заказов и больше"},
			},
			orderDays: phrase{
				some:   map[plural.Form]string{plural.One: "{} день с заказами", plural.Few: "{} дня с заказами", plural.Many: "{} дней с заказами"},
				orMore: map[plural.Form]string{plural.One: "{} день с заказами и больше", plural.Few: "{} дня с заказами и больше", plural.Many: "{} дней с заказами и больше"},
			},
			daysAgo: phrase{
				some:   map[plural.Form]string{plural.One: "{} день назад", plural.Few: "{} дня назад", plural.Many: "{} дней назад"},
				orMore: map[plural.Form]string{plural.One: "{} день назад и раньше", plural.Few: "{} дня назад и раньше", plural.Many: "{} дней назад и раньше"},
			},
		}
	}
	return phrases{
		tag: language.English, nobody: "with these bounds nobody gets here",
		orders: phrase{
			some:   map[plural.Form]string{plural.One: "{} order", plural.Other: "{} orders"},
			orMore: map[plural.Form]string{plural.One: "{} order or more", plural.Other: "{} orders or more"},
		},
		orderDays: phrase{
			some:   map[plural.Form]string{plural.One: "{} day with orders", plural.Other: "{} days with orders"},
			orMore: map[plural.Form]string{plural.One: "{} day with orders or more", plural.Other: "{} days with orders or more"},
		},
		daysAgo: phrase{
			some:   map[plural.Form]string{plural.One: "{} day ago", plural.Other: "{} days ago"},
			orMore: map[plural.Form]string{plural.One: "{} day ago or earlier", plural.Other: "{} days ago or earlier"},
		},
	}
}

// say writes a range; the noun follows the number beside it, the last.
func (p phrases) say(s span, of phrase) string {
	templates, last := of.some, s.to
	if s.open {
		templates, last = of.orMore, s.from
	}
	numbers := p.number(last)
	if !s.open && s.from != s.to {
		numbers = p.number(s.from) + "–" + numbers
	}
	form := plural.Cardinal.MatchPlural(p.tag, last, 0, 0, 0, 0)
	if p.tag == language.English && !s.open && s.from != s.to {
		form = plural.Other // 0–1 days: CLDR's rule for English ranges, which x/text does not carry
	}
	return strings.Replace(templates[form], "{}", numbers, 1)
}

// number groups thousands with the narrow no-break space in Russian.
func (p phrases) number(n int) string {
	text := message.NewPrinter(p.tag).Sprint(n)
	return strings.ReplaceAll(text, "\u00a0", "\u202f")
}
