package pipeline

import (
	"errors"
	"strings"
)

// column is texts one after the other.
type column struct {
	text  string
	n     int
	width int      // of every text; 0: they differ, and ends say where each ends
	ends  []uint32 // text i is text[ends[i-1]:ends[i]]
}

func (c *column) at(i int) string {
	if c.width > 0 {
		return c.text[i*c.width : (i+1)*c.width]
	}
	from := uint32(0)
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.text[from:c.ends[i]]
}

// columnBuilder makes a column. A keyed token has as many letters as every other.
type columnBuilder struct {
	text   strings.Builder
	expect int // how many there will be
	n      int
	width  int
	ends   []uint32
}

func (b *columnBuilder) add(text string) {
	switch {
	case b.n == 0 && text != "":
		b.width = len(text)
		b.text.Grow(b.expect * b.width)
	case b.width > 0 && len(text) != b.width:
		for i := range b.n {
			b.ends = append(b.ends, uint32((i+1)*b.width)) //nolint:gosec // G115: as below
		}
		b.width = 0
	}
	b.text.WriteString(text)
	b.n++
	if b.width == 0 {
		b.ends = append(b.ends, uint32(b.text.Len())) //nolint:gosec // G115: 4 GB of tokens are 150 million
	}
}

func (b *columnBuilder) column() column {
	return column{text: b.text.String(), n: b.n, width: b.width, ends: b.ends}
}

// find is the first text of those from one number up to another that is not before a
// text, if it is that text.
func (c *column) find(text string, from, to uint32) (int, bool) {
	end := to
	for from < to {
		if middle := from + (to-from)/2; c.at(int(middle)) < text {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return int(from), from < end && c.at(int(from)) == text
}

// places say where to look for a text in a rising column, as the tabs of a dictionary
// do: the texts of each first letter have as many places as they are by two, evenly
// cut by the letters that follow. Tokens are random behind the first letter, so that a
// place has two of them. Texts that are not are found as well, by more steps.
type places struct {
	begins []uint32    // of each place, and of the end: the first text that is not before it
	first  [256]uint32 // by first letter: its first place
	many   [256]uint32 // likewise: how many places it has
}

// errUnordered says that texts do not rise.
var errUnordered = errors.New("the tokens are not in order")

// placesOf makes the places of a column, which must not fall.
func placesOf(c *column) (places, error) {
	var p places
	last := ""
	for i := range c.n {
		text := c.at(i)
		if text < last {
			return p, errUnordered
		}
		p.many[firstLetter(text)]++
		last = text
	}
	all := uint32(0)
	for letter, texts := range p.many {
		p.first[letter], p.many[letter] = all, texts/2+1
		all += p.many[letter]
	}
	p.begins = make([]uint32, all+1)
	next := uint32(0)
	for i := range c.n {
		for place := p.of(c.at(i)); next <= place; next++ {
			p.begins[next] = uint32(i)
		}
	}
	for ; next <= all; next++ {
		p.begins[next] = uint32(c.n) //nolint:gosec // G115: likewise
	}
	return p, nil
}

// of is the place of a text. Of two texts the lesser one never has the greater place.
func (p *places) of(text string) uint32 {
	const letters, width = 6, 5 // that are looked at, and the bits of one
	first := firstLetter(text)
	share, rank := uint64(0), uint8(0) // of the texts of that letter that are before it, by 2³⁰, if they are random
	for i := range letters {
		if i+1 >= len(text) || rank&foreign != 0 { // what follows a foreign letter is all at one place
			share <<= width * (letters - i)
			break
		}
		rank = tokenRanks[text[i+1]]
		share = share<<width + uint64(rank&^foreign)
	}
	share = min(share, 1<<(letters*width)-1)
	return p.first[first] + uint32(share*uint64(p.many[first])>>(letters*width)) //nolint:gosec // G115: less than there are
}

func firstLetter(text string) byte {
	if text == "" {
		return 0
	}
	return text[0]
}

// foreign marks a letter that no token has.
const foreign = 0x80

// tokenRanks is how many of the letters that tokens are made of are before a letter.
var tokenRanks = func() (ranks [256]uint8) { //nolint:gochecknoglobals // a constant table
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz" // as in lib/identity; of another one the places are only less even
	for letter := range ranks {
		ranks[letter] = foreign
		for i := range len(alphabet) {
			switch {
			case int(alphabet[i]) < letter:
				ranks[letter]++
			case int(alphabet[i]) == letter:
				ranks[letter] &^= foreign
			}
		}
	}
	return ranks
}()
