package lib_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/leadlake/leadlake"

// flow is the reading order of the tree and its import rule: a package imports
// only packages above it. lib/doc.go says what each of them is for.
var flow = []string{
	"lib/money",
	"lib/identity",
	"lib/identity/phone",
	"lib/consent",
	"lib/event",
	"lib/config",
	"lib/webhook",
	"lib/spreadsheet",
	"lib/schema",
	"lib/objstore",
	"lib/objstore/storetest",
	"lib/objstore/filestore",
	"lib/objstore/s3store",
	"lib/objstore/s3store/s3test",
	"lib/lake",
	"lib/lake/columnar",
	"lib/card",
	"lib/analytics/prediction",
	"lib/analytics",
	"lib/segment",
	"lib/audience",
	"lib/handover",
	"lib/portal",
	"lib/pipeline",
	"lib/logtest",
	"functions/internal/awsjson",
	"functions/internal/boot",
	"functions/internal/invoke",
	"functions/internal/edge",
	"functions/internal/runtimeapi",
	"functions/internal/sqstest",
	"functions/ingest",
	"functions/queue",
	"functions/compact",
	"functions/analytics",
	"functions/export",
	"functions/portal",
	"functions/erase",
	"infra/leadlake/wiring",
	"infra/leadlake/demoshop",
	"infra/leadlake",
	"infra/bench",
	"infra/oracle",
}

// pure packages know no files, network or environment.
var pure = []string{
	"lib/money", "lib/identity", "lib/identity/phone", "lib/consent", "lib/event", "lib/config",
	"lib/schema", "lib/card", "lib/analytics/prediction", "lib/analytics", "lib/segment", "lib/handover",
}

// testOnly packages are imported by tests and by one another, never by the product.
var testOnly = []string{"lib/logtest", "lib/objstore/storetest", "lib/objstore/s3store/s3test", "functions/internal/runtimeapi", "functions/internal/sqstest"}

// homes says which folders, with all below them, may import a vendor. What is not
// listed here may be imported by tests only.
var homes = map[string][]string{
	"github.com/adhocore/gronx":                {"infra/leadlake/wiring"},
	"github.com/alexedwards/argon2id":          {"lib/portal", "infra/leadlake"},
	"github.com/apache/arrow/go/v17":           {"lib/schema", "lib/lake/columnar", "lib/analytics"},
	"github.com/aws/aws-lambda-go":             {"functions"},
	"github.com/aws/aws-sdk-go-v2":             {"lib/objstore/s3store", "functions/internal/awsjson", "functions/internal/invoke", "functions/internal/sqstest"},
	"github.com/aws/smithy-go":                 {"lib/objstore/s3store", "functions/internal/awsjson", "functions/internal/invoke"},
	"github.com/coreos/go-oidc/v3":             {"lib/portal"},
	"github.com/go-jose/go-jose/v4":            {"lib/portal", "infra/leadlake"},
	"github.com/google/go-cmp":                 testOnly,
	"github.com/nyaruka/phonenumbers":          {"lib/identity/phone"},
	"cel.dev/cel-go":                           {"lib/segment"},
	"github.com/parquet-go/parquet-go":         {"lib/schema", "lib/lake"},
	"github.com/santhosh-tekuri/jsonschema/v6": {"lib/config"},
	"github.com/xuri/excelize/v2":              {"lib/spreadsheet", "lib/audience", "infra/oracle"},
	"github.com/yuin/goldmark":                 {"lib/audience"},
	"go.yaml.in/yaml/v3":                       {"lib/config", "infra/leadlake", "infra/oracle"},
	"golang.org/x/net":                         {"lib/identity", "lib/webhook", "lib/audience"},
	"golang.org/x/sys":                         {"lib/objstore/filestore"},
	"golang.org/x/term":                        {"infra/leadlake"},
	"golang.org/x/text":                        {"lib/identity", "lib/webhook", "lib/spreadsheet", "lib/config", "lib/analytics", "lib/portal", "lib/audience", "infra/leadlake"},
}

// sources are the parsed imports of one package folder, tests left out.
type sources struct {
	files   []string
	imports map[string]string // import path → a file that imports it
	doc     bool
}

// tree reads the imports of every Go file below the root. It reads the files and
// does not ask the go command, whose answer `go test` would cache.
func tree(t *testing.T) map[string]*sources {
	t.Helper()
	packages := map[string]*sources{}
	for _, top := range []string{"lib", "functions", "infra"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() {
				if base := entry.Name(); base == "testdata" || strings.HasPrefix(base, ".") && base != ".." {
					return filepath.SkipDir
				}
				return nil
			}
			if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
			if err != nil {
				return err
			}
			folder := strings.TrimPrefix(path.Dir(filepath.ToSlash(name)), "../")
			add(packages, folder, filepath.ToSlash(name), file)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return packages
}

func add(packages map[string]*sources, folder, name string, file *ast.File) {
	p := packages[folder]
	if p == nil {
		p = &sources{imports: map[string]string{}}
		packages[folder] = p
	}
	p.files = append(p.files, name)
	p.doc = p.doc || file.Doc != nil && strings.TrimSpace(file.Doc.Text()) != ""
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has accepted it, so it is a string
		}
		p.imports[imported] = name
	}
}

func TestEveryFolderIsInTheFlowAndDocumented(t *testing.T) {
	packages := tree(t)
	for folder, p := range packages {
		if folder != "lib" && !slices.Contains(flow, folder) {
			t.Errorf("%s is not in flow: name it there and in lib/doc.go, or give its code a home", folder)
		}
		if !p.doc {
			t.Errorf("%s has no package comment", folder)
		}
	}
	for _, folder := range flow {
		if packages[folder] == nil {
			t.Errorf("flow names %s, which holds no Go file", folder)
		}
	}
}

func TestTheMapFollowsTheFlow(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var mapped []string
	for line := range strings.Lines(string(doc)) {
		if rest, ok := strings.CutPrefix(line, "//\t"); ok {
			mapped = append(mapped, strings.Fields(rest)[0])
		}
	}
	if !slices.Equal(mapped, flow) {
		t.Errorf("lib/doc.go lists\n%s\nflow is\n%s", strings.Join(mapped, "\n"), strings.Join(flow, "\n"))
	}
}

func TestPackagesImportOnlyWhatStandsAbove(t *testing.T) {
	for folder, p := range tree(t) {
		here := slices.Index(flow, folder)
		for imported, file := range p.imports {
			own, ok := strings.CutPrefix(imported, module+"/")
			if !ok {
				continue
			}
			if there := slices.Index(flow, own); there < 0 || there >= here {
				t.Errorf("%s imports %s, which does not stand above %s in flow", file, own, folder)
			}
			if slices.Contains(testOnly, own) && !slices.Contains(testOnly, folder) {
				t.Errorf("%s imports %s, which is for tests", file, own)
			}
		}
	}
}

func TestPurePackagesStayPure(t *testing.T) {
	for folder, p := range tree(t) {
		if !slices.Contains(pure, folder) {
			continue
		}
		for _, banned := range []string{"os", "os/exec", "net", "net/http", "log", module + "/lib/objstore", module + "/lib/lake"} {
			if file := p.imports[banned]; file != "" {
				t.Errorf("%s imports %s: %s is pure", file, banned, folder)
			}
		}
	}
}

func TestVendorsStayAtHome(t *testing.T) {
	for folder, p := range tree(t) {
		for imported, file := range p.imports {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") || within(imported, module) {
				continue
			}
			vendor := ""
			for v := range homes {
				if within(imported, v) {
					vendor = v
				}
			}
			if vendor == "" {
				t.Errorf("%s imports %s, which has no home: give it one and a line in CONTRIBUTING.md", file, imported)
			} else if !slices.ContainsFunc(homes[vendor], func(home string) bool { return within(folder, home) }) {
				t.Errorf("%s imports %s, whose home is %v", file, imported, homes[vendor])
			}
		}
	}
}

// Arrow adds 28 MB (it links gRPC) and the table of the world's phone numbers 6 MB
// and 9 ms of every cold start: neither may reach the function that senders wait for.
func TestIngestStaysSmall(t *testing.T) {
	packages := tree(t)
	for _, root := range []string{"functions/ingest", "functions/queue", "functions/internal/boot"} {
		via := map[string]string{root: root}
		for queue := []string{root}; len(queue) > 0; queue = queue[1:] {
			folder := queue[0]
			p := packages[folder]
			if p == nil {
				t.Errorf("%s reaches %s, which holds no Go file", root, folder)
				continue
			}
			for imported := range p.imports {
				for _, heavy := range []string{"github.com/apache/arrow", "github.com/nyaruka/phonenumbers", "github.com/xuri/excelize", "cel.dev/cel-go"} {
					if within(imported, heavy) {
						t.Errorf("%s reaches %s: %s", root, imported, via[folder])
					}
				}
				if own, ok := strings.CutPrefix(imported, module+"/"); ok && via[own] == "" {
					via[own] = via[folder] + " → " + own
					queue = append(queue, own)
				}
			}
		}
	}
}

// within tells whether a slash-separated name is parent or stands below it.
func within(name, parent string) bool {
	return name == parent || strings.HasPrefix(name, parent+"/")
}
