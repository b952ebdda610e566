package pipeline

import (
	"errors"
	"sync"
)

// requestsAtOnce is how many requests for small objects are on their way together:
// each costs the time of one, whatever it brings.
const requestsAtOnce = 16

// atOnce calls do with 0 … n-1, some of them at the same time, and joins the faults in
// that order.
func atOnce(n int, do func(i int) error) error {
	faults := make([]error, n)
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var all sync.WaitGroup
	for range min(requestsAtOnce, n) {
		all.Go(func() {
			for i := range next {
				faults[i] = do(i)
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}
