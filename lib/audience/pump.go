package audience

import (
	"runtime"
	"sync"
)

// pump moves contacts through a pass. Who has them fills one batch, workers make rows
// of others at the same time, and one goroutine takes what they made in the order of
// the contacts, so that the bytes do not depend on who was quicker or how many they
// are (TestBytesDoNotDependOnTheProcessors). All memory is that of a few batches, used
// again and again.
type pump struct {
	free, work, order chan *batch
	stop              chan struct{} // closed when what was made could not be taken
	failed            error         // why; read after the pass
	at                *batch        // is filled
	n                 int           // contacts in it
}

// batch is some contacts on their way, with what became of them for each job.
type batch struct {
	contacts []Contact
	made     []encoded // one a job
	ready    chan struct{}
}

// pass feeds contacts to the writers. Feed puts each contact into the slot that next
// gives, which holds an earlier contact; nil says that the pass has failed.
func pass(writers []*writer, feed func(next func() *Contact) error) error {
	workers := runtime.GOMAXPROCS(0)
	batches := 2*workers + 4
	p := pump{
		free: make(chan *batch, batches), work: make(chan *batch, batches), order: make(chan *batch, batches),
		stop: make(chan struct{}),
	}
	for range batches {
		b := &batch{contacts: make([]Contact, batchSize), made: make([]encoded, len(writers)), ready: make(chan struct{}, 1)}
		for i := range b.made {
			b.made[i].values = map[Reason]int{}
		}
		p.free <- b
	}
	var group sync.WaitGroup
	for range workers {
		group.Go(func() { p.encode(writers) })
	}
	group.Go(func() { p.absorb(writers) })
	fault := p.feed(feed)
	close(p.work)
	close(p.order)
	group.Wait()
	if p.failed != nil {
		return p.failed
	}
	return fault
}

func (p *pump) encode(writers []*writer) {
	encoders := make([]*encoder, len(writers))
	for i, w := range writers {
		encoders[i] = newEncoder(w)
	}
	for b := range p.work {
		for i, e := range encoders {
			e.batch(b.contacts, &b.made[i])
		}
		b.ready <- struct{}{}
	}
}

func (p *pump) absorb(writers []*writer) {
	for b := range p.order {
		<-b.ready
		for i, w := range writers {
			if p.failed == nil {
				if p.failed = w.absorb(&b.made[i]); p.failed != nil {
					close(p.stop)
				}
			}
		}
		p.free <- b
	}
}

func (p *pump) feed(feed func(next func() *Contact) error) error {
	stopped := false
	err := feed(func() *Contact {
		if stopped {
			return nil
		}
		if p.at != nil && p.n == batchSize {
			p.send()
		}
		if p.at == nil {
			select {
			case <-p.stop:
				stopped = true
				return nil
			case p.at = <-p.free:
			}
			p.n = 0
		}
		p.n++
		return &p.at.contacts[p.n-1]
	})
	if err == nil && p.at != nil {
		p.send()
	}
	return err
}

// send hands the batch at hand on.
func (p *pump) send() {
	p.at.contacts = p.at.contacts[:p.n]
	p.work <- p.at
	p.order <- p.at
	p.at = nil
}
