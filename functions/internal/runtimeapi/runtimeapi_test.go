package runtimeapi_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/leadlake/leadlake/functions/internal/runtimeapi"
)

// The test's own program is the function under test when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(misbehave)
	}
	os.Exit(m.Run())
}

type order struct{ Do, Say string }

type answer struct {
	Said  string
	Calls int
	Left  time.Duration
}

var calls int

func misbehave(ctx context.Context, o order) (answer, error) {
	calls++
	switch o.Do {
	case "fail":
		return answer{}, errors.New(o.Say)
	case "panic":
		panic(o.Say)
	case "exit":
		os.Exit(3)
	case "hang":
		<-make(chan struct{})
	case "environment":
		return answer{Said: strings.Join(os.Environ(), "\n")}, nil
	}
	deadline, _ := ctx.Deadline()
	return answer{Said: o.Say, Calls: calls, Left: time.Until(deadline)}, nil
}

func start(t *testing.T) *runtimeapi.Function {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEADLAKE_LEAK", "must not arrive")
	return runtimeapi.Start(t, program, map[string]string{"LEADLAKE_GIVEN": "yes"})
}

func TestOneInstanceAnswersManyEvents(t *testing.T) {
	function := start(t)
	for want := 1; want <= 3; want++ {
		var got answer
		if err := function.Invoke(t.Context(), order{Say: "да"}, &got); err != nil {
			t.Fatal(err)
		}
		if got.Said != "да" || got.Calls != want || got.Left <= 0 || got.Left > runtimeapi.Timeout {
			t.Errorf("call %d: %+v", want, got)
		}
	}
	function.Kill()
	var got answer
	if err := function.Invoke(t.Context(), order{}, &got); err != nil || got.Calls != 1 {
		t.Errorf("after a kill: %+v, %v, want a fresh instance", got, err)
	}
}

func TestAFunctionsErrorIsItsOwn(t *testing.T) {
	function := start(t)
	err := function.Invoke(t.Context(), order{Do: "fail", Say: "no run yet"}, nil)
	if fault, ok := errors.AsType[*runtimeapi.FunctionError](err); !ok || fault.Message != "no run yet" {
		t.Errorf("error %v, want the function's own", err)
	}
	var got answer
	if err := function.Invoke(t.Context(), order{}, &got); err != nil || got.Calls != 2 {
		t.Errorf("after an error: %+v, %v, want the same instance", got, err)
	}
}

func TestADeadInstanceIsReplaced(t *testing.T) {
	function := start(t)
	for _, do := range []string{"panic", "exit"} {
		if err := function.Invoke(t.Context(), order{Do: do, Say: "x"}, nil); err == nil {
			t.Errorf("%s: no error", do)
		}
		var got answer
		if err := function.Invoke(t.Context(), order{Say: "again"}, &got); err != nil || got.Said != "again" || got.Calls != 1 {
			t.Errorf("after %s: %+v, %v, want a fresh instance", do, got, err)
		}
	}
}

func TestAHangingInstanceIsKilled(t *testing.T) {
	function := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := function.Invoke(ctx, order{Do: "hang"}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want DeadlineExceeded", err)
	}
	var got answer
	if err := function.Invoke(t.Context(), order{}, &got); err != nil || got.Calls != 1 {
		t.Errorf("after a kill: %+v, %v, want a fresh instance", got, err)
	}
}

func TestTheEnvironmentIsGivenNotInherited(t *testing.T) {
	var got answer
	if err := start(t).Invoke(t.Context(), order{Do: "environment"}, &got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.Said, "LEADLAKE_GIVEN=yes") || strings.Contains(got.Said, "LEADLAKE_LEAK") {
		t.Errorf("environment of the function:\n%s", got.Said)
	}
}
