package wiring_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadlake/leadlake/lib/logtest"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/infra/leadlake/wiring"
)

// memory is a Memory that forgets with the test.
type memory struct {
	sync.Mutex
	runs map[string]time.Time
}

func (m *memory) LastRuns(context.Context) (map[string]time.Time, error) {
	m.Lock()
	defer m.Unlock()
	return maps.Clone(m.runs), nil
}

func (m *memory) Ran(_ context.Context, id string, due time.Time) error {
	m.Lock()
	defer m.Unlock()
	m.runs[id] = due
	return nil
}

// journal records what ran when. synctest's clock begins on 2000-01-01 at midnight UTC.
type journal struct {
	sync.Mutex
	lines []string
}

func (j *journal) add(what string) {
	j.Lock()
	defer j.Unlock()
	j.lines = append(j.lines, time.Now().UTC().Format("02 15:04 ")+what)
}

func (j *journal) job(name string, takes time.Duration) wiring.Job {
	return func(ctx context.Context, _ json.RawMessage) error {
		j.add(name)
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
}

func schedule(t *testing.T, function, name, expression string) wiring.Schedule {
	t.Helper()
	s, err := wiring.ParseSchedule(expression, "")
	if err != nil {
		t.Fatal(err)
	}
	s.Function, s.Name, s.Input = function, name, json.RawMessage("{}")
	return s
}

// run lets the scheduler work for as long as told and waits until it has ended.
func run(t *testing.T, s *wiring.Scheduler, lasts time.Duration) {
	t.Helper()
	s.Now, s.Logger = time.Now, logtest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestSchedulesRunWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		m := &memory{runs: map[string]time.Time{}}
		run(t, &wiring.Scheduler{
			Schedules: []wiring.Schedule{schedule(t, "compact", "E", "rate(5 minutes)"), schedule(t, "analytics", "N", "cron(12 0 * * ? *)")},
			Jobs:      map[string]wiring.Job{"compact": j.job("compact", time.Second), "analytics": j.job("analytics", time.Minute)},
			Memory:    m,
		}, 16*time.Minute)
		want := []string{"01 00:05 compact", "01 00:10 compact", "01 00:12 analytics", "01 00:15 compact"}
		if diff := cmp.Diff(want, j.lines); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		if due := m.runs["analytics/N"].UTC().Format("02 15:04"); due != "01 00:12" {
			t.Errorf("the night is remembered as due at %s", due)
		}
	})
}

func TestAMissedRunIsMadeUpForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		long := time.Now().Add(-72 * time.Hour) // three nights and hundreds of compactions ago
		run(t, &wiring.Scheduler{
			Schedules: []wiring.Schedule{schedule(t, "compact", "E", "rate(5 minutes)"), schedule(t, "analytics", "N", "cron(0 3 * * ? *)")},
			Jobs:      map[string]wiring.Job{"compact": j.job("compact", 0), "analytics": j.job("analytics", 0)},
			Memory:    &memory{runs: map[string]time.Time{"compact/E": long, "analytics/N": long}},
		}, 4*time.Minute)
		got := map[string]int{}
		for _, line := range j.lines {
			got[line]++
		}
		if diff := cmp.Diff(map[string]int{"01 00:00 compact": 1, "01 00:00 analytics": 1}, got); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestTheNightsStepsFollowOneAnotherAndNothingOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		run(t, &wiring.Scheduler{
			Schedules: []wiring.Schedule{
				schedule(t, "export", "N", "cron(0 2 * * ? *)"), schedule(t, "analytics", "N", "cron(0 1 * * ? *)"), schedule(t, "compact", "E", "rate(30 minutes)"),
			},
			Jobs: map[string]wiring.Job{
				"analytics": j.job("analytics", 90*time.Minute), // longer than the gap to export
				"export":    j.job("export", time.Minute),
				"compact":   j.job("compact", 45*time.Minute), // longer than its own distance
			},
			Memory: &memory{runs: map[string]time.Time{}},
		}, 3*time.Hour)
		want := []string{"01 00:30 compact", "01 01:00 analytics", "01 01:15 compact", "01 02:00 compact", "01 02:30 export", "01 02:45 compact"}
		if diff := cmp.Diff(want, j.lines); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestAFailedRunIsTriedTwiceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		m := &memory{runs: map[string]time.Time{}}
		run(t, &wiring.Scheduler{
			Schedules: []wiring.Schedule{schedule(t, "compact", "E", "rate(1 hour)")},
			Jobs: map[string]wiring.Job{"compact": func(context.Context, json.RawMessage) error {
				j.add("compact")
				return errors.New("the store does not answer")
			}},
			Memory: m,
		}, 2*time.Hour+time.Minute/2)
		want := []string{"01 01:00 compact", "01 01:01 compact", "01 01:03 compact", "01 02:00 compact"}
		if diff := cmp.Diff(want, j.lines); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestAnInterruptedRunIsMadeUpForAtTheNextStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		m := &memory{runs: map[string]time.Time{}}
		start := func(lasts time.Duration) {
			run(t, &wiring.Scheduler{
				Schedules: []wiring.Schedule{schedule(t, "analytics", "N", "cron(0 1 * * ? *)")},
				Jobs:      map[string]wiring.Job{"analytics": j.job("analytics", time.Hour)},
				Memory:    m,
			}, lasts)
		}
		m.runs["analytics/N"] = time.Now()
		start(90 * time.Minute) // the night begins at 01:00 and is cut at 01:30
		start(2 * time.Hour)
		want := []string{"01 01:00 analytics", "01 01:30 analytics"}
		if diff := cmp.Diff(want, j.lines); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

func TestAScheduleWithoutAJobIsRefused(t *testing.T) {
	s := &wiring.Scheduler{Schedules: []wiring.Schedule{schedule(t, "compact", "E", "rate(5 minutes)")}, Memory: &memory{}, Now: time.Now}
	if err := s.Run(t.Context()); err == nil {
		t.Error("Run accepted a schedule that nothing serves")
	}
}
