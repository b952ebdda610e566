package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// load is one run of the generator: an open loop. Delivery i is due at i/rate
// after the start whatever became of those before it, and its latency counts
// from then: a server that stalls is charged for everything that was due
// meanwhile, not for the one request it held.
type load struct {
	address string // host:port
	source  string
	secret  string
	run     string
	first   int // number of the first delivery
	rate    float64
	count   int
	conns   int // connections kept alive; a delivery that finds none free waits, and that counts
}

// outcome is what became of every delivery of a load.
type outcome struct {
	took   []time.Duration // by delivery, from the intended time; 0: no answer
	status []int           // by delivery; 0: no answer
	wall   time.Duration   // from the first intended time to the last answer
}

// acknowledged lists the deliveries that were answered by 200.
func (o outcome) acknowledged() []int {
	var all []int
	for i, status := range o.status {
		if status == http.StatusOK {
			all = append(all, i)
		}
	}
	return all
}

// unanswered counts deliveries whose connection broke.
func (o outcome) unanswered() int {
	n := 0
	for _, status := range o.status {
		if status == 0 {
			n++
		}
	}
	return n
}

// sorted are the latencies of all that was acknowledged, shortest first.
func (o outcome) sorted() []time.Duration {
	all := make([]time.Duration, 0, len(o.took))
	for i, took := range o.took {
		if o.status[i] == http.StatusOK {
			all = append(all, took)
		}
	}
	slices.Sort(all)
	return all
}

// percentile is the nearest-rank percentile of sorted samples: the smallest that
// at least share of them do not exceed. None give 0.
func percentile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(share * float64(len(sorted)))
	if float64(rank) < share*float64(len(sorted)) {
		rank++
	}
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// send runs the load until every delivery was answered or given up. Latencies are
// kept whole: percentiles are exact.
func (l load) send(ctx context.Context) outcome {
	o := outcome{took: make([]time.Duration, l.count), status: make([]int, l.count)}
	due := make(chan int, l.count) // never full: the clock waits for nobody
	start := time.Now().Add(20 * time.Millisecond)
	intended := func(i int) time.Time { return start.Add(time.Duration(float64(i) / l.rate * float64(time.Second))) }
	var senders sync.WaitGroup
	for range l.conns {
		senders.Go(func() {
			s := sender{load: l, leads: newLeads(l.run, l.secret, start)}
			defer s.close()
			for i := range due {
				o.status[i] = s.deliver(ctx, l.first+i)
				if o.status[i] != 0 {
					o.took[i] = time.Since(intended(i))
				}
			}
		})
	}
	for i := range l.count {
		if wait := time.Until(intended(i)); wait > 0 {
			time.Sleep(wait)
		}
		if ctx.Err() != nil {
			break
		}
		due <- i
	}
	close(due)
	senders.Wait()
	o.wall = time.Since(start)
	return o
}

// answerTime is how long a sender waits for one answer.
const answerTime = 15 * time.Second

// sender is one connection. It speaks just enough HTTP/1.1 to cost less than what
// it measures: both share the machine.
type sender struct {
	load
	leads *leads
	conn  net.Conn
	in    *bufio.Reader
}

func (s *sender) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// deliver sends one delivery and returns the status of the answer, 0 for none.
func (s *sender) deliver(ctx context.Context, i int) int {
	if s.conn == nil {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", s.address)
		if err != nil {
			return 0
		}
		if s.conn = conn; s.in == nil {
			s.in = bufio.NewReader(conn)
		} else {
			s.in.Reset(conn)
		}
	}
	status, err := s.exchange(s.leads.request(s.address, s.source, i))
	if err != nil {
		s.close()
	}
	return status
}

// exchange writes a request and reads the whole answer. An answer that ends the
// connection comes with io.EOF.
func (s *sender) exchange(request []byte) (status int, err error) {
	if err := s.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, err
	}
	if _, err := s.conn.Write(request); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return 0, err
	}
	if response.Close {
		err = io.EOF
	}
	return response.StatusCode, err
}
