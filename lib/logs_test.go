package lib_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// otherLoggers are the tests that may make a logger of their own, with the reason.
var otherLoggers = map[string]string{
	"lib/logtest/logtest.go":        "it makes the logger of all others",
	"lib/identity/identity_test.go": "values redact themselves under the text handler, too",
}

// Only what is logged through lib/logtest is proven to hold no personal data.
func TestTestsLogThroughLogtest(t *testing.T) {
	used := map[string]bool{}
	for _, top := range []string{"lib", "functions", "infra"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			file := strings.TrimPrefix(filepath.ToSlash(name), "../")
			if entry.IsDir() || !strings.HasSuffix(file, "_test.go") && (!strings.HasSuffix(file, ".go") || !slices.Contains(testOnly, path.Dir(file))) {
				return nil
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, found := range loggersIn(set, parsed) {
				if otherLoggers[file] == "" {
					t.Errorf("%s:%s: give the component logtest.New(t), or logtest.To(t, w) where the test reads the lines", file, found)
				}
				used[file] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for file, reason := range otherLoggers {
		if !used[file] {
			t.Errorf("%s makes no logger any more: strike its exception (%s)", file, reason)
		}
	}
}

// loggersIn finds where a file makes a logger or a handler, or takes one that
// nobody reads: line and name.
func loggersIn(set *token.FileSet, file *ast.File) []string {
	slogName := ""
	for _, spec := range file.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err != nil || imported != "log/slog" {
			continue
		}
		if slogName = "slog"; spec.Name != nil {
			slogName = spec.Name.Name
		}
	}
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, ok := selector.X.(*ast.Ident)
		if ok && slogName != "" && from.Name == slogName &&
			slices.Contains([]string{"New", "NewJSONHandler", "NewTextHandler", "NewMultiHandler", "DiscardHandler", "Default", "SetDefault"}, selector.Sel.Name) {
			found = append(found, fmt.Sprintf("%d: %s.%s", set.Position(selector.Pos()).Line, from.Name, selector.Sel.Name))
		}
		return true
	})
	if slogName == "." {
		found = append(found, "log/slog is imported with a dot")
	}
	return found
}

func TestEveryWayToAnotherLoggerIsFound(t *testing.T) {
	for body, want := range map[string]int{
		`import "log/slog"; var l = slog.New(slog.DiscardHandler)`:                         2,
		`import other "log/slog"; var l = other.New(other.NewTextHandler(nil, nil))`:       2,
		`import . "log/slog"; var l = New(DiscardHandler)`:                                 1,
		`import "log/slog"; var l = slog.Default()`:                                        1,
		`import "log/slog"; func f(l *slog.Logger) { l.Info("x", slog.String("a", "b")) }`: 0,
		`import slog "example.com/other"; var l = slog.New()`:                              0,
	} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "x_test.go", "package x; "+body, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if found := loggersIn(set, file); len(found) != want {
			t.Errorf("%s: %q, want %d", body, found, want)
		}
	}
}
