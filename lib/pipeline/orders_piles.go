package pipeline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// piles are bytes that are put on one of several piles and later taken pile by pile.
// Beyond a bound they lie in temporary files, one for each pile, which have no name
// once they are open: of a process that is killed nothing is left. They are safe for
// concurrent use.
type piles struct {
	mu    sync.Mutex
	of    [orderBuckets]pile
	held  int // bytes in memory
	bound int
	files bool     // some lie in files
	spare [][]byte // blocks of those, to be used again
}

// pile is one of them: what lies in its file comes before what is in memory.
type pile struct {
	blocks [][]byte
	size   int // bytes in memory
	file   *scratchFile
}

// pileBlock is the size of a block of memory that a pile grows by.
const pileBlock = 64 << 10

// add puts bytes on a pile, which holds on to none of them.
func (p *piles) add(number int, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	pile := &p.of[number]
	if last := len(pile.blocks) - 1; last < 0 || len(pile.blocks[last])+len(data) > pileBlock {
		var block []byte // the first one grows: most shops are small
		if n := len(p.spare); n > 0 {
			block, p.spare = p.spare[n-1], p.spare[:n-1]
		} else if last >= 0 || pile.file != nil {
			block = make([]byte, 0, pileBlock)
		}
		pile.blocks = append(pile.blocks, block)
	}
	last := len(pile.blocks) - 1
	pile.blocks[last] = append(pile.blocks[last], data...)
	pile.size += len(data)
	if p.held += len(data); p.held <= p.bound {
		return nil
	}
	return p.file()
}

// file moves all that is in memory to the files.
func (p *piles) file() error {
	p.files = true
	for i := range p.of {
		pile := &p.of[i]
		if pile.size == 0 {
			continue
		}
		if pile.file == nil {
			file, err := newScratchFile()
			if err != nil {
				return err
			}
			pile.file = file
		}
		if err := pile.file.add(pile.blocks); err != nil {
			return err
		}
		for _, block := range pile.blocks {
			if cap(block) == pileBlock {
				p.spare = append(p.spare, block[:0])
			}
		}
		clear(pile.blocks)
		pile.blocks, pile.size = pile.blocks[:0], 0
	}
	p.held = 0
	return nil
}

// whole ends the adding: where some lie in files all do, so that memory is free for
// what is made of them.
func (p *piles) whole() error {
	if !p.files {
		return nil
	}
	err := p.file()
	p.spare = nil
	return err
}

// take is all of a pile, in the order in which it was put there. The pile is empty
// then.
func (p *piles) take(number int) (string, error) {
	p.mu.Lock()
	taken := p.of[number]
	p.of[number] = pile{}
	p.held -= taken.size
	p.mu.Unlock()
	var all strings.Builder
	all.Grow(taken.bytes())
	if taken.file != nil {
		if err := errors.Join(taken.file.read(&all), taken.file.close()); err != nil {
			return "", err
		}
	}
	for i, block := range taken.blocks {
		all.Write(block)
		taken.blocks[i] = nil
	}
	return all.String(), nil
}

func (p *pile) bytes() int {
	size := p.size
	if p.file != nil {
		size += p.file.size
	}
	return size
}

// each calls do for every pile, side by side where memory allows for it: what is made
// of a pile is at times as large as that.
func (p *piles) each(do func(number int) error) error {
	largest := 1
	for i := range p.of {
		largest = max(largest, p.of[i].bytes())
	}
	return eachBucketBy(max(1, min(workers(), p.bound/largest/2)), func(_, number int) error { return do(number) })
}

// close gives the files back.
func (p *piles) close() error {
	var faults []error
	for i := range p.of {
		if file := p.of[i].file; file != nil {
			faults = append(faults, file.close())
		}
		p.of[i] = pile{}
	}
	return errors.Join(faults...)
}

// scratchFile is a temporary file without a name.
type scratchFile struct {
	*os.File

	size int
	name string // on systems that keep the name of an open file until it is closed
}

func newScratchFile() (*scratchFile, error) {
	file, err := os.CreateTemp("", "leadlake-orders-*")
	if err != nil {
		return nil, fmt.Errorf("pipeline: temporary file of orders: %w", err)
	}
	scratch := &scratchFile{File: file}
	if os.Remove(file.Name()) != nil {
		scratch.name = file.Name()
	}
	return scratch, nil
}

// add appends blocks.
func (s *scratchFile) add(blocks [][]byte) error {
	for _, block := range blocks {
		n, err := s.Write(block)
		s.size += n
		if err != nil {
			return fmt.Errorf("pipeline: temporary file of orders: %w", err)
		}
	}
	return nil
}

// read appends all of the file to a text.
func (s *scratchFile) read(all *strings.Builder) error {
	n, err := io.Copy(all, io.NewSectionReader(s, 0, int64(s.size)))
	if err == nil && n < int64(s.size) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("pipeline: temporary file of orders: %w", err)
	}
	return nil
}

func (s *scratchFile) close() error {
	err := s.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
	}
	return err
}
