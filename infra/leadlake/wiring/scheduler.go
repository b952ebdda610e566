package wiring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Job runs a function once with the input of its schedule. It may be called again
// with the same input, after a failure or a restart; every step of Leadlake allows that.
type Job func(ctx context.Context, input json.RawMessage) error

// Memory remembers across restarts when each schedule last ran, by [Schedule.ID].
type Memory interface {
	// LastRuns returns all that is known; an empty map at first.
	LastRuns(ctx context.Context) (map[string]time.Time, error)
	// Ran keeps the time at which the schedule was due whose run has just ended.
	Ran(ctx context.Context, id string, due time.Time) error
}

// Scheduler runs the schedules of a template in one process, as EventBridge
// Scheduler and Lambda do in the cloud:
//
//   - A run that was missed while the process was down is made up for once, at the start.
//     A schedule that never ran begins to count at the start.
//   - A schedule never overlaps itself; what fell due meanwhile runs once.
//   - cron and at schedules run one at a time, in the order in which they fell due: the
//     night's steps follow one another even when one takes longer than the gap between
//     them. Each rate schedule keeps its own pace.
//   - A failed run is tried twice more, after one and two minutes, as Lambda does with
//     asynchronous calls; then it is logged and the next one comes when it is due.
type Scheduler struct {
	Schedules []Schedule
	Jobs      map[string]Job // by function; each schedule needs one
	Memory    Memory
	Now       func() time.Time
	Logger    *slog.Logger
}

const (
	// The clock is looked at this often at least: a laptop sleeps, and clocks are set.
	look = time.Minute
	// Lambda's waits between the attempts of an asynchronous call.
	firstWait, secondWait = time.Minute, 2 * time.Minute
)

// Run blocks until ctx is cancelled and the runs under way have ended. It returns
// nil then, or what made it impossible to begin. A run that the end interrupted is
// not remembered, so the next start makes up for it.
func (s *Scheduler) Run(ctx context.Context) error {
	for _, schedule := range s.Schedules {
		if s.Jobs[schedule.Function] == nil {
			return fmt.Errorf("wiring: schedule %s: no job for %s", schedule.ID(), schedule.Function)
		}
	}
	last, err := s.Memory.LastRuns(ctx)
	if err != nil {
		return fmt.Errorf("wiring: read the last runs: %w", err)
	}
	var lanes [][]*pending
	var clock []*pending
	started := s.Now()
	for _, schedule := range s.Schedules {
		p := &pending{Schedule: schedule, last: last[schedule.ID()]}
		if p.last.IsZero() {
			p.last = started
		}
		if schedule.Rate() {
			lanes = append(lanes, []*pending{p})
		} else {
			clock = append(clock, p)
		}
	}
	if len(clock) > 0 {
		lanes = append(lanes, clock)
	}
	var running sync.WaitGroup
	for _, lane := range lanes {
		running.Go(func() { s.lane(ctx, lane) })
	}
	running.Wait()
	return nil
}

// pending is a schedule and the time from which its next run counts.
type pending struct {
	Schedule
	last time.Time
}

// lane runs what is due in it, one at a time, earliest first.
func (s *Scheduler) lane(ctx context.Context, lane []*pending) {
	for ctx.Err() == nil {
		var first *pending
		var due time.Time
		for _, p := range lane {
			if next := p.Next(p.last); !next.IsZero() && (first == nil || next.Before(due)) {
				first, due = p, next
			}
		}
		if first == nil {
			return // only at(…) in the past
		}
		if wait := due.Sub(s.Now()); wait > 0 {
			sleep(ctx, min(wait, look))
			continue
		}
		// However many were missed, one run makes up for them: the latest that was due.
		for next := first.Next(due); !first.Rate() && !next.IsZero() && !next.After(s.Now()); next = first.Next(next) {
			due = next
		}
		if first.Rate() {
			due = s.Now()
		}
		s.run(ctx, first.Schedule, due)
		first.last = due
	}
}

func (s *Scheduler) run(ctx context.Context, schedule Schedule, due time.Time) {
	id := schedule.ID()
	began := s.Now()
	err := s.Jobs[schedule.Function](ctx, schedule.Input)
	for _, wait := range []time.Duration{firstWait, secondWait} {
		if err == nil || ctx.Err() != nil {
			break
		}
		s.Logger.WarnContext(ctx, "scheduled run failed, trying again", "schedule", id, "error", err, "wait_ms", wait.Milliseconds())
		sleep(ctx, wait)
		if ctx.Err() == nil {
			err = s.Jobs[schedule.Function](ctx, schedule.Input)
		}
	}
	if ctx.Err() != nil && err != nil {
		return
	}
	took := s.Now().Sub(began).Milliseconds()
	// The run is over even if the end of the process arrives now, so it is remembered regardless.
	if saveErr := s.Memory.Ran(context.WithoutCancel(ctx), id, due); saveErr != nil {
		err = errors.Join(err, fmt.Errorf("remember the run: %w", saveErr))
	}
	if err != nil {
		s.Logger.ErrorContext(ctx, "scheduled run failed", "schedule", id, "error", err, "took_ms", took)
		return
	}
	s.Logger.InfoContext(ctx, "scheduled run done", "schedule", id, "took_ms", took)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
