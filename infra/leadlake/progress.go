package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// progress tells on standard error how a long step goes: on a terminal as one
// line that overwrites itself, elsewhere as one line at the end of each step that
// took longer than a second. It is safe for concurrent use.
type progress struct {
	sys *system

	mu    sync.Mutex
	what  string
	since time.Time
	last  time.Time
	width int
}

// step ends the step before and begins the next.
func (p *progress) step(what string) {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.since, p.last = what, p.sys.Now(), time.Time{}
	p.draw("")
}

// count shows how far the step is, at most ten times a second.
func (p *progress) count(done, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.sys.Now(); now.Sub(p.last) >= time.Second/10 {
		p.last = now
		p.draw(fmt.Sprintf(" %d/%d", done, of))
	}
}

// countUp shows how far a step is whose end is not known.
func (p *progress) countUp(done int) {
	if done%1000 != 0 { // the clock is dearer than a row
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.sys.Now(); now.Sub(p.last) >= time.Second/10 {
		p.last = now
		p.draw(fmt.Sprintf(" %d", done))
	}
}

// end finishes the last step.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.what == "" {
		return
	}
	took := p.sys.Now().Sub(p.since)
	switch {
	case p.sys.StderrTerminal:
		p.draw("")
		_, _ = fmt.Fprint(p.sys.Stderr, "\r"+strings.Repeat(" ", p.width)+"\r")
	case took >= time.Second:
		_, _ = fmt.Fprintf(p.sys.Stderr, "%s: %.1f s\n", p.what, took.Seconds())
	}
	p.what, p.width = "", 0
}

func (p *progress) draw(count string) {
	if !p.sys.StderrTerminal {
		return
	}
	line := p.what + " …" + count
	width := utf8.RuneCountInString(line)
	_, _ = fmt.Fprint(p.sys.Stderr, "\r"+line+strings.Repeat(" ", max(0, p.width-width)))
	p.width = width
}
