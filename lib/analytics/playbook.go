package analytics

import (
	"fmt"
	"slices"

	"github.com/leadlake/leadlake/lib/config"
)

// Advice is what is said to people about the clients of a segment, in plain words.
type Advice struct {
	Title   string
	Meaning string // who they are
	Do      string
	DoNot   string
}

// CodeAdvice is what is said about one code.
type CodeAdvice struct {
	Meaning string
	Do      string
}

// Segment is a named group of RFM codes.
type Segment struct {
	Key   string
	Codes []string // in the order of metrics.md or of the configuration

	russian, english wording
}

// wording is an advice in one language. Once replaces what is not empty in it
// where the lowest score of F means exactly one order: only then may a text speak
// of a first or only purchase.
type wording struct{ plain, once Advice }

// Playbook says which segment a code belongs to. Every code of its number of
// groups belongs to exactly one. It is read-only.
type Playbook struct {
	groups   int
	segments []Segment
	byCode   map[string]string
}

// PlaybookOf is the playbook of a configuration: its own where it has one, else
// the eleven segments of three groups. ErrConfig where a code is covered not once,
// or where there are not three groups and no playbook is configured.
func PlaybookOf(c config.RFM) (Playbook, error) {
	p := Playbook{groups: c.Groups, segments: standard(), byCode: map[string]string{}}
	if len(c.Playbook) > 0 || c.Groups != 3 {
		p.segments = configured(c.Playbook)
	}
	for _, segment := range p.segments {
		for _, code := range segment.Codes {
			if old, ok := p.byCode[code]; ok {
				return Playbook{}, fmt.Errorf("%w: rfm.playbook covers code %s twice, by %s and %s", ErrConfig, code, old, segment.Key)
			}
			p.byCode[code] = segment.Key
		}
	}
	for _, code := range codes(c.Groups) {
		if p.byCode[code] == "" {
			return Playbook{}, fmt.Errorf("%w: rfm.playbook does not cover code %s", ErrConfig, code)
		}
	}
	if want := c.Groups * c.Groups * c.Groups; len(p.byCode) != want {
		return Playbook{}, fmt.Errorf("%w: rfm.playbook names %d codes, %d groups have %d", ErrConfig, len(p.byCode), c.Groups, want)
	}
	return p, nil
}

// configured turns the rules of the file into segments. A rule with a key of the
// standard playbook inherits its words, since the key means the same clients.
func configured(rules []config.PlaybookRule) []Segment {
	var segments []Segment
	for _, rule := range rules {
		segment := Segment{Key: rule.Segment}
		for _, known := range standard() {
			if known.Key == rule.Segment {
				segment = known
			}
		}
		segment.Codes = slices.Clone(rule.Codes)
		for _, of := range []struct {
			words *wording
			title string
		}{{&segment.russian, rule.Title["ru"]}, {&segment.english, rule.Title["en"]}} {
			if of.title == "" && of.words.plain.Title == "" {
				of.title = rule.Segment
			}
			if of.title != "" {
				of.words.plain.Title, of.words.once.Title = of.title, ""
			}
		}
		segments = append(segments, segment)
	}
	return segments
}

// Segments lists the segments in the order of the playbook, best clients first.
func (p Playbook) Segments() []Segment { return slices.Clone(p.segments) }

// SegmentOf is the segment of a code; "" for what is no code of the playbook.
func (p Playbook) SegmentOf(code string) string { return p.byCode[code] }

// SegmentOf is the segment of a code of three groups in the standard playbook; ""
// for anything else. Who asks for many codes, or has a configuration, makes a
// [Playbook].
func SegmentOf(code string) string {
	for _, segment := range standard() {
		if slices.Contains(segment.Codes, code) {
			return segment.Key
		}
	}
	return ""
}

// Advice is the words for people in Russian ("ru") or English (anything else).
// once tells that the lowest score of F is exactly one order, see [FirstMeansOne].
// Segments of the owner's own have a title only.
func (s Segment) Advice(language string, once bool) Advice {
	words := s.english
	if language == russian {
		words = s.russian
	}
	advice := words.plain
	if once {
		for _, of := range []struct {
			field *string
			value string
		}{{&advice.Title, words.once.Title}, {&advice.Meaning, words.once.Meaning}, {&advice.Do, words.once.Do}} {
			if of.value != "" {
				*of.field = of.value
			}
		}
	}
	return advice
}

// AdviceFor is the words for one of the 27 codes of three groups, for language and
// once as in [Segment.Advice]; false for any other code.
func AdviceFor(code, language string, once bool) (CodeAdvice, bool) {
	all := codeAdviceEnglish()
	if language == russian {
		all = codeAdviceRussian()
	}
	for _, known := range all {
		if known.code != code {
			continue
		}
		advice := CodeAdvice{Meaning: known.meaning, Do: known.do}
		if once && known.once != "" {
			advice.Meaning = known.once
		}
		return advice, true
	}
	return CodeAdvice{}, false
}

// codeWords is a code's advice; once replaces meaning as in wording.
type codeWords struct{ code, meaning, once, do string }

const russian = "ru"

// codes is every code of k groups in ascending order.
func codes(k int) []string {
	all := make([]string, 0, k*k*k)
	for r := range k {
		for f := range k {
			for m := range k {
				all = append(all, string([]byte{digit(r), digit(f), digit(m)}))
			}
		}
	}
	return all
}

func digit(i int) byte { return "123456789"[i] }
