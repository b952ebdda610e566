package demoshop

import (
	"bytes"
	"iter"
	"net/http"
)

// batch gathers the statements of one source into an array.
type batch struct {
	source string
	bodies [][]byte
	size   int
}

func (b *batch) post(note string) Post {
	body := make([]byte, 0, b.size+len(b.bodies)+1)
	body = append(body, '[')
	body = append(body, bytes.Join(b.bodies, []byte{','})...)
	body = append(body, ']')
	return Post{
		Source: b.source, Method: http.MethodPost, ContentType: "application/json",
		Body: body, Note: note, Outcome: BecameEvents,
	}
}

// history yields all but the last day's statements as arrays, in the order of
// arrival, and one of the arrays twice.
func (s *shop) history() iter.Seq[Post] {
	return func(yield func(Post) bool) {
		today := s.calendar.at(lastDay, 0, 0, 0)
		sources := []string{SourceSite, SourceCRM, SourceCosts}
		open := map[string]*batch{}
		for _, source := range sources {
			open[source] = &batch{source: source}
		}
		resent := false
		for _, st := range s.statements {
			if st.at >= today {
				continue // posted one by one
			}
			b := open[st.source]
			if len(b.bodies) == MaxEvents || b.size+len(b.bodies)+len(st.body)+2 > MaxBytes {
				post := b.post("history")
				*b = batch{source: st.source}
				if !yield(post) {
					return
				}
				if !resent && post.Source == SourceCRM {
					resent = true
					post.Note, post.Outcome = "history, the same array again: its answer was lost on the way", WasDuplicate
					if !yield(post) {
						return
					}
				}
			}
			b.bodies = append(b.bodies, st.body)
			b.size += len(st.body)
		}
		for _, source := range sources {
			if b := open[source]; len(b.bodies) > 0 && !yield(b.post("history")) {
				return
			}
		}
	}
}

// single is one native event as a post of its own.
func single(source string, body []byte, note string) Post {
	return Post{Source: source, Method: http.MethodPost, ContentType: "application/json", Body: body, Note: note, Outcome: BecameEvents}
}

// again is a redelivery of a post.
func again(p Post) Post {
	p.Note, p.Outcome = p.Note+", delivered again", WasDuplicate
	return p
}
