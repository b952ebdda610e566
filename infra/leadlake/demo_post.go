package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadlake/leadlake/infra/leadlake/demoshop"
)

// demoConnections is how many senders post the history at once.
const demoConnections = 4

// demoClock is the clock on which the demo receives: noon of the last day, and a
// millisecond later at every look. So the same posts get the same times on any
// machine, and posts that repeat each other stay within the window for that.
type demoClock struct {
	noon  time.Time
	looks atomic.Int64
}

func (c *demoClock) Now() time.Time {
	return c.noon.Add(time.Duration(c.looks.Add(1)) * time.Millisecond)
}

// isHistory tells the arrays of the two years from the posts of the last day.
func isHistory(post demoshop.Post) bool { return strings.HasPrefix(post.Note, "history") }

// post sends the demo's posts: the history over several connections, the last day
// in its order over one.
func (w *demoWork) post(ctx context.Context, posts iter.Seq[demoshop.Post]) error {
	w.progress.step("invent the shop")
	together, inOrder := split(posts)
	return w.send(ctx, together, inOrder)
}

// send posts to the real HTTP server, which listens on a loopback port of its own
// until all is acknowledged.
func (w *demoWork) send(ctx context.Context, together, inOrder []demoshop.Post) (err error) {
	noon, err := w.at(12)
	if err != nil {
		return err
	}
	clock := &demoClock{noon: noon}
	m, err := newMachine(w.sys, w.options.where, w.store, clock.Now, slog.LevelWarn)
	if err != nil {
		return err
	}
	handler, err := m.routes(ctx)
	if err != nil {
		return err
	}
	var network net.ListenConfig
	listener, err := network.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := newServer(ctx, handler, m.logger)
	go func() { _ = server.Serve(listener) }() // ends with Close
	transport := &http.Transport{MaxIdleConnsPerHost: demoConnections}
	defer func() {
		transport.CloseIdleConnections()
		err = errors.Join(err, server.Close())
	}()
	w.progress.step("post")
	p := &poster{
		client: &http.Client{Transport: transport}, address: "http://" + listener.Addr().String(),
		progress: w.progress, total: len(together) + len(inOrder),
	}
	if err := p.together(ctx, together); err != nil {
		return err
	}
	for _, post := range inOrder {
		if err := p.post(ctx, post); err != nil {
			return err
		}
	}
	w.posts = p.total
	return nil
}

// poster sends posts and looks at the answers.
type poster struct {
	client   *http.Client
	address  string
	progress *progress
	total    int
	done     atomic.Int64
}

// together sends posts over several connections; the first fault ends it.
func (p *poster) together(ctx context.Context, posts []demoshop.Post) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan demoshop.Post)
	var senders sync.WaitGroup
	for range demoConnections {
		senders.Go(func() {
			for post := range queue {
				if err := p.post(ctx, post); err != nil {
					stop(err)
				}
			}
		})
	}
	for _, post := range posts {
		if ctx.Err() != nil {
			break
		}
		queue <- post
	}
	close(queue)
	senders.Wait()
	return context.Cause(ctx)
}

// post sends one post. Every answer but the one that fits the post is an error:
// what was not acknowledged is not in the demo.
func (p *poster) post(ctx context.Context, post demoshop.Post) error {
	target := p.address + "/in/" + post.Source
	if post.Suffix != "" {
		target += "/" + post.Suffix
	}
	if post.Query != "" {
		target += "?" + post.Query
	}
	request, err := http.NewRequestWithContext(ctx, post.Method, target, bytes.NewReader(post.Body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", post.ContentType)
	for name, value := range post.Header {
		request.Header.Set(name, value)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("post to %s: %w", post.Source, err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("post to %s: %w", post.Source, err)
	}
	wanted := []int{http.StatusOK}
	if post.Outcome == demoshop.WasFailed { // stored all the same
		wanted = append(wanted, http.StatusBadRequest, http.StatusUnprocessableEntity)
	}
	if !slices.Contains(wanted, response.StatusCode) {
		return fmt.Errorf("post to %s (%s): answered %s", post.Source, post.Note, response.Status)
	}
	p.progress.count(int(p.done.Add(1)), p.total)
	return nil
}
