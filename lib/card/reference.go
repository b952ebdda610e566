package card

// lead finds whom each reference leads to: a token that it was first stated with.
// A person who links goes before a value that links nothing, and any person
// before another reference. A reference is led once, so it joins nobody.
func (w *resolution) lead() {
	w.leads = make([]link, w.referencesEnd-w.references)
	for i := range w.leads {
		w.leads[i].token = -1
	}
	w.leadToPersons()
	w.leadToReferences()
}

func (w *resolution) isReference(n int32) bool { return n >= w.references && n < w.referencesEnd }

func (w *resolution) leadToPersons() {
	for _, set := range w.order {
		own, other := w.personsOf(set)
		if own < 0 && other < 0 {
			continue
		}
		for _, n := range w.sets.of(set) {
			if !w.isReference(n) {
				continue
			}
			l := &w.leads[n-w.references]
			switch {
			case own >= 0 && (l.token < 0 || !w.mayLink(l.with)):
				*l = link{token: n, with: own, set: set}
			case own < 0 && l.token < 0:
				*l = link{token: n, with: other, set: set}
			}
		}
	}
}

// personsOf is the first token of a set that links, and the first that stands for
// a person but links nothing; −1 for none.
func (w *resolution) personsOf(set int32) (own, other int32) {
	own, other = -1, -1
	for _, n := range w.sets.of(set) {
		switch {
		case w.mayLink(n):
			if own < 0 {
				own = n
			}
		case !w.isReference(n) && other < 0:
			other = n
		}
	}
	return own, other
}

// leadToReferences leads those that no person was ever stated with: a deal made of
// an inquiry goes where the inquiry went.
func (w *resolution) leadToReferences() {
	placed := make([]bool, len(w.leads))
	for i, l := range w.leads {
		placed[i] = l.token >= 0
	}
	for _, set := range w.order {
		base, waiting := int32(-1), 0
		for _, n := range w.sets.of(set) {
			if !w.isReference(n) {
				continue
			}
			if !placed[n-w.references] {
				waiting++
			}
			if base < 0 || !placed[base-w.references] && placed[n-w.references] {
				base = n
			}
		}
		if waiting == 0 {
			continue
		}
		for _, n := range w.sets.of(set) {
			if w.isReference(n) && n != base && !placed[n-w.references] {
				w.leads[n-w.references], placed[n-w.references] = link{token: n, with: base, set: set}, true
			}
		}
		placed[base-w.references] = true
	}
}

// findSeveral marks the references that several clients have part in, by the
// values that link; where none was stated, by the others.
func (w *resolution) findSeveral() {
	const nobody, several = -1, -2
	own, other := make([]int32, len(w.leads)), make([]int32, len(w.leads))
	for i := range own {
		own[i], other[i] = nobody, nobody
	}
	part := func(of []int32, reference, client int32) {
		switch known := of[reference-w.references]; known {
		case nobody:
			of[reference-w.references] = client
		case client, several:
		default:
			of[reference-w.references] = several
		}
	}
	for set := range w.sets.ends {
		members := w.sets.of(int32(set)) //nolint:gosec // G115: as in recordSets.add
		for _, n := range members {
			if !w.isReference(n) {
				continue
			}
			for _, person := range members {
				switch {
				case w.isReference(person):
				case w.mayLink(person):
					part(own, n, w.find(person))
				default:
					part(other, n, w.find(person))
				}
			}
		}
	}
	for i := range own {
		if own[i] == several || own[i] == nobody && other[i] == several {
			w.marks[int(w.references)+i] |= markSeveral
		}
	}
}
