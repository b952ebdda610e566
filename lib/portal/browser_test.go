package portal_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/leadlake/leadlake/lib/portal"
)

// browser starts Chromium once for a test, or skips where there is none and this
// is not the build server.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromium: .ci/prepare installs it")
		}
		t.Skip("NO BROWSER TEST: chromium is not installed (apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", false))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	return ctx
}

// patience is how long one page may take before the test gives up.
const patience = 30 * time.Second

// console gathers what the browser complains of.
type console struct {
	mu    sync.Mutex
	lines []string
}

func (c *console) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.lines
	c.lines = nil
	return lines
}

func (c *console) hear(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		c.lines = append(c.lines, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		c.lines = append(c.lines, e.ExceptionDetails.Text)
	case *network.EventLoadingFailed:
		c.lines = append(c.lines, e.ErrorText)
	}
}

// shots is where screenshots go: LEADLAKE_SCREENSHOTS, so that a person can look
// at them, or else a folder that goes with the test.
func shots(t *testing.T) string {
	if dir := os.Getenv("LEADLAKE_SCREENSHOTS"); dir != "" {
		return dir
	}
	return t.TempDir()
}

func TestPagesFitEveryScreenWithoutComplaint(t *testing.T) {
	ctx := browser(t)
	p, reader := newPortal(t, night(8000, plainNames), nil)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	address := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	var report bytes.Buffer
	if err := portal.Report(&report, reader.night, "ru", reportFiles()); err != nil {
		t.Fatal(err)
	}
	dir := shots(t)
	reportPath := filepath.Join(dir, "report.html")
	if err := os.WriteFile(reportPath, report.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	pages := []struct{ name, url string }{
		{"login", "/login?lang=ru"},
		{"overview", "/"},
		{"rfm", "/rfm"},
		{"code", "/rfm/213"},
		{"segments", "/segments"},
		{"segment", "/segments/cant_lose"},
		{"own", "/segments/asleep-coffee"},
		{"abc", "/abc"},
		{"abc-item", "/abc?entity=item"},
		{"cohorts", "/cohorts"},
		{"cohorts-money", "/cohorts?show=cumulative"},
		{"exports", "/exports"},
		{"exports-none", "/exports?segment=lost"},
		{"guides", "/exports/guides"},
		{"guide", "/exports/guides/yandex"},
		{"guide-google", "/exports/guides/google?lang=en"},
		{"exports-again", "/exports?lang=ru"},
		{"handovers", "/exports/ledger"},
		{"links", "/exports/links"},
		{"quality", "/quality"},
		{"ledger", "/ledger"},
		{"english", "/rfm?lang=en"},
		{"missing", "/nothing"},
		{"report", "file://" + reportPath},
	}
	var heard console
	if err := chromedp.Listen(ctx, heard.hear); err != nil {
		t.Fatal(err)
	}
	signedIn := false
	for _, page := range pages {
		if page.name == "overview" && !signedIn {
			signInByForm(ctx, t, address)
			signedIn = true
		}
		url := page.url
		if strings.HasPrefix(url, "/") {
			url = address + url
		}
		for _, width := range []int64{1280, 360} {
			heard.take()
			wide, err := visitAt(ctx, url, width)
			if err != nil {
				t.Fatalf("%s at %d: %v", page.name, width, err)
			}
			if wide > width {
				t.Errorf("%s at %d px scrolls sideways: it is %d px wide", page.name, width, wide)
			}
			for _, line := range heard.take() {
				if page.name == "missing" && strings.Contains(line, "404") {
					continue // the browser reports the status we meant
				}
				t.Errorf("%s at %d px: the browser says %q", page.name, width, line)
			}
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, page.name+"-"+widthName(width)+".png"), picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func widthName(width int64) string {
	if width < 500 {
		return "phone"
	}
	return "wide"
}

// visitAt opens a page at a width and measures what it needs.
func visitAt(ctx context.Context, url string, width int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(url)); err != nil {
		return 0, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[int64]("document.scrollingElement.scrollWidth"))
}

// media emulates a medium and a colour scheme.
func media(ctx context.Context, t *testing.T, medium, scheme string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// signInByForm goes the way of a person: what it types the browser posts.
func signInByForm(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(address+"/login?lang=ru"),
		chromedp.SetValue(chromedp.CSS("#name"), "olga"), chromedp.SetValue(chromedp.CSS("#password"), password),
		chromedp.Submit(chromedp.CSS("form[action='/login']")), chromedp.WaitVisible(chromedp.CSS("nav")))
	if err != nil {
		t.Fatal(err)
	}
	where, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil || where != address+"/" {
		t.Fatalf("after signing in the browser is at %q, %v", where, err)
	}
}

func TestDarkAndPrintedPages(t *testing.T) {
	ctx := browser(t)
	dir := shots(t)
	var report bytes.Buffer
	if err := portal.Report(&report, night(8000, plainNames), "en", reportFiles()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(report.Bytes()) }))
	defer server.Close()
	background := chromedp.Evaluate[string]("getComputedStyle(document.body).backgroundColor")
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	media(ctx, t, "screen", "dark")
	if got, err := chromedp.Run(ctx, background); err != nil || got != "rgb(18, 23, 28)" {
		t.Errorf("dark background = %q, %v", got, err)
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "report-dark.png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
	media(ctx, t, "print", "dark")
	if got, err := chromedp.Run(ctx, background); err != nil || got != "rgb(255, 255, 255)" {
		t.Errorf("printed background = %q, %v: paper is white in dark mode too", got, err)
	}
	shown, err := chromedp.Run(ctx, chromedp.Evaluate[string]("getComputedStyle(document.querySelector('.tabs')).display"))
	if err != nil || shown != "none" {
		t.Errorf("navigation is printed: display %q, %v", shown, err)
	}
}

// A marketer makes a link: the form reaches the portal under its content policy, and
// the address that is shown opens the list.
func TestALinkIsMadeInABrowser(t *testing.T) {
	ctx := browser(t)
	p, reader := newPortal(t, night(400, plainNames), nil)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	address := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as the test, not as one page
		t.Fatal(err)
	}
	signInByForm(ctx, t, address)
	for _, width := range []int64{1280, 360} {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		var url string
		err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(address+"/exports/links"),
			chromedp.SetValue(chromedp.CSS("#name"), "sheet-"+widthName(width)), chromedp.Submit(chromedp.CSS("form.form")), chromedp.WaitVisible(chromedp.CSS(".made")))
		if err == nil {
			url, err = chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector('.made code').textContent"))
		}
		if err != nil {
			t.Fatal(err)
		}
		if answer := ask(p, "GET", strings.TrimPrefix(url, address)); answer.StatusCode != http.StatusOK || answer.Body != "a;b\n1" {
			t.Errorf("the address that is shown answers %d", answer.StatusCode)
		}
		if wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.scrollingElement.scrollWidth")); err != nil || wide > width {
			t.Errorf("at %d px the page is %d px wide, %v", width, wide, err)
		}
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(shots(t), "links-made-"+widthName(width)+".png"), picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(reader.links) != 5 {
		t.Errorf("%d links, want the three of before and two", len(reader.links))
	}
}
