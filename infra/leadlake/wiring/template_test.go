package wiring_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/leadlake/leadlake/infra/leadlake/wiring"
)

const root = "../../.."

func TestEmbeddedTemplateEqualsTheOneThatIsDeployed(t *testing.T) {
	deployed, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(deployed, embedded) {
		t.Error("infra/leadlake/wiring/template.yaml is not a copy of template.yaml: run make wiring")
	}
}

func TestTemplateNamesEveryFunctionAndNoOther(t *testing.T) {
	template := load(t)
	var folders []string
	entries, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != "internal" {
			folders = append(folders, entry.Name())
		}
	}
	if got := slices.Sorted(slices.Values(template.Functions)); !slices.Equal(got, folders) {
		t.Errorf("functions of the template %v, folders %v", got, folders)
	}
	called := map[string]bool{}
	for _, route := range template.Routes {
		called[route.Function] = true
	}
	for _, schedule := range template.Schedules {
		called[schedule.Function] = true
	}
	for _, mapping := range resources(t, "AWS::Lambda::EventSourceMapping") {
		called[strings.ToLower(strings.TrimSuffix(at(mapping, "Properties", "FunctionName").Value, "Function"))] = true
	}
	for _, function := range template.Functions {
		if !called[function] {
			t.Errorf("nothing calls %s", function)
		}
	}
}

func TestSchedulesOfTheTemplate(t *testing.T) {
	got := map[string]string{}
	for _, schedule := range load(t).Schedules {
		got[schedule.ID()] = schedule.Text + " " + string(schedule.Input)
	}
	want := map[string]string{
		"compact/EveryFiveMinutes": "rate(5 minutes) {}",
		"analytics/Nightly":        "cron(30 3 * * ? *) {}",
		"export/Nightly":           "cron(30 4 * * ? *) {}",
		"erase/Hourly":             "rate(1 hour) {}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
}

func TestParametersReplaceDefaults(t *testing.T) {
	after := day(2026, 11, 22, 0, 0)
	for _, c := range []struct {
		parameters map[string]string
		want       string
	}{
		{nil, "2026-11-22T00:30:00Z"}, // Moscow, the default: 03:30 +03:00
		{map[string]string{"BusinessTimezone": "Asia/Almaty"}, "2026-11-22T22:30:00Z"}, // 03:30 +05:00
	} {
		template, err := wiring.Load(c.parameters)
		if err != nil {
			t.Fatal(err)
		}
		for _, schedule := range template.Schedules {
			if schedule.Function == "analytics" {
				if got := schedule.Next(after).Format("2006-01-02T15:04:05Z07:00"); got != c.want {
					t.Errorf("night with %v at %s, want %s", c.parameters, got, c.want)
				}
			}
		}
	}
	if _, err := wiring.Load(map[string]string{"BusinesTimezone": "UTC"}); !errors.Is(err, wiring.ErrTemplate) {
		t.Errorf("a misspelt parameter: %v, want ErrTemplate", err)
	}
}

func TestFaultsOfATemplateAreFound(t *testing.T) {
	function := func(event string) string {
		return "Resources:\n  AFunction:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        E: " + event + "\n"
	}
	for name, source := range map[string]string{
		"no document":    "",
		"not YAML":       "a: [",
		"event type":     function("{Type: Schedule, Properties: {Schedule: rate(5 minutes)}}"),
		"route's path":   function("{Type: HttpApi, Properties: {Method: GET, Path: in}}"),
		"route's method": function("{Type: HttpApi, Properties: {Path: /in}}"),
		"expression":     function("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(15 minute)}}"),
		"zone":           function("{Type: ScheduleV2, Properties: {ScheduleExpression: cron(0 2 * * ? *), ScheduleExpressionTimezone: Mars/Base}}"),
		"input":          function("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(5 minutes), Input: '{'}}"),
	} {
		if _, err := wiring.Read([]byte(source), nil); !errors.Is(err, wiring.ErrTemplate) {
			t.Errorf("%s: error %v, want ErrTemplate", name, err)
		}
	}
}

func TestMuxServesTheTemplatesRoutes(t *testing.T) {
	template := load(t)
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(name + " " + r.PathValue("source") + " " + r.PathValue("proxy")))
		})
	}
	mux, err := template.Mux(map[string]http.Handler{"ingest": named("ingest"), "portal": named("portal")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/in/site", "ingest site "},
		{"GET", "/in/site", "ingest site "},
		{"OPTIONS", "/in/site", "ingest site "},
		{"POST", "/in/site/a/b", "ingest site a/b"},
		{"GET", "/healthz", "ingest  "},
		{"GET", "/readyz", "ingest  "},
		{"GET", "/", "portal  "},
		{"POST", "/", "portal  "},
		{"GET", "/clients/42", "portal  clients/42"},
		{"POST", "/login", "portal  login"},
	} {
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, httptest.NewRequest(c.method, c.path, nil))
		if got := recorder.Body.String(); got != c.want {
			t.Errorf("%s %s = %d %q, want %q", c.method, c.path, recorder.Code, got, c.want)
		}
	}
	recorder := httptest.NewRecorder()
	mux.ServeHTTP(recorder, httptest.NewRequest(http.MethodDelete, "/in/site", nil))
	if recorder.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE /in/site = %d, want 405", recorder.Code)
	}
	if _, err := template.Mux(map[string]http.Handler{"ingest": named("ingest")}); err == nil {
		t.Error("a route without a handler was accepted")
	}
	if _, err := template.Mux(map[string]http.Handler{"ingest": named("i"), "portal": named("p"), "compact": named("c")}); err == nil {
		t.Error("a handler without a route was accepted")
	}
}

// rights is the least-privilege table. L lists, G gets, C creates (If-None-Match), S replaces
// (If-Match), W writes without a condition, D deletes. Who may read a prefix may list it, so that
// a missing object is 404 and not 403; ingest, which the world can reach, may not. Who creates or
// replaces may get: after a lost answer it has to read back whose bytes are in place. Compact also
// lifts who came back by himself from suppress/, files the erasures that arrive as events, and fetches
// what thin hooks only name.
var rights = map[string]map[string]string{
	"ingest": {"config": "G", "raw": "CG", "raw/unauthenticated": "L", "audit": "W", "ready": "GW"},
	"queue":  {"raw": "CGL"},
	"compact": {
		"config": "GL", tokenKeyAnswer: "C", "raw": "CGL", "lake/events": "CGLS", "lake/deliveries": "CGLS", "lake/failed": "CGLS", "lake/contacts": "CGLS",
		fetchState: "CGLS", "suppress": "GLW", "erasures": "CGL", "inbox": "DGLW", "audit": "W",
	},
	"analytics": {
		"config": "GL", tokenKeyAnswer: "C", "lake/events": "GL", "lake/deliveries": "GL", "lake/failed": "GL", "lake/contacts": "GL",
		"lake/orders": "CGLS", "lake/people": "GLW", "gold": "GLW", "audiences/holdout": "GL", "suppress": "GL", "audit": "W",
	},
	"export": {
		"config": "GL", "lake/events": "GL", "lake/deliveries": "GL", "lake/failed": "GL", "lake/people": "GL",
		"gold": "GL", "audiences": "GLW", "suppress": "GL", "erasures": "GLW", "audit": "GLW",
	},
	"portal": {
		"config": "CGLS", "lake/events": "GL", "lake/deliveries": "GL", "lake/failed": "GL", "lake/orders": "GL", "lake/people": "GL",
		fetchState: "GL", "gold": "GL", "audiences": "GL", "audiences/links": "CS", "suppress": "GL", "erasures": "CGL", "inbox": "CGL", "sessions": "CGL", "audit": "GLW",
	},
	"erase": {
		"config": "GL", tokenKeyAnswer: "C", "raw": "DGLW", "lake/events": "DGLW", "lake/deliveries": "DGLW", "lake/failed": "DGLW", "lake/contacts": "DGLW",
		"lake/orders": "DGLW", "lake/people": "DGLW", "gold": "DGLW", "audiences": "DGLW", "inbox": "DGLW", "erasures": "DGLW",
		"suppress": "GLW", "audit": "GLW",
	},
}

// tokenKeyAnswer is the one object below config/ that a step creates: the known answer of the
// token key, by whichever runs first. config/ itself may be read by all.
const tokenKeyAnswer = "config/token_key.json"

// fetchState is where compact notes what thin hooks named and what has come of it.
const fetchState = "lake/fetch.json"

// queued says what a function may do with the queue of deliveries, where there is one.
var queued = map[string][]string{
	"ingest": {"sqs:SendMessage"},
	"queue":  {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
}

// secrets says which parameters below /leadlake/STACK/ a function may read.
var secrets = map[string][]string{
	"ingest": {"sources/*"}, "compact": {"sources/*", "token-key"}, "analytics": {"token-key"},
	"export": {"token-key"}, "portal": {"portal/*", "token-key"}, "erase": {"token-key"},
}

func TestRolesEqualTheLeastPrivilegeTable(t *testing.T) {
	for id, function := range resources(t, "AWS::Serverless::Function") {
		name := strings.ToLower(strings.TrimSuffix(id, "Function"))
		granted := map[string]map[rune]bool{}
		var readable, messages []string
		invokes := ""
		for _, statement := range list(at(function, "Properties", "Policies", "0", "Statement")) {
			if statement.Tag == "!If" { // the optional KMS key, the optional queue
				statement = list(statement)[1]
			}
			if got := at(statement, "Effect"); got.Value != "Allow" {
				t.Errorf("%s: effect %s", name, got.Value)
			}
			condition := strings.Join(flat(at(statement, "Condition")), " ")
			targets := flat(at(statement, "Resource"))
			for _, action := range flat(at(statement, "Action")) {
				right := map[string]rune{
					"s3:GetObject": 'G', "s3:GetObjectVersion": 'G', "s3:PutObject": 'W', "s3:DeleteObject": 'D', "s3:DeleteObjectVersion": 'D',
				}[action]
				switch {
				case action == "s3:ListBucket" || action == "s3:ListBucketVersions":
					operator := "StringLikeIfExists"
					if name == "ingest" {
						operator = "StringLike"
					}
					prefixes, ok := strings.CutPrefix(condition, operator+" s3:prefix ")
					if !ok || !slices.Equal(targets, []string{"Bucket.Arn"}) {
						t.Errorf("%s: a list statement without its prefixes: %s", name, condition)
					}
					for prefix := range strings.FieldsSeq(prefixes) {
						grant(granted, strings.TrimSuffix(prefix, "/*"), 'L')
					}
				case right != 0:
					switch condition {
					case "":
					case "Null s3:if-none-match false":
						right = 'C'
					case "Null s3:if-match false":
						right = 'S'
					default:
						t.Errorf("%s: condition %q is not understood", name, condition)
					}
					for _, target := range targets {
						prefix, ok := strings.CutPrefix(target, "${Bucket.Arn}/")
						prefix, below := strings.CutSuffix(prefix, "/*")
						if !ok || !below && prefix != tokenKeyAnswer && prefix != fetchState {
							t.Errorf("%s: %s on %s", name, action, target)
						}
						grant(granted, prefix, right)
					}
				case action == "ssm:GetParameter":
					for _, target := range targets {
						if _, path, ok := strings.Cut(target, ":parameter/leadlake/${AWS::StackName}/"); ok {
							readable = append(readable, path)
						} else if !strings.Contains(target, ":secret:leadlake/${AWS::StackName}/") {
							t.Errorf("%s may read the secret %s", name, target)
						}
					}
				case action == "secretsmanager:GetSecretValue": // beside ssm:GetParameter, checked there
				case strings.HasPrefix(action, "sqs:"):
					if !slices.Equal(targets, []string{"DeliveryQueue.Arn"}) {
						t.Errorf("%s: %s on %v", name, action, targets)
					}
					messages = append(messages, action)
				case action == "lambda:InvokeFunction":
					invokes = strings.Join(targets, " ")
				case action == "kms:GenerateDataKey" || action == "kms:Decrypt":
					if !slices.Equal(targets, []string{"KmsKeyArn"}) {
						t.Errorf("%s: %s on %v", name, action, targets)
					}
				default:
					t.Errorf("%s: action %s is not in the table", name, action)
				}
			}
		}
		got := map[string]string{}
		for prefix, set := range granted {
			got[prefix] = string(slices.Sorted(maps.Keys(set)))
			above, _, _ := strings.Cut(prefix, "/")
			if (set['C'] || set['S']) && !set['G'] && !granted[above]['G'] && prefix != tokenKeyAnswer {
				t.Errorf("%s writes %s/ conditionally and may not read back", name, prefix)
			}
		}
		if diff := cmp.Diff(rights[name], got); diff != "" {
			t.Errorf("%s (-table +template):\n%s", name, diff)
		}
		slices.Sort(readable)
		if !slices.Equal(readable, secrets[name]) {
			t.Errorf("%s reads the secrets %v, want %v", name, readable, secrets[name])
		}
		slices.Sort(messages)
		if !slices.Equal(messages, queued[name]) {
			t.Errorf("%s may do %v with the queue, want %v", name, messages, queued[name])
		}
		if want := map[string]string{"portal": "ExportFunction.Arn"}[name]; invokes != want {
			t.Errorf("%s may invoke %q, want %q", name, invokes, want)
		}
	}
}

func grant(granted map[string]map[rune]bool, prefix string, right rune) {
	if granted[prefix] == nil {
		granted[prefix] = map[rune]bool{}
	}
	granted[prefix][right] = true
}

// TestNoAccessLogShowsAPath: the secret of a pull link stands in its path.
func TestNoAccessLogShowsAPath(t *testing.T) {
	for id, api := range resources(t, "AWS::Serverless::HttpApi") {
		format := strings.ToLower(strings.Join(flat(at(api, "Properties", "AccessLogSettings")), " "))
		if strings.Contains(format, "path") || strings.Contains(format, "$context.error.message") {
			t.Errorf("the access log of %s holds the path: %s", id, format)
		}
	}
}

func TestBucketRefusesWhatNobodyMayDo(t *testing.T) {
	for _, block := range flatMap(at(resources(t, "AWS::S3::Bucket")["Bucket"], "Properties", "PublicAccessBlockConfiguration")) {
		if block[1] != "true" {
			t.Errorf("%s is %s", block[0], block[1])
		}
	}
	rules := list(at(resources(t, "AWS::S3::Bucket")["Bucket"], "Properties", "LifecycleConfiguration", "Rules"))
	for _, rule := range rules {
		for _, pair := range flatMap(rule) {
			if !slices.Contains([]string{"Id", "Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"}, pair[0]) {
				t.Errorf("lifecycle rule with %s: only erase removes objects", pair[0])
			}
		}
	}
	want := map[string][]string{ // statement → the roles it spares
		"TransportIsEncrypted":     nil,
		"OnlyEraseDeletes":         {"EraseFunctionRole.Arn"},
		"CompactMovesInbox":        {"EraseFunctionRole.Arn", "CompactFunctionRole.Arn"},
		"RawIsCreateOnly":          {"EraseFunctionRole.Arn"},
		"DownloadLinksLiveAMinute": nil,
	}
	got := map[string][]string{}
	covered := map[string]bool{}
	for _, statement := range list(at(resources(t, "AWS::S3::BucketPolicy")["BucketPolicy"], "Properties", "PolicyDocument", "Statement")) {
		if at(statement, "Effect").Value != "Deny" {
			t.Errorf("the bucket policy allows something: %s", at(statement, "Sid").Value)
		}
		var spared []string
		if node := at(statement, "Condition", "ArnNotEquals", "aws:PrincipalArn"); node != nil {
			spared = flat(node)
		}
		got[at(statement, "Sid").Value] = spared
		if slices.Contains(flat(at(statement, "Action")), "s3:DeleteObject") {
			for _, resource := range flat(at(statement, "Resource")) {
				covered[strings.TrimSuffix(strings.TrimPrefix(resource, "${Bucket.Arn}/"), "/*")] = true
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bucket policy (-want +got):\n%s", diff)
	}
	for _, prefixes := range rights {
		for prefix := range prefixes {
			top, _, _ := strings.Cut(prefix, "/")
			if !covered[top] {
				t.Errorf("no statement keeps others from deleting %s/", top)
			}
		}
	}
}

// cfn-lint finds an unknown property of an event only without a line, and misses a
// misspelt one below Auth; so the names are a closed list.
func TestEventPropertiesAreKnown(t *testing.T) {
	known := map[string][]string{
		"HttpApi":    {"ApiId", "Method", "Path"},
		"ScheduleV2": {"ScheduleExpression", "ScheduleExpressionTimezone", "OmitName", "Input", "DeadLetterConfig"},
	}
	for id, function := range resources(t, "AWS::Serverless::Function") {
		for _, property := range flatMap(at(function, "Properties")) {
			if !slices.Contains([]string{"Description", "MemorySize", "EphemeralStorage", "Timeout", "LoggingConfig", "Environment", "EventInvokeConfig", "Events", "Policies"}, property[0]) {
				t.Errorf("%s has the property %s", id, property[0])
			}
		}
		events := at(function, "Properties", "Events")
		for i := 0; events != nil && i+1 < len(events.Content); i += 2 {
			event := events.Content[i+1]
			kind := at(event, "Type").Value
			for _, property := range flatMap(at(event, "Properties")) {
				if !slices.Contains(known[kind], property[0]) {
					t.Errorf("%s.%s: %s has no property %s", id, events.Content[i].Value, kind, property[0])
				}
			}
			if kind == "ScheduleV2" && (at(event, "Properties", "DeadLetterConfig", "Arn") == nil || at(function, "Properties", "EventInvokeConfig", "DestinationConfig", "OnFailure") == nil) {
				t.Errorf("%s.%s: what fails three times is discarded without a queue", id, events.Content[i].Value)
			}
		}
		if at(function, "Metadata", "BuildMethod").Value != "makefile" {
			t.Errorf("%s is not built by make", id)
		}
	}
}

func load(t *testing.T) wiring.Template {
	t.Helper()
	template, err := wiring.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func resources(t *testing.T, kind string) map[string]*yaml.Node {
	t.Helper()
	all := at(parsed(t), "Resources")
	found := map[string]*yaml.Node{}
	for i := 0; i+1 < len(all.Content); i += 2 {
		if at(all.Content[i+1], "Type").Value == kind {
			found[all.Content[i].Value] = all.Content[i+1]
		}
	}
	if len(found) == 0 {
		t.Fatalf("no resource of type %s", kind)
	}
	return found
}

// at walks down by keys, and by "0" into the first item of a list.
func at(node *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		if node == nil {
			return nil
		}
		var found *yaml.Node
		if node.Kind == yaml.SequenceNode && name == "0" {
			found = node.Content[0]
		}
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				found = node.Content[i+1]
			}
		}
		node = found
	}
	return node
}

func list(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// flat is every scalar below a node in order, keys included.
func flat(node *yaml.Node) []string {
	if node == nil {
		return nil
	}
	if node.Kind == yaml.ScalarNode {
		return []string{node.Value}
	}
	var values []string
	for _, child := range node.Content {
		values = append(values, flat(child)...)
	}
	return values
}

func flatMap(node *yaml.Node) [][2]string {
	var pairs [][2]string
	for i := 0; node != nil && i+1 < len(node.Content); i += 2 {
		pairs = append(pairs, [2]string{node.Content[i].Value, node.Content[i+1].Value})
	}
	return pairs
}
