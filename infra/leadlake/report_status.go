package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/spreadsheet"
)

// statuses translates the words of files. Words of the command line and of the
// configuration go before the known ones.
type statuses struct {
	words   spreadsheet.StatusWords
	unknown map[string]int // as written → rows
}

func newStatuses(configured map[string]string, flags pairFlag) statuses {
	s := statuses{words: spreadsheet.NewStatusWords(), unknown: map[string]int{}}
	for _, own := range []map[string]string{configured, flags} {
		for word, status := range own {
			s.words.Set(word, status)
		}
	}
	return s
}

// of is the status of a word; false for one that is not known, which is
// remembered.
func (s statuses) of(word string) (string, bool) {
	status, ok := s.words.Of(word)
	if !ok {
		s.unknown[strings.Join(strings.Fields(word), " ")]++
	}
	return status, ok
}

// ask is the question about the words that were not understood; nil for none.
func (s statuses) ask(file, column string) error {
	if len(s.unknown) == 0 {
		return nil
	}
	words := slices.SortedFunc(maps.Keys(s.unknown), func(a, b string) int {
		if s.unknown[a] != s.unknown[b] {
			return s.unknown[b] - s.unknown[a]
		}
		return strings.Compare(a, b)
	})
	const shown = 8
	var list []string
	for _, word := range words[:min(shown, len(words))] {
		list = append(list, fmt.Sprintf("%q (%d rows)", word, s.unknown[word]))
	}
	more := ""
	if len(words) > shown {
		more = fmt.Sprintf(" and %d more", len(words)-shown)
	}
	place := file
	if column != "" {
		place += fmt.Sprintf(", column %q", column)
	}
	return fmt.Errorf("%s: what do these order statuses mean: %s%s? Say it with -status %q for each, one of new, paid, shipped, completed, cancelled, returned",
		place, strings.Join(list, ", "), more, words[0]+"=completed")
}

// checkStatuses refuses a -status flag that names no status.
func checkStatuses(flags pairFlag) error {
	for _, word := range slices.Sorted(maps.Keys(flags)) {
		if event.StatusRank(flags[word]) < 0 {
			return wrongUse("report: -status %s=%s: one of new, paid, shipped, completed, cancelled, returned", word, flags[word])
		}
	}
	return nil
}
